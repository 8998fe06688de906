"""How long a plan takes, by what is known of the limits before anything is sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.apis.api import Api
from jobs.apis.limits import PATH, RECORD, DeclaredLimit, declared
from tests.commerce_layer import COMMERCE_LAYER
from tests.system.e2e.toy_api import HARBOUR
from worker.lane.connect import ALL, READS, UPDATES
from worker.operations.report import Estimate, estimate
from worker.pacing.quota_file import Header, KnownLimits, PaceMemory
from worker.policy.pace import Window
from worker.reports.plan import PlanSummary
from worker.settings import Input, Pacing, Settings, Target

URL = "https://api.example"
OURS = "https://yours.commercelayer.io"
MINUTE = ((100, 60.0),)
CALLS = DeclaredLimit(rates=MINUTE)
TO_UPDATES, TO_READS = (DeclaredLimit(on=kind, rates=MINUTE) for kind in ("update", "read"))


def settings(url: str = URL, *, blind: bool = False, **pacing: Any) -> Settings:
    how = Input(source="s.csv", format="csv", blind=blind)
    return Settings(target=Target(url=url), input=how, pacing=Pacing(headroom=0.0, **pacing))


def plan(**types: int) -> PlanSummary:
    return PlanSummary(rows=sum(types.values()), to_send=sum(types.values()), types=Counter(types))


def remember(directory: Path, name: str, *windows: Window, origin: str = URL) -> None:
    """Write down what an earlier run learned."""
    memory = PaceMemory(directory, origin, "", name)
    memory.open()
    memory.write_header(Header(version=1))
    memory.write_limits(KnownLimits(windows))
    memory.close()


@pytest.mark.parametrize(
    ("limits", "how", "found"),
    [
        ([CALLS], {}, Estimate(1140.0, is_guessed=False, reads=1000)),  # 2,000 requests of one window
        ([CALLS], {"blind": True}, Estimate(540.0, is_guessed=False, reads=0)),
        ([TO_UPDATES, TO_READS], {}, Estimate(540.0, is_guessed=False, reads=1000)),  # side by side
        ([TO_READS], {}, Estimate(540.0, is_guessed=True, reads=1000)),
        (
            [CALLS, DeclaredLimit(PATH, "update", rates=((50, 60.0),))],
            {},
            Estimate(1140.0, is_guessed=False, reads=1000),
        ),
        (
            [CALLS, DeclaredLimit(PATH, "update", rates=((25, 60.0),))],
            {},
            Estimate(1740.0, is_guessed=False, reads=1000),
        ),
        ([DeclaredLimit(PATH, rates=((25, 60.0),))], {}, Estimate(1740.0, is_guessed=False, reads=1000)),
        ([DeclaredLimit(RECORD, rates=((1, 60.0),))], {}, None),  # known once the rows are
        ([CALLS], {"discover": False}, None),
        ([CALLS], {"rate": ((10, 60.0),)}, Estimate(11940.0, is_guessed=False, reads=1000)),
        ([], {}, None),
    ],
)
def test_reads_one_by_one_and_limits_of_paths_count(
    tmp_path: Path, limits: Sequence[DeclaredLimit], how: dict[str, Any], found: Estimate | None
) -> None:
    api = replace(HARBOUR, limits=declared(limits))
    assert estimate(plan(boats=750, ships=250), settings(**how), api, "", tmp_path) == found


def test_what_was_learned_replaces_what_was_declared_for_the_same_interval(tmp_path: Path) -> None:
    remember(tmp_path, ALL, Window(200, 60.0))
    api = replace(HARBOUR, limits=declared([CALLS]))
    assert estimate(plan(boats=1000), settings(), api, "", tmp_path) == Estimate(540.0, is_guessed=False, reads=1000)


@pytest.mark.parametrize(
    ("url", "learned", "found"),
    [
        (OURS, {}, Estimate(540.0, is_guessed=False)),  # assumed of its own hosts; pages cost next to nothing
        (URL, {}, None),
        (URL, {UPDATES: Window(200, 60.0)}, Estimate(240.0, is_guessed=False)),
        (URL, {READS: Window(200, 60.0)}, Estimate(240.0, is_guessed=True)),
        (URL, {UPDATES: Window(200, 60.0), READS: Window(1, 60.0)}, Estimate(2340.0, is_guessed=False)),
    ],
)
def test_where_reads_have_a_quota_of_their_own_the_slower_one_counts(
    tmp_path: Path, url: str, learned: dict[str, Window], found: Estimate | None
) -> None:
    for name, window in learned.items():
        remember(tmp_path, name, window)
    api: Api = COMMERCE_LAYER
    assert estimate(plan(skus=1000), settings(url), api, "", tmp_path) == found
