"""What is left until a reset, against a strict server that counts a request anywhere between its send and its reply."""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.policy.pace import Pace
from worker.policy.quota import MOST_QUOTAS, RESET_GUARD, Allowance, Quotas, share


def quotas(*told: tuple[float, float, Allowance], headroom: float = 0.0) -> Quotas:
    """Quotas that learned from replies: when each request left, when its reply came, what it said."""
    made = Quotas(headroom)
    for sent_at, now, allowance in told:
        made.answered(now)
        made.learn([allowance], sent_at, now)
    return made


def left(remaining: int, resets_in: float = 60.0, limit: int = 0, name: str = "q") -> Allowance:
    return Allowance(name, remaining, resets_in, limit)


def test_nothing_told_holds_nobody_back() -> None:
    assert (Quotas(5.0).wait(99, 0.0), Quotas(5.0).used_up(0.0)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("remaining", "in_flight", "wait"),
    [
        (3, 2, 0.0),
        (3, 3, 60.0 + RESET_GUARD),  # those in flight count
        (0, 0, 60.0 + RESET_GUARD),
    ],
)
def test_no_more_leave_than_are_left(remaining: int, in_flight: int, wait: float) -> None:
    assert quotas((0.0, 1.0, left(remaining))).wait(in_flight, 1.0) == wait


def test_a_quota_ends_with_its_reset_and_the_next_is_learned_from_the_next_reply() -> None:
    made = quotas((0.0, 1.0, left(0, 10.0)))
    assert made.used_up(2.0) == 9.0 + RESET_GUARD
    assert (made.wait(0, 11.0 + RESET_GUARD), made.used_up(11.0 + RESET_GUARD)) == (0.0, 0.0)
    made.answered(30.0)
    made.learn([left(1, 10.0)], 29.0, 30.0)
    assert (made.wait(0, 30.0), made.wait(1, 30.0)) == (0.0, 10.0 + RESET_GUARD)


def test_after_the_reset_no_more_than_a_period_allows_are_in_flight_until_a_reply_tells() -> None:
    made = quotas((0.0, 1.0, left(0, 10.0, limit=2)))
    assert [made.wait(in_flight, 20.0) for in_flight in (0, 1, 2)] == [0.0, 0.0, math.inf]
    made.answered(20.0)  # it tells nothing, and must not be the end
    assert made.wait(1, 20.0) == 0.0


@pytest.mark.parametrize(
    ("headroom", "usable"),
    [
        (0.0, 60),
        (5.0, 55),  # five of a hundred are left to others
        (50.0, 10),
    ],
)
def test_headroom_is_left_of_a_limit_that_is_known(headroom: float, usable: int) -> None:
    made = quotas((0.0, 1.0, left(60, limit=100)), headroom=headroom)
    assert [made.wait(usable - 1, 1.0) > 0, made.wait(usable, 1.0) > 0] == [False, True]
    assert share(100, headroom) == 100 - (60 - usable)


def test_answers_that_say_nothing_count_as_much_as_those_in_flight() -> None:
    made = quotas((0.0, 1.0, left(3)))
    made.answered(2.0)
    made.answered(3.0)
    assert [made.wait(0, 3.0) > 0, made.wait(1, 3.0) > 0] == [False, True]
    made.answered(4.0)
    assert made.used_up(4.0) == 57.0 + RESET_GUARD


@pytest.mark.parametrize(
    ("sent_at", "said", "free"),
    [
        (2.0, left(7), 7),  # it left after the last reply had come: it knows more, whether less is left ...
        (2.0, left(30), 30),  # ... or others gave some back
        (1.0, left(9), 9),  # under way together, and counted later
        (1.0, left(11), 10),  # counted earlier: it must not raise anything
        (1.0, left(99, 120.0), 99),  # of the next period, for certain
        (1.0, left(5, 2.0), 10),  # of the period before
    ],
)
def test_a_late_reply_never_raises_what_is_left(sent_at: float, said: Allowance, free: int) -> None:
    made = quotas((0.0, 2.0, left(10)), (sent_at, 3.0, said))
    assert [made.wait(free - 1, 3.0) > 0, made.wait(free, 3.0) > 0] == [False, True]


