"""The limiter, where attempts wait for a slot: a thin shell around `policy.pace` that sleeps.

One limiter per (origin, method), or per origin where methods count together. All attempts of a run, retries included,
pass it; a refusal closes it for all of them.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Final, Protocol

import anyio

from jobs.apis.meanings import ABOUT_PACE, SLOWS_DOWN, Meaning
from jobs.apis.retry_after import read_retry_after
from jobs.model import NotSent, Outcome, Reply
from jobs.values import valueclass
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
from worker.policy.patience import PATIENT, Patience, Throttle, outage
from worker.policy.ratelimit import SILENT, Limits, Reader, read_limits
from worker.stop import Stop

LEAST_PROBE: Final = 2.0
"""Minimum seconds allowed for a probe of a server that is down."""


@valueclass(frozen=True, slots=True)
class News:
    """Where the events of a limiter go.

    Attributes:
        method: of the requests that pass it.
        observer: receives the events of its pace.
        count_refusal: called for each 429.
    """

    method: str = ""
    observer: Observer = ignore
    count_refusal: Callable[[], None] = lambda: None


UNHEARD: Final = News()
"""Nobody listens."""


@valueclass(frozen=True, slots=True)
class Host:
    """What the limiters of one host share.

    Attributes:
        heard: whether it has answered anything.
        limits: reads the limits in headers.
    """

    heard: Heard = field(default_factory=Heard)
    limits: Reader = read_limits


class Slots(Protocol):
    """The capacity behind a limiter: a pace of this process alone, or one that several processes share."""

    def reserve(self, now: float) -> float:
        """Take a slot and return 0, or return the seconds until it is worth asking again."""

    def answered(self, now: float) -> None:
        """Give back a slot whose request was answered, or given up on: it counts from `now`."""

    def cancelled(self) -> None:
        """Give back a slot whose request never left."""


class Limiter:
    """Lets attempts through, one slot each, in the order they arrive."""

    def __init__(
        self,
        pace: Pace,
        clock: Clock,
        stop: Stop,
        shared: SharedPace | None = None,
        host: Host | None = None,
        *,
        patience: Patience = PATIENT,
        news: News = UNHEARD,
    ) -> None:
        """Guard a pace.

        Args:
            pace: of one method of one host, or of all methods if they count together.
            clock: tells the time.
            stop: once requested, all waiters leave without a slot.
            shared: ties the pace to those of other processes.
            host: shared by the limiters of one host.
            patience: knows how long a wait may be; the first sender that would have to wait longer parks the run.
            news: receives the events.
        """
        self.pace = pace
        self._host = host or Host()
        self._shared = shared
        self._slots: Slots = shared or pace
        self._patience = patience
        self._news = news
        self._clock = clock
        self._stop = stop
        self._inference = Inference()
        self._throttle = Throttle()
        self._budget = RetryBudget()
        self._circuit = Circuit(heard=self._host.heard)
        self._slowest = 0.0
        self._turn = anyio.Lock(fast_acquire=True)
        self._waiting = 0
        self._freed = anyio.Event()
        stop.on_request(self._free)
        if shared is not None:
            self._inference.resume(*shared.inferred, clock.now())

    @property
    def quota(self) -> str:
        """Name of the quota, as events have it."""
        return self._news.method

    @property
    def refusals_in_a_row(self) -> int:
        """Refusals for pace with nothing accepted between them; those in flight together count as one."""
        return self._throttle.refusals

    def has_broken_down(self, failures: int) -> bool:
        """Return True if a server that worked before has failed `failures` times in a row, for all senders together."""
        return self._circuit.has_succeeded and self._circuit.failures >= failures

    @property
    def is_down(self) -> bool:
        """True while only probes go out: the server has failed too often in a row."""
        return self._circuit.is_open

    @property
    def probe_timeout(self) -> float | None:
        """Seconds that a request may take while only probes go out, None for the usual time-out.

        If a server usually answers in tens of milliseconds, a probe need not wait half a minute to see that it is back.
        """
        return max(LEAST_PROBE, 4 * self._slowest) if self.is_down and self._slowest else None

    @property
    def is_hopeless(self) -> bool:
        """True if the server has been down for so long that the run should stop and be resumed later."""
        return self._circuit.is_hopeless

    def outage(self, why: str) -> str:
        """Return a message, with the reason `why`, once waiting for the server is no use; empty before that."""
        return outage(self._circuit, why)

    def admit_at_once(self) -> bool:
        """Take a slot and return True if one is free and nobody waits for it."""
        return not (self._stop.reason or self._waiting) and self._slots.reserve(self._clock.now()) == 0.0

    async def admit(self) -> bool:
        """Take a slot, waiting as long as the pace demands; return False if the run ends first."""
        if self.admit_at_once():
            return True
        self._waiting += 1
        try:
            async with self._turn:
                return await self._wait()
        finally:
            self._waiting -= 1

    def account(
        self, outcome: Outcome, meaning: Meaning, sent_at: float, least: float = 0.0, apart: float | None = None
    ) -> float:
        """Spend the slot of a request, and learn from its outcome.

        Args:
            outcome: of the request.
            meaning: of the outcome.
            sent_at: loop time at which the request left.
            least: seconds to wait after a refusal that has no usable `Retry-After`; 0 if nothing is known.
            apart: seconds that only those pause whom a refusal is about, see `Gates.refused`; None if it is about all.

        Returns:
            Seconds of the pause if the outcome asks to wait, 0 for any other outcome.
        """
        now = self._clock.now()
        if isinstance(outcome, Reply):
            if apart is not None:
                return self._refused_apart(outcome, apart, sent_at, now)
            if meaning in SLOWS_DOWN:
                return self._slowed_down(outcome, meaning, sent_at, now, least)
            return self._replied(outcome, meaning, sent_at, now)
        if isinstance(outcome, NotSent):
            self._not_sent(outcome.detail, sent_at, now)
        else:
            self._unanswered(outcome.detail, sent_at, now)
        return 0.0

    def release(self) -> None:
        """Give back an unused slot."""
        self._slots.cancelled()
        self._free()

    def abandon(self) -> None:
        """Spend the slot of a request that was cancelled: it may have reached the server."""
        self._slots.answered(self._clock.now())
        self._free()

    def _replied(self, reply: Reply, meaning: Meaning, sent_at: float, now: float) -> float:
        """Learn from a reply that does not ask to wait; return 0, since its request need not pause."""
        self._slowest = max(self._slowest, now - sent_at)
        self._slots.answered(now)
        self._throttle.accepted()
        limits = self._host.limits(reply.headers, self._clock.wall())
        self._learn(limits, reply, sent_at, now)
        pause = limits.pause
        if meaning is Meaning.TOKEN_REFUSED:  # the token is renewed at once; requests with the new one wait
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

    def _slowed_down(self, reply: Reply, meaning: Meaning, sent_at: float, now: float, least: float) -> float:
        """Close the limiter as the reply asks; return the seconds that all senders pause."""
        self._circuit.heard.answered = True
        limits = self._host.limits(reply.headers, self._clock.wall())
        if meaning is Meaning.THROTTLED and limits.has_room:
            self._slots.cancelled()  # if the stated limit does count it, the server's own count will show it
        else:
            self._slots.answered(now)
        self._learn(limits, reply, sent_at, now)
        asked = read_retry_after(reply.headers, self._clock.wall()) or least
        pause = self._pause(limits, asked, sent_at, now, is_refusal=meaning in ABOUT_PACE)
        self._close(pause, now)
        self._tell_pause(reply, pause)
        self._free()
        return pause

    def _refused_apart(self, reply: Reply, pause: float, sent_at: float, now: float) -> float:
        """Learn from a refusal that is not about all senders: it says nothing about the pace of the others."""
        self._circuit.heard.answered = True
        self._slots.answered(now)  # the server may count it
        self._take_over(self._host.limits(reply.headers, self._clock.wall()), sent_at, now)
        self._tell_pause(reply, pause)
        self.pace.open(sent_at)
        self._free()
        return pause

    def _tell_pause(self, reply: Reply, pause: float) -> None:
        if reply.status == 429:  # Too Many Requests
            self._news.count_refusal()
        self._news.observer(SlowedDown(self._news.method, reply.status, pause))

    def _pause(self, limits: Limits, asked: float | None, sent_at: float, now: float, *, is_refusal: bool) -> float:
        """Return the seconds for which nobody may send.

        If nothing is left of a limit that the server states, that limit explains the refusal: its counts are never
        reset, so wait for the whole window. Any other refusal shows that there is a limit the server does not state.
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
        """Count the request as of now: the server cannot have counted it later."""
        self._slots.answered(now)
        self.pace.heard(Sign.OVERLOADED, sent_at, now)
        self._failed(why)

    def _not_sent(self, why: str, tried_at: float, now: float) -> None:
        self._slots.cancelled()
        self.pace.not_sent(tried_at, now)
        self._failed(why)

    def _failed(self, why: str, *, answered: bool = False) -> None:
        """Count a failure of the server or of the route to it: after several in a row only probes go out."""
        circuit, now = self._circuit, self._clock.now()
        if not (circuit.failures or circuit.heard.answered or answered):
            self._news.observer(NoAnswer(self._news.method, why))
        pause = circuit.failed(self._clock.sample(), now, answered=answered)
        if pause is not None:
            if circuit.failures == circuit.threshold:
                self._news.observer(CircuitOpened(self._news.method, circuit.failures, why))
            self.pace.close(now + pause)
        self._free()

    def heartbeat(self) -> None:
        """Send a heartbeat to the other processes."""
        if self._shared is not None:
            self._shared.heartbeat()

    def first_attempt(self) -> None:
        """Count a row that is sent for the first time: it adds a share of a retry to the budget."""
        self._budget.request()

    def retry(self) -> None:
        """Take a retry from the budget; if the budget is exhausted, treat the server as down."""
        if not self._budget.withdraw(self._clock.now()) and not self._circuit.is_open:
            self._circuit.exhaust()
            self._news.observer(RetryBudgetExhausted(self._news.method))
            self.pace.close(self._clock.now() + self._circuit.base)

    def _free(self) -> None:
        """Wake all waiters."""
        if self._waiting:
            self._freed.set()  # the current event: a waiter makes a new one each time

    def _learn(self, limits: Limits, reply: Reply, sent_at: float, now: float) -> None:
        if limits is not SILENT:
            self._take_over(limits, sent_at, now)
        remaining = min((left for _, left in limits.counts), default=None) if limits.counts else None
        self.pace.heard(sign_of(reply.status, paced=bool(self.pace.windows), remaining=remaining), sent_at, now)

    def _take_over(self, limits: Limits, sent_at: float, now: float) -> None:
        if self.pace.learn(limits.windows):
            self._news.observer(LimitLearned(self._news.method, tuple(limits.windows)))
        if limits.counts and self._shared is not None:
            self._shared.look(now)
        self.pace.shared(limits.counts, sent_at, now)
        self.pace.allow(limits.allowances, sent_at, now)

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
            held = self.pace.held(self._clock.now())
            if why := self._patience.parking(held) or self._patience.outlasting(wait):
                self._stop.request("parked", why)
                return False
            with anyio.move_on_after(wait):
                await self._freed.wait()
        return False
