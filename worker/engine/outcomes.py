"""What becomes of rows: written down, watched by the guards, told to the sequencer."""

from collections import deque
from dataclasses import dataclass, field

from jobs.apis.api import Api
from jobs.changes.edits import without_tags
from jobs.model import Outcome, Reply, RowResult, Status, Unsendable
from jobs.reasons import REASONS
from worker.clock import Clock
from worker.engine.bells import Bells
from worker.journal import Journal
from worker.policy.guards import Guards, Halt
from worker.policy.lifecycle import Event, step
from worker.policy.row import InFlightRow, RecentWrites
from worker.policy.sequencer import (
    Aimed,
    Done,
    Doubted,
    Effect,
    Learned,
    LinedUp,
    Queued,
    Refused,
    Sequencer,
    Settled,
)
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop


@dataclass(slots=True)
class Outcomes:
    """Carries out what the sequencer says, and tells it how rows end.

    Attributes:
        recent: what the run wrote a moment ago.
        expect_mode: `test` or `live` when any other stops the run, else empty.
        doubtful: rows in doubt since an earlier process, with what is asked of their records: to be taken.
    """

    api: Api
    sequencer: Sequencer
    journal: Journal
    guards: Guards
    recent: RecentWrites
    bells: Bells
    clock: Clock
    stop: Stop
    expect_mode: str = ""
    doubtful: deque[tuple[InFlightRow, ReadBack]] = field(default_factory=deque)

    def drain(self) -> None:
        """Carry out what the sequencer has said since the last time."""
        effects = self.sequencer.out.copy()
        self.sequencer.out.clear()
        are_queued = False
        for effect in effects:
            if isinstance(effect, Queued):
                self.guards.found(effect.row.number)
                effect.row.request(self.api)  # built now, in turn with those of its page: see there
                are_queued = True
            else:
                self._carry_out(effect)
        if are_queued:
            self.bells.rows.ring()

    def settle(self, row: InFlightRow, settle: Settle, outcome: Outcome | None) -> None:
        """Settle a row that was taken; `outcome` is that of its last attempt, None when that is not what settles it."""
        result = self._write_down(row, settle, outcome)
        if result.status is Status.APPLIED:
            now = self.clock.now()
            self.recent.add(row.job.id, row.change, now)
            row.written_at = now
        self.sequencer.settled(row, result.status, result.reason, self.clock.moment())
        self.drain()

    def doubt(self, row: InFlightRow, question: ReadBack, outcome: Outcome | None) -> None:
        """Note in the journal that a row may have been applied; None: an earlier process did, as `outcome` was its."""
        self._keep(row, question)
        if outcome is None:
            row.state = step(row.state, Event.READ_BACK)
        else:
            doubtful = REASONS[question.reason].status is Status.UNKNOWN
            row.state = step(row.state, Event.READ_BACK)
            self.journal.note(row.number, row.attempts, question.reason if doubtful else "interrupted")

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Settled(row, settle):
                self._write_down(row, settle, None)
            case Refused():
                self._refuse(effect)
            case LinedUp():
                self.bells.room.ring()
            case Doubted(row, question):
                self.doubt(row, question, None)
                self.doubtful.append((row, question))
                self.bells.doubts.ring()
            case Aimed(row):
                self.journal.aim(row.number, row.job.id)
            case Learned(name, value, goes_on) if not (goes_on and self.stop.reason):
                self.journal.learn(name, value)
            case Done():
                self.bells.ring()
            case Halt(reason, message):
                self.stop.request(reason, message)

    def _refuse(self, refused: Refused) -> None:
        """Write down a row that was not read; one whose record was looked for in vain may end the run."""
        job, settle = refused.job, refused.settle
        result = RowResult(
            job.ref, settle.status, settle.reason, settle.message, settle.fields,
            attempts=refused.attempts, at=self.clock.wall(),
        )  # fmt: skip
        self.journal.settle(result)
        looked_for = isinstance(job, Unsendable) and job.column == "reference"
        if looked_for and result.status is not Status.INVALID:
            self._check_guards(result)
        else:
            self.guards.left(job.ref.row)

    def _write_down(self, row: InFlightRow, settle: Settle, outcome: Outcome | None) -> RowResult:
        row.state = step(row.state, Event.SETTLE)
        if self.expect_mode and settle.mode and settle.mode != self.expect_mode:
            self.stop.request(
                "wrong_mode", f"the API says it is in {settle.mode} mode; {self.expect_mode} was expected"
            )
        reply = outcome if isinstance(outcome, Reply) else None
        result = RowResult(
            row.job.ref, settle.status, settle.reason, settle.message, settle.fields,
            http=reply.status if reply else 0,
            attempts=row.attempts,
            request_id=_request_id(reply),
            at=self.clock.wall(),
            errors=settle.errors,
        )  # fmt: skip
        self._keep(row, settle)
        if settle.discarded:
            self.journal.land(row.number, without_tags(row.image, settle.discarded))
        self.journal.settle(result)
        self._check_guards(result)
        return result

    def _keep(self, row: InFlightRow, verdict: Settle | ReadBack) -> None:
        """Keep the forms in which the API stores what was sent, as its reply shows them."""
        if verdict.stored:
            row.remember(verdict.stored)
            self.journal.keep_stored(row.number, row.image)

    def _check_guards(self, result: RowResult) -> None:
        halt = self.guards.settled(result.ref.row, result.status, result.reason, result.message)
        if halt is not None:
            self.stop.request(halt.reason, halt.message)


def _request_id(reply: Reply | None) -> str:
    """Return what support asks for; other than printable ASCII is no request id."""
    value = reply.headers.get("x-request-id", "")[:200] if reply else ""
    return value if value.isascii() and value.isprintable() else ""
