"""The attempt loop: the one place that sleeps and sends.

reserve a slot -> wait -> intent durable -> send -> judge -> settle, or wait and go round again. Everything that could
be decided without waiting is decided in `policy`; the steps a row takes are those of `lifecycle`.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from jobs.apis.commercelayer import MEDIA_TYPE, meaning_of
from jobs.apis.meanings import Meaning
from jobs.changes.edits import without_tags
from jobs.model import Edit, NotSent, Outcome, Reply, RowResult, Status
from jobs.reasons import REASONS
from worker.clock import Clock
from worker.engine.effort import LEFT, Effort, Ending, InDoubt, Judged, Left, Rerouted
from worker.journal import SAFE, Image, Journal, JournalError
from worker.lane.authority import Authority, CredentialLost
from worker.lane.transport import Transport
from worker.pacing.limiter import Gate
from worker.policy.backoff import full_jitter
from worker.policy.lifecycle import Event, step
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


_NOT_PROBED: Final = NotSent("not sent")
"""What came of an action's slot when the read before it found that the server is still down."""


class Recheck(Protocol):
    """What the loop asks when a record was read too long ago, or is not what the request expects."""

    async def __call__(self, effort: Effort) -> Settle | ReadBack | None:
        """Read the record again and renew the effort's change; the verdict on a row that is not to be sent."""


class Probe(Protocol):
    """What the loop asks before a row with an action would be the probe of a server that is down."""

    async def __call__(self, effort: Effort) -> bool:
        """Read the row's record; whether the server answered."""


async def _no_recheck(effort: Effort) -> Settle | ReadBack | None:  # noqa: ARG001  # as the protocol names it
    """Send what was read as it is."""
    return None


