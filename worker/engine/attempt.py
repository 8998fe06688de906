"""The attempt loop: the one place that sleeps and sends.

reserve a slot -> wait -> intent durable -> send -> judge -> settle, or wait and go round again. Everything that could
be decided without waiting is decided in `policy`; the steps a row takes are those of `lifecycle`.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from jobs.apis.meanings import Meaning
from jobs.changes.edits import without_tags
from jobs.model import Edit, NotSent, Outcome, Reply, RowResult, Status
from jobs.reasons import REASONS
from worker.engine.effort import LEFT, Effort, Ending, InDoubt, Judged, Left, Rerouted
from worker.journal import SAFE, Image, Journal, JournalError
from worker.lane.exchange import Exchange, Exchanged, Headers
from worker.pacing.limiter import Limiter
from worker.policy.lifecycle import Event, step
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


class Records(Protocol):
    """What the loop asks of a row's record."""

    async def recheck(self, effort: Effort) -> Settle | ReadBack | None:
        """Read the record again, since that is too long ago, or it is not what the request expects.

        Renew the effort's change; return the verdict on a row that is not to be sent.
        """

    async def probe(self, effort: Effort) -> bool:
        """Read the record before a row with an action would probe a server that is down; True if that answered."""


@dataclass(slots=True)
class AttemptLoop:
    """Sends rows until they are settled, rerouted, or left because the run ends."""

    exchange: Exchange
    journal: Journal
    expect_mode: str = ""
    longest_gap: float = 0.0

    @property
    def limiter(self) -> Limiter:
        """Return the limiter of rows."""
        return self.exchange.limiter

    async def run(self, effort: Effort, records: Records, *, admitted: bool = False) -> Ending:
        """Take one row as far as it goes; `admitted` when a slot is reserved for its first attempt already."""
        exchange = self.exchange
        while True:
            if (not admitted or self.limiter.is_down) and not await self._admit(effort, records, admitted=admitted):
                return self._leave(effort)
            admitted = False
            effort.state = step(effort.state, Event.ADMIT)
            if effort.is_stale(exchange.clock) and (moved := await self._rechecked(effort, records)):
                self.limiter.release()
                return self._unsent(effort, moved)
            headers = await self._intend(effort)
            if headers is None:
                return self._leave(effort)
            if effort.live is not None:
                self.longest_gap = max(self.longest_gap, exchange.clock.age(effort.read_at))
            sent = await exchange.send(effort.request(), headers, in_full=effort.job.fires)
            verdict = judge(sent.outcome, sent.meaning, self._sent(effort))
            if isinstance(verdict, Settle):
                return Judged(verdict, sent.outcome)
            ending = await self._act(verdict, effort, records, sent)
            if ending is not None:
                return ending

    async def _admit(self, effort: Effort, records: Records, *, admitted: bool) -> bool:
        """Take a slot, unless one is reserved; for an action only once a server that was down answers a read again."""
        while admitted or await self.limiter.admit():
            if not (self.limiter.is_down and effort.job.fires) or await self._probed(effort, records):
                return True
            admitted = False
            self.limiter.account(_NOT_PROBED, Meaning.UNSENT, self.exchange.clock.now())
            if self.limiter.is_hopeless:
                self.exchange.stop.request("outage", "the server has been down for too long; resume the run later")
        return False

    async def _probed(self, effort: Effort, records: Records) -> bool:
        try:
            return await records.probe(effort)
        except BaseException:
            self.limiter.release()
            raise

    async def _rechecked(self, effort: Effort, records: Records) -> Settle | ReadBack | None:
        try:
            return await records.recheck(effort)
        except BaseException:
            self.limiter.release()
            raise

    async def _intend(self, effort: Effort) -> Headers | None:
        """Make the intent durable; return the headers to send, or None, the slot released, when nothing may leave."""
        row, attempt, stop = effort.job.ref.row, effort.attempts + 1, self.exchange.stop
        headers = await self.exchange.authorise()
        if headers is None:
            return None
        try:
            await self.journal.intend(row, attempt, self.exchange.clock.wall(), self._image(effort))
        except JournalError as error:
            self.limiter.release()
            stop.request("journal_failed", str(error))
            return None
        except BaseException:
            self.limiter.release()
            raise
        effort.imaged = True
        effort.state = step(effort.state, Event.INTEND)
        if stop.reason:
            self.journal.withdraw(row, attempt)
            self.limiter.release()
            return None
        effort.attempts = attempt
        effort.was_sent = True
        if attempt == 1:
            self.limiter.first_attempt()
        return headers

    @staticmethod
    def _image(effort: Effort) -> Image | None:
        if effort.imaged:
            return None
        job, kind = effort.job, effort.live.type if effort.live is not None else effort.job.type
        return Image(job.ref.row, kind, job.id, effort.image, effort.change.unread)

    def _sent(self, effort: Effort) -> Sent:
        patience = self.exchange.patience
        return Sent(
            effort.job,
            effort.change,
            effort.type_name,
            attempts_left=patience.attempts_left(effort.failures),
            throttles_left=patience.throttles_left(effort.throttles),
            races_left=patience.races_left(effort.races),
            doubt=effort.doubt,
            abstract=effort.abstract,
        )

    async def _act(  # noqa: PLR0911  # a line a verdict
        self,
        verdict: ReadBack | DecideAnew | Reroute | HaltRun | SlowDown | Retry | Renew,
        effort: Effort,
        records: Records,
        sent: Exchanged,
    ) -> Ending | None:
        """Carry a verdict out; return None when the row is to be sent again."""
        match verdict:
            case ReadBack():
                return self.doubt(effort, verdict, sent.outcome)
            case DecideAnew(settle):
                return await self._decide_anew(effort, records, settle, sent.outcome)
            case Reroute(status):
                self._note(effort, SAFE, Event.REROUTE)
                return Rerouted(status)
            case HaltRun():
                return self._halt(verdict, effort, sent.outcome)
            case SlowDown(doubt):
                return self._slow_down(effort, doubt, sent.pause)
            case Retry(doubt):
                return await self._retry(effort, doubt, why_not(sent.outcome))
            case Renew():
                self._note(effort, SAFE, Event.RETRY)
                return None if await self.exchange.renew(sent.headers) else self._leave(effort)

    async def _retry(self, effort: Effort, doubt: str, why: str) -> Ending | None:
        effort.failures += 1
        effort.doubt = effort.doubt or doubt
        self._note(effort, doubt or SAFE, Event.RETRY)
        exchange = self.exchange
        if outage := self.limiter.outage(why):
            exchange.stop.request("outage", outage)
        self.limiter.retry()
        wait = exchange.patience.backoff(effort.failures, exchange.clock.sample())
        return None if await exchange.stop.sleep(wait) else self._leave(effort)

    def _halt(self, verdict: HaltRun, effort: Effort, outcome: Outcome) -> Ending:
        self.exchange.stop.request(verdict.halt.reason, verdict.halt.message)
        if verdict.settle is not None:
            return Judged(verdict.settle, outcome)
        self._note(effort, SAFE, Event.STOP)
        return LEFT

    def _slow_down(self, effort: Effort, doubt: str, pause: float) -> Ending | None:
        effort.throttles += 1
        effort.doubt = effort.doubt or doubt
        self._note(effort, doubt or SAFE, Event.RETRY)
        return self._leave(effort) if self.exchange.park(pause) else None

    async def _decide_anew(self, effort: Effort, records: Records, settle: Settle, outcome: Outcome) -> Ending | None:
        """Read and decide again after a lost race: the fields that the row sets must be as planned, or as read."""
        effort.races += 1
        if effort.expected is None:
            effort.expected = effort.change.edits
        self._note(effort, SAFE, Event.RETRY)
        verdict = await records.recheck(effort)
        if self.exchange.stop.reason:
            return self._leave(effort)
        if isinstance(verdict, Settle) and verdict.status is Status.CONFLICT:
            verdict = replace(verdict, message=f"{settle.message}; {verdict.message}")
        return None if verdict is None else self._unsent(effort, verdict, outcome)

    def _unsent(self, effort: Effort, verdict: Settle | ReadBack, outcome: Outcome | None = None) -> Ending:
        """End a row without sending it, because of what its record holds."""
        return Judged(verdict, outcome) if isinstance(verdict, Settle) else self.doubt(effort, verdict, outcome)

    def doubt(self, effort: Effort, question: ReadBack, outcome: Outcome | None) -> InDoubt:
        """Have the record of a row read that may have been applied; the journal knows of the doubt meanwhile."""
        self._keep(effort, question.stored)
        if outcome is None:  # a doubt of an earlier process, which wrote it down
            effort.state = step(effort.state, Event.READ_BACK)
        else:
            doubtful = REASONS[question.reason].status is Status.UNKNOWN
            self._note(effort, question.reason if doubtful else "interrupted", Event.READ_BACK)
        return InDoubt(question, outcome)

    def settle(self, settle: Settle, effort: Effort, outcome: Outcome | None) -> RowResult:
        """Settle a row; `outcome` is that of its last attempt, None when that is not what settles it."""
        effort.state = step(effort.state, Event.SETTLE)
        if self.expect_mode and settle.mode and settle.mode != self.expect_mode:
            self.exchange.stop.request(
                "wrong_mode", f"the API says it is in {settle.mode} mode; {self.expect_mode} was expected"
            )
        reply = outcome if isinstance(outcome, Reply) else None
        result = RowResult(
            effort.job.ref, settle.status, settle.reason, settle.message, settle.fields,
            http=reply.status if reply else 0,
            attempts=effort.attempts,
            request_id=_request_id(reply),
            at=self.exchange.clock.wall(),
            errors=settle.errors,
        )  # fmt: skip
        self._keep(effort, settle.stored)
        if settle.discarded:
            self.journal.land(effort.job.ref.row, without_tags(effort.image, settle.discarded))
        self.journal.settle(result)
        return result

    def _keep(self, effort: Effort, stored: tuple[Edit, ...]) -> None:
        """Keep the forms in which the API stores what was sent, as its reply shows them."""
        if stored:
            effort.remember(stored)
            self.journal.keep_stored(effort.job.ref.row, effort.image)

    def _note(self, effort: Effort, outcome: str, event: Event) -> None:
        effort.state = step(effort.state, event)
        self.journal.note(effort.job.ref.row, effort.attempts, outcome)

    def _leave(self, effort: Effort) -> Left:
        effort.state = step(effort.state, Event.STOP)
        return LEFT


def _request_id(reply: Reply | None) -> str:
    """Return the id that support asks for; empty for a value that is no printable ASCII."""
    value = reply.headers.get("x-request-id", "")[:200] if reply else ""
    return value if value.isascii() and value.isprintable() else ""
