"""The progress line: what is on disk, how fast, what limits it, and when it ends."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import RowRef, RowResult, Status
from worker.engine.progress import Aim, Problem, Progress, duration
from worker.journal import Planned
from worker.policy.concurrency import Sign
from worker.policy.pace import Pace, Window


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


def answered(pace: Pace, count: int, rtt: float = 0.1) -> Pace:
    """A pace that served so many at time 0, one after the other."""
    for _ in range(count):
        assert pace.reserve(0.0) == 0.0
        pace.answered(0.0)
        pace.heard(Sign.OK, -rtt, 0.0)
    return pace


def test_the_time_left_is_that_of_the_windows_however_fast_the_last_burst_was() -> None:
    pace = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=16), 100)
    progress = Progress(1000, pace.rate, writes=pace)
    progress.line(0.0)
    progress.count(results(100))
    assert progress.line(1.0) == (
        "100/1,000 rows (10%) | 100 applied | 100.0/s | limit 1.7/s | limited by you | 9 min left"
    )


def test_rows_that_turn_out_to_be_as_wanted_cost_reading_only() -> None:
    writes = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=16), 10)
    reads = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=4), 20)
    progress = Progress(25_000, writes=writes, reads=reads, gets=lambda: 20)
    progress.count(results(10))
    progress.count(results(490, Status.UNCHANGED, attempts=0))
    found = progress.forecast(1.0)
    assert found is not None
    # 24,500 rows: 490 updates in 4 to 5 minutes, but 980 pages in 9 to 10
    assert 540 <= found.seconds <= 600


def test_reads_and_updates_that_spend_one_quota_are_waited_for_one_after_the_other() -> None:
    both = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=16), 20)
    progress = Progress(510, writes=both, reads=both, gets=lambda: 10)
    progress.count(results(10))
    found = progress.forecast(1.0)
    assert found is not None
    assert 540 <= found.seconds <= 605  # 500 rows: as many reads, and as many updates


def test_rows_that_are_read_and_wait_are_known_to_be_sent() -> None:
    writes = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=16), 100)
    progress = Progress(400, writes=writes, queued=lambda: 200)
    progress.count(results(200, Status.UNCHANGED, attempts=0))
    found = progress.forecast(0.0)
    assert found is not None
    assert 115 <= found.seconds <= 125  # 200 updates, the first of them in a minute


def test_attempts_that_had_to_be_repeated_are_expected_again() -> None:
    writes = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=16), 100)
    progress = Progress(150, writes=writes)
    progress.count(results(50, attempts=2))
    found = progress.forecast(0.0)
    assert found is not None
    assert 115 <= found.seconds <= 125  # 100 rows, 200 attempts


def test_where_the_server_is_slower_than_its_limits_the_long_rate_counts() -> None:
    pace = answered(Pace(max_in_flight=16), 1)
    progress = Progress(1000, writes=pace)
    for second in range(101):
        progress.count(results(second % 2 * 10))  # ten rows every other second
        progress.line(float(second))
    assert progress.line(100.0).endswith("| limited by server latency | 100 s left")


def test_a_pause_is_what_limits() -> None:
    pace = answered(Pace(max_in_flight=16), 1)
    pace.close(60.0)
    progress = Progress(20, pause=lambda: 60.0, writes=pace)
    progress.line(0.0)
    progress.count(results(10))
    assert "| paused 60 s | limited by backoff |" in progress.line(0.5)


def busy(total: int, done: dict[Status, int]) -> Progress:
    """A run in full swing, with everything in its line."""
    pace = answered(Pace(ceiling=[Window(100, 60.0)], max_in_flight=16), 100)
    progress = Progress(total, pace.rate, writes=pace)
    progress.line(0.0)
    for status, count in done.items():
        progress.count(results(1, status))
        progress.counts[status] += count - 1
        for name in ("done", "sent", "attempts"):
            setattr(progress, name, getattr(progress, name) + count - 1)
    return progress


WHOLE = "5,000/12,345 rows (40%) | 4,990 applied, 10 rejected | 5000.0/s | limit 1.7/s | limited by you | 74 min left"


def test_the_line_tells_all_of_it() -> None:
    assert busy(12_345, {Status.APPLIED: 4990, Status.REJECTED: 10}).line(1.0) == WHOLE


@given(
    total=st.integers(1_000, 50_000_000),
    shares=st.dictionaries(st.sampled_from([each for each in Status if each is not Status.PENDING]), st.integers(1, 9)),
)
def test_the_line_begins_with_the_rows_has_every_status_and_ends_with_the_time_left(
    total: int, shares: dict[Status, int]
) -> None:
    done = {status: total * share // 100 or 1 for status, share in shares.items()}
    progress = busy(total, {Status.APPLIED: 1, **done})
    line = progress.line(1.0)
    assert line.startswith(f"{progress.done:,}/{total:,} rows (")
    assert all(f"{count:,} {status}" in line for status, count in progress.counts.items())
    assert line.endswith(" left")


def test_a_snapshot_says_what_the_line_says_and_what_was_the_last_problem() -> None:
    progress = Progress(1000, lambda: 50.0, retries=lambda: 3, aim=Aim("apply", "https://x.example"))
    progress.snapshot(0.0)
    progress.count([RowResult(RowRef(7, 8, b""), Status.INVALID, "wrong_type", "one")])
    progress.count([RowResult(RowRef(9, 10, b""), Status.FAILED, "timed_out", "two", attempts=2)])
    progress.count(results(98))
    found = progress.snapshot(10.0)
    assert (found.done, found.total, found.share, found.bad) == (100, 1000, 10, 2)
    assert list(found.counts) == [Status.APPLIED, Status.INVALID, Status.FAILED]
    assert (found.rate, found.limit, found.limiter, found.pause, found.retries) == (9.9, 50.0, None, 0.0, 3)
    assert found.left == pytest.approx(90.0)
    assert found.problem == Problem(9, Status.FAILED, "timed_out", "two")
    assert found.aim.command == "apply"


def test_a_plan_counts_what_it_would_send_and_its_speed_is_that_of_the_rows() -> None:
    progress = Progress(100, aim=Aim("plan"))
    progress.snapshot(0.0)
    planned = [Planned(row, "orders", "A", Status.PENDING) for row in range(1, 31)]
    progress.plan([*planned, Planned(31, "orders", "B", Status.UNCHANGED)])
    progress.plan([Planned(32, "", "", Status.INVALID, "wrong_type", "no number")])
    found = progress.snapshot(4.0)
    assert found.counts == {Status.UNCHANGED: 1, Status.INVALID: 1, Status.PENDING: 30}
    assert (found.done, found.bad, found.rate) == (32, 1, 8.0)
    assert found.problem == Problem(32, Status.INVALID, "wrong_type", "no number")
    assert progress.line(5.0).startswith("32/100 rows (32%) | 1 unchanged, 1 invalid, 30 to send | 6.4/s")
