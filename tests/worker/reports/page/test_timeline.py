"""What happened when, in bars."""

import pytest

from worker.journal import Activity, PaceMark, Process
from worker.policy.pace import Window
from worker.reports.page.timeline import (
    BARS,
    LAST_PROCESSES,
    Timeline,
    most_in,
    timeline_of,
    width_of,
    windows_of,
)

FIFTY = ((50, 10.0),)


def process(n: int, started: float, last: float) -> Process:
    return Process(n, "apply", started, last, "finished", 0, "", 0, 0, 0)


def timeline(*marks: PaceMark, processes: tuple[Process, ...] = (process(1, 100.0, 110.0),)) -> Timeline:
    return timeline_of(processes, [Activity(1, 0, 6, 1), Activity(1, 9, 2, 0)], marks, (), 1.0)


def test_attempts_stand_in_the_bar_of_their_interval() -> None:
    bars = [*timeline().bars]
    assert len(bars) == 10
    assert [(bar.attempts, bar.again) for bar in bars if bar.attempts] == [(6, 1), (2, 0)]
    assert [bar.at for bar in bars] == [100.0 + second for second in range(10)]


def test_an_attempt_after_the_last_sign_of_life_is_in_the_last_bar() -> None:
    (stretch,) = timeline_of([process(1, 0, 10)], [Activity(1, 99, 3, 0), Activity(7, 0, 1, 0)], (), (), 1.0).stretches
    assert stretch.bars[-1].attempts == 3


def test_the_time_between_two_processes_is_left_out() -> None:
    found = timeline(processes=(process(1, 100, 110), process(2, 86_500, 86_520)))
    assert [stretch.left_out for stretch in found.stretches] == [0.0, 86_390.0]
    assert [len(stretch.bars) for stretch in found.stretches] == [10, 20]


def test_a_bar_is_as_wide_as_the_longest_limit_that_fits_ten_times() -> None:
    run = [process(1, 0, 700)]
    assert width_of(run, [(50, 10.0), (300, 60.0)]) == 60.0
    assert width_of(run, [(50, 10.0), (10_000, 3600.0)]) == 10.0
    assert width_of(run, []) == 700 / BARS
    assert width_of([process(1, 0, 5)], []) == 1.0


@pytest.mark.parametrize(
    ("length", "windows", "most"),
    [(10.0, FIFTY, 50), (20.0, FIFTY, 100), (1.0, FIFTY, 50), (60.0, (*FIFTY, (100, 60.0)), 100), (5.0, (), None)],
)
def test_a_bar_may_have_what_its_limits_let_through_at_once(
    length: float, windows: tuple[tuple[int, float], ...], most: float | None
) -> None:
    assert most_in(length, windows) == most


def test_a_limit_holds_from_its_bar_to_the_next_one_also_in_a_later_process() -> None:
    learned = PaceMark(103.5, "limits", "PATCH", ((20, 10.0),))
    other = PaceMark(105.0, "limits", "GET", ((1, 10.0),))
    found = timeline(learned, other, processes=(process(1, 100, 110), process(2, 200, 203)))
    assert [bar.most for bar in found.bars] == [None] * 3 + [20] * 10
    assert found.windows == ((20, 10.0),)


def test_of_two_limits_for_one_interval_the_stricter_one_counts() -> None:
    marks = [PaceMark(1, "limits", "ALL", ((50, 10.0), (9, 1.0)))]
    assert windows_of(marks, [Window(30, 10.0)]) == ((9, 1.0), (30, 10.0))
    assert windows_of(marks, [Window(90, 10.0)]) == ((9, 1.0), (50, 10.0))


def test_refusals_are_counted_and_pauses_that_overlap_once() -> None:
    marks = [PaceMark(101.0 + n / 10, "pause", "PATCH", pause_s=3.0, http=429) for n in range(5)]
    bars = [*timeline(*marks).bars]
    assert [bar.refused for bar in bars][:3] == [0, 5, 0]
    assert sum(bar.paused_s for bar in bars) == pytest.approx(3.4)
    assert max(bar.paused_s for bar in bars) <= 1.0


def test_a_server_that_is_down_pauses_the_run_until_it_is_up_or_the_run_ends() -> None:
    down = timeline(PaceMark(102, "down", "PATCH"), PaceMark(104, "up", "PATCH"), PaceMark(108, "down", "GET"))
    assert sum(bar.paused_s for bar in down.bars) == pytest.approx(4.0)


def test_a_mark_before_the_first_process_changes_nothing() -> None:
    early = PaceMark(1.0, "limits", "PATCH", FIFTY), PaceMark(2.0, "pause", "PATCH", pause_s=1.0)
    assert all(bar.most is None and not bar.refused for bar in timeline(*early).bars)


def test_the_picture_of_a_thousand_processes_is_as_large_as_that_of_some() -> None:
    many = [process(n, n * 10.0, n * 10.0 + 5) for n in range(1, 1001)]
    width = width_of(many, ())
    found = timeline_of(many, [Activity(n, 0, 1, 0) for n in range(1, 1001)], (), (), width)
    assert len(found.stretches) == LAST_PROCESSES
    assert found.omitted == 1000 - LAST_PROCESSES
    assert len([*found.bars]) <= BARS + LAST_PROCESSES


def test_a_run_without_a_process_has_no_bars() -> None:
    assert [*timeline_of([], [], [PaceMark(1.0, "pause", "PATCH", pause_s=1.0)], (), 1.0).bars] == []
