"""Short hunts in every test run; `make hunt NAME=faults` is the long one. Seeds choose the server's habits too."""

from pathlib import Path

import pytest

from jobs.model import Status
from tests.system.hostile.hunt import Hunt, hunt
from tests.system.hostile.judge import examples
from tests.system.hostile.temper import CALM, temper_of


@pytest.mark.parametrize(("seed", "blind"), [(15, False), (15, True), (8, False), (7, False), (33, True)])
def test_of_many_rows_that_meet_evils_every_one_is_told_truly(seed: int, blind: bool, place: Path) -> None:
    catch = hunt(Hunt(600, 8.0, seed=seed, blind=blind), place)
    assert list(examples(catch.violations)) == []
    assert len(catch.fate.committed) > 30
    assert {Status.APPLIED, Status.REJECTED, Status.UNKNOWN} <= catch.story.counts.keys()


def test_the_short_hunts_have_one_server_without_habits_and_between_them_all_habits() -> None:
    calm, *others = (temper_of(seed) for seed in (15, 8, 7, 33))
    assert calm == CALM
    names = ("late", "lag", "index_lag", "canonical", "page_cap", "ignores_filters")
    assert [name for name in names if not any(getattr(temper, name) for temper in others)] == []
