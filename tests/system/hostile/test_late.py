"""The hunt of `late.py` in short: every change lands a second late, and the first reply to each row is broken."""

from pathlib import Path
from random import Random

import pytest

from tests.system.hostile.judge import examples
from tests.system.hostile.late import WAYS, gather, hunt, is_carried_out
from tests.system.hostile.temper import Temper


@pytest.mark.parametrize("temper", [Temper(late=1.0, exact=True), Temper(late=2.0, lag=2.0)], ids=["late", "and stale"])
def test_a_row_that_lands_late_is_neither_failed_nor_rejected_and_ends_applied(temper: Temper, place: Path) -> None:
    catch = hunt(400, temper, seed=1, place=place)
    assert list(examples(catch.violations)) == []
    assert catch.on_the_server >= 396  # a request may be lost on a connection that the server closes


def test_every_way_to_break_a_reply_meets_a_row_that_is_safe_to_repeat_and_many_repetitions_are_refused() -> None:
    rows, breaker = gather(400, Random(1))
    safe = {breaker.ways[row.id].name for row in rows if row.replay_safe}
    assert safe == {evil.name for evil in WAYS}
    assert len(breaker.ruled_out) > 100
    assert all(is_carried_out(breaker.ways[key]) for key in breaker.ruled_out)
