"""The sliding log against a strict server that stamps a request anywhere between its send and its response."""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.policy.concurrency import START, Sign
from worker.policy.pace import GUARD, MEMORY, TOLD, UNTOLD, Pace, Window, as_windows, least_time

MINUTE = Window(100, 60.0)


@dataclass(frozen=True, slots=True)
class Trip:
    """Seconds until the server stamps a request, and from there until its response; `failed` ones get none."""

    there: float
    back: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """When requests were sent, and when the server stamped them."""

    sent: list[float]
    stamped: list[float]

    def broken(self, window: Window, since: float = 0.0) -> int:
        """Requests stamped `since` then that a strict window would have refused."""
        times = sorted(self.stamped)
        pairs = zip(times, times[window.limit :], strict=False)
        return sum(since <= late < early + window.interval - 1e-9 for early, late in pairs)


def saturate(pace: Pace, trips: Iterator[Trip], count: int, now: float = 0.0) -> Traffic:
    """Send `count` requests as soon as the pace lets them."""
    traffic = Traffic([], [])
    answers: list[tuple[float, float]] = []
    while len(traffic.sent) < count:
        while answers and answers[0][0] <= now:
            answered_at, sent_at = heapq.heappop(answers)
            pace.answered(answered_at)
            pace.heard(Sign.OK, sent_at, answered_at)
        wait = pace.reserve(now)
        if wait > 0.0:
            now = min([now + wait, *(at for at, _ in answers[:1])])
            continue
        trip = next(trips)
        traffic.sent.append(now)
        traffic.stamped.append(now + trip.there)
        heapq.heappush(answers, (now + trip.there + trip.back, now))
    return traffic


