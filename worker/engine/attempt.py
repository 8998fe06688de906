"""The attempt loop: the one place that sleeps and sends.

reserve a slot -> wait -> intent durable -> send -> judge -> settle, or wait and go round again. Everything that could
be decided without waiting is decided in `policy`; the steps a row takes are those of `lifecycle`.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

from jobs.apis.commercelayer import MEDIA_TYPE
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Status
from worker.clock import Clock
from worker.journal import SAFE, Image, Journal, JournalError
from worker.lane.authority import Authority, CredentialLost
from worker.lane.transport import Transport
from worker.pacing.limiter import Gate
from worker.policy.backoff import full_jitter
from worker.policy.backpressure import asks_to_wait
from worker.policy.lifecycle import Event, step
from worker.policy.row import InFlightRow
from worker.policy.throttle import parking
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
from worker.settings import Attempts
from worker.stop import Stop

RACES: Final = 3
"""Times that a row is decided anew because its record changed between reading and writing."""


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
    """Sends rows until they are settled, rerouted, or left because the run ends. `limits` says how stubbornly."""

    transport: Transport
    gate: Gate
    journal: Journal
    credential: Authority
    limits: Attempts
    clock: Clock
    stop: Stop
    reading: Rereading
    longest_gap: float = 0.0
    _headers: dict[str, str] = field(default_factory=dict, repr=False)

    async def run(self, row: InFlightRow, *, admitted: bool = False) -> Ending:
        """Take one row as far as it goes; `admitted` when a slot is reserved for its first attempt already."""
        while True:
            if (not admitted or self.gate.is_down) and not await self._admit(row, admitted=admitted):
                return self._leave(row)
            admitted = False
            if self.reading.is_stale(row):
                await self.reading.freshen(row)
            if row.verdict is not None:
                self.gate.give_back()
                return _unsent(row.verdict)
            row.state = step(row.state, Event.ADMIT)
            headers = await self._intend(row)
            if headers is None:
                return self._leave(row)
            sent_at = self.clock.now()
            if row.live is not None:
                self.longest_gap = max(self.longest_gap, self.clock.age(row.read_at))
            patience = None if row.job.fires else self.gate.probe_timeout
            outcome = await self.transport.send(row.request(), headers, patience)
            pause = self._account(outcome, sent_at)
            verdict = judge(outcome, self._sent(row))
            if isinstance(verdict, Settle):
                return Judged(verdict, outcome)
            if isinstance(verdict, Renew):
                ending = await self._renew(row, headers["Authorization"])
            else:
                ending = await self._act(verdict, row, outcome, pause)
            if ending is not None:
                return ending

    async def _admit(self, row: InFlightRow, *, admitted: bool) -> bool:
        """Take a slot, unless one is reserved; for an action only once a server that was down answers a read again."""
        while admitted or await self.gate.admit():
            if not (self.gate.is_down and row.job.fires) or await self.reading.answers(row):
                return True
            admitted = False
            self.gate.not_sent(self.clock.now())
            if self.gate.is_hopeless:
                self.stop.request("outage", "the server has been down for too long; resume the run later")
        return False

    async def _intend(self, row: InFlightRow) -> dict[str, str] | None:
        """Make the intent durable; the headers to send, or None, the slot given back, when nothing may leave."""
        attempt = row.attempts + 1
        try:
            headers = self._authorised(await self.credential.bearer())
            await self.journal.intend(row.number, attempt, self.clock.wall(), self._image(row))
            row.imaged = True
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))
        except JournalError as error:
            self.stop.request("journal_failed", str(error))
        else:
            row.state = step(row.state, Event.INTEND)
            if not self.stop.reason:
                row.attempts = attempt
                row.was_sent = True
                if attempt == 1:
                    self.gate.first_attempt()
                return headers
            self.journal.withdraw(row.number, attempt)
        self.gate.give_back()
        return None

    @staticmethod
    def _image(row: InFlightRow) -> Image | None:
        if row.imaged:
            return None
        job, kind = row.job, row.live.type if row.live is not None else row.job.type
        return Image(row.number, kind, job.id, row.image, row.change.unread)

    def _authorised(self, bearer: str) -> dict[str, str]:
        if self._headers.get("Authorization") != bearer:
            self._headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Authorization": bearer}
        return self._headers

    def _account(self, outcome: Outcome, sent_at: float) -> float:
        """Give the slot back in the way the outcome demands; seconds of a pause for everybody, or 0."""
        match outcome:
            case Reply() if asks_to_wait(outcome):
                return self.gate.slowed_down(outcome, sent_at)
            case Reply():
                self.gate.replied(outcome, sent_at)
            case MaybeSent():
                self.gate.unanswered(sent_at, outcome.detail)
            case NotSent():
                self.gate.not_sent(sent_at, outcome.detail)
        return 0.0

    def _sent(self, row: InFlightRow) -> Sent:
        return Sent(
            row.job,
            row.change,
            row.type_name,
            attempts_left=self.limits.max_attempts - row.failures - 1,
            throttles_left=self.limits.throttles - row.throttles - 1,
            races_left=RACES - row.races,
            doubt=row.doubt,
            abstract=row.abstract,
        )

    async def _act(
        self,
        verdict: ReadBack | DecideAnew | Reroute | HaltRun | SlowDown | Retry,
        row: InFlightRow,
        outcome: Outcome,
        pause: float,
    ) -> Ending | None:
        """Carry a verdict out; None when the row is to be sent again."""
        match verdict:
            case ReadBack():
                return NeedsReadBack(verdict, outcome)
            case DecideAnew(settle):
                return await self._decide_anew(row, settle, outcome)
            case Reroute(status):
                self._note(row, SAFE, Event.REROUTE)
                return Rerouted(status)
            case HaltRun():
                return self._halt(verdict, row, outcome)
            case SlowDown(doubt):
                return self._slow_down(row, doubt, pause)
            case Retry(doubt):
                return await self._retry(row, doubt, why_not(outcome))

    async def _retry(self, row: InFlightRow, doubt: str, why: str) -> Ending | None:
        row.failures += 1
        row.doubt = row.doubt or doubt
        self._note(row, doubt or SAFE, Event.RETRY)
        if outage := self.gate.outage(why):
            self.stop.request("outage", outage)
        self.gate.retry()
        wait = full_jitter(row.failures, self.clock.sample(), base=self.limits.base, cap=self.limits.cap)
        return None if await self.stop.sleep(wait) else self._leave(row)

    def _halt(self, verdict: HaltRun, row: InFlightRow, outcome: Outcome) -> Ending:
        self.stop.request(verdict.halt.reason, verdict.halt.message)
        if verdict.settle is not None:
            return Judged(verdict.settle, outcome)
        self._note(row, SAFE, Event.STOP)
        return INTERRUPTED

    def _slow_down(self, row: InFlightRow, doubt: str, pause: float) -> Ending | None:
        row.throttles += 1
        row.doubt = row.doubt or doubt
        self._note(row, doubt or SAFE, Event.RETRY)
        limits, refusals = self.limits, self.gate.refusals_in_a_row
        why = parking(pause, refusals, patience=limits.patience, most=limits.throttles)
        if not why:
            return None
        self.stop.request("parked", why)
        return self._leave(row)

    async def _decide_anew(self, row: InFlightRow, settle: Settle, outcome: Outcome) -> Ending | None:
        """Read and decide again after a lost race: the fields that the row sets must be as planned, or as read."""
        row.races += 1
        if row.expected is None:
            row.expected = row.change.edits
        self._note(row, SAFE, Event.RETRY)
        await self.reading.again(row)
        verdict = row.verdict
        if self.stop.reason:
            return self._leave(row)
        if isinstance(verdict, Settle) and verdict.status is Status.CONFLICT:
            verdict = replace(verdict, message=f"{settle.message}; {verdict.message}")
        return None if verdict is None else _unsent(verdict, outcome)

    async def _renew(self, row: InFlightRow, used: str) -> Ending | None:
        self._note(row, SAFE, Event.RETRY)
        try:
            await self.credential.renew(used)
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))
            return self._leave(row)
        return None

    def _note(self, row: InFlightRow, outcome: str, event: Event) -> None:
        row.state = step(row.state, event)
        self.journal.note(row.number, row.attempts, outcome)

    def _leave(self, row: InFlightRow) -> Interrupted:
        row.state = step(row.state, Event.STOP)
        return INTERRUPTED


def _unsent(verdict: Settle | ReadBack, outcome: Outcome | None = None) -> Ending:
    """End a row that what was read of its record keeps from being sent."""
    return Judged(verdict, outcome) if isinstance(verdict, Settle) else NeedsReadBack(verdict, outcome)
