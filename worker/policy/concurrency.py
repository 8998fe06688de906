"""How many at once: find by trial how many requests in flight the server can bear.

Pace and concurrency are two controls. A rate limit is kept by counting (`pace`); no number of requests in flight keeps
to it. A server that slows down, or refuses when too many requests arrive together, needs fewer at once. So a refusal
for rate is *ignored* here. The rest is an old scheme: double until the first sign of overload, then grow by one per
round trip and shrink by a tenth at each sign (additive increase, multiplicative decrease).

A *round* is as many answers as may be in flight, to requests that left after the last decision. Only those were sent
under the limit that is being judged, so a limit changes at most once per round trip.
"""

import math
from enum import Enum, auto
from typing import Final

START: Final = 4
"""Maximum number of requests in flight before anything is known."""

CUT: Final = 0.9
"""Share of the limit that is kept after a sign of overload."""

ALPHA: Final = 0.4
"""Weight of the latest round in the moving averages of the round-trip time."""

DEVIATIONS: Final = 2.5
"""Mean deviations above the mean at which a round counts as slow."""

LEAST_DEVIATION: Final = 0.03
"""Minimum deviation, as a share of the mean: on a quiet line one more millisecond means nothing."""

STEP: Final = 1.25
"""Factor of growth after which to check whether the growth paid."""

BACK: Final = 0.75
"""Share of the limit that is kept if growth did not pay: a little less than before it, to expose a needless queue."""

LONGEST_REST: Final = 64
"""Maximum number of good rounds before a limit that was refused repeatedly is tried once more."""


class Sign(Enum):
    """What one attempt shows about how many requests the server can bear at once."""

    OK = auto()
    """The server did the work."""

    IGNORE = auto()
    """Nothing: the request was refused for its content or for pace, or did not reach the server."""

    OVERLOADED = auto()
    """Too many requests were in flight."""


def sign_of(status: int, *, paced: bool, remaining: int | None) -> Sign:
    """Read the sign in an answer.

    Servers and the proxies before them answer 503 and 504 when they are full. A 429 is about pace if the windows are
    known, unless the answer itself says that some of the window is left; if they are not known, sending fewer at once
    is all there is to try. A refused row (4xx) is ignored rather than taken for success: a refusal costs a server next
    to nothing, so it proves nothing about the work, and wrong rows must not leave ever faster before the guards stop
    the run.

    Args:
        status: of the answer.
        paced: the server's windows are known, and were kept.
        remaining: requests left in the window according to the answer, None if it does not say.
    """
    if 200 <= status < 300:
        return Sign.OK
    if status in {503, 504}:
        return Sign.OVERLOADED
    if status == 429 and (not paced or remaining):  # Too Many Requests
        return Sign.OVERLOADED
    return Sign.IGNORE


class Concurrency:
    """The limit of one (origin, method). Times are seconds of one monotonic clock, passed in by the caller.

    Attributes:
        is_fixed: the limit never changes.
    """

    def __init__(self, most: int, *, fixed: bool = False) -> None:
        """Begin at `START`, or at `most` if that is less; with `fixed`, stay at `most`."""
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
        """Maximum number of requests in flight, now."""
        return int(self._limit)

    def taken(self, in_flight: int) -> None:
        """Note that a request leaves, with `in_flight` now in flight: a limit that is never reached does not change."""
        self._reached = self._reached or in_flight >= self.limit

    def ok(self, sent_at: float, now: float, *, least: int = 1) -> None:
        """Count a served request that left at `sent_at`; latency never brings the limit below `least`."""
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
        """Shrink the limit: the request sent at `sent_at` was one too many. Ignore one from before the last cut."""
        if self.is_fixed or sent_at < self._cut_at:
            return
        again = self.limit == self._refused_limit
        self._rest, self._rested = min(2 * self._rest, LONGEST_REST) if again else 1, 0
        self._refused_limit = self.limit
        self._shrink(self._limit / 2 if self._doubling else min(self._limit * CUT, self.limit - 1), now)
        self._begin(now)

    def not_sent(self, sent_at: float, now: float) -> None:
        """Count a request that was tried at `sent_at` and never left.

        If others got through meanwhile, the server turned away one connection too many. If none did, it is down or
        unreachable; sending fewer requests does not help then, and the circuit takes over.
        """
        if self._answered_at >= sent_at:
            self.overloaded(sent_at, now)

    def _grow(self) -> None:
        """Raise the limit, which was reached in a good round.

        A limit that was refused is tried again soon, and less often after each further refusal. So a server with a
        fixed number of places refuses a few requests an hour, and a chance failure costs no speed.
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
        """Return True if the last growth did not pay.

        Moving averages adapt to a server that slows down step by step. So every quarter more in flight has to yield at
        least half of that in requests per second (limit / time, by Little's law). A longer queue alone yields nothing.
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
        """Add a round's time to the averages; return True if it was slow compared with the rounds before."""
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
    """Return the median time of a round and its standard error. Unlike a mean, it ignores single stalled requests."""
    middle = _median(times)
    spread = _median([abs(time - middle) for time in times])
    return middle, min(1.86 * spread / math.sqrt(len(times)), middle / 2)  # for normal times; at most half


def _median(times: list[float]) -> float:
    """Return the median, the lower of two middle values. Importing `statistics` would add 10 ms to the start-up."""
    return sorted(times)[(len(times) - 1) // 2]


def _late(times: list[float]) -> float:
    """Return the time of one of the slowest requests: in a round that leaves together it queues behind all others."""
    return sorted(times)[-1 - len(times) // 8]
