"""How many at once: as many requests in flight as the server bears, found by trying.

Pace and concurrency are two controls. A rate limit is met by counting (`pace`), and no number of requests in flight
keeps to it; a server that grows slow or refuses when too many arrive together is met by sending fewer at once. So a
refusal for rate is *ignored* here. What is left is an old scheme: double until the first sign of too much, then grow by
one a round trip and shrink by a tenth at each sign (additive increase, multiplicative decrease).

A *round* is as many answers as may be in flight, to requests that left after the last decision: only they were sent
under the limit that is being judged, so that no limit changes more than once a round trip.
"""

import math
from enum import Enum, auto
from typing import Final

START: Final = 4
"""Requests in flight at most before anything is known."""

CUT: Final = 0.9
"""What is left of the limit after a sign of too much."""

ALPHA: Final = 0.4
"""Weight of the latest round in the moving averages of the round-trip time."""

DEVIATIONS: Final = 2.5
"""Mean deviations above the mean from which on a round counts as slow."""

LEAST_DEVIATION: Final = 0.03
"""The deviation as a share of the mean at least: on a quiet line a millisecond more is no sign."""

STEP: Final = 1.25
"""Growth after which it is looked at whether it paid."""

BACK: Final = 0.75
"""What is left of the limit when it did not: a little less than before, so that a needless queue is found to be one."""

LONGEST_REST: Final = 64
"""Good rounds at most before a limit that was refused again and again is tried once more."""


class Sign(Enum):
    """What one attempt says about how many the server bears at once."""

    OK = auto()
    """It did the work."""

    IGNORE = auto()
    """Nothing: it was refused for its content or for pace, or did not reach the server."""

    OVERLOADED = auto()
    """There were too many."""


def sign_of(status: int, *, paced: bool, remaining: int | None) -> Sign:
    """What an answer says.

    503 and 504 are what servers and the proxies before them say when they are full. A 429 is a matter of pace where the
    windows are known, unless it says itself that some of the window is left; where nothing is known, less at once is
    all that can be tried. A refused row (4xx) is ignored, and not taken for success: a refusal costs a server next to
    nothing, so that it proves nothing about the work, and wrong rows must not leave faster and faster before the guards
    notice.

    Args:
        status: of the answer.
        paced: the server's windows are known, and were kept to.
        remaining: requests left in the window as told by the answer itself, None when it does not say.
    """
    if 200 <= status < 300:
        return Sign.OK
    if status in {503, 504}:
        return Sign.OVERLOADED
    if status == 429 and (not paced or remaining):  # Too Many Requests
        return Sign.OVERLOADED
    return Sign.IGNORE


