"""The attempt loop: the one place that sleeps and sends.

reserve a slot -> wait -> intent durable -> send -> judge -> settle, or wait and go round again. Everything that could
be decided without waiting is decided in `policy`; the steps a row takes are those of `lifecycle`.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from jobs.change import Change
from jobs.commercelayer import MEDIA_TYPE, said, update_request
from jobs.images import merged, without_tags
from jobs.model import Edit, Live, MaybeSent, NotSent, Outcome, Reply, Request, RowResult, Status, UpdateJob
from jobs.reasons import REASONS
from worker.clock import Clock
from worker.gate import Gate
from worker.journal import SAFE, Image, Journal, JournalError
from worker.lifecycle import Event, State, step
from worker.policy.backoff import full_jitter
from worker.policy.throttle import parking
from worker.policy.verdict import HaltRun, ReadBack, Renew, Reroute, Retry, Sent, Settle, SlowDown, is_slow_down, judge
from worker.settings import Attempts
from worker.stop import Stop
from worker.transport import Transport


class CredentialLost(Exception):  # noqa: N818  # a fact about the run, not a programming error
    """No usable token can be had: the run stops and can be resumed with another credential."""


class Credential(Protocol):
    """What the loop needs of a credential."""

    async def bearer(self) -> str:
        """Value of the `Authorization` header.

        Raises:
            CredentialLost: no usable token can be had.
        """

    async def renew(self, used: str) -> None:
        """Replace the credential whose `Authorization` value was `used`: the API refused it.

        Raises:
            CredentialLost: it cannot be replaced.
        """


FRESH: Final = 15.0
"""Seconds that what was read of a record may be old when its PATCH leaves; after that it is read again first.

The API has no conditional update: whatever somebody else writes into the same object in between is lost. Reading 25 at
a time at the slowest documented pace (100 updates a minute) takes this long to send.
"""


@dataclass(slots=True, eq=False)
class Effort:
    """A row on its way: what is sent, and what it has cost so far.

    Attributes:
        type_name: the type in the request; differs from the job's once that turned out to be abstract.
        abstract: the API may not update this type itself; the first refusals tell.
        refused: the API refused that type for this record.
        change: what is sent.
        live: the record as it was read; None in a blind run.
        read_at: loop time at which it was.
        image: what all attempts of the row so far replace; `imaged` once that is in the journal.
        expected: what was planned for the row, None without a plan.
        attempts: PATCHes sent so far, earlier processes included.
        failures: of this process, failed for a passing reason. `throttles`: refused for pace.
        doubt: reason code when an earlier attempt may have been applied, else empty.
        may_resend: it may be sent in spite of that.
        verdict: how the row is settled without being sent, once that is known.
        is_canary: one of the first of its type, which are sent alone. `was_sent`: by this process.
    """

    job: UpdateJob
    type_name: str
    abstract: bool = False
    refused: bool = False
    change: Change = field(default_factory=Change)
    live: Live | None = None
    read_at: float = 0.0
    image: tuple[Edit, ...] = ()
    imaged: bool = False
    expected: tuple[Edit, ...] | None = None
    attempts: int = 0
    failures: int = 0
    throttles: int = 0
    doubt: str = ""
    may_resend: bool = True
    verdict: Settle | None = None
    is_canary: bool = False
    was_sent: bool = False
    state: State = State.QUEUED
    _request: Request | None = None

    def take(self, change: Change) -> None:
        """Have `change` sent from now on."""
        self.change = change
        self.image = merged(self.image, change.edits) if self.image else change.edits
        self.imaged = False
        self._request = None

    def route(self, concrete: str) -> None:
        """Have it sent by the record's concrete type from now on."""
        self.type_name, self.abstract = concrete, False
        self._request = None

    def is_stale(self, now: float) -> bool:
        """Whether its record was read, but too long ago to be sent by what it held."""
        return self.live is not None and now - self.read_at > FRESH

    def request(self) -> Request:
        """The PATCH, made once; for half the price where those of a page are made in turn."""
        if self._request is None:
            self._request = update_request(self.job, self.change, self.type_name)
        return self._request


class Recheck(Protocol):
    """What the loop asks when a record was read too long ago."""

    async def __call__(self, effort: Effort) -> Settle | None:
        """Read the record again and renew the effort's change; how the row is settled if it is not to be sent."""


async def _no_recheck(effort: Effort) -> Settle | None:  # noqa: ARG001  # as the protocol names it
    """Send what was read as it is."""
    return None


