"""A plan: read and decide every row as a run would, and record what would be sent instead of sending it.

It stops where a run would stop because of what it reads.
"""

from collections import deque
from dataclasses import replace

from jobs.apis.schema import Schema
from jobs.changes import one_text
from jobs.changes.edits import column_of
from jobs.model import Status, Unsendable, UpdateJob
from jobs.recipe.fields import NOTHING_PRIVATE, Private
from jobs.values import valueclass
from worker.clock import Clock
from worker.engine.bells import Bells
from worker.journal import Journal, Planned
from worker.policy.discretion import discreet
from worker.policy.guards import Guards
from worker.policy.nights import told_of
from worker.policy.row import InFlightRow
from worker.policy.sequencer import Aimed, Done, Doubted, Effect, Learned, LinedUp, Queued, Refused, Sequencer, Settled
from worker.policy.verdict import Settle
from worker.stop import Stop


@valueclass(frozen=True, slots=True)
class Planner:
    """Records what would become of every row. Nothing is sent, so no row is ever ahead of the senders."""

    sequencer: Sequencer
    journal: Journal
    guards: Guards
    bells: Bells
    clock: Clock
    stop: Stop
    schema: Schema
    private: Private = NOTHING_PRIVATE

    def drain(self) -> None:
        """Record what the sequencer has decided, until it has no more effects."""
        effects = deque(self._said())
        while effects:
            self._carry_out(effects.popleft())
            effects.extendleft(reversed(self._said()))  # the effects of a row come before the next row

    def _said(self) -> list[Effect]:
        effects = self.sequencer.out.copy()
        self.sequencer.out.clear()
        return effects

    def _plan(self, row: InFlightRow) -> None:
        """Record a row that would be sent; the next row of its record is compared with the state it would leave."""
        job, change = row.job, row.change
        message, fields = told_of(row, self.schema)
        self.guards.found(row.number)
        self._tell(row)
        shown = tuple(edit for edit in change.edits if not self.private.covers(column_of(edit)))
        whole = one_text.in_words(job.type, replace(change, edits=shown), row.live, self.schema)
        message = "; ".join(filter(None, (message, whole)))
        self.journal.plan(
            Planned(row.number, job.type, job.id, Status.PENDING, "", message, fields, change.edits, change.unread)
        )
        self.sequencer.settled(row, Status.APPLIED, "", self.clock.moment())

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Queued() if (queued := self.sequencer.next_row()) is not None:
                self._plan(queued)
            case Settled(row, settle):
                self._tell(row)
                self._settle(row.job, settle)
                self._check_guards(row.number, settle)
            case Doubted(row, question):  # a plan waits for nothing
                settle = Settle(question.reason, question.message)
                self._settle(row.job, settle)
                self._check_guards(row.number, settle)
                self.sequencer.settled(row, Status.PENDING, settle.reason, row.read_at)
            case Refused(job, settle, _, sought):
                self._settle(job, settle)
                if sought:
                    self._check_guards(job.ref.row, settle)
                else:
                    self.guards.left(job.ref.row)
            case Aimed(row):
                self.journal.aim(row.number, row.job.id)
            case Learned(name, value):
                self.journal.learn(name, value)
            case LinedUp() | Done():
                self.bells.ring()

    def _tell(self, row: InFlightRow) -> None:
        if row.told:
            self.journal.hold(row.number, row.told)

    def _settle(self, job: UpdateJob | Unsendable, settle: Settle) -> None:
        settle = discreet(settle, self.private)
        type_name, resource_id = (job.type, job.id) if isinstance(job, UpdateJob) else ("", "")
        self.journal.plan(
            Planned(job.ref.row, type_name, resource_id, settle.status, settle.reason, settle.message, settle.fields)
        )

    def _check_guards(self, row: int, settle: Settle) -> None:
        settle = discreet(settle, self.private)
        halt = self.guards.settled(row, settle.status, settle.reason, settle.message)
        if halt is not None:
            self.stop.request(halt.reason, halt.message)
