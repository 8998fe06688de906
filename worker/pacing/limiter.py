"""Where attempts wait for the pace: the thin shell around `policy.pace` that sleeps.

One limiter per (origin, method). All attempts of a run, retries included, pass it; a refusal closes it for everybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import anyio

from jobs.apis.meanings import ABOUT_PACE, SLOWS_DOWN, Meaning
from jobs.apis.retry_after import read_retry_after
from jobs.model import NotSent, Outcome, Reply
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
from worker.policy.concurrency import Sign, sign_of
from worker.policy.inference import Inference
from worker.policy.pace import Pace
from worker.policy.patience import PATIENT, Patience, outage
from worker.policy.ratelimit import SILENT, Limits, read_limits
from worker.policy.throttle import Throttle
from worker.stop import Stop

LEAST_PROBE: Final = 2.0
"""Seconds that a probe of a server that is down may take at least."""


@dataclass(frozen=True, slots=True)
class News:
    """Where the news of a limiter goes.

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


class Slots(Protocol):
    """The capacity behind a limiter: a pace of this process alone, or one that several processes share."""

    def reserve(self, now: float) -> float:
        """Take a slot and return 0, or return the seconds until it is worth asking again."""

    def answered(self, now: float) -> None:
        """Give a slot back whose request was answered, or given up on: it counts from `now`."""

    def cancelled(self) -> None:
        """Give a slot back whose request never left."""


