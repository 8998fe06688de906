"""A plan: every row is read and decided as a run would, and what would be sent is written down instead.

It stops where a run would stop for what it reads.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio

from jobs.changes.diff import AS_A_SHEET, Terms, after
from jobs.model import Live, RowResult, Status, Unsendable, UpdateJob
from worker.clock import Clock
from worker.engine.effort import Effort
from worker.engine.intake import Intake
from worker.engine.prefetch import LookAhead
from worker.journal import Journal, Planned
from worker.lane.reads import Lookup
from worker.policy.guards import Guards
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop


@dataclass(slots=True)
class Planner:
    """Writes down what would become of every row. Sends no write.

    Attributes:
        readers: pages that may be read at once.
    """

    intake: Intake
    lookup: Lookup
    journal: Journal
    clock: Clock
    stop: Stop
    terms: Terms = AS_A_SHEET
    readers: int = 1
    guards: Guards = field(default_factory=Guards)
    _ahead: LookAhead = field(init=False)

    def __post_init__(self) -> None:
        """Wire the look-ahead to this plan."""
        self._ahead = LookAhead(self.intake, self.lookup, self.journal, self.stop, self, self.terms)

    async def run(self) -> None:
        """Plan every row, or as many as can be before the run ends."""
        self.stop.on_request(self._ahead.wake)
        async with anyio.create_task_group() as group:
            for _ in range(self.readers):
                group.start_soon(self._ahead.run)

    def queued(self) -> int:
        """Nothing waits: what is decided is written down."""
        return 0

    def rate(self) -> float:
        """Nothing is sent, so nothing holds it up."""
        return math.inf

    def reading(self, rows: Iterable[int]) -> None:
        """Take note of rows whose records are being looked up."""
        self.guards.reading(rows)

    def change(self, effort: Effort) -> None:
        """Write down a row that would be sent, and compare the next of its id with what it would leave behind."""
        job, change = effort.job, effort.change
        self.guards.found(job.ref.row)
        self.journal.plan(
            Planned(job.ref.row, job.type, job.id, Status.PENDING, edits=change.edits, unread=change.unread)
        )
        left = after(effort.live, change) if effort.live is not None else None
        self._release(effort, left)

    def settle(self, effort: Effort, settle: Settle) -> None:
        """Write down a row that would not be sent."""
        job = effort.job
        self.journal.plan(
            Planned(job.ref.row, job.type, job.id, settle.status, settle.reason, settle.message, settle.fields)
        )
        self._heed(job.ref.row, settle.status, settle.reason, settle.message)
        self._release(effort, effort.live)

    def doubt(self, effort: Effort, question: ReadBack) -> None:
        """Write down a row that may have been applied: a plan waits for nothing."""
        self.settle(effort, Settle(question.reason, question.message))

    @property
    def is_full(self) -> bool:
        """Nothing waits."""
        return False

    def exhausted(self) -> None:
        """Nobody waits here."""

    def refuse(self, row: UpdateJob | Unsendable, result: RowResult) -> None:
        """Write down a row that cannot be sent."""
        type_name, resource_id = (row.type, row.id) if isinstance(row, UpdateJob) else ("", "")
        self.journal.plan(
            Planned(row.ref.row, type_name, resource_id, result.status, result.reason, result.message, result.fields)
        )
        if isinstance(row, Unsendable) and row.column == "reference" and result.status is not Status.INVALID:
            self._heed(row.ref.row, result.status, result.reason, result.message)
        else:
            self.guards.left(row.ref.row)

    def _heed(self, row: int, status: Status, reason: str, message: str) -> None:
        halt = self.guards.settled(row, status, reason, message)
        if halt is not None:
            self.stop.request(halt.reason, halt.message)

    def _release(self, effort: Effort, live: Live | None) -> None:
        following = self.intake.release(effort.job.id, unknown=False)
        if following is not None:
            self._ahead.follow(following, live, self.clock.moment())
        if self.intake.is_done:
            self._ahead.wake()
