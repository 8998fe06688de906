"""How old something is: by whichever clock counts more, since one of them stands still in a suspend."""

import pytest

from worker.clock import Clock, Moment

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