class Limiter:
    """Lets attempts through, one slot each, in the order they came."""

    def __init__(
        self,
        pace: Pace,
        clock: Clock,
        stop: Stop,
        shared: SharedPace | None = None,
        heard: Heard | None = None,
        *,
        patience: Patience = PATIENT,
        news: News = UNHEARD,
    ) -> None:
        """Guard a pace.

        Args:
            pace: of one method of one host.
            clock: to know when.
            stop: sends everybody away who still waits.
            shared: ties the pace to those of other processes.
            heard: shared by the limiters of one host.
            patience: says how long it is worth waiting; when the server wants to see nobody for longer, the run is
                parked by the first who would have to wait.
            news: where what happens to the pace is told.
        """
        self.pace = pace
        self._shared = shared
        self._slots: Slots = shared or pace
        self._patience = patience
        self._news = news
        self._clock = clock
        self._stop = stop
        self._inference = Inference()
        self._throttle = Throttle()
        self._budget = RetryBudget()
        self._circuit = Circuit(heard=heard or Heard())
        self._slowest = 0.0
        self._turn = anyio.Lock(fast_acquire=True)
        self._waiting = 0
        self._freed = anyio.Event()
        stop.on_request(self._free)
        if shared is not None:
            self._inference.resume(*shared.inferred, clock.now())

    @property
    def refusals_in_a_row(self) -> int:
        """Count refusals for pace without anything accepted between them; those in flight together are one."""
        return self._throttle.refusals

    def has_broken_down(self, failures: int) -> bool:
        """Return True if a server that has answered before has failed so often in a row, whoever asked."""
        return self._circuit.has_succeeded and self._circuit.failures >= failures

    @property
    def is_down(self) -> bool:
        """Return True while only probes go out: the server has failed too often in a row."""
        return self._circuit.is_open

    @property
    def probe_timeout(self) -> float | None:
        """Return the seconds that a request may take while only probes go out, None for the usual time-out.

        A server that has answered in tens of milliseconds is not waited for half a minute to notice that it is back.
        """
        return max(LEAST_PROBE, 4 * self._slowest) if self.is_down and self._slowest else None

    @property
    def is_hopeless(self) -> bool:
        """Return True if the server has been down for so long that the run had better be resumed later."""
        return self._circuit.is_hopeless

    def outage(self, why: str) -> str:
        """Return that the server is down, and `why`, once it is no use to wait for it; empty before that."""
        return outage(self._circuit, why)

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

    def account(self, outcome: Outcome, meaning: Meaning, sent_at: float) -> float:
        """Spend the slot of a request on what came of it.

        Args:
            outcome: of the request.
            meaning: of the outcome.
            sent_at: loop time at which the request left.

        Returns:
            Seconds for which an outcome that asks to wait closes the limiter, 0 for any other.
        """
        now = self._clock.now()
        if isinstance(outcome, Reply):
            return (self._slowed_down if meaning in SLOWS_DOWN else self._replied)(outcome, meaning, sent_at, now)
        if isinstance(outcome, NotSent):
            self._not_sent(outcome.detail, sent_at, now)
        else:
            self._unanswered(outcome.detail, sent_at, now)
        return 0.0

    def release(self) -> None:
        """Give back a slot that was not used after all."""
        self._slots.cancelled()
        self._free()

    def abandon(self) -> None:
        """Give back the slot of a request that nobody waits for any more: it may have reached the server."""
        self._slots.answered(self._clock.now())
        self._free()

    def _replied(self, reply: Reply, meaning: Meaning, sent_at: float, now: float) -> float:
        """Take note of a reply that does not ask to wait; return 0: its own request is done with."""
        self._slowest = max(self._slowest, now - sent_at)
        self._slots.answered(now)
        self._throttle.accepted()
        limits = read_limits(reply.headers, self._clock.wall())
        self._learn(limits, reply, sent_at, now)
        pause = limits.pause
        if meaning is Meaning.TOKEN_REFUSED:  # the token is renewed at once; who sends with the new one waits
            pause = max(pause, read_retry_after(reply.headers, self._clock.wall()) or 0.0)
        if pause:
            self._close(pause, now)
            self._tell_pause(reply, pause)
        if not self._inference.is_idle and self._accepted(sent_at, now):
            self._infer()
        if meaning is Meaning.UNWELL:
            self._failed(f"it answered {reply.status}", answered=True)
            return 0.0
        if self._circuit.is_open:
            self._news.observer(CircuitClosed(self._news.method))
        self._circuit.succeeded()
        self.pace.open(sent_at)
        self._free()
        return 0.0

    def _slowed_down(self, reply: Reply, meaning: Meaning, sent_at: float, now: float) -> float:
        """Close the limiter for everybody, as the reply asks; return for how many seconds."""
        self._circuit.heard.answered = True
        limits = read_limits(reply.headers, self._clock.wall())
        if meaning is Meaning.THROTTLED and limits.has_room:
            self._slots.cancelled()  # should the told limit count it after all, the server's count will show it
        else:
            self._slots.answered(now)
        self._learn(limits, reply, sent_at, now)
        asked = read_retry_after(reply.headers, self._clock.wall())
        pause = self._pause(limits, asked, sent_at, now, is_refusal=meaning in ABOUT_PACE)
        self._close(pause, now)
        self._tell_pause(reply, pause)
        self._free()
        return pause

    def _tell_pause(self, reply: Reply, pause: float) -> None:
        if reply.status == 429:  # Too Many Requests
            self._news.count_refusal()
        self._news.observer(SlowedDown(self._news.method, reply.status, pause))

    def _pause(self, limits: Limits, asked: float | None, sent_at: float, now: float, *, is_refusal: bool) -> float:
        """Return the seconds for which nobody may send.

        A refusal while nothing is left of what the server tells is explained by that: its counts are never reset, so
        that whole window is waited for. Any other refusal says that there is a limit that is not told.
        """
        pace = self.pace
        used_up = pace.used_up(now)
        is_explained = bool(limits.spent) or used_up > 0.0 or not pace.learns
        known = (limits.spent or pace.windows) if is_refusal and is_explained else ()
        pause = self._throttle.refused(known, asked, again=sent_at >= pace.closed_until)
        if is_refusal and not is_explained:
            held = self._inference.windows
            pause = self._inference.refused(now, sent_at, asked, pace.stamps)
            if self._inference.windows != held:
                self._infer()
        return max(pause, limits.pause, used_up)

    def _close(self, pause: float, now: float) -> None:
        self.pace.close(now + pause)
        if self._shared is not None:
            self._shared.close(pause)

    def _unanswered(self, why: str, sent_at: float, now: float) -> None:
        """Count the request from now on: it occupies the server's window until now at most."""
        self._slots.answered(now)
        self.pace.heard(Sign.OVERLOADED, sent_at, now)
        self._failed(why)

    def _not_sent(self, why: str, tried_at: float, now: float) -> None:
        self._slots.cancelled()
        self.pace.not_sent(tried_at, now)
        self._failed(why)

    def _failed(self, why: str, *, answered: bool = False) -> None:
        """Count a failure of the server, or of the way to it: after several in a row only probes go out."""
        circuit, now = self._circuit, self._clock.now()
        if not (circuit.failures or circuit.heard.answered or answered):
            self._news.observer(NoAnswer(self._news.method, why))
        pause = circuit.failed(self._clock.sample(), now, answered=answered)
        if pause is not None:
            if circuit.failures == circuit.threshold:
                self._news.observer(CircuitOpened(self._news.method, circuit.failures, why))
            self.pace.close(now + pause)
        self._free()

    def beat(self) -> None:
        """Let the other processes know that this one is alive."""
        if self._shared is not None:
            self._shared.beat()

    def first_attempt(self) -> None:
        """Count a row that is sent for the first time: it earns a share of a retry."""
        self._budget.request()

    def retry(self) -> None:
        """Take a retry from the budget; beyond it the server counts as down."""
        if not self._budget.withdraw(self._clock.now()) and not self._circuit.is_open:
            self._circuit.exhaust()
            self._news.observer(RetryBudgetExhausted(self._news.method))
            self.pace.close(self._clock.now() + self._circuit.base)

    def _free(self) -> None:
        """Wake all waiters."""
        if self._waiting:
            self._freed.set()  # whichever event is the current one: a waiter makes a new one each time

    def _learn(self, limits: Limits, reply: Reply, sent_at: float, now: float) -> None:
        if limits is not SILENT:
            if self.pace.learn(limits.windows):
                self._news.observer(LimitLearned(self._news.method, tuple(limits.windows)))
            if limits.counts and self._shared is not None:
                self._shared.look(now)
            self.pace.shared(limits.counts, sent_at, now)
            self.pace.allow(limits.allowances, sent_at, now)
        remaining = min((left for _, left in limits.counts), default=None) if limits.counts else None
        self.pace.heard(sign_of(reply.status, paced=bool(self.pace.windows), remaining=remaining), sent_at, now)

    def _accepted(self, sent_at: float, now: float) -> bool:
        return self._inference.accepted(now, sent_at, self.pace.stamps, self.pace.stated_rate)

    def _infer(self) -> None:
        inference = self._inference
        self.pace.infer(inference.windows, settled=inference.settled)
        if self._shared is not None:
            self._shared.infer(inference.settled, inference.no_trial_before)
        self._news.observer(LimitInferred(self._news.method, tuple(inference.windows)))

    async def _wait(self) -> bool:
        while not self._stop.reason:
            self._freed = anyio.Event()
            wait = self._slots.reserve(self._clock.now())
            if wait == 0.0:
                return True
            if why := self._patience.parking(self.pace.held(self._clock.now())):
                self._stop.request("parked", why)
                return False
            with anyio.move_on_after(wait):
                await self._freed.wait()
        return False
