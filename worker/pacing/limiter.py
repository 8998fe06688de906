"""Where attempts wait for the pace: the thin shell around `policy.pace` that sleeps.

One gate per (origin, method). All attempts of a run, retries included, pass it; a refusal closes it for everybody.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from jobs.model import Reply
from worker.clock import Clock
from worker.events import (
    CircuitClosed,
    CircuitOpened,
    LimitInferred,
    LimitLearned,
    NoAnswer,
    Observer,
    RetryBudgetExhausted,
    SlowedDown,
    ignore,
)
from worker.pacing.shared import SharedPace
from worker.policy.backoff import Circuit, Heard, RetryBudget
from worker.policy.backpressure import is_about_pace, refused_before_work
from worker.policy.concurrency import Sign, sign_of
from worker.policy.inference import Inference
from worker.policy.pace import Pace
from worker.policy.ratelimit import SILENT, Limits, read_limits, read_retry_after
from worker.policy.throttle import Throttle, parking
from worker.stop import Stop

SETTLED_ANSWERS: Final = frozenset({500, 502, 503, 504})
"""Statuses that say the server is not well: no evidence that it has recovered."""


LEAST_PROBE: Final = 2.0
"""Seconds that a probe of a server that is down may take at least."""


@dataclass(frozen=True, slots=True)
class News:
    """Where the news of a gate goes.

    Attributes:
        method: of the requests that pass it.
        observer: hears what happens to its pace.
        count_refusal: called for each 429.
    """

    method: str = ""
    observer: Observer = ignore
    count_refusal: Callable[[], None] = lambda: None


UNHEARD: Final = News()
"""Nobody listens."""


class Gate:
    """Lets attempts through, one slot each, in the order they came."""

    def __init__(
        self,
        pace: Pace,
        clock: Clock,
        stop: Stop,
        shared: SharedPace | None = None,
        heard: Heard | None = None,
        *,
        patience: float = math.inf,
        news: News = UNHEARD,
    ) -> None:
        """Guard a pace.

        Args:
            pace: of one method of one host.
            clock: to know when.
            stop: sends everybody away who still waits.
            shared: ties the pace to those of other processes.
            heard: shared by the gates of one host.
            patience: seconds for which it is worth waiting; when the server wants to see nobody for longer, the run is
                parked by the first who would have to wait.
            news: where what happens to the pace is told.
        """
        self.pace = pace
        self._shared = shared
        self._slots: Pace | SharedPace = shared or pace
        self.patience = patience
        self.news = news
        self._clock = clock
        self._stop = stop
        self.inference = Inference()
        self._throttle = Throttle()
        self._budget = RetryBudget()
        self._circuit = Circuit(heard=heard or Heard())
        self._slowest = 0.0
        self._turn = anyio.Lock(fast_acquire=True)
        self._waiting = 0
        self._freed = anyio.Event()
        stop.on_request(self._free)
        if shared is not None:
            self.inference.resume(*shared.inferred, clock.now())

    @property
    def refusals_in_a_row(self) -> int:
        """Refusals for pace without anything accepted between them; those in flight together count once."""
        return self._throttle.refusals

    def has_broken_down(self, failures: int) -> bool:
        """Whether the server, which has answered before, has not answered anybody for so many failures."""
        return self._circuit.has_succeeded and self._circuit.failures >= failures

    @property
    def is_down(self) -> bool:
        """Whether the server failed so often in a row that only probes go out."""
        return self._circuit.is_open

    @property
    def probe_timeout(self) -> float | None:
        """Seconds that a request may take while only probes go out, None for what all may take.

        A server that has answered in tens of milliseconds is not waited for half a minute to notice that it is back.
        """
        return max(LEAST_PROBE, 4 * self._slowest) if self.is_down and self._slowest else None

    @property
    def is_hopeless(self) -> bool:
        """Whether the server has been down for so long that the run had better be resumed later."""
        return self._circuit.is_hopeless

    def outage(self, why: str) -> str:
        """Say that the server is down, and `why`, once it is no use to wait for it; empty before that."""
        if not self.is_hopeless:
            return ""
        if not self._circuit.heard.answered:
            return f"nothing was ever answered ({why}); check --url and the network, then resume the run"
        return f"the server has been down for too long ({why}); resume the run later"

    def admit_at_once(self) -> bool:
        """Take a slot if one is free and nobody waits for it."""
        return not (self._stop.reason or self._waiting) and self._slots.reserve(self._clock.now()) == 0.0

    async def admit(self) -> bool:
        """Take a slot, waiting as long as the pace demands; False when the run ended first."""
        if self.admit_at_once():
            return True
        self._waiting += 1
        try:
            async with self._turn:
                return await self._wait()
        finally:
            self._waiting -= 1

    def replied(self, reply: Reply, sent_at: float) -> None:
        """The slot's request was answered by something other than a refusal for pace."""
        now = self._clock.now()
        self._slowest = max(self._slowest, now - sent_at)
        self._slots.answered(now)
        self._throttle.accepted()
        limits = read_limits(reply.headers, self._clock.wall())
        self._learn(limits, reply, sent_at, now)
        if limits.pause:
            self._close(limits.pause, now)
            self._tell_pause(reply, limits.pause)
        if not self.inference.is_idle and self._accepted(sent_at, now):
            self._infer()
        if reply.status in SETTLED_ANSWERS:
            self._failed(f"it answered {reply.status}", answered=True)
            return
        if self._circuit.is_open:
            self.news.observer(CircuitClosed(self.news.method))
        self._circuit.succeeded()
        self.pace.open(sent_at)
        self._free()

    def slowed_down(self, reply: Reply, sent_at: float) -> float:
        """The slot's request was answered by one that asks to wait: close the gate for everybody.

        Returns:
            Seconds the gate stays closed.
        """
        now = self._clock.now()
        self._circuit.heard.answered = True
        limits = read_limits(reply.headers, self._clock.wall())
        is_refusal = refused_before_work(reply)
        if is_refusal and limits.has_room:
            self._slots.cancelled()  # should the told limit count it after all, the server's count will show it
        else:
            self._slots.answered(now)
        self._learn(limits, reply, sent_at, now)
        pause = self._pause(limits, reply, sent_at, now)
        self._close(pause, now)
        self._tell_pause(reply, pause)
        self._free()
        return pause

    def _tell_pause(self, reply: Reply, pause: float) -> None:
        if reply.status == 429:  # Too Many Requests
            self.news.count_refusal()
        self.news.observer(SlowedDown(self.news.method, reply.status, pause))

    def _pause(self, limits: Limits, reply: Reply, sent_at: float, now: float) -> float:
        """Return the seconds for which nobody may send.

        A refusal while nothing is left of what the server tells is explained by that: its counts are never reset, so
        that whole window is waited for. Any other refusal says that there is a limit that is not told.
        """
        pace, is_refusal = self.pace, is_about_pace(reply)
        asked = read_retry_after(reply.headers, self._clock.wall())
        used_up = pace.used_up(now)
        is_explained = bool(limits.spent) or used_up > 0.0 or not pace.learns
        known = (limits.spent or pace.windows) if is_refusal and is_explained else ()
        pause = self._throttle.refused(known, asked, again=sent_at >= pace.closed_until)
        if is_refusal and not is_explained:
            held = self.inference.windows
            pause = self.inference.refused(now, sent_at, asked, pace.stamps)
            if self.inference.windows != held:
                self._infer()
        return max(pause, limits.pause, used_up)

    def _close(self, pause: float, now: float) -> None:
        self.pace.close(now + pause)
        if self._shared is not None:
            self._shared.close(pause)

    def unanswered(self, sent_at: float, why: str = "no answer") -> None:
        """The slot's request left and was not answered: it occupies the server's window until now at most."""
        now = self._clock.now()
        self._slots.answered(now)
        self.pace.heard(Sign.OVERLOADED, sent_at, now)
        self._failed(why)

    def not_sent(self, tried_at: float, why: str = "not sent") -> None:
        """The slot's request never left."""
        self._slots.cancelled()
        self.pace.not_sent(tried_at, self._clock.now())
        self._failed(why)

    def give_back(self) -> None:
        """The slot was not used after all."""
        self._slots.cancelled()
        self._free()

    def _failed(self, why: str, *, answered: bool = False) -> None:
        """The server, or the way to it, failed a request: after several in a row only probes go out."""
        circuit, now = self._circuit, self._clock.now()
        if not (circuit.failures or circuit.heard.answered or answered):
            self.news.observer(NoAnswer(self.news.method, why))
        pause = circuit.failed(self._clock.sample(), now, answered=answered)
        if pause is not None:
            if circuit.failures == circuit.threshold:
                self.news.observer(CircuitOpened(self.news.method, circuit.failures, why))
            self.pace.close(now + pause)
        self._free()

    def beat(self) -> None:
        """Let the other processes know that this one is there."""
        if self._shared is not None:
            self._shared.beat()

    def first_attempt(self) -> None:
        """A row is sent for the first time: it earns a share of a retry."""
        self._budget.request()

    def retry(self) -> None:
        """A row is to be sent again; beyond the budget the server counts as down."""
        if not self._budget.withdraw(self._clock.now()) and not self._circuit.is_open:
            self._circuit.exhaust()
            self.news.observer(RetryBudgetExhausted(self.news.method))
            self.pace.close(self._clock.now() + self._circuit.base)

    def _free(self) -> None:
        """Whoever waits had better look again."""
        if self._waiting:
            self._freed.set()  # whichever event is the current one: a waiter makes a new one each time

    def _learn(self, limits: Limits, reply: Reply, sent_at: float, now: float) -> None:
        if limits is not SILENT:
            if self.pace.learn(limits.windows):
                self.news.observer(LimitLearned(self.news.method, tuple(limits.windows)))
            if limits.counts and self._shared is not None:
                self._shared.look(now)
            self.pace.shared(limits.counts, sent_at, now)
            self.pace.allow(limits.allowances, sent_at, now)
        remaining = min((left for _, left in limits.counts), default=None) if limits.counts else None
        self.pace.heard(sign_of(reply.status, paced=bool(self.pace.windows), remaining=remaining), sent_at, now)

    def _accepted(self, sent_at: float, now: float) -> bool:
        return self.inference.accepted(now, sent_at, self.pace.stamps, self.pace.stated_rate)

    def _infer(self) -> None:
        inference = self.inference
        self.pace.infer(inference.windows, settled=inference.settled)
        if self._shared is not None:
            self._shared.infer(inference.settled, inference.no_trial_before)
        self.news.observer(LimitInferred(self.news.method, tuple(inference.windows)))

    async def _wait(self) -> bool:
        while not self._stop.reason:
            self._freed = anyio.Event()
            wait = self._slots.reserve(self._clock.now())
            if wait == 0.0:
                return True
            if why := parking(self.pace.held(self._clock.now()), 0, patience=self.patience, most=1):
                self._stop.request("parked", why)
                return False
            with anyio.move_on_after(wait):
                await self._freed.wait()
        return False
