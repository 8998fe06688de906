"""Strict sliding windows: every method has its own counters, shared by all resource types.

The documented numbers are the ratios here: burst is a quarter of the limit per sixth of the interval, and cacheable
types may be read five times as often. Strict means that no interval of that length, wherever it begins, ever holds more
than the limit.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.sandbox.jsonapi import Reply, json_reply

TOKEN_LIMIT: Final = (30, 60.0)
"""Requests per seconds at the token endpoint; it has no burst window."""

_CACHEABLE_FACTOR: Final = 5
_BURST_PART: Final = 4
_BURST_INTERVAL_PART: Final = 6


class SlidingWindow:
    """At most `limit` requests in any `interval` seconds."""

    def __init__(self, limit: int, interval: float) -> None:
        self.limit = limit
        self.interval = interval
        self._stamps: deque[float] = deque()

    def used(self, now: float) -> int:
        """Count the requests in the window that ends now."""
        while self._stamps and self._stamps[0] <= now - self.interval:
            self._stamps.popleft()
        return len(self._stamps)

    def record(self, now: float) -> None:
        """Count one request at `now`."""
        self._stamps.append(now)


@dataclass(frozen=True, slots=True)
class Counter:
    """The windows of one class of requests. `told`: the average, the only one that headers tell."""

    windows: tuple[SlidingWindow, ...]
    told: SlidingWindow | None = None

    @classmethod
    def of(cls, limit: int, interval: float) -> "Counter":
        """Make the average and the burst window of that limit."""
        burst = SlidingWindow(max(1, limit // _BURST_PART), interval / _BURST_INTERVAL_PART)
        average = SlidingWindow(limit, interval)
        return cls((average, burst), average)

    def admit(self, now: float, penalty: bool = False) -> bool:
        """Count a request if every window has room; return whether. With `penalty` count it anyway."""
        fits = all(window.used(now) < window.limit for window in self.windows)
        if fits or penalty:
            for window in self.windows:
                window.record(now)
        return fits

    def headers(self, now: float) -> dict[str, str]:
        """Return the rate headers of a reply at `now`."""
        average = self.told
        if average is None:
            return {}
        return {
            "X-Ratelimit-Limit": str(average.limit),
            "X-Ratelimit-Interval": f"{average.interval:g}",
            "X-Ratelimit-Remaining": str(max(0, average.limit - average.used(now))),
        }


class Limiter:
    """The counters of a sandbox: one a method, two for GET.

    Args:
        limit: requests and seconds of the average window, None for none.
        untold: those of a further window, None for none.
        penalty: whether refused requests count as well.
    """

    def __init__(
        self, limit: tuple[int, float] | None, untold: tuple[int, float] | None = None, *, penalty: bool = False
    ) -> None:
        self._limit = limit
        self._untold = untold
        self.penalty = penalty
        self.token = Counter((SlidingWindow(*TOKEN_LIMIT),))
        self._counters: dict[tuple[str, bool], Counter] = {}

    def counter(self, method: str, cacheable: bool) -> Counter:
        """Return the counter that such a request spends from."""
        key = method, cacheable and method == "GET"
        if key not in self._counters:
            self._counters[key] = self._made(_CACHEABLE_FACTOR if key[1] else 1)
        return self._counters[key]

    def _made(self, factor: int) -> Counter:
        told = Counter.of(self._limit[0] * factor, self._limit[1]) if self._limit else Counter(())
        if self._untold is None:
            return told
        return Counter((*told.windows, SlidingWindow(self._untold[0] * factor, self._untold[1])), told.told)


def throttled(headers: Mapping[str, str]) -> Reply:
    """Return the recorded 429: `errors` an object, `status` a number, plain JSON, a useless Retry-After."""
    body = {"errors": {"title": "Too Many Requests", "code": "THROTTLED", "status": 429}}
    remaining = {"X-Ratelimit-Remaining": "0"} if headers else {}
    reply = json_reply(429, body, "application/json")  # type: ignore[arg-type]  # dict is invariant
    return reply.with_headers({**headers, **remaining, "Retry-After": "0"})