async def _no_probe(effort: Effort) -> bool:  # noqa: ARG001  # as the protocol names it
    """Let the row be the probe."""
    return True


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
    expect_mode: str = ""
    recheck: Recheck = _no_recheck
    probe: Probe = _no_probe
    longest_gap: float = 0.0
    _headers: dict[str, str] = field(default_factory=dict, repr=False)

    async def run(self, effort: Effort, *, admitted: bool = False) -> Ending:
        """Take one row as far as it goes; `admitted` when a slot is reserved for its first attempt already."""
        while True:
            if (not admitted or self.gate.is_down) and not await self._admit(effort, admitted=admitted):
                return self._leave(effort)
            admitted = False
            effort.state = step(effort.state, Event.ADMIT)
            if effort.is_stale(self.clock) and (moved := await self.recheck(effort)):
                self.gate.release()
                return self._unsent(effort, moved)
            headers = await self._intend(effort)
            if headers is None:
                return self._leave(effort)
            sent_at = self.clock.now()
            if effort.live is not None:
                self.longest_gap = max(self.longest_gap, self.clock.age(effort.read_at))
            patience = None if effort.job.fires else self.gate.probe_timeout
            outcome = await self.transport.send(effort.request(), headers, patience)
            meaning = meaning_of(effort.request(), outcome)
            pause = self.gate.account(outcome, meaning, sent_at)
            verdict = judge(outcome, meaning, self._sent(effort))
            if isinstance(verdict, Settle):
                return Judged(verdict, outcome)
            if isinstance(verdict, Renew):
                ending = await self._renew(effort, headers["Authorization"])
            else:
                ending = await self._act(verdict, effort, outcome, pause)
            if ending is not None:
                return ending

    async def _admit(self, effort: Effort, *, admitted: bool) -> bool:
        """Take a slot, unless one is reserved; for an action only once a server that was down answers a read again."""
        while admitted or await self.gate.admit():
            if not (self.gate.is_down and effort.job.fires) or await self.probe(effort):
                return True
            admitted = False
            self.gate.account(_NOT_PROBED, Meaning.UNSENT, self.clock.now())
            if self.gate.is_hopeless:
                self.stop.request("outage", "the server has been down for too long; resume the run later")
        return False

    async def _intend(self, effort: Effort) -> dict[str, str] | None:
        """Make the intent durable; the headers to send, or None, the slot given back, when nothing may leave."""
        row, attempt = effort.job.ref.row, effort.attempts + 1
        try:
            headers = self._authorised(await self.credential.bearer())
            await self.journal.intend(row, attempt, self.clock.wall(), self._image(effort))
            effort.imaged = True
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))
        except JournalError as error:
            self.stop.request("journal_failed", str(error))
        else:
            effort.state = step(effort.state, Event.INTEND)
            if not self.stop.reason:
                effort.attempts = attempt
                effort.was_sent = True
                if attempt == 1:
                    self.gate.first_attempt()
                return headers
            self.journal.withdraw(row, attempt)
        self.gate.release()
        return None

    @staticmethod
    def _image(effort: Effort) -> Image | None:
        if effort.imaged:
            return None
        job, kind = effort.job, effort.live.type if effort.live is not None else effort.job.type
        return Image(job.ref.row, kind, job.id, effort.image, effort.change.unread)

    def _authorised(self, bearer: str) -> dict[str, str]:
        if self._headers.get("Authorization") != bearer:
            self._headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Authorization": bearer}
        return self._headers

    def _sent(self, effort: Effort) -> Sent:
        return Sent(
            effort.job,
            effort.change,
            effort.type_name,
            attempts_left=self.limits.max_attempts - effort.failures - 1,
            throttles_left=self.limits.throttles - effort.throttles - 1,
            races_left=RACES - effort.races,
            doubt=effort.doubt,
            abstract=effort.abstract,
        )

    async def _act(
        self,
        verdict: ReadBack | DecideAnew | Reroute | HaltRun | SlowDown | Retry,
        effort: Effort,
        outcome: Outcome,
        pause: float,
    ) -> Ending | None:
        """Carry a verdict out; None when the row is to be sent again."""
        match verdict:
            case ReadBack():
                return self.doubt(effort, verdict, outcome)
            case DecideAnew(settle):
                return await self._decide_anew(effort, settle, outcome)
            case Reroute(status):
                self._note(effort, SAFE, Event.REROUTE)
                return Rerouted(status)
            case HaltRun():
                return self._halt(verdict, effort, outcome)
            case SlowDown(doubt):
                return self._slow_down(effort, doubt, pause)
            case Retry(doubt):
                return await self._retry(effort, doubt, why_not(outcome))

    async def _retry(self, effort: Effort, doubt: str, why: str) -> Ending | None:
        effort.failures += 1
        effort.doubt = effort.doubt or doubt
        self._note(effort, doubt or SAFE, Event.RETRY)
        if outage := self.gate.outage(why):
            self.stop.request("outage", outage)
        self.gate.retry()
        wait = full_jitter(effort.failures, self.clock.sample(), base=self.limits.base, cap=self.limits.cap)
        return None if await self.stop.sleep(wait) else self._leave(effort)

    def _halt(self, verdict: HaltRun, effort: Effort, outcome: Outcome) -> Ending:
        self.stop.request(verdict.halt.reason, verdict.halt.message)
        if verdict.settle is not None:
            return Judged(verdict.settle, outcome)
        self._note(effort, SAFE, Event.STOP)
        return LEFT

    def _slow_down(self, effort: Effort, doubt: str, pause: float) -> Ending | None:
        effort.throttles += 1
        effort.doubt = effort.doubt or doubt
        self._note(effort, doubt or SAFE, Event.RETRY)
        limits, refusals = self.limits, self.gate.refusals_in_a_row
        why = parking(pause, refusals, patience=limits.patience, most=limits.throttles)
        if not why:
            return None
        self.stop.request("parked", why)
        return self._leave(effort)

    async def _decide_anew(self, effort: Effort, settle: Settle, outcome: Outcome) -> Ending | None:
        """Read and decide again after a lost race: the fields that the row sets must be as planned, or as read."""
        effort.races += 1
        if effort.expected is None:
            effort.expected = effort.change.edits
        self._note(effort, SAFE, Event.RETRY)
        verdict = await self.recheck(effort)
        if self.stop.reason:
            return self._leave(effort)
        if isinstance(verdict, Settle) and verdict.status is Status.CONFLICT:
            verdict = replace(verdict, message=f"{settle.message}; {verdict.message}")
        return None if verdict is None else self._unsent(effort, verdict, outcome)

    def _unsent(self, effort: Effort, verdict: Settle | ReadBack, outcome: Outcome | None = None) -> Ending:
        """End a row that what was read of its record keeps from being sent."""
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

    async def _renew(self, effort: Effort, used: str) -> Ending | None:
        self._note(effort, SAFE, Event.RETRY)
        try:
            await self.credential.renew(used)
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))
            return self._leave(effort)
        return None

    def settle(self, settle: Settle, effort: Effort, outcome: Outcome | None) -> RowResult:
        """Settle a row; `outcome` is that of its last attempt, None when that is not what settles it."""
        effort.state = step(effort.state, Event.SETTLE)
        if self.expect_mode and settle.mode and settle.mode != self.expect_mode:
            self.stop.request(
                "wrong_mode", f"the API says it is in {settle.mode} mode; {self.expect_mode} was expected"
            )
        reply = outcome if isinstance(outcome, Reply) else None
        result = RowResult(
            effort.job.ref, settle.status, settle.reason, settle.message, settle.fields,
            http=reply.status if reply else 0,
            attempts=effort.attempts,
            request_id=_request_id(reply),
            at=self.clock.wall(),
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
    """What support asks for; other than printable ASCII is no request id."""
    value = reply.headers.get("x-request-id", "")[:200] if reply else ""
    return value if value.isascii() and value.isprintable() else ""