@dataclass(frozen=True, slots=True)
class Rerouted:
    """The type refused with `status`; the row is queued again until its concrete type is known."""

    status: int


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The row may have been applied: its record has to be read. `outcome` is that of the last attempt."""

    question: ReadBack
    outcome: Outcome


class Left:
    """The run ended before the row was settled; the journal knows how far it came."""


LEFT = Left()
Ending: TypeAlias = RowResult | Rerouted | InDoubt | Left


@dataclass(slots=True)
class AttemptLoop:
    """Sends rows until they are settled, rerouted, or left because the run ends. `limits` says how stubbornly."""

    transport: Transport
    gate: Gate
    journal: Journal
    credential: Credential
    limits: Attempts
    clock: Clock
    stop: Stop
    expect_mode: str = ""
    recheck: Recheck = _no_recheck
    longest_gap: float = 0.0
    _headers: dict[str, str] = field(default_factory=dict, repr=False)

    async def run(self, effort: Effort, *, admitted: bool = False) -> Ending:
        """Take one row as far as it goes; `admitted` when a slot is reserved for its first attempt already."""
        while True:
            if not (admitted or await self.gate.admit()):
                return self._leave(effort)
            admitted = False
            effort.state = step(effort.state, Event.ADMIT)
            if effort.is_stale(self.clock.now()) and (settled := await self.recheck(effort)):
                self.gate.give_back()
                return self.settle(settled, effort, None)
            headers = await self._intend(effort)
            if headers is None:
                return self._leave(effort)
            sent_at = self.clock.now()
            if effort.live is not None:
                self.longest_gap = max(self.longest_gap, sent_at - effort.read_at)
            outcome = await self.transport.send(effort.request(), headers, self.gate.probe_timeout)
            pause = self._account(outcome, sent_at)
            verdict = judge(outcome, self._sent(effort))
            if isinstance(verdict, Settle):
                return self.settle(verdict, effort, outcome)
            if isinstance(verdict, Renew):
                ending = await self._renew(effort, headers["Authorization"])
            else:
                ending = await self._act(verdict, effort, outcome, pause)
            if ending is not None:
                return ending

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
        self.gate.give_back()
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

    def _account(self, outcome: Outcome, sent_at: float) -> float:
        """Give the slot back in the way the outcome demands; seconds of a pause for everybody, or 0."""
        match outcome:
            case Reply() if is_slow_down(outcome):
                return self.gate.slowed_down(outcome, sent_at)
            case Reply():
                self.gate.replied(outcome, sent_at)
            case MaybeSent():
                self.gate.unanswered(sent_at, outcome.detail)
            case NotSent():
                self.gate.not_sent(sent_at, outcome.detail)
        return 0.0

    def _sent(self, effort: Effort) -> Sent:
        return Sent(
            effort.job,
            effort.change,
            effort.type_name,
            attempts_left=self.limits.max_attempts - effort.failures - 1,
            throttles_left=self.limits.throttles - effort.throttles - 1,
            doubt=effort.doubt,
            abstract=effort.abstract,
        )

    async def _act(
        self,
        verdict: ReadBack | Reroute | HaltRun | SlowDown | Retry,
        effort: Effort,
        outcome: Outcome,
        pause: float,
    ) -> Ending | None:
        """Carry a verdict out; None when the row is to be sent again."""
        match verdict:
            case ReadBack(reason):
                doubtful = REASONS[reason].status is Status.UNKNOWN
                self._note(effort, reason if doubtful else "interrupted", Event.READ_BACK)
                return InDoubt(verdict, outcome)
            case Reroute(status):
                self._note(effort, SAFE, Event.REROUTE)
                return Rerouted(status)
            case HaltRun():
                return self._halt(verdict, effort, outcome)
            case SlowDown():
                return self._slow_down(effort, pause)
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
            return self.settle(verdict.settle, effort, outcome)
        self._note(effort, SAFE, Event.STOP)
        return LEFT

    def _slow_down(self, effort: Effort, pause: float) -> Ending | None:
        effort.throttles += 1
        self._note(effort, SAFE, Event.RETRY)
        limits, refusals = self.limits, self.gate.refusals_in_a_row
        why = parking(pause, refusals, patience=limits.patience, most=limits.throttles)
        if not why:
            return None
        self.stop.request("parked", why)
        return self._leave(effort)

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
        if settle.discarded:
            self.journal.land(effort.job.ref.row, without_tags(effort.image, settle.discarded))
        self.journal.settle(result)
        return result

    def _note(self, effort: Effort, outcome: str, event: Event) -> None:
        effort.state = step(effort.state, event)
        self.journal.note(effort.job.ref.row, effort.attempts, outcome)

    def _leave(self, effort: Effort) -> Left:
        effort.state = step(effort.state, Event.STOP)
        return LEFT


def why_not(outcome: Outcome) -> str:
    """Return why a request did not do what it was for, in the server's own words where it gave any."""
    if not isinstance(outcome, Reply):
        return outcome.detail
    words = said(outcome)
    return f"it answered {outcome.status}" + (f": {words}" if words else "")


def _request_id(reply: Reply | None) -> str:
    """What support asks for; other than printable ASCII is no request id."""
    value = reply.headers.get("x-request-id", "")[:200] if reply else ""
    return value if value.isascii() and value.isprintable() else ""
