"""Servers with a limit that they enforce: what they count, apart from how they tell it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.system.scenarios.harness import Said


class Limiter(Protocol):
    """A limit that is enforced. Times are loop seconds."""

    limit: int
    interval: float

    def take(self, now: float) -> bool:
        """Count a request, unless that would break the limit."""

    def left(self, now: float) -> int:
        """Requests that would be accepted now."""

    def resets_in(self, now: float) -> float:
        """Seconds until all of the limit is there again, if nothing is sent."""


@dataclass(slots=True)
class Sliding:
    """At most `limit` in any `interval` seconds."""

    limit: int
    interval: float
    _times: list[float] = field(default_factory=list)

    def take(self, now: float) -> bool:
        free = self.left(now) > 0
        if free:
            self._times.append(now)
        return free

    def left(self, now: float) -> int:
        return self.limit - sum(time > now - self.interval for time in self._times)

    def resets_in(self, now: float) -> float:
        return max(0.0, self._times[-1] + self.interval - now) if self._times else 0.0


@dataclass(slots=True)
class Fixed:
    """At most `limit` in each period of `interval` seconds; the first began `begun` seconds before the run did."""

    limit: int
    interval: float
    begun: float = 0.0
    used: int = 0
    _period: int = 0

    def take(self, now: float) -> bool:
        free = self.left(now) > 0
        self.used += free
        return free

    def left(self, now: float) -> int:
        period = int((now + self.begun) // self.interval)
        if period != self._period:
            self._period, self.used = period, 0
        return self.limit - self.used

    def resets_in(self, now: float) -> float:
        return self.interval - (now + self.begun) % self.interval


@dataclass(slots=True)
class Leaky:
    """A bucket with room for `limit`, that leaks empty in `interval` seconds."""

    limit: int
    interval: float
    _level: float = 0.0
    _at: float = 0.0

    def take(self, now: float) -> bool:
        free = self.left(now) > 0
        self._level += free
        return free

    def left(self, now: float) -> int:
        self._level = max(0.0, self._level - (now - self._at) * self.limit / self.interval)
        self._at = now
        return int(self.limit - self._level + 1e-9)

    def resets_in(self, now: float) -> float:
        self.left(now)
        return self._level * self.interval / self.limit


Tell = Callable[[Sequence[Limiter], float], Mapping[str, str]]
"""How a server tells of its limits."""


def enforcing(limiters: Sequence[Limiter], tell: Tell) -> Callable[[float, Mapping[str, Any]], Said]:
    """A script that refuses whatever breaks one of the limits, and says no more about it than its headers do."""

    def answer(now: float, _data: Mapping[str, Any]) -> Said:
        free = all(limiter.left(now) > 0 for limiter in limiters)
        if free:
            for limiter in limiters:
                limiter.take(now)
        return Said(200 if free else 429, None if free else {"errors": []}, tell(limiters, now))

    return answer
