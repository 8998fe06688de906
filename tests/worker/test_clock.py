"""How old something is: by whichever clock counts more, since one of them stands still in a suspend."""

import pytest

from jobs.changes.diff import Change
from jobs.model import Live, RowRef, UpdateJob
from worker.clock import Clock, Moment
from worker.engine.effort import FRESH, Effort

THEN = Moment(100.0, 1_800_000_000.0)


@pytest.mark.parametrize(
    ("now", "wall", "age"),
    [
        (110.0, 1_800_000_010.0, 10.0),
        (101.0, 1_800_007_200.0, 7_200.0),  # the machine slept for two hours
        (110.0, 1_799_990_000.0, 10.0),  # somebody set the clock back
    ],
)
def test_an_age_is_the_larger_of_both_clocks(now: float, wall: float, age: float) -> None:
    assert Clock(now=lambda: now, wall=lambda: wall).age(THEN) == age


@pytest.mark.parametrize(("slept", "stale"), [(0.0, False), (FRESH + 1, True)])
def test_a_record_that_was_read_before_a_suspend_is_read_again(slept: float, stale: bool) -> None:
    row = Effort(UpdateJob(RowRef(1, 2, b""), "orders", "x", {"name": "n"}), "orders", read_at=THEN)
    row.live = Live("orders", {})
    row.take(Change({"name": "n"}))
    clock = Clock(now=lambda: THEN.loop + 1, wall=lambda: THEN.wall + 1 + slept)
    assert row.is_stale(clock) is stale
