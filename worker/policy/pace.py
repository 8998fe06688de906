"""How fast: a sliding log of responses against any number of windows.

A slot is free again one interval after the *response* of the request that held it. The server's own time stamp lies
between send and response, so that `limit + 1` requests can never fall into one of its windows (measured: 0 refusals at
99 % of the quota, where logs stamped at send and token buckets had hundreds an hour). Fixed windows and leaky buckets
(interval = capacity / leak) are covered by the same argument.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

GUARD: Final = 0.001
"""Seconds added to every interval: timers fire a little early, and servers count window edges either way."""

UNLEARNED_IN_FLIGHT: Final = 4
"""Requests in flight at most while nothing is known about the server's limits."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """At most `limit` requests in any `interval` seconds."""

    limit: int
    interval: float

    def less(self, headroom: float) -> "Window":
        """The window with `headroom` per cent of its limit left to others, but never less than one request."""
        return Window(max(1, math.floor(self.limit * (100 - headroom) / 100)), self.interval)


class Pace:
    """The requests of one (origin, method): when may the next one leave?

    Every attempt reserves a slot, and gives it back by `answered` (its response arrived, or is given up on) or by
    `cancelled` (it never left). Times are seconds of one monotonic clock, handed in by the caller.
    """

    def __init__(
        self, *, ceiling: Sequence[Window] = (), headroom: float = 0.0, max_in_flight: int, discover: bool = True
    ) -> None:
        """Start with nothing learned.

        Args:
            ceiling: windows the user set; what the server says is applied on top of them.
            headroom: per cent of every limit left to others.
            max_in_flight: requests in flight at most, whatever the windows allow.
            discover: whether to learn from the server; False takes the ceiling (or no window at all) as the truth.
        """
        self._ceiling = tuple(ceiling)
        self._headroom = headroom
        self._max_in_flight = max_in_flight
        self._discover = discover
        self._learned: tuple[Window, ...] = ()
        self._stamps: list[float] = []
        self._closed_until = -math.inf
        self._probing = False
        self.in_flight = 0
        self.elsewhere = 0  # slots that other processes hold
        self._apply()

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows in force, headroom taken off, narrowest rate last."""
        return self._windows

    @property
    def learned(self) -> tuple[Window, ...]:
        """The windows learned from the server, as it stated them."""
        return self._learned

    @property
    def is_unlimited(self) -> bool:
        """Whether there are no windows and will be none."""
        return not (self._windows or self._discover)

    @property
    def cap(self) -> int:
        """Requests in flight at most, whatever the windows allow."""
        return self._in_flight_cap

    @property
    def stamps(self) -> Sequence[float]:
        """Times of the responses that may still occupy a slot, oldest first."""
        return self._stamps

    @property
    def closed_until(self) -> float:
        """When the last pause ends or ended."""
        return self._closed_until

    def rate(self) -> float:
        """Requests a second that the windows allow in the long run; infinity without windows."""
        return min((window.limit / window.interval for window in self._windows), default=math.inf)

    def reserve(self, now: float) -> float:
        """Take a slot, or say how long to wait before asking again.

        Returns:
            0.0 when the slot is taken; otherwise seconds until one may be free, infinity when only an answer frees one.
        """
        wait = self._wait(now)
        if wait <= 0.0:
            self.in_flight += 1
            return 0.0
        return wait

    def answered(self, now: float) -> None:
        """The request of one slot was answered, or given up on, at `now`."""
        self.in_flight -= 1
        if self._windows or self._discover:
            self._stamps.append(now)
            self._trim()

    def overhear(self, stamps: Iterable[float]) -> None:
        """Others, who take slots of the same windows, were answered at these times; in any order."""
        for stamp in stamps:
            insort(self._stamps, stamp)
        self._trim()

    def cancelled(self) -> None:
        """The request of one slot never left."""
        self.in_flight -= 1

    def learn(self, windows: Iterable[Window]) -> bool:
        """Take over what the server says about its limits; True when that is news."""
        learned = tuple(windows)
        if not self._discover or not learned or learned == self._learned:
            return False
        self._learned = learned
        self._apply()
        return True

    def shared(self, window: Window, remaining: int, sent_at: float, now: float) -> int:
        """Make room for others on the same quota: the server counts more requests than we know of.

        Whatever it counts beyond our own is put into the log as if it were ours. Our own are counted generously (every
        response since `sent_at - interval`, and all in flight), so that a late reply never invents others.

        Returns:
            How many foreign requests were found.
        """
        if not self._discover:
            return 0
        own = len(self._stamps) - bisect_left(self._stamps, sent_at - window.interval) + self.in_flight + self.elsewhere
        foreign = max(0, window.limit - remaining - own)
        self._stamps.extend([now] * foreign)
        return foreign

    def close(self, until: float) -> None:
        """Let nobody through before `until`, and then one at a time until `open` is called."""
        self._closed_until = max(self._closed_until, until)
        self._probing = True

    def open(self, sent_at: float) -> None:
        """A request that left at `sent_at` got through: no longer one at a time, if it left after the pause."""
        if sent_at >= self._closed_until:
            self._probing = False

    def restore(self, learned: Iterable[Window], stamps: Iterable[float]) -> None:
        """Go on from what an earlier process remembered; stamps may come in any order."""
        self.learn(learned)
        if self._discover or self._windows:
            self._stamps = sorted([*self._stamps, *stamps])

    def _apply(self) -> None:
        self._windows = tuple(sorted(w.less(self._headroom) for w in {*self._ceiling, *self._learned}))
        known = bool(self._windows) or not self._discover
        self._in_flight_cap = self._max_in_flight if known else min(UNLEARNED_IN_FLIGHT, self._max_in_flight)
        self._memory = max((w.limit for w in self._windows), default=1000)

    def _trim(self) -> None:
        if len(self._stamps) > 2 * self._memory:
            del self._stamps[: -self._memory]

    def _wait(self, now: float) -> float:
        cap = 1 if self._probing else self._in_flight_cap
        if self.in_flight >= cap:
            return math.inf
        wait = self._closed_until - now
        for window in self._windows:
            free = window.limit - self.in_flight - self.elsewhere
            if free <= 0:
                return math.inf
            if len(self._stamps) >= free:
                wait = max(wait, self._stamps[-free] + window.interval + GUARD - now)
        return max(wait, 0.0)


def least_time(count: int, windows: Iterable[Window]) -> float:
    """Seconds that so many requests take at least, none being in the windows yet; 0 when there is no window."""
    return max(((count - 1) // window.limit * window.interval for window in windows), default=0.0) if count else 0.0
