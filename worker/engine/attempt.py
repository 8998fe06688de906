"""The attempt loop: the one place that sleeps and sends.

reserve a slot -> wait -> intent durable -> send -> judge -> settle, or wait and go round again. Everything that could
be decided without waiting is decided in `policy`; the steps a row takes are those of `lifecycle`.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

from jobs.apis.api import Api
from jobs.apis.meanings import Meaning
from jobs.model import NotSent, Outcome, Status
from worker.journal import SAFE, Image, Journal, JournalError
from worker.lane.exchange import Exchange, Exchanged, Headers
from worker.pacing.limiter import Limiter
from worker.policy.lifecycle import Event, step
from worker.policy.row import InFlightRow
from worker.policy.verdict import (
    DecideAnew,
    HaltRun,
    ReadBack,
    Renew,
    Reroute,
    Retry,
    Sent,
    Settle,
    SlowDown,
    judge,
)
from worker.policy.wording import why_not

_NOT_PROBED: Final = NotSent("not sent")
"""What came of an action's slot when the read before it found that the server is still down."""


@dataclass(frozen=True, slots=True)
class Rerouted:
    """The type refused with `status`; the row is queued again until its concrete type is known."""

    status: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The row is to be settled. `outcome` is that of its last attempt, None when that is not what settles it."""

    settle: Settle
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class NeedsReadBack:
    """The row may have been applied: its record has to be read. `outcome` as in `Judged`."""

    question: ReadBack
    outcome: Outcome | None


class Interrupted:
    """The run ended before the row was settled; the journal knows how far it came."""


INTERRUPTED: Final = Interrupted()
Ending: TypeAlias = Judged | Rerouted | NeedsReadBack | Interrupted


class Rereading(Protocol):
    """What the loop asks about the record of a row in hand."""

    def is_stale(self, row: InFlightRow) -> bool:
        """Return whether it was read too long ago to send the row by what it held."""

    async def freshen(self, row: InFlightRow) -> None:
        """Read it again because it is stale: the row has another change, or a verdict if it is not to be sent."""

    async def again(self, row: InFlightRow) -> None:
        """Read it again, however fresh it is: as `freshen`."""

    async def answers(self, row: InFlightRow) -> bool:
        """Read it to see whether a server that was down is back; return whether it is."""


@dataclass(slots=True)
class AttemptLoop:
    """Sends rows until they are settled, rerouted, or left because the run ends."""

    api: Api
    exchange: Exchange
    journal: Journal
    reading: Rereading
    longest_gap: float = 0.0

    @property
    def limiter(self) -> Limiter:
        """The limiter of rows."""
        return self.exchange.limiter

    async def run(self, row: InFlightRow, *, admitted: bool = False) -> Ending:
        """Take one row as far as it goes; `admitted` when a slot is reserved for its first attempt already."""
        exchange = self.exchange
        while True:
            if (not admitted or self.limiter.is_down) and not await self._admit(row, admitted=admitted):
                return self._leave(row)
            admitted = False
            await self._freshen(row)
            if row.verdict is not None:
                self.limiter.release()
                return _unsent(row.verdict)
            row.state = step(row.state, Event.ADMIT)
            headers = await self._intend(row)
            if headers is None:
                return self._leave(row)
            if row.live is not None:
                self.longest_gap = max(self.longest_gap, exchange.clock.age(row.read_at))
            sent = await exchange.send(row.request(self.api), headers, in_full=row.job.fires)
            verdict = judge(sent.outcome, sent.meaning, self._sent(row))
            if isinstance(verdict, Settle):
                return Judged(verdict, sent.outcome)
            ending = await self._act(verdict, row, sent)
            if ending is not None:
                return ending

    async def _admit(self, row: InFlightRow, *, admitted: bool) -> bool:
        """Take a slot, unless one is reserved; for an action only once a server that was down answers a read again."""
        while admitted or await self.limiter.admit():
            if not (self.limiter.is_down and row.job.fires) or await self._probed(row):
                return True
            admitted = False
            self.limiter.account(_NOT_PROBED, Meaning.UNSENT, self.exchange.clock.now())
            if self.limiter.is_hopeless:
                self.exchange.stop.request("outage", "the server has been down for too long; resume the run later")
        return False

    async def _probed(self, row: InFlightRow) -> bool:
        try:
            return await self.reading.answers(row)
        except BaseException:
            self.limiter.release()
            raise

    async def _freshen(self, row: InFlightRow) -> None:
        if not self.reading.is_stale(row):
            return
        try:
            await self.reading.freshen(row)
        except BaseException:
            self.limiter.release()
            raise

    async def _intend(self, row: InFlightRow) -> Headers | None:
        """Make the intent durable; return the headers to send, or None, the slot released, when nothing may leave."""
        attempt, stop = row.attempts + 1, self.exchange.stop
        headers = await self.exchange.authorise()
        if headers is None:
            return None
        try:
            await self.journal.intend(row.number, attempt, self.exchange.clock.wall(), self._image(row))
        except JournalError as error:
            self.limiter.release()
            stop.request("journal_failed", str(error))
            return None
        except BaseException:
            self.limiter.release()
            raise
        row.imaged = True
        row.state = step(row.state, Event.INTEND)
        if stop.reason:
            self.journal.withdraw(row.number, attempt)
            self.limiter.release()
            return None
        row.attempts = attempt
        row.was_sent = True
        if attempt == 1:
            self.limiter.first_attempt()
        return headers

    @staticmethod
    def _image(row: InFlightRow) -> Image | None:
        if row.imaged:
            return None
        job, kind = row.job, row.live.type if row.live is not None else row.job.type
        return Image(row.number, kind, job.id, row.image, row.change.unread)

    def _sent(self, row: InFlightRow) -> Sent:
        patience = self.exchange.patience
        return Sent(
            row.job,
            row.change,
            self.api.resource(row.type_name),
            attempts_left=patience.attempts_left(row.failures),
            throttles_left=patience.throttles_left(row.throttles),
            races_left=patience.races_left(row.races),
            doubt=row.doubt,
            abstract=row.abstract,
        )

    async def _act(  # noqa: PLR0911  # a line a verdict
        self,
        verdict: ReadBack | DecideAnew | Reroute | HaltRun | SlowDown | Retry | Renew,
        row: InFlightRow,
        sent: Exchanged,
    ) -> Ending | None:
        """Carry a verdict out; return None when the row is to be sent again."""
        match verdict:
            case ReadBack():
                return NeedsReadBack(verdict, sent.outcome)
            case DecideAnew(settle):
                return await self._decide_anew(row, settle, sent.outcome)
            case Reroute(status):
                self._note(row, SAFE, Event.REROUTE)
                return Rerouted(status)
            case HaltRun():
                return self._halt(verdict, row, sent.outcome)
            case SlowDown(doubt):
                return self._slow_down(row, doubt, sent.pause)
            case Retry(doubt):
                return await self._retry(row, doubt, why_not(sent.outcome))
            case Renew():
                self._note(row, SAFE, Event.RETRY)
                return None if await self.exchange.renew(sent.headers) else self._leave(row)

    async def _retry(self, row: InFlightRow, doubt: str, why: str) -> Ending | None:
        row.failures += 1
        row.doubt = row.doubt or doubt
        self._note(row, doubt or SAFE, Event.RETRY)
        exchange = self.exchange
        if outage := self.limiter.outage(why):
            exchange.stop.request("outage", outage)
        self.limiter.retry()
        wait = exchange.patience.backoff(row.failures, exchange.clock.sample())
        return None if await exchange.stop.sleep(wait) else self._leave(row)

    def _halt(self, verdict: HaltRun, row: InFlightRow, outcome: Outcome) -> Ending:
        self.exchange.stop.request(verdict.halt.reason, verdict.halt.message)
        if verdict.settle is not None:
            return Judged(verdict.settle, outcome)
        self._note(row, SAFE, Event.STOP)
        return INTERRUPTED

    def _slow_down(self, row: InFlightRow, doubt: str, pause: float) -> Ending | None:
        row.throttles += 1
        row.doubt = row.doubt or doubt
        self._note(row, doubt or SAFE, Event.RETRY)
        return self._leave(row) if self.exchange.park(pause) else None

    async def _decide_anew(self, row: InFlightRow, settle: Settle, outcome: Outcome) -> Ending | None:
        """Read and decide again after a lost race: the fields that the row sets must be as planned, or as read."""
        row.races += 1
        if row.expected is None:
            row.expected = row.change.edits
        self._note(row, SAFE, Event.RETRY)
        await self.reading.again(row)
        verdict = row.verdict
        if self.exchange.stop.reason:
            return self._leave(row)
        if isinstance(verdict, Settle) and verdict.status is Status.CONFLICT:
            verdict = replace(verdict, message=f"{settle.message}; {verdict.message}")
        return None if verdict is None else _unsent(verdict, outcome)

    def _note(self, row: InFlightRow, outcome: str, event: Event) -> None:
        row.state = step(row.state, event)
        self.journal.note(row.number, row.attempts, outcome)

    def _leave(self, row: InFlightRow) -> Interrupted:
        row.state = step(row.state, Event.STOP)
        return INTERRUPTED


def _unsent(verdict: Settle | ReadBack, outcome: Outcome | None = None) -> Ending:
    """End a row that what was read of its record keeps from being sent."""
    return Judged(verdict, outcome) if isinstance(verdict, Settle) else NeedsReadBack(verdict, outcome)
