"""The progress line: what is on disk, how fast, what limits it, and when it ends."""

import math

import pytest

from jobs.model import RowRef, RowResult, Status
from worker.progress import Progress, duration


def results(count: int, status: Status = Status.APPLIED, attempts: int = 1) -> list[RowResult]:
    return [RowResult(RowRef(n, n, b""), status, attempts=attempts) for n in range(count)]


def test_the_line_says_how_far_how_fast_and_how_long() -> None:
    progress = Progress(1000, lambda: 50.0)
    progress.line(0.0)
    progress.count(results(100))
    assert progress.line(10.0) == "100/1,000 rows (10%) | 100 applied | 10.0/s | limit 50.0/s | 90 s left"


def test_the_end_is_never_nearer_than_the_limit_allows() -> None:
    progress = Progress(1100, lambda: 1.0)
    progress.line(0.0)
    progress.count(results(100))
    assert progress.line(1.0).endswith("17 min left")


def test_rows_that_were_not_sent_count_as_done_but_not_as_speed() -> None:
    progress = Progress(10)
    progress.line(0.0)
    progress.count(results(5, Status.INVALID, attempts=0))
    assert progress.line(1.0).startswith("5/10 rows (50%) | 5 invalid | 0.0/s")


def test_a_pause_is_told_and_added_to_the_time_left() -> None:
    progress = Progress(20, lambda: math.inf, lambda: 60.0)
    progress.line(0.0)
    progress.count(results(10))
    assert progress.line(10.0) == "10/20 rows (50%) | 10 applied | 1.0/s | paused 60 s | 70 s left"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    progress = Progress(10_000)
    progress.line(0.0)
    progress.count(results(1000))
    progress.line(10.0)
    for second in range(11, 40):
        progress.line(float(second))
    assert "| 0.0/s" in progress.line(40.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (30_000, "8.3 h"), (302_400, "3.5 days")],
)
def test_durations_are_told_in_fitting_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_nothing_to_do_is_all_done() -> None:
    assert Progress(0).line(0.0) == "0/0 rows (100%) | 0.0/s"