def test_an_answer_that_said_nothing_is_in_the_count_of_what_left_later() -> None:
    made = quotas((0.0, 1.0, left(10)))
    made.answered(2.0)
    made.answered(5.0)
    made.answered(6.0)
    made.learn([left(8)], 3.0, 6.0)  # knows of the one at 2, perhaps not of the one at 5
    assert [made.wait(6, 6.0) > 0, made.wait(7, 6.0) > 0] == [False, True]


def test_of_several_quotas_the_emptiest_counts() -> None:
    made = quotas((0.0, 1.0, left(5)), (0.0, 1.0, left(2, 10.0, name="other")))
    assert (made.wait(1, 1.0), made.wait(2, 1.0)) == (0.0, 10.0 + RESET_GUARD)


def test_names_without_end_are_not_kept() -> None:
    made = Quotas(0.0)
    made.learn([left(9, name=str(number)) for number in range(MOST_QUOTAS)], 0.0, 0.0)
    made.learn([left(0, name="one more")], 0.0, 0.0)
    assert made.wait(0, 0.0) == 0.0


@dataclass(slots=True)
class Server:
    """Fixed periods; it tells what is left of the current one, and its reset in whole seconds, rounded either way."""

    limit: int
    period: float
    rounded: bool
    counts: dict[int, int]
    refused: int = 0

    def serve(self, now: float) -> Allowance:
        number = int(now // self.period)
        self.counts[number] = self.counts.get(number, 0) + 1
        self.refused += self.counts[number] > self.limit
        resets_in = (number + 1) * self.period - now
        told = math.floor(resets_in) if self.rounded else math.ceil(resets_in)
        return Allowance("q", max(0, self.limit - self.counts[number]), float(told), self.limit)


@dataclass(frozen=True, slots=True)
class Trip:
    """Seconds until the server counts a request, and from there until its reply."""

    there: float
    back: float


def saturate(pace: Pace, server: Server, trips: Iterator[Trip], count: int) -> float:
    """Send `count` requests as soon as the pace lets them; when the last one left."""
    now, sent = 0.0, 0
    events: list[tuple[float, int, float, Trip, Allowance | None]] = []
    while sent < count or events:
        wait = pace.reserve(now) if sent < count else math.inf
        if wait == 0.0:
            trip = next(trips)
            heapq.heappush(events, (now + trip.there, sent, now, trip, None))
            sent += 1
            last = now
            continue
        if not events or now + wait < events[0][0]:
            now += wait
            continue
        now, number, sent_at, trip, told = heapq.heappop(events)
        if told is None:
            heapq.heappush(events, (now + trip.back, number, sent_at, trip, server.serve(now)))
            continue
        pace.answered(now)
        pace.allow([told], sent_at, now)
    return last


TRIPS = st.lists(st.builds(Trip, st.floats(0.001, 2), st.floats(0.001, 2)), min_size=1, max_size=20)


@settings(deadline=None)
@given(st.integers(4, 12), st.floats(12, 60), st.booleans(), TRIPS)
def test_no_period_is_ever_asked_for_more_than_its_limit(
    limit: int, period: float, rounded: bool, trips: list[Trip]
) -> None:
    server = Server(limit, period, rounded, {})
    last = saturate(Pace(max_in_flight=8), server, cycle(trips), 60)
    assert server.refused == 0
    assert last <= (60 / limit + 2) * (period + RESET_GUARD + 5) + 60 * 4


def test_a_quota_of_an_hour_is_used_to_the_full() -> None:
    server = Server(5000, 3600.0, True, {})
    last = saturate(Pace(max_in_flight=8), server, cycle([Trip(0.1, 0.1)]), 20_000)
    assert server.refused == 0
    assert last < 4 * 3600


@pytest.mark.parametrize("discover", [True, False])
def test_without_discovery_no_quota_is_learned(discover: bool) -> None:
    pace = Pace(max_in_flight=4, discover=discover)
    pace.allow([left(0)], 0.0, 0.0)
    assert (pace.used_up(0.0) > 0, pace.held(0.0) > 0, pace.reserve(0.0) > 0) == (discover,) * 3


def test_the_server_holds_us_by_a_pause_as_well_as_by_a_quota() -> None:
    pace = Pace(max_in_flight=4)
    pace.close(100.0)
    assert (pace.held(40.0), pace.used_up(40.0), pace.held(200.0)) == (60.0, 0.0, 0.0)