TRIPS = st.lists(st.builds(Trip, st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=20)
SIMULATED = settings(deadline=None)
"""How long an example takes depends on the traffic it simulates, and on what else the machine does."""

WINDOWS = st.lists(st.builds(Window, st.integers(1, 12), st.floats(0.1, 60)), min_size=1, max_size=3)


@SIMULATED
@given(WINDOWS, TRIPS, st.integers(1, 8), st.floats(0, 60))
def test_no_window_ever_holds_more_than_its_limit(
    windows: list[Window], trips: list[Trip], in_flight: int, headroom: float
) -> None:
    pace = Pace(ceiling=windows, headroom=headroom, max_in_flight=in_flight)
    traffic = saturate(pace, cycle(trips), 60)
    assert [traffic.broken(window) for window in windows] == [0] * len(windows)


@SIMULATED
@given(WINDOWS, TRIPS, st.integers(0, 30))
def test_a_limit_learned_under_way_counts_what_was_sent_before(
    windows: list[Window], trips: list[Trip], before: int
) -> None:
    pace = Pace(max_in_flight=8)
    unpaced = saturate(pace, cycle(trips), before)
    start = max(unpaced.stamped, default=0.0) + 5.0
    for _ in range(pace.in_flight):
        pace.answered(start)
    pace.learn(windows)
    paced = saturate(pace, cycle(trips), 40, start)
    both = Traffic([], unpaced.stamped + paced.stamped)
    assert [both.broken(window, since=start) for window in windows] == [0] * len(windows)


TIMEOUT = 10.0
"""Seconds after which a request is given up on: no trip takes longer."""


@SIMULATED
@given(WINDOWS, TRIPS, st.integers(1, 8), st.integers(1, 40))
def test_no_window_is_broken_across_a_kill_either(
    windows: list[Window], trips: list[Trip], in_flight: int, before: int
) -> None:
    first = Pace(ceiling=windows, max_in_flight=in_flight)
    killed = saturate(first, cycle(trips), before)
    now = killed.sent[-1]
    second = Pace(ceiling=windows, max_in_flight=in_flight)
    second.restore([], [*first.stamps, *[now + TIMEOUT] * first.in_flight])
    resumed = saturate(second, cycle(trips), 40, now)
    both = Traffic([], killed.stamped + resumed.stamped)
    assert [both.broken(window) for window in windows] == [0] * len(windows)


@SIMULATED
@given(st.integers(1, 12), st.floats(0.1, 60), TRIPS)
def test_a_slot_is_used_again_one_interval_and_one_round_trip_later_at_most(
    limit: int, interval: float, trips: list[Trip]
) -> None:
    pace = Pace(ceiling=[Window(limit, interval)], max_in_flight=limit, discover=False)  # only the window limits
    sent = saturate(pace, cycle(trips), 60).sent
    slowest = max(trip.there + trip.back for trip in trips)
    turn = interval + GUARD + slowest + 1e-6
    assert all(late - early <= turn for early, late in zip(sent, sent[limit:], strict=False))


@pytest.mark.parametrize(
    ("windows", "least"),
    [
        ([Window(200, 60.0), Window(50, 10.0)], 0.98),  # live
        ([Window(100, 60.0), Window(25, 10.0)], 0.98),  # test mode
        ([Window(100, 2.0)], 0.95),  # a round trip is a larger part of a short window
    ],
)
def test_an_hour_with_jitter_and_stalls_uses_the_quota_to_the_full(windows: list[Window], least: float) -> None:
    trips = jittered(Random(1))
    traffic = saturate(Pace(ceiling=windows, max_in_flight=16), trips, 12_000)
    window = windows[0]
    assert [traffic.broken(each) for each in windows] == [0] * len(windows)
    elapsed = traffic.sent[-1] - traffic.sent[window.limit]
    assert (12_000 - window.limit) / elapsed * window.interval / window.limit >= least


def jittered(dice: Random) -> Iterator[Trip]:
    """The recorded latency (median 24 ms, 95th percentile 76 ms), and one request in 200 stalls for 3 s."""
    while True:
        total = 3.0 if dice.random() < 0.005 else 0.024 * dice.lognormvariate(0.0, 0.7)
        there = total * dice.random()
        yield Trip(there, total - there)


def answer(pace: Pace, times: Sequence[float]) -> None:
    """Requests that were answered at those times."""
    for time in times:
        assert pace.reserve(time) == 0.0
        pace.answered(time)


def test_a_full_window_says_when_its_next_slot_is_free() -> None:
    pace = Pace(ceiling=[Window(2, 10.0)], max_in_flight=4)
    answer(pace, [0.0, 3.0])
    assert pace.reserve(4.0) == pytest.approx(6.0 + GUARD)
    assert pace.reserve(10.0 + GUARD) == 0.0
    assert pace.reserve(11.0) == pytest.approx(2.0 + GUARD)


def test_of_several_windows_the_longest_wait_counts() -> None:
    pace = Pace(ceiling=[Window(2, 60.0), Window(1, 10.0)], max_in_flight=4)
    answer(pace, [0.0])
    assert pace.reserve(1.0) == pytest.approx(9.0 + GUARD)  # the burst
    answer(pace, [11.0])
    assert pace.reserve(12.0) == pytest.approx(48.0 + GUARD)  # the average


@pytest.mark.parametrize(
    ("windows", "in_flight"),
    [
        ([Window(100, 60.0)], 3),  # as many as the user wants in flight
        ([Window(2, 60.0)], 2),  # every slot of the window is in flight
        ([], 3),  # nothing known, and the user wants fewer than the precaution
    ],
)
def test_when_only_an_answer_can_free_a_slot_the_wait_is_infinite(windows: list[Window], in_flight: int) -> None:
    pace = Pace(ceiling=windows, max_in_flight=3)
    assert [pace.reserve(0.0) for _ in range(in_flight)] == [0.0] * in_flight
    assert pace.reserve(0.0) == math.inf


def test_a_slot_that_was_not_used_is_free_at_once() -> None:
    pace = Pace(ceiling=[Window(1, 60.0)], max_in_flight=1)
    assert pace.reserve(0.0) == 0.0
    pace.cancelled()
    assert pace.reserve(0.0) == 0.0


@pytest.mark.parametrize(
    ("window", "headroom", "left"),
    [
        (MINUTE, 5.0, 95),
        (MINUTE, 0.0, 100),
        (Window(25, 10.0), 5.0, 23),  # rounded down: never above
        (Window(1, 10.0), 50.0, 1),  # a limit of none would end the run
    ],
)
def test_headroom_leaves_a_part_of_every_limit_to_others(window: Window, headroom: float, left: int) -> None:
    assert window.less(headroom) == Window(left, window.interval)


def test_few_are_in_flight_until_the_server_has_shown_that_it_bears_more() -> None:
    pace = Pace(max_in_flight=16)
    pace.learn([MINUTE])
    assert [pace.reserve(0.0) for _ in range(START)] == [0.0] * START
    assert pace.reserve(0.0) == math.inf
    for _ in range(START):
        pace.answered(0.1)
        pace.heard(Sign.OK, 0.0, 0.1)
    assert pace.most_in_flight == 2 * START
    later = TOLD + 0.1
    assert [pace.reserve(later) for _ in range(2 * START)] == [0.0] * (2 * START)
    assert pace.reserve(later) == math.inf


def test_at_first_no_more_are_in_flight_than_the_told_windows_need_since_they_may_not_be_all() -> None:
    def together(window: Window, now: float) -> int:
        pace = Pace(max_in_flight=64)
        pace.learn([window])
        pace.reserve(0.0)
        pace.cancelled()
        for tenth in range(4):
            pace._concurrency.taken(64)
            for _ in range(pace.most_in_flight):
                pace.heard(Sign.OK, tenth / 10, (tenth + 1) / 10)
        assert pace.most_in_flight == 64
        return sum(pace.reserve(now) == 0.0 for _ in range(64))

    assert together(Window(1000, 60.0), 1.0) == START + 4  # 2 x 16.7/s x 0.1 s
    assert together(Window(100_000, 60.0), 1.0) > 4 * START
    assert together(Window(1000, 60.0), TOLD + 1.0) > 4 * START


def test_a_limit_learned_under_way_tells_the_rate() -> None:
    pace = Pace(max_in_flight=16)
    assert pace.rate() == math.inf
    assert pace.learn([MINUTE])
    assert pace.rate() == pytest.approx(100 / 60)


def test_learning_the_same_or_nothing_is_no_news() -> None:
    pace = Pace(max_in_flight=4)
    assert not pace.learn([])
    assert pace.learn([MINUTE])
    assert not pace.learn([MINUTE])
    assert pace.learned == (MINUTE,)


def test_what_is_learned_comes_on_top_of_the_users_ceiling() -> None:
    pace = Pace(ceiling=[Window(10, 10.0)], headroom=10.0, max_in_flight=4)
    assert pace.learns
    pace.learn([MINUTE])
    assert pace.windows == (Window(9, 10.0), Window(90, 60.0))
    assert pace.rate() == pytest.approx(0.9)


def test_without_discovery_nothing_is_learned_and_nothing_held_back() -> None:
    pace = Pace(max_in_flight=8, discover=False)
    assert not pace.learns
    assert not pace.learn([MINUTE])
    assert pace.shared([(MINUTE, 0)], 0.0, 0.0) == 0
    pace.restore([MINUTE], [0.0])
    assert [pace.reserve(0.0) for _ in range(8)] == [0.0] * 8
    pace.answered(0.0)
    assert (pace.windows, list(pace.stamps)) == ((), [])


@pytest.mark.parametrize(
    ("own", "remaining", "foreign"),
    [
        (10, 90, 0),  # the server counts what we count
        (10, 80, 10),  # ten came from elsewhere
        (10, 0, 90),  # everything is gone
        (10, 95, 0),  # the server's counter lags: nobody is invented
    ],
)
def test_requests_of_others_take_slots_of_ours(own: int, remaining: int, foreign: int) -> None:
    pace = Pace(max_in_flight=4)
    pace.learn([MINUTE])
    answer(pace, [float(number) for number in range(own)])
    assert pace.shared([(MINUTE, remaining)], 10.0, 10.0) == foreign
    assert len(pace.stamps) == own + foreign


def test_requests_in_flight_are_not_taken_for_those_of_others() -> None:
    pace = Pace(max_in_flight=16)
    pace.learn([MINUTE])
    for _ in range(4):
        assert pace.reserve(0.0) == 0.0
    pace.answered(0.1)
    assert pace.shared([(MINUTE, 96)], 0.0, 0.1) == 0


def test_as_many_of_others_are_expected_as_were_found() -> None:
    pace = Pace(ceiling=[], max_in_flight=4)
    pace.learn([Window(10, 10.0)])
    answer(pace, [0.0, 1.0])
    assert pace.shared([(Window(10, 10.0), 4)], 1.0, 1.0) == 4  # the server counts six, two of which are ours
    assert pace.shared([(Window(10, 10.0), 4)], 1.0, 1.5) == 0  # still
    assert pace.own[0] == [Window(5, 10.0)]  # a little more than was found is left to others
    assert list(pace.own[1]) == [0.0, 1.0]
    # eleven seconds later none of those found is in the window any more, but others like them will be
    assert [pace.reserve(12.0) for _ in range(4)] == [0.0] * 4
    for _ in range(4):
        pace.answered(12.0)
    assert pace.reserve(12.0) == 0.0
    assert pace.reserve(12.0) > 0.0


def test_others_that_stay_away_for_two_intervals_are_no_longer_expected() -> None:
    pace = Pace(max_in_flight=4)
    window = Window(10, 10.0)
    pace.learn([window])
    assert pace.shared([(window, 4)], 0.0, 0.0) == 6
    for now in (11.0, 22.0, 33.0):
        assert pace.shared([(window, 10)], now, now) == 0
    assert pace.own == (pace.windows, pace.stamps)


def test_a_reply_without_a_count_says_nothing_about_others() -> None:
    pace = Pace(max_in_flight=4)
    pace.learn([Window(10, 10.0)])
    pace.shared([(Window(10, 10.0), 6)], 10.0, 10.0)
    before = pace.own
    assert list(before[0]) < [Window(10, 10.0)]
    assert pace.shared([], 30.0, 50.0) == 0  # two intervals later a count would have forgotten them
    assert pace.own == before


def test_others_never_take_the_last_request_away() -> None:
    pace = Pace(max_in_flight=4)
    window = Window(10, 10.0)
    pace.learn([window])
    assert pace.shared([(window, 0)], 0.0, 0.0) == 10
    assert pace.reserve(10.0 + 2 * GUARD) == 0.0


def test_what_a_killed_process_left_open_is_counted_until_its_timeout() -> None:
    pace = Pace(ceiling=[Window(2, 10.0)], max_in_flight=4)
    pace.restore([], [30.0])
    answer(pace, [0.0])
    assert list(pace.stamps) == [0.0, 30.0]
    assert pace.reserve(1.0) == pytest.approx(9.0 + GUARD)
    answer(pace, [11.0])
    assert pace.reserve(22.0) == 0.0  # only the one from the future holds a slot


@pytest.mark.parametrize(
    ("ceiling", "learned", "is_users"),
    [
        ([], [], False),  # nothing limits
        ([Window(10, 10.0)], [], True),
        ([], [MINUTE], False),
        ([Window(10, 10.0)], [Window(200, 60.0)], True),  # the user's is the slower one
        ([Window(100, 10.0)], [MINUTE], False),
        ([MINUTE], [MINUTE], False),  # the user asks for what the server says
    ],
)
def test_whose_limit_it_is_that_holds(ceiling: list[Window], learned: list[Window], is_users: bool) -> None:
    pace = Pace(ceiling=ceiling, headroom=5.0, max_in_flight=4)
    pace.learn(learned)
    assert pace.is_users is is_users


def test_an_overload_brings_fewer_in_flight_and_a_refusal_for_pace_does_not() -> None:
    pace = Pace(max_in_flight=16)
    pace.heard(Sign.IGNORE, 0.0, 1.0)
    assert (pace.most_in_flight, pace.rtt) == (4, 0.0)
    pace.heard(Sign.OVERLOADED, 1.0, 2.0)
    assert (pace.most_in_flight, pace.rtt) == (2, 0.0)


def test_a_connection_refused_while_others_get_through_brings_fewer_in_flight() -> None:
    pace = Pace(ceiling=[MINUTE], max_in_flight=16)
    assert [pace.reserve(0.0), pace.reserve(0.0)] == [0.0, 0.0]
    pace.answered(0.1)
    pace.heard(Sign.OK, 0.0, 0.1)
    pace.cancelled()
    pace.not_sent(0.0, 0.2)
    assert (pace.in_flight, pace.most_in_flight, list(pace.stamps)) == (0, 2, [0.1])


def test_the_average_time_of_a_request_counts_the_stalled_ones() -> None:
    pace = Pace(max_in_flight=16)
    pace.heard(Sign.OK, 0.0, 0.1)
    assert pace.rtt == pytest.approx(0.1)
    pace.heard(Sign.OK, 0.0, 8.1)
    assert pace.rtt == pytest.approx(0.1 + 0.05 * 8.0)


def test_slots_that_others_hold_are_not_free_and_not_those_of_strangers() -> None:
    pace = Pace(ceiling=[Window(10, 60.0)], max_in_flight=16)
    pace.elsewhere = 7
    assert [pace.reserve(0.0) for _ in range(3)] == [0.0] * 3
    assert pace.reserve(0.0) == math.inf
    assert pace.shared([(Window(10, 60.0), 0)], 0.0, 0.0) == 0


def test_responses_of_others_take_their_place_in_the_log() -> None:
    pace = Pace(ceiling=[Window(3, 10.0)], max_in_flight=4, discover=False)
    answer(pace, [1.0, 5.0])
    pace.overhear([3.0, 0.0])
    assert list(pace.stamps) == [0.0, 1.0, 3.0, 5.0]
    assert pace.reserve(6.0) == pytest.approx(5.0 + GUARD)
    pace.overhear(float(number) for number in range(20))
    assert len(pace.stamps) <= 6


@pytest.mark.parametrize(
    ("pace", "unlimited", "cap"),
    [
        (Pace(max_in_flight=16), False, START),  # windows may be learned
        (Pace(max_in_flight=16, discover=False), True, 16),
        (Pace(ceiling=[MINUTE], max_in_flight=16, discover=False), False, 16),
    ],
)
def test_whether_there_will_ever_be_windows(pace: Pace, unlimited: bool, cap: int) -> None:
    assert (pace.is_unlimited, pace.cap) == (unlimited, cap)


def test_a_closed_gate_lets_nobody_through_and_then_one_at_a_time() -> None:
    pace = Pace(ceiling=[MINUTE], max_in_flight=4)
    pace.close(10.0)
    assert pace.closed_until == 10.0
    assert pace.reserve(4.0) == 6.0
    assert pace.reserve(10.0) == 0.0
    assert pace.reserve(10.0) == math.inf
    pace.answered(10.1)
    pace.open(10.0)
    assert [pace.reserve(10.1), pace.reserve(10.1)] == [0.0, 0.0]


def test_a_reply_to_a_request_from_before_the_pause_does_not_open_it() -> None:
    pace = Pace(ceiling=[MINUTE], max_in_flight=4)
    pace.close(10.0)
    pace.open(9.9)
    assert [pace.reserve(10.0), pace.reserve(10.0)] == [0.0, math.inf]


def test_of_two_pauses_the_later_end_counts() -> None:
    pace = Pace(max_in_flight=4)
    pace.close(10.0)
    pace.close(5.0)
    assert pace.reserve(6.0) == 4.0


def test_a_restored_pace_goes_on_where_the_last_process_was() -> None:
    pace = Pace(max_in_flight=4)
    pace.restore([Window(3, 10.0)], [2.0, -1.0, 0.5])
    assert list(pace.stamps) == [-1.0, 0.5, 2.0]
    assert pace.reserve(3.0) == pytest.approx(6.0 + GUARD)


@SIMULATED
@given(st.integers(1, 50))
def test_the_log_is_never_much_longer_than_the_largest_limit(limit: int) -> None:
    pace = Pace(ceiling=[Window(limit, 0.001)], max_in_flight=1, discover=False)
    answer(pace, [float(number) for number in range(300)])
    assert len(pace.stamps) <= 2 * limit


def test_where_limits_may_have_to_be_inferred_the_log_reaches_further_back() -> None:
    pace = Pace(max_in_flight=1)
    pace.learn([Window(10, 0.001)])
    answer(pace, [float(number) for number in range(3 * MEMORY)])
    assert MEMORY <= len(pace.stamps) <= 2 * MEMORY


@pytest.mark.parametrize(
    ("count", "windows", "seconds"),
    [
        (0, (Window(10, 1.0),), 0.0),
        (10, (Window(10, 1.0),), 0.0),  # all in the first window
        (11, (Window(10, 1.0),), 1.0),
        (100, (Window(10, 1.0), Window(20, 60.0)), 240.0),  # the slower one counts
        (100, (), 0.0),
    ],
)
def test_the_least_time_is_that_of_the_slowest_window(count: int, windows: tuple[Window, ...], seconds: float) -> None:
    assert least_time(count, windows) == seconds


def test_inferred_windows_are_kept_to_evenly_beside_what_the_server_says() -> None:
    pace = Pace(max_in_flight=4, headroom=50.0)
    pace.infer([Window(10, 10.0)], settled=[Window(8, 10.0)])
    assert [pace.reserve(0.0), pace.reserve(0.4)] == [0.0, pytest.approx(0.6)]
    pace.learn([Window(200, 60.0)])
    assert pace.windows == (Window(10, 10.0), Window(100, 60.0))
    assert pace.own[0] == (Window(8, 10.0), Window(100, 60.0))
    assert pace.reserve(0.4) == pytest.approx(0.6)
    assert pace.rate() == 1.0
    assert pace.stated_rate() == pytest.approx(100 / 60)


def test_without_discovery_nothing_is_inferred() -> None:
    pace = Pace(max_in_flight=4, discover=False)
    pace.infer([Window(1, 10.0)])
    assert pace.windows == ()


def test_a_server_that_tells_no_limit_gets_few_at_once_for_a_minute() -> None:
    pace = Pace(max_in_flight=16)
    for second in range(70):
        taken = 0
        while pace.reserve(float(second)) == 0.0:
            taken += 1
        assert (taken > START) == (second > UNTOLD), second
        for _ in range(taken):
            pace.answered(second + 0.1)
            pace.heard(Sign.OK, float(second), second + 0.1)


def test_limits_that_documents_tell_are_windows() -> None:
    assert as_windows(((100, 60.0), (25, 10.0))) == (Window(100, 60.0), Window(25, 10.0))


@pytest.mark.parametrize(
    ("told", "windows"),
    [
        ([], {Window(95, 60.0), Window(19, 10.0)}),
        ([Window(200, 60.0)], {Window(190, 60.0), Window(19, 10.0)}),  # another plan's
        ([Window(50, 60.0)], {Window(47, 60.0), Window(19, 10.0)}),
        ([Window(9, 1.0)], {Window(95, 60.0), Window(19, 10.0), Window(8, 1.0)}),
    ],
)
def test_a_declared_window_holds_until_the_server_states_another_for_its_interval(
    told: list[Window], windows: set[Window]
) -> None:
    pace = Pace(declared=[Window(100, 60.0), Window(20, 10.0)], headroom=5.0, max_in_flight=4)
    pace.learn(told)
    assert set(pace.windows) == windows
    assert pace.learned == tuple(told)
    assert pace.rate() == pace.stated_rate() == min(window.limit / window.interval for window in windows)
    assert not pace.is_users


def test_the_users_ceiling_counts_beside_a_declared_window() -> None:
    pace = Pace(ceiling=[Window(1, 1.0)], declared=[Window(100, 60.0)], max_in_flight=4)
    assert pace.is_users
    assert set(pace.windows) == {Window(1, 1.0), Window(100, 60.0)}


def test_who_only_asks_takes_no_slot() -> None:
    pace = Pace(ceiling=[Window(1, 1.0)], max_in_flight=4, discover=False)
    assert (pace.wait(0.0), pace.wait(0.0), pace.in_flight) == (0.0, 0.0, 0)
    pace.reserve(0.0)
    assert pace.wait(0.0) == math.inf


def test_what_is_stated_is_what_the_user_and_the_server_say_without_the_headroom() -> None:
    pace = Pace(ceiling=[Window(40, 10.0)], declared=[Window(9, 1.0)], headroom=50.0, max_in_flight=4)
    assert list(pace.stated) == [Window(9, 1.0), Window(40, 10.0)]
    pace.learn([Window(60, 60.0)])
    assert list(pace.stated) == [Window(9, 1.0), Window(40, 10.0), Window(60, 60.0)]
    assert pace.windows == (Window(4, 1.0), Window(20, 10.0), Window(30, 60.0))
