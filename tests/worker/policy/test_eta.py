"""When a run ends: by the windows where they limit it, by the speed where they do not; and what it waits for."""

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.policy.concurrency import Sign
from worker.policy.eta import STEPS, Forecast, Limiter, forecast
from worker.policy.pace import Pace, Window

MINUTE = Window(200, 60.0)
BURST = Window(50, 10.0)


def begun(pace: Pace, count: int, rtt: float = 0.1) -> float:
    """Send requests one after the other as the pace allows; when the last was answered."""
    now = 0.0
    for _ in range(count):
        while (wait := pace.reserve(now)) > 0.0:
            now += wait
        pace.answered(now + rtt)
        pace.heard(Sign.OK, now, now + rtt)
        now += rtt
    return now


def ends(pace: Pace, now: float, count: int, rtt: float = 0.1) -> float:
    """When the last of so many further requests is answered, as many in flight as the pace allows."""
    answers: list[tuple[float, float]] = []
    sent = 0
    while sent < count or answers:
        while answers and answers[0][0] <= now:
            at, sent_at = heapq.heappop(answers)
            pace.answered(at)
            pace.heard(Sign.OK, sent_at, at)
        if sent < count and (wait := pace.reserve(now)) == 0.0:
            heapq.heappush(answers, (now + rtt, now))
            sent += 1
        elif answers or sent < count:
            now = min([*([now + wait] if sent < count else []), *(at for at, _ in answers[:1])], default=now)
    return now


def told(found: Forecast | None) -> Forecast:
    assert found is not None
    return found


@pytest.mark.parametrize("before", [1, 30, 120, 200, 333])
@pytest.mark.parametrize("count", [1, 49, 51, 199, 201, 1000])
def test_the_end_is_known_to_the_second_where_the_windows_limit(before: int, count: int) -> None:
    pace = Pace(ceiling=[MINUTE, BURST], max_in_flight=16)
    now = begun(pace, before)
    found = told(forecast(count, pace, now))
    assert found.seconds == pytest.approx(ends(pace, now, count) - now, abs=1.0, rel=0.01)


@settings(deadline=None)
@given(
    st.lists(st.builds(Window, st.integers(1, 30), st.floats(5, 60)), min_size=1, max_size=3),
    st.integers(1, 60),
    st.integers(1, 150),
)
def test_for_any_windows_the_end_is_known_to_a_tenth(windows: list[Window], before: int, count: int) -> None:
    pace = Pace(ceiling=windows, max_in_flight=64)
    now = begun(pace, before)
    found = told(forecast(count, pace, now))
    took = ends(pace, now, count) - now
    assert found.seconds == pytest.approx(
        took, rel=0.1, abs=max(2.0, 1.01 * max(w.interval / w.limit for w in windows))
    )


def test_a_window_of_a_hundred_thousand_is_gone_through_in_steps() -> None:
    pace = Pace(ceiling=[Window(100_000, 86_400.0)], max_in_flight=16)
    now = begun(pace, 1, rtt=0.001)
    found = told(forecast(100 * STEPS + 1, pace, now))
    assert found.seconds == pytest.approx(2 * 86_400.0, rel=0.01)


def test_what_is_in_flight_does_not_need_another_slot() -> None:
    pace = Pace(ceiling=[Window(10, 60.0)], max_in_flight=16)
    now = begun(pace, 9)
    assert pace.reserve(now) == 0.0
    assert told(forecast(1, pace, now)).seconds == pytest.approx(0.1)
    assert told(forecast(2, pace, now)).seconds > 55


def test_without_windows_the_speed_counts() -> None:
    pace = Pace(max_in_flight=16)
    pace.heard(Sign.OK, 0.0, 0.1)
    assert told(forecast(100, pace, 1.0)).seconds == pytest.approx(100 / 40)  # 4 in flight, 0.1 s each
    assert forecast(100, pace, 1.0, speed=20.0) == Forecast(5.0, Limiter.LATENCY)


def test_a_server_too_slow_for_its_own_quota_is_what_limits() -> None:
    pace = Pace(max_in_flight=16)
    pace.learn([MINUTE])
    pace.heard(Sign.OK, 0.0, 4.0)
    assert told(forecast(600, pace, 4.0, speed=1.0)) == Forecast(600.0, Limiter.LATENCY)


@pytest.mark.parametrize(
    ("ceiling", "learned", "most", "limiter"),
    [
        ((), (MINUTE,), 16, Limiter.QUOTA),
        ((Window(10, 60.0),), (MINUTE,), 16, Limiter.USER),  # --rate
        ((), (), 4, Limiter.USER),  # --concurrency
        ((), (), 16, Limiter.LATENCY),  # what the server bears so far
    ],
)
def test_what_a_run_waits_for_most(
    ceiling: tuple[Window, ...], learned: tuple[Window, ...], most: int, limiter: Limiter
) -> None:
    pace = Pace(ceiling=ceiling, max_in_flight=most)
    pace.learn(learned)
    begun(pace, 1)
    assert told(forecast(1000, pace, 1.0)).limiter is limiter


def test_a_pause_comes_before_everything_else() -> None:
    pace = Pace(max_in_flight=16)
    begun(pace, 1)
    pace.close(61.0)
    assert told(forecast(80, pace, 1.0)).limiter is Limiter.BACKOFF
    assert told(forecast(80, pace, 1.0)).seconds == pytest.approx(60 + 2.0)
    pace.learn([MINUTE])
    assert told(forecast(80, pace, 1.0)).limiter is Limiter.BACKOFF
    assert told(forecast(80, pace, 1.0)).seconds == pytest.approx(62.1, abs=0.1)


def test_what_others_use_of_the_quota_is_not_ours() -> None:
    pace = Pace(max_in_flight=16)
    pace.learn([MINUTE])
    now = begun(pace, 10)
    pace.shared([(MINUTE, 90)], 0.0, now)
    found = told(forecast(1000, pace, now))
    assert found.seconds == pytest.approx(1000 / (95 / 60), rel=0.1)


@pytest.mark.parametrize(("count", "answered"), [(0, True), (10, False)])
def test_nothing_is_foretold_when_there_is_nothing_to_do_or_to_go_by(count: float, answered: bool) -> None:
    pace = Pace(ceiling=[MINUTE], max_in_flight=16)
    if answered:
        begun(pace, 1)
    assert forecast(count, pace, 1.0) is None
