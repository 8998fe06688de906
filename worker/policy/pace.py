"""The pace: a sliding log of responses, checked against any number of windows.

A slot is free again one interval after the *response* to the request that held it. The server's own time stamp lies
between send and response, so `limit + 1` requests can never fall into one of its windows (measured: 0 refusals at 99 %
of the quota, where logs stamped at send and token buckets had hundreds per hour). The same argument covers fixed
windows and leaky buckets (interval = capacity / leak).
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from worker.policy.concurrency import START, Concurrency, Sign
from worker.policy.other_clients import OtherClients
from worker.policy.quota import Allowance, Quotas, share

GUARD: Final = 0.001
"""Seconds added to every interval: timers fire a little early, and servers count window edges either way."""

MEMORY: Final = 4096
"""Minimum number of responses stored while limits may have to be inferred: an unstated window may reach far back."""

TOLD: Final = 10.0
"""Seconds in which no more are in flight than the stated windows need: the server may have narrower, unstated ones."""

UNTOLD: Final = 60.0
"""Seconds in which only the first few are in flight while the server states no limit: if there is one after all, all
requests in flight are refused together, and most limits show within a minute."""

RTT_WEIGHT: Final = 0.05
"""Weight of the latest request in the moving average of the round-trip time."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """At most `limit` requests in any `interval` seconds."""

    limit: int
    interval: float

    def less(self, headroom: float) -> "Window":
        """Return the window with `headroom` per cent of its limit left to others, but never less than one request."""
        return Window(share(self.limit, headroom), self.interval)


class Pace:
    """Decides when the next request of one (origin, method) may leave.

    Every attempt reserves a slot, and gives it back by `answered` (its response arrived, or was given up on) or by
    `cancelled` (it never left). Times are seconds of one monotonic clock, passed in by the caller.

    Attributes:
        in_flight: slots taken.
        max_in_flight: maximum number of slots that the user allows.
        rtt: average seconds of a served request, stalled ones included; 0 before the first.
    """

    def __init__(
        self,
        *,
        ceiling: Sequence[Window] = (),
        declared: Sequence[Window] = (),
        headroom: float = 0.0,
        max_in_flight: int,
        discover: bool = True,
    ) -> None:
        """Start with nothing learned.

        Args:
            ceiling: windows the user set; the server's windows apply as well.
            declared: windows that the API is known to have; one that the server states for the same interval replaces
                it, since it may be another plan's.
            headroom: per cent of every limit to leave to others.
            max_in_flight: maximum number of requests in flight, whatever the windows and the server allow.
            discover: learn from the server; False takes the ceiling (or no window at all) and `max_in_flight` as the
                truth.
        """
        self._ceiling, self._declared = tuple(ceiling), tuple(declared)
        self._headroom = headroom
        self._discover = discover
        self._concurrency = Concurrency(max_in_flight, fixed=not discover)
        self._learned: tuple[Window, ...] = ()
        self._quotas = Quotas(headroom)
        self._inferred: tuple[Window, ...] = ()
        self._settled: tuple[Window, ...] = ()
        self._spacing = 0.0
        self._last = -math.inf
        self._began = math.inf
        self._stamps: list[float] = []
        self.max_in_flight = max_in_flight
        self.rtt = 0.0
        self._strangers = OtherClients()
        self._closed_until = -math.inf
        self._probing = False
        self.in_flight = 0
        self.elsewhere = 0  # slots that other processes hold
        self.has_company = False  # a process that yields to strangers would starve beside one that does not
        self._apply()

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows in force, headroom taken off, narrowest rate last."""
        return self._windows

    @property
    def stated(self) -> tuple[Window, ...]:
        """The windows that the user, the server and its description state, without the headroom."""
        return tuple(sorted({*self._ceiling, *self._servers}))

    @property
    def learned(self) -> tuple[Window, ...]:
        """The windows learned from the server, as it stated them."""
        return self._learned

    @property
    def learns(self) -> bool:
        """True if the pace learns from the server; otherwise the user's windows are the truth."""
        return self._discover

    @property
    def is_unlimited(self) -> bool:
        """True if there are no windows and never will be."""
        return not (self._windows or self._discover)

    @property
    def cap(self) -> int:
        """Maximum number of requests in flight before a window is known."""
        return self.max_in_flight if self._windows or not self._discover else min(START, self.max_in_flight)

    @property
    def stamps(self) -> Sequence[float]:
        """Times of the responses that may still occupy a slot, oldest first."""
        return self._stamps

    @property
    def closed_until(self) -> float:
        """Time at which the last pause ends or ended."""
        return self._closed_until

    @property
    def own(self) -> tuple[Sequence[Window], Sequence[float]]:
        """The share of the windows that other clients leave in the long run, and the stamps that are not theirs."""
        rate = self._strangers.rate
        if not rate:
            return self._lasting, self._stamps
        left = (Window(max(1, w.limit - math.ceil(rate * w.interval)), w.interval) for w in self._lasting)
        return list(left), self._strangers.without(self._stamps)

    @property
    def is_users(self) -> bool:
        """True if the user's ceiling limits the rate, rather than the server."""
        slowest = min(self._windows, key=rate_of, default=None)
        servers, users = ({w.less(self._headroom) for w in windows} for windows in (self._servers, self._ceiling))
        return slowest in users - servers

    @property
    def most_in_flight(self) -> int:
        """Maximum number of requests in flight that the server can bear, as far as is known."""
        return self._concurrency.limit

    def rate(self) -> float:
        """Return the requests per second that the windows allow in the long run; infinity without windows."""
        return self._slowest

    def stated_rate(self) -> float:
        """Return the requests per second that the stated windows and the user's allow; infinity without any."""
        stated = (window.less(self._headroom) for window in self.stated)
        return min(map(rate_of, stated), default=math.inf)

    def reserve(self, now: float) -> float:
        """Take a slot, or return how long to wait before asking again.

        Returns:
            0.0 if the slot is taken; otherwise seconds until one may be free, infinity if only an answer frees one.
        """
        wait = self.wait(now)
        if wait <= 0.0:
            self.in_flight += 1
            self._last = now
            self._concurrency.taken(self.in_flight)
            return 0.0
        return wait

    def wait(self, now: float) -> float:
        """Return how long to wait for a slot, as `reserve` does, and take none."""
        cap = self._cap(now)
        if self.in_flight >= cap:
            return math.inf
        wait = max(self._closed_until, self._last + self._spacing) - now
        wait = max(wait, self._quotas.wait(self.in_flight, now))
        for window in self._windows:
            free = window.limit - self.in_flight - self.elsewhere
            if free <= 0:
                return math.inf
            if self._strangers.rate and not self.has_company:
                free = max(1, free - self._strangers.still_expected(window.interval, now))
            if len(self._stamps) >= free:
                wait = max(wait, self._stamps[-free] + window.interval + GUARD - now)
        return max(wait, 0.0)

    def answered(self, now: float) -> None:
        """Give back the slot of a request that was answered, or given up on, at `now`."""
        self.in_flight -= 1
        self._quotas.answered(now)
        if self._windows or self._discover:
            insort(self._stamps, now)  # not the latest, if the log holds future stamps of a killed process
            self._trim()

    def overhear(self, stamps: Iterable[float]) -> None:
        """Add responses to other processes, which take slots of the same windows; the stamps come in any order."""
        for stamp in stamps:
            insort(self._stamps, stamp)
        self._trim()

    def heard(self, sign: Sign, sent_at: float, now: float) -> None:
        """Learn from the request that left at `sent_at` how many requests the server can bear at once.

        If windows are known, they limit the run rather than the server's speed: latency never takes the few slots that
        keep one or two stalled requests from holding up the run.
        """
        if sign is Sign.OK:
            self.rtt += (RTT_WEIGHT if self.rtt else 1.0) * (now - sent_at - self.rtt)
            self._concurrency.ok(sent_at, now, least=START if self._windows else 1)
        elif sign is Sign.OVERLOADED:
            self._concurrency.overloaded(sent_at, now)

    def not_sent(self, sent_at: float, now: float) -> None:
        """Count a request that was tried at `sent_at` and never left; `cancelled` gives back its slot."""
        self._concurrency.not_sent(sent_at, now)

    def cancelled(self) -> None:
        """Give back the slot of a request that never left."""
        self.in_flight -= 1

    def learn(self, windows: Iterable[Window]) -> bool:
        """Take over the windows that the server states; return True if they are new."""
        learned = tuple(windows)
        if not self._discover or not learned or learned == self._learned:
            return False
        self._learned = learned
        self._apply()
        return True

    def infer(self, windows: Iterable[Window], *, settled: Iterable[Window] = ()) -> None:
        """Keep to windows that the server does not state, besides those it does: evenly, as there may be more of them.

        Args:
            windows: inferred, or on trial.
            settled: inferred before the trial that is under way.
        """
        if self._discover:
            self._inferred, self._settled = tuple(windows), tuple(settled)
            self._apply()

    def allow(self, told: Iterable[Allowance], sent_at: float, now: float) -> None:
        """Take over what is left of quotas, from the reply at `now` to a request that left at `sent_at`."""
        if self._discover:
            self._quotas.learn(told, sent_at, now)

    def used_up(self, now: float) -> float:
        """Return the seconds until every quota has something left again; 0 if all have."""
        return self._quotas.used_up(now)

    def held(self, now: float) -> float:
        """Return the seconds for which the server accepts nothing: a pause, or a quota that is used up."""
        return max(0.0, self._closed_until - now, self._quotas.used_up(now))

    def shared(self, counts: Iterable[tuple[Window, int]], sent_at: float, now: float) -> int:
        """Make room for other clients of the quota, if the server counts more requests than we know of.

        Requests that it counts beyond our own enter the log as if they were ours. Our own are counted generously (every
        response since `sent_at - interval`, and all in flight), so that a late reply never invents other clients.

        Args:
            counts: windows, and the requests left in each by the server's count.
            sent_at: when the request left.
            now: when its reply, with the counts, arrived.

        Returns:
            Number of requests of other clients found.
        """
        if not self._discover:
            return 0
        total, longest = 0, 0.0
        for window, remaining in counts:
            answered = len(self._stamps) - bisect_left(self._stamps, sent_at - window.interval)
            foreign = window.limit - remaining - answered - self.in_flight - self.elsewhere
            if foreign > 0:
                found = self._strangers.meet(foreign, window.interval, now)
                self._stamps = sorted([*self._stamps, *found])
                total += foreign
            longest = max(longest, window.interval)
        if longest:
            self._strangers.expect(longest, now)
        return total

    def close(self, until: float) -> None:
        """Let no request through before `until`, and then one at a time until `open` is called."""
        self._closed_until = max(self._closed_until, until)
        self._probing = True

    def open(self, sent_at: float) -> None:
        """End one-at-a-time sending, if the request that got through left (at `sent_at`) after the pause."""
        if sent_at >= self._closed_until:
            self._probing = False

    def restore(self, learned: Iterable[Window], stamps: Iterable[float]) -> None:
        """Continue with what an earlier process stored; stamps may come in any order."""
        self.learn(learned)
        if self._discover or self._windows:
            self._stamps = sorted([*self._stamps, *stamps])

    def _apply(self) -> None:
        inferred = self._inferred
        self._servers = in_force(self._learned, self._declared)
        stated = {window.less(self._headroom) for window in self.stated}
        self._windows = tuple(sorted({*stated, *inferred}))
        self._lasting = tuple(sorted({*stated, *((inferred and self._settled) or inferred)}))
        self._spacing = spacing(inferred)
        self._slowest = min(map(rate_of, self._windows), default=math.inf)
        self._memory = max([MEMORY if self._discover else 0, *(w.limit for w in self._windows)])

    def _cap(self, now: float) -> int:
        """Return how many requests may be in flight."""
        if self._probing:
            return 1
        limit = self._concurrency.limit
        if not self._discover:
            return limit
        self._began = min(self._began, now)
        since = now - self._began
        if not self._windows:
            return min(START, limit) if since <= UNTOLD or self._quotas.are_known else limit
        if since > TOLD or self._concurrency.is_fixed:
            return limit
        return min(limit, math.ceil(START + 2 * self._slowest * self.rtt))

    def _trim(self) -> None:
        if len(self._stamps) > 2 * self._memory:
            del self._stamps[: -self._memory]


def spacing(windows: Iterable[Window]) -> float:
    """Return the seconds between two requests that keep to all windows evenly; 0 without windows."""
    return max((window.interval / window.limit for window in windows), default=0.0)


def as_windows(told: Iterable[tuple[int, float]]) -> tuple[Window, ...]:
    """Return windows from pairs of (requests, seconds), as an API declares them."""
    return tuple(Window(limit, interval) for limit, interval in told)


def in_force(learned: Sequence[Window], declared: Iterable[Window]) -> tuple[Window, ...]:
    """Return the server's windows: those it states, and those declared for intervals of which it states nothing."""
    told = {window.interval for window in learned}
    return (*learned, *(window for window in declared if window.interval not in told))


def least_time(count: int, windows: Iterable[Window]) -> float:
    """Return the least seconds that `count` requests take if the windows are empty; 0 without windows."""
    return max(((count - 1) // window.limit * window.interval for window in windows), default=0.0) if count else 0.0


def rate_of(window: Window) -> float:
    """Return the requests per second that a window allows in the long run."""
    return window.limit / window.interval
