"""Other ways to do it, each written anew from its public description: what ours is measured against.

They know the limits from the documentation where the server has any (ours is told by the headers), and hold as many
requests in flight at most.
"""

import asyncio
import math
from typing import Final

from jobs.model import Outcome, Reply
from tests.system.pace.clients import Terms


def _now() -> float:
    return asyncio.get_running_loop().time()


class Peer:
    """What the peers share: a refused request asks again after `Retry-After`, or a second, doubled each time."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    async def admit(self) -> None:
        """Nobody waits."""

    def replied(self, outcome: Outcome, sent_at: float) -> None:
        """Nothing is learned."""

    def wait(self, outcome: Outcome, failures: int) -> float:
        told = float(outcome.headers.get("retry-after", 0)) if isinstance(outcome, Reply) else 0.0
        return max(told, min(60.0, 2.0 ** (failures - 1)))

    def reborn(self) -> "Peer":
        """A new process knows nothing of the last one."""
        return type(self)(self.terms)


class LeakyBucket(Peer):
    """aiolimiter's documented rule: a bucket for each limit, full at the limit, that drains evenly over its interval.

    An admission adds one and waits while the bucket would overflow, so that a whole limit may leave in one burst.
    """

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._levels = [0.0] * len(terms.limits)
        self._at = 0.0

    async def admit(self) -> None:
        while True:
            wait = self._overflow()
            if not wait:
                break
            await asyncio.sleep(wait)
        self._levels = [level + 1 for level in self._levels]

    def _overflow(self) -> float:
        """Seconds until one more fits into every bucket."""
        now, wait = _now(), 0.0
        for index, limit in enumerate(self.terms.limits):
            drain = limit.requests / limit.interval
            self._levels[index] = level = max(0.0, self._levels[index] - (now - self._at) * drain)
            wait = max(wait, (level + 1 - limit.requests) / drain)
        self._at = now
        return wait if wait > 1e-9 else 0.0


class TokenBucket(Peer):
    """Tokens for each limit, a tenth of it at once at most, refilled at its rate."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._sizes = [max(1.0, limit.requests / 10) for limit in terms.limits]
        self._tokens = list(self._sizes)
        self._at = 0.0

    async def admit(self) -> None:
        while True:
            wait = self._lacking()
            if not wait:
                break
            await asyncio.sleep(wait)
        self._tokens = [tokens - 1 for tokens in self._tokens]

    def _lacking(self) -> float:
        now, wait = _now(), 0.0
        for index, limit in enumerate(self.terms.limits):
            refill = limit.requests / limit.interval
            have = min(self._sizes[index], self._tokens[index] + (now - self._at) * refill)
            self._tokens[index] = have
            wait = max(wait, (1 - have) / refill)
        self._at = now
        return wait if wait > 1e-9 else 0.0


class EvenSpacing(Peer):
    """One request every interval / limit seconds."""

    _next: float = 0.0

    async def admit(self) -> None:
        at = max(self._next, _now())
        self._next = at + 1 / self.terms.slowest
        await asyncio.sleep(at - _now())


class AutomaticDelay(Peer):
    """GNU parallel's `--delay 0.1auto` by its manual: 30 % more between two jobs when one fails, 10 % less when not."""

    _next: float = 0.0
    _delay: float = 0.1

    async def admit(self) -> None:
        at = max(self._next, _now())
        self._next = at + self._delay
        await asyncio.sleep(at - _now())

    def replied(self, outcome: Outcome, sent_at: float) -> None:
        failed = not isinstance(outcome, Reply) or outcome.status != 200
        self._delay = max(0.001, self._delay * (1.3 if failed else 0.9))


_ALPHA: Final = 0.4
_CUT: Final = 0.9
_DEVIATIONS: Final = 2.5


class AdaptiveConcurrency(Peer):
    """Vector's adaptive request concurrency by its documentation: concurrency alone, whatever the server limits.

    Begins with one in flight. At the end of each round trip: a tenth less (rounded down) after a refusal, or when the
    mean time was more than 2.5 deviations above the moving average; one more when the limit was reached. A refused
    request is tried again after 1, 1, 2, 3, 5 ... seconds.
    """

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._limit = 1
        self._in_flight = 0
        self._mean = math.nan
        self._deviation = 0.0
        self._round: list[float] = []
        self._ends = 0.0
        self._reached = self._refused = False
        self._freed = asyncio.Event()

    async def admit(self) -> None:
        while self._in_flight >= self._limit:
            self._freed.clear()
            await self._freed.wait()
        self._in_flight += 1
        self._reached = self._reached or self._in_flight >= self._limit

    def replied(self, outcome: Outcome, sent_at: float) -> None:
        now = _now()
        self._in_flight -= 1
        if isinstance(outcome, Reply) and outcome.status == 200:
            self._round.append(now - sent_at)
        else:
            self._refused = True
        if now >= self._ends:
            self._conclude(now)
        self._freed.set()

    def wait(self, outcome: Outcome, failures: int) -> float:
        first, second = 1, 1
        for _ in range(failures - 1):
            first, second = second, first + second
        return float(first)

    def _conclude(self, now: float) -> None:
        rtt = sum(self._round) / len(self._round) if self._round else self._mean
        is_slow = rtt > self._mean + _DEVIATIONS * self._deviation
        if self._refused or is_slow:
            self._limit = max(1, int(self._limit * _CUT))
        elif self._reached:
            self._limit = min(self.terms.concurrency, self._limit + 1)
        if math.isnan(self._mean):
            self._mean = rtt
        elif self._round:
            self._deviation += _ALPHA * (abs(rtt - self._mean) - self._deviation)
            self._mean += _ALPHA * (rtt - self._mean)
        self._round, self._reached, self._refused = [], False, False
        self._ends = now + (0.0 if math.isnan(self._mean) else self._mean)
