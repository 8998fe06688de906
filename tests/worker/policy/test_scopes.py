"""Windows that hold for each value by itself, and pauses of single values."""

import heapq
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.policy.pace import GUARD, Window
from worker.policy.patience import FIRST_PAUSE
from worker.policy.scopes import SWEEP_FROM, ScopedPauses, ScopedWindows

WINDOWS = st.lists(st.builds(Window, st.integers(1, 4), st.floats(0.1, 30)), min_size=1, max_size=2)
TRIPS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=60)


@settings(deadline=None)
@given(WINDOWS, st.integers(0, 3), TRIPS)
def test_no_value_ever_has_more_than_its_limit_and_every_request_passes(
    windows: list[Window], most: int, trips: list[tuple[str, float, float]]
) -> None:
    scoped, now = ScopedWindows(windows, most), 0.0
    stamped: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    answers: list[tuple[float, str]] = []
    flying: Counter[str] = Counter()
    waiting = list(trips)
    while waiting:
        while answers and answers[0][0] <= now:
            at, value = heapq.heappop(answers)
            scoped.answered(value, at)
            flying[value] -= 1
        waits = []
        for trip in list(waiting):
            value, there, back = trip
            wait = scoped.wait(value, now)
            assert scoped.reserve(value, now) == wait
            if wait:
                waits.append(wait)
                continue
            waiting.remove(trip)
            flying[value] += 1
            assert flying[value] <= (most or math.inf)
            stamped[value].append(now + there)
            heapq.heappush(answers, (now + there + back, value))
        if waiting:
            now = min([now + min(waits), *(at for at, _ in answers[:1])])
            assert math.isfinite(now)
    for times in map(sorted, stamped.values()):
        for window in windows:
            pairs = zip(times, times[window.limit :], strict=False)
            assert all(late >= early + window.interval - 1e-9 for early, late in pairs)


def test_another_value_does_not_wait() -> None:
    scoped = ScopedWindows([Window(1, 10.0)])
    assert scoped.reserve("a", 0.0) == 0.0
    assert scoped.reserve("a", 0.0) == math.inf
    assert scoped.reserve("b", 0.0) == 0.0
    scoped.answered("a", 1.0)
    assert scoped.reserve("a", 2.0) == pytest.approx(9.0 + GUARD)


def test_a_request_that_never_left_leaves_nothing() -> None:
    scoped = ScopedWindows([Window(1, 10.0)])
    scoped.reserve("a", 0.0)
    scoped.cancelled("a")
    assert (len(scoped), scoped.reserve("a", 0.0)) == (0, 0.0)


def test_a_number_in_flight_alone_remembers_nothing_of_what_was_answered() -> None:
    scoped = ScopedWindows([], 2)
    assert [scoped.reserve("a", 0.0) for _ in range(3)] == [0.0, 0.0, math.inf]
    scoped.answered("a", 1.0)
    assert scoped.reserve("a", 1.0) == 0.0
    scoped.answered("a", 1.0)
    scoped.answered("a", 1.0)
    assert len(scoped) == 0


def test_memory_is_bounded_by_the_values_of_the_last_window() -> None:
    scoped, most = ScopedWindows([Window(3, 10.0)]), 0
    for each in range(40 * SWEEP_FROM):
        now = each * 0.01
        assert scoped.reserve(str(each), now) == 0.0
        scoped.answered(str(each), now)
        most = max(most, len(scoped))
    assert most <= 2 * SWEEP_FROM + 1


def test_a_value_in_flight_is_never_forgotten() -> None:
    scoped = ScopedWindows([Window(1, 1.0)])
    scoped.reserve("slow", 0.0)
    for each in range(3 * SWEEP_FROM):
        scoped.reserve(str(each), float(each))
        scoped.answered(str(each), float(each))
    assert scoped.wait("slow", 9e9) == math.inf


def test_a_busy_value_remembers_no_more_than_its_windows_need() -> None:
    scoped = ScopedWindows([Window(2, 1.0)])
    for each in range(50):
        assert scoped.reserve("a", each * 2.0) == 0.0
        scoped.answered("a", each * 2.0)
    assert len(scoped._logs["a"].stamps) <= 4


def test_a_pause_holds_its_own_place_alone_and_lasts_as_long_as_was_asked() -> None:
    pauses = ScopedPauses()
    assert pauses.refused((0, "a"), 30.0, 1.0, 2.0) == 30.0
    assert pauses.wait((0, "a"), 12.0) == 20.0
    assert pauses.wait((0, "b"), 12.0) == pauses.wait((1, "a"), 12.0) == 0.0
    assert pauses.wait((0, "a"), 40.0) == 0.0


def test_a_pause_that_nobody_asked_for_doubles_and_what_was_in_flight_counts_once() -> None:
    pauses, place = ScopedPauses(), (0, "a")
    assert pauses.refused(place, None, 0.0, 1.0) == FIRST_PAUSE
    assert pauses.refused(place, None, 0.5, 1.5) == FIRST_PAUSE
    assert pauses.refused(place, 0.0, 3.0, 4.0) == 2 * FIRST_PAUSE


def test_a_success_ends_the_count_if_it_left_after_the_pause() -> None:
    pauses, place = ScopedPauses(), (0, "a")
    pauses.accepted(place, 0.0)
    pauses.refused(place, None, 0.0, 1.0)
    pauses.accepted(place, 0.5)  # in flight with it
    assert pauses.refused(place, None, 3.0, 4.0) == 2 * FIRST_PAUSE
    pauses.accepted(place, 9.0)
    assert pauses.refused(place, None, 9.0, 10.0) == FIRST_PAUSE
