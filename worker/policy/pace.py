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

from worker.policy.concurrency import START, Concurrency, Sign
from worker.policy.other_clients import Strangers
from worker.policy.quota import Allowance, Quotas, share

GUARD: Final = 0.001
"""Seconds added to every interval: timers fire a little early, and servers count window edges either way."""

MEMORY: Final = 4096
"""Responses remembered at least, where limits may have to be inferred: an untold window may reach far back."""

TOLD: Final = 10.0
"""Seconds for which no more are in flight than the told windows need: there may be narrower ones that are not told."""

UNTOLD: Final = 60.0
"""Seconds for which no more than the first few are in flight while the server tells no limit: all that are in flight
are refused together when there is one after all, and most limits show within a minute."""

RTT_WEIGHT: Final = 0.05
"""Weight of the latest request in the moving average of the round-trip time."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """At most `limit` requests in any `interval` seconds."""

    limit: int
    interval: float

    def less(self, headroom: float) -> "Window":
        """The window with `headroom` per cent of its limit left to others, but never less than one request."""
        return Window(share(self.limit, headroom), self.interval)


class Pace:
    """The requests of one (origin, method): when may the next one leave?

    Every attempt reserves a slot, and gives it back by `answered` (its response arrived, or is given up on) or by
    `cancelled` (it never left). Times are seconds of one monotonic clock, handed in by the caller.

    Attributes:
        in_flight: slots taken.
        max_in_flight: slots the user allows at most.
        rtt: seconds a served request takes on average, stalled ones included; 0 before the first.
    """

    def __init__(
        self, *, ceiling: Sequence[Window] = (), headroom: float = 0.0, max_in_flight: int, discover: bool = True
    ) -> None:
        """Start with nothing learned.

        Args:
            ceiling: windows the user set; what the server says is applied on top of them.
            headroom: per cent of every limit left to others.
            max_in_flight: requests in flight at most, whatever the windows and the server allow.
            discover: whether to learn from the server; False takes the ceiling (or no window at all) and
                `max_in_flight` as the truth.
        """
        self._ceiling = tuple(ceiling)
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
        self._strangers = Strangers()
        self._closed_until = -math.inf
        self._probing = False
        self.in_flight = 0
        self.elsewhere = 0  # slots that other processes hold
        self.has_company = False  # whoever yields to expected strangers would get nothing beside one that does not
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
    def learns(self) -> bool:
        """Whether what the server does is learned from: otherwise the user's windows are the truth."""
        return self._discover

    @property
    def is_unlimited(self) -> bool:
        """Whether there are no windows and will be none."""
        return not (self._windows or self._discover)

    @property
    def cap(self) -> int:
        """Requests in flight at most before a window is known."""
        return self.max_in_flight if self._windows or not self._discover else min(START, self.max_in_flight)

    @property
    def stamps(self) -> Sequence[float]:
        """Times of the responses that may still occupy a slot, oldest first."""
        return self._stamps

    @property
    def closed_until(self) -> float:
        """When the last pause ends or ended."""
        return self._closed_until

    @property
    def own(self) -> tuple[Sequence[Window], Sequence[float]]:
        """What others leave of the windows in the long run, and the stamps that are not theirs."""
        rate = self._strangers.rate
        if not rate:
            return self._lasting, self._stamps
        left = (Window(max(1, w.limit - math.ceil(rate * w.interval)), w.interval) for w in self._lasting)
        return list(left), self._strangers.without(self._stamps)

    @property
    def is_users(self) -> bool:
        """Whether it is the user's ceiling that limits the rate, rather than what the server says."""
        slowest = min(self._windows, key=rate_of, default=None)
        told, users = ({w.less(self._headroom) for w in windows} for windows in (self._learned, self._ceiling))
        return slowest in users - told

    @property
    def most_in_flight(self) -> int:
        """Requests in flight at most, as far as the server has shown what it bears."""
        return self._concurrency.limit

    def rate(self) -> float:
        """Requests a second that the windows allow in the long run; infinity without windows."""
        return self._slowest

    def stated_rate(self) -> float:
        """Requests a second that the windows which are not inferred allow; infinity without any."""
        stated = (window.less(self._headroom) for window in {*self._ceiling, *self._learned})
        return min(map(rate_of, stated), default=math.inf)

    def reserve(self, now: float) -> float:
        """Take a slot, or say how long to wait before asking again.

        Returns:
            0.0 when the slot is taken; otherwise seconds until one may be free, infinity when only an answer frees one.
        """
        wait = self._wait(now)
        if wait <= 0.0:
            self.in_flight += 1
            self._last = now
            self._concurrency.taken(self.in_flight)
            return 0.0
        return wait

    def answered(self, now: float) -> None:
        """The request of one slot was answered, or given up on, at `now`."""
        self.in_flight -= 1
        self._quotas.answered(now)
        if self._windows or self._discover:
            insort(self._stamps, now)  # what a killed process left open may be counted later than this
            self._trim()

    def overhear(self, stamps: Iterable[float]) -> None:
        """Others, who take slots of the same windows, were answered at these times; in any order."""
        for stamp in stamps:
            insort(self._stamps, stamp)
        self._trim()

    def heard(self, sign: Sign, sent_at: float, now: float) -> None:
        """What became of a request that left at `sent_at` says how many the server bears at once.

        Where windows are known they limit the run, not the server's speed: slowness never costs the few in flight that
        a stalled request or two must not hold up.
        """
        if sign is Sign.OK:
            self.rtt += (RTT_WEIGHT if self.rtt else 1.0) * (now - sent_at - self.rtt)
            self._concurrency.ok(sent_at, now, least=START if self._windows else 1)
        elif sign is Sign.OVERLOADED:
            self._concurrency.overloaded(sent_at, now)

    def not_sent(self, sent_at: float, now: float) -> None:
        """The request of one slot, given back by `cancelled`, was tried at `sent_at`, and never left."""
        self._concurrency.not_sent(sent_at, now)

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

    def infer(self, windows: Iterable[Window], *, settled: Iterable[Window] = ()) -> None:
        """Keep to windows that the server does not tell, beside those it tells: evenly, as there may be more of them.

        Args:
            windows: what is inferred, or tried.
            settled: what is inferred while more is tried.
        """
        if self._discover:
            self._inferred, self._settled = tuple(windows), tuple(settled)
            self._apply()

    def allow(self, told: Iterable[Allowance], sent_at: float, now: float) -> None:
        """Take over how much is left of quotas, by the reply at `now` to a request that left at `sent_at`."""
        if self._discover:
            self._quotas.learn(told, sent_at, now)

    def used_up(self, now: float) -> float:
        """Seconds until something is left again of every quota; 0 when something is."""
        return self._quotas.used_up(now)

    def held(self, now: float) -> float:
        """Seconds for which the server wants to see nobody: a pause, or a quota that is used up."""
        return max(0.0, self._closed_until - now, self._quotas.used_up(now))

    def shared(self, counts: Iterable[tuple[Window, int]], sent_at: float, now: float) -> int:
        """Make room for others on the same quota: the server counts more requests than we know of.

        Whatever it counts beyond our own is put into the log as if it were ours. Our own are counted generously (every
        response since `sent_at - interval`, and all in flight), so that a late reply never invents others.

        Args:
            counts: windows, and how many requests are left in each by the server's count.
            sent_at: when the request left whose reply, at `now`, says so.
            now: see there.

        Returns:
            How many foreign requests were found.
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
        inferred = self._inferred
        stated = {window.less(self._headroom) for window in {*self._ceiling, *self._learned}}
        self._windows = tuple(sorted({*stated, *inferred}))
        self._lasting = tuple(sorted({*stated, *((inferred and self._settled) or inferred)}))
        self._spacing = spacing(inferred)
        self._slowest = min(map(rate_of, self._windows), default=math.inf)
        self._memory = max([MEMORY if self._discover else 0, *(w.limit for w in self._windows)])

    def _cap(self, now: float) -> int:
        """How many may be in flight."""
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

    def _wait(self, now: float) -> float:
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


def spacing(windows: Iterable[Window]) -> float:
    """Seconds between two requests that keep to all windows evenly; 0 without any."""
    return max((window.interval / window.limit for window in windows), default=0.0)


def as_windows(told: Iterable[tuple[int, float]]) -> tuple[Window, ...]:
    """Return windows of so many requests in so many seconds, as an API's documents tell them."""
    return tuple(Window(limit, interval) for limit, interval in told)


def least_time(count: int, windows: Iterable[Window]) -> float:
    """Seconds that so many requests take at least, none being in the windows yet; 0 when there is no window."""
    return max(((count - 1) // window.limit * window.interval for window in windows), default=0.0) if count else 0.0


def rate_of(window: Window) -> float:
    """Return the requests a second that a window allows in the long run."""
    return window.limit / window.interval