class Concurrency:
    """The limit of one (origin, method). Times are seconds of one monotonic clock, handed in by the caller.

    Attributes:
        is_fixed: the limit stays as it is, whatever happens.
    """

    def __init__(self, most: int, *, fixed: bool = False) -> None:
        """Begin at `START`, or at `most` if that is less; `fixed` stays at `most` whatever happens."""
        self._most = most
        self.is_fixed = fixed
        self._limit = float(most if fixed else min(START, most))
        self._doubling = True
        self._mean = math.nan
        self._deviation = 0.0
        self._base: tuple[int, float] | None = None  # a limit that paid, and a round's time there
        self._next_base: tuple[int, float] | None = None
        self._cut_at = self._answered_at = -math.inf
        self._refused_limit = most + 1
        self._rest = 1
        self._rested = 0
        self._since = -math.inf
        self._round: list[float] = []
        self._reached = False

    @property
    def limit(self) -> int:
        """Requests in flight at most, now."""
        return int(self._limit)

    def taken(self, in_flight: int) -> None:
        """A request leaves, as one of so many; a limit that is never reached says nothing and is left alone."""
        self._reached = self._reached or in_flight >= self.limit

    def ok(self, sent_at: float, now: float, *, least: int = 1) -> None:
        """A request that left at `sent_at` was served; no latency brings the limit below `least`."""
        self._answered_at = now
        if self.is_fixed or sent_at < self._since:
            return
        self._round.append(now - sent_at)
        if len(self._round) < self.limit:
            return
        rtt, doubt = _middle(self._round)
        is_slow = self._measure(rtt, doubt)
        if self._reached:
            unpaid = self._unpaid(_late(self._round), 0.0) if self._doubling else self._unpaid(rtt, doubt)
            if unpaid or is_slow:
                less = self._limit * (0.5 if self._doubling else BACK if unpaid else CUT)
                self._shrink(max(less, min(least, self._limit)), now)
            else:
                self._grow()
        self._begin(now)

    def overloaded(self, sent_at: float, now: float) -> None:
        """A request that left at `sent_at` was too many; those that left before the last cut say nothing new."""
        if self.is_fixed or sent_at < self._cut_at:
            return
        again = self.limit == self._refused_limit
        self._rest, self._rested = min(2 * self._rest, LONGEST_REST) if again else 1, 0
        self._refused_limit = self.limit
        self._shrink(self._limit / 2 if self._doubling else min(self._limit * CUT, self.limit - 1), now)
        self._begin(now)

    def not_sent(self, sent_at: float, now: float) -> None:
        """A request that was tried at `sent_at` never left.

        While others get through, the server turned away one connection too many. When nobody does, it is down or out of
        reach, which is not for fewer requests to mend: the circuit sees to that.
        """
        if self._answered_at >= sent_at:
            self.overloaded(sent_at, now)

    def _grow(self) -> None:
        """The limit was reached in a good round.

        A limit that was refused is tried again soon, and less and less often while it is refused each time: a server
        with a fixed number of places refuses a few requests an hour, and one that failed by chance costs no speed.
        """
        if self._doubling:
            self._limit = min(2.0 * self._limit, self._most)
            self._doubling = self._limit < self._most
            return
        if self.limit >= self._refused_limit:
            self._refused_limit, self._rest = self._most + 1, 1
        self._rested += 1
        if int(self._limit) + 1 < self._refused_limit or self._rested >= self._rest:
            self._limit = min(self._limit + 1.0, self._most)

    def _unpaid(self, rtt: float, doubt: float) -> bool:
        """Whether the last growth did not pay.

        Moving averages follow a server that grows slower step by step; so every quarter more has to bring at least half
        of that in requests a second (limit / time, by Little's law). A queue that only grows longer brings nothing.
        """
        if self._base is None or self.limit < self._base[0]:
            self._base, self._next_base = (self.limit, rtt + doubt), None
            return False
        if self._next_base is not None and self.limit >= STEP * self._next_base[0]:
            self._base, self._next_base = self._next_base, None
        limit, before = self._base
        if self.limit < STEP * limit:
            return False
        if self.limit * before < (limit + self.limit) / 2 * (rtt - doubt):  # no division: a time may be 0
            self._base = self._next_base = None
            return True
        if self._next_base is None or self.limit == self._next_base[0]:
            self._next_base = self.limit, rtt + doubt
        return False

    def _shrink(self, limit: float, now: float) -> None:
        self._limit, self._doubling, self._cut_at = max(1.0, limit), False, now

    def _measure(self, rtt: float, doubt: float) -> bool:
        """Take note of a round's time; whether it was slow by the rounds before."""
        if math.isnan(self._mean):
            self._mean, self._deviation = rtt, rtt / 2  # as TCP begins (RFC 6298 2.2)
            return False
        is_slow = rtt - doubt > self._mean + DEVIATIONS * max(self._deviation, LEAST_DEVIATION * self._mean)
        self._deviation += ALPHA * (abs(rtt - self._mean) - self._deviation)
        self._mean += ALPHA * (rtt - self._mean)
        return is_slow

    def _begin(self, now: float) -> None:
        self._since = now
        self._round = []
        self._reached = False


def _middle(times: list[float]) -> tuple[float, float]:
    """The median of a round, since single requests that stall are no sign, and its standard error."""
    middle = _median(times)
    spread = _median([abs(time - middle) for time in times])
    return middle, min(1.86 * spread / math.sqrt(len(times)), middle / 2)  # for normal times; and never all of it


def _median(times: list[float]) -> float:
    """The lower one of two; the library's own would cost a start of the program 10 ms of imports."""
    return sorted(times)[(len(times) - 1) // 2]


def _late(times: list[float]) -> float:
    """One of the last of a round whose requests leave together and find each other there one by one: it meets all."""
    return sorted(times)[-1 - len(times) // 8]
