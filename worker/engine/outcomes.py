"""The ends of rows: recorded in the journal, checked by the guards, reported to the sequencer."""

from collections import deque
from dataclasses import dataclass, field

from jobs.apis.api import Api
from jobs.changes.edits import without_tags
from jobs.model import Outcome, Reply, RowResult, Status
from jobs.recipe.fields import NOTHING_PRIVATE, Private
from worker.clock import Clock
from worker.engine.bells import Bells
from worker.journal import SAFE, Journal
from worker.policy.discretion import discreet
from worker.policy.guards import Guards, Halt
from worker.policy.lifecycle import Event, step
from worker.policy.nights import at_end
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
    """Carries out the effects of the sequencer, and reports to it how rows end.

    Attributes:
        recent: the latest writes of the run.
        private: fields of which no message shows a value.
        expect_mode: `test` or `live` if any other mode stops the run, else empty.
        doubtful: rows that an earlier process left in doubt, with the question about each: to be taken from here.
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
    private: Private = NOTHING_PRIVATE
    doubtful: deque[tuple[InFlightRow, ReadBack]] = field(default_factory=deque)

    def drain(self) -> None:
        """Carry out the effects that the sequencer has added since the last call."""
        effects = self.sequencer.out.copy()
        self.sequencer.out.clear()
        are_queued = False
        for effect in effects:
            if isinstance(effect, Queued):
                self.guards.found(effect.row.number)
                effect.row.request(self.api)  # built now, together with those of its page: that costs half
                are_queued = True
            else:
                self._carry_out(effect)
        if are_queued:
            self.bells.rows.ring()

    def settle(self, row: InFlightRow, settle: Settle, outcome: Outcome | None) -> None:
        """Settle a row that was taken; `outcome` is that of its last attempt, None if something else settles it."""
        settle = discreet(settle, self.private)
        self._write_down(row, settle, outcome)
        status = settle.status
        if status is Status.APPLIED:
            now = self.clock.now()
            types = frozenset((row.job.type, row.type_name, *self.api.resource(row.job.type).variants))
            self.recent.add(row.job.id, types, row.change, now)
            row.written_at = now
        self.sequencer.settled(row, status, settle.reason, self.clock.moment(), settle.message)
        self.drain()

    def doubt(self, row: InFlightRow, question: ReadBack, outcome: Outcome | None) -> None:
        """Record that a row may have been applied. An `outcome` of None means that an earlier process recorded it."""
        self._keep(row, question)
        row.state = step(row.state, Event.READ_BACK)
        if outcome is not None:
            self.journal.note(row.number, row.attempts, _noted(question))

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Settled(row, settle):
                self._write_down(row, discreet(settle, self.private), None)
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
        """Record a row that was not read; if it was looked up in vain, the guards may stop the run."""
        job, settle = refused.job, discreet(refused.settle, self.private)
        result = RowResult(
            job.ref, settle.status, settle.reason, settle.message, settle.fields,
            attempts=refused.attempts, at=self.clock.wall(),
        )  # fmt: skip
        self.journal.settle(result)
        if refused.sought:
            self._check_guards(job.ref.row, settle)
        else:
            self.guards.left(job.ref.row)

    def _write_down(self, row: InFlightRow, settle: Settle, outcome: Outcome | None) -> None:
        """Record how a row ends. One that is applied but for fields that are in conflict has landed, whatever it is."""
        row.state = step(row.state, Event.SETTLE)
        if self.expect_mode and settle.mode and settle.mode != self.expect_mode:
            self.stop.request(
                "wrong_mode", f"the API says it is in {settle.mode} mode; {self.expect_mode} was expected"
            )
        reply = outcome if isinstance(outcome, Reply) else None
        ended = at_end(settle, row, self.api.schema)
        result = RowResult(
            row.job.ref, ended.status, ended.reason, ended.message, ended.fields,
            http=reply.status if reply else 0,
            attempts=row.attempts,
            request_id=self.api.resource(row.type_name).request_id(reply) if reply else "",
            at=self.clock.wall(),
            errors=settle.errors,
        )  # fmt: skip
        if row.told:
            self.journal.hold(row.number, row.told)
        self._keep(row, settle)
        if settle.discarded:
            self.journal.record_partial(row.number, without_tags(row.image, settle.discarded))
        elif ended is not settle and settle.status is Status.APPLIED and ended.status is not Status.APPLIED:
            self.journal.record_partial(row.number, row.image)
        self.journal.settle(result)
        self._check_guards(row.number, settle)

    def _keep(self, row: InFlightRow, verdict: Settle | ReadBack) -> None:
        """Record the forms in which the API stores the values that were sent, as its reply shows them."""
        if verdict.stored:
            row.remember(verdict.stored)
            self.journal.keep_stored(row.number, row.image)

    def _check_guards(self, row: int, settle: Settle) -> None:
        halt = self.guards.settled(row, settle.status, settle.reason, settle.message)
        if halt is not None:
            self.stop.request(halt.reason, halt.message)


def _noted(question: ReadBack) -> str:
    """Return the outcome of an attempt for the journal: SAFE if it had no effect, else the reason of the doubt."""
    return SAFE if question.refused else question.reason
