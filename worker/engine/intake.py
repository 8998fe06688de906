"""Rows on their way in: what earlier processes left of them, their order per id, and the pages they are read in.

Rows of one id go in file order, one at a time; a row left `unknown` holds back the later rows of its id for good.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeGuard

from jobs.apis.commercelayer import MOST_REFERENCES, PAGE_SIZE
from jobs.apis.schema import resource_type
from jobs.changes.diff import as_written
from jobs.changes.overtaking import overtaken_by
from jobs.model import Edit, Path, RowRef, RowResult, Unsendable, UpdateJob
from jobs.reasons import REASONS
from jobs.texts import shortened
from worker.clock import Clock
from worker.engine.effort import Effort
from worker.journal import Journal, Planned, Traces
from worker.policy.lifecycle import UNTOUCHED, Recovery, Trace, recover

HELD: Final = 2000
"""Rows that may wait for an earlier row of their id before the reading of further rows does."""

UNREAD: Final = 8 * PAGE_SIZE
"""Rows of all types that may wait for a page of their own to fill."""

SCANNED: Final = 500
"""Rows looked at in one go at most, so that signals and replies get their turn in a sheet full of unsendable rows."""

ROUTE: Final = "route."
"""Prefix of the journal's facts about abstract types: `direct` or `concrete`."""

_LISTED: Final = 5
"""Ids that a message lists at most."""


def no_target(_row: int) -> str:
    """Return what is known of a row's record where no earlier process looked it up: nothing."""
    return ""


def not_overtaken(_row: int, _resource_id: str) -> Collection[Path]:
    """Return what later rows have changed where there was no earlier process: nothing."""
    return ()


@dataclass(slots=True)
class Intake:
    """Takes rows in, a page at a time.

    Attributes:
        rows: what is to be run, in file order.
        traces: what earlier processes left, None for a new run.
        refused: is told of every row that is settled here.
        blind: rows are sent without being read first.
        resend_unknown: send rows again that may have been applied and are not safe to repeat.
        expected: what is planned for a row; None when there is no plan to keep to.
        target: id that an earlier process found for a row that names a reference; empty when none did.
        overtaken: what later rows of a record have changed, or may have.
        written: when (seconds since the epoch) earlier processes last wrote records, by id, if that was a moment ago.
        unaimed: rows from the first on whose record has to be looked up, in file order; none is taken in before that.
        ready: rows that need no reading. `checking`: whether a first refusal of a type is being looked into.
    """

    rows: Iterator[UpdateJob | Unsendable]
    traces: Traces | None
    journal: Journal
    clock: Clock
    refused: Callable[[UpdateJob | Unsendable, RowResult], None] = lambda _row, _result: None
    blind: bool = False
    resend_unknown: bool = False
    expected: Callable[[int], Planned | None] | None = None
    target: Callable[[int], str] = no_target
    overtaken: Callable[[int, str], Collection[Path]] = not_overtaken
    written: Mapping[str, float] = field(default_factory=dict)
    unaimed: list[UpdateJob | Unsendable] = field(default_factory=list)
    ready: deque[Effort] = field(default_factory=deque)
    checking: bool = False
    _unread: dict[str, deque[Effort]] = field(default_factory=dict)
    _waiting: int = 0
    _urgent: str = ""
    _busy: dict[str, deque[Effort] | None] = field(default_factory=dict)
    _blocked: set[str] = field(default_factory=set)
    _held: int = 0
    _exhausted: bool = False

    @property
    def is_done(self) -> bool:
        """Whether every row has been taken in and released again."""
        return self._exhausted and not (self._busy or self.unaimed)

    @property
    def is_urgent(self) -> bool:
        """Whether a row has to be read that others wait for, however many are read: a canary, or of a refused type."""
        return bool(self._urgent)

    @property
    def has_pages(self) -> bool:
        """Whether there are rows to be read, to be taken in, or to be handed on as they are."""
        return self._waiting > 0 or bool(self.ready or self.unaimed) or not (self._exhausted or self._held >= HELD)

    def read_on(self) -> None:
        """Take rows in until a page of them is there, or as far as may be."""
        for _ in range(SCANNED):
            if self._exhausted or self.unaimed or self._held >= HELD or self._page_is_full():
                return
            row = self._next_row()
            if row is not None and _needs_aim(row):
                self._collect(row)
            elif row is not None:
                self._take(row)

    def take_aimed(self, found: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        """Take in the rows that waited for their records to be looked up.

        Args:
            found: ids of the records by type and reference; what could not be looked up is absent.
        """
        rows, self.unaimed = self.unaimed, []
        for row in rows:
            self._take(self._aimed(row, found) if _needs_aim(row) else row)

    def _next_row(self) -> UpdateJob | Unsendable | None:
        """The next row, with the id that an earlier process found; None when there is none."""
        row = next(self.rows, None)
        if row is None:
            self._exhausted = True
        elif _needs_aim(row) and (known := self.target(row.ref.row)):
            return replace(row, id=known)
        return row

    def _collect(self, row: UpdateJob | Unsendable | None) -> None:
        """Have rows wait until those among them that name a reference are looked up, a page of them."""
        aims = 0
        while row is not None:
            self.unaimed.append(row)
            aims += _needs_aim(row)
            row = self._next_row() if aims < MOST_REFERENCES and len(self.unaimed) < SCANNED else None

    def _aimed(self, job: UpdateJob, found: Mapping[tuple[str, str], tuple[str, ...]]) -> UpdateJob | Unsendable:
        """The row with the id of its record, or why there is none."""
        ids, shown = found.get((job.type, job.reference)), shortened(job.reference)
        if ids is None:
            return Unsendable(job.ref, "lookup_failed", f"the reference '{shown}' could not be looked up", "reference")
        if not ids:
            return Unsendable(job.ref, "reference_not_found", f"no {job.type} has the reference '{shown}'", "reference")
        if len(ids) > 1:
            listed = ", ".join(map(shortened, ids[:_LISTED])) + (", …" if len(ids) > _LISTED else "")
            said = f"several {job.type} have the reference '{shown}': {listed}"
            return Unsendable(job.ref, "reference_ambiguous", said, "reference")
        if taken := self.overtaken(job.ref.row, ids[0]):
            return overtaken_by(job, taken)
        self.journal.aim(job.ref.row, ids[0])
        return replace(job, id=ids[0])

    def page(self) -> list[Effort]:
        """Up to 25 rows of one type, the longest queue's; none while a page may still fill."""
        stuck = (
            self.is_urgent or (self._exhausted and not self.unaimed) or self._held >= HELD or self._waiting >= UNREAD
        )
        if not self._waiting or not (stuck or self._page_is_full()):
            return []
        queue = self._unread[self._urgent] if self.is_urgent else max(self._unread.values(), key=len)
        self.checking, self._urgent = self.is_urgent, ""
        page = [queue.popleft() for _ in range(min(PAGE_SIZE, len(queue)))]
        self._waiting -= len(page)
        return page

    def line_up(self, effort: Effort) -> None:
        """The row is next of its id: ready to be sent as it is, or to be read first."""
        if self.must_be_read(effort):
            unheard = effort.refused and self.route_of(effort.job.type) != "concrete"
            queue = self._unread.setdefault(effort.job.type, deque())
            if effort.is_canary or (unheard and not self.checking):
                self._urgent = self._urgent or effort.job.type
                queue.appendleft(effort)
            else:
                queue.append(effort)
            self._waiting += 1
        else:
            effort.take(as_written(effort.job))
            self.ready.append(effort)

    def must_be_read(self, effort: Effort) -> bool:
        """Whether something of the record has to be known: its state, its type, or whether it holds the row already."""
        return not self.blind or not effort.may_resend or self.needs_concrete(effort)

    def needs_concrete(self, effort: Effort) -> bool:
        """Whether the row has to be sent by its record's concrete type, which is not known yet."""
        return effort.abstract and (effort.refused or self.route_of(effort.job.type) == "concrete")

    def learn_route(self, type_name: str, route: str) -> None:
        """Remember how an abstract type is updated."""
        if self.route_of(type_name) != route:
            self.journal.learn(ROUTE + type_name, route)

    def route_of(self, type_name: str) -> str:
        """What is known about how an abstract type is updated: `direct`, `concrete`, or nothing yet."""
        return self.journal.facts.get(ROUTE + type_name, "")

    def written_at(self, effort: Effort) -> float:
        """Return when (seconds since the epoch) an earlier process wrote the row's record; 0 if not a moment ago."""
        return self.written.get(effort.job.id, 0.0)

    def release(self, resource_id: str, *, unknown: bool) -> Effort | None:
        """The row in hand of this id is settled; the next one, if it may go now."""
        waiting = self._busy.pop(resource_id)
        if unknown:
            self._blocked.add(resource_id)
            self._held -= len(waiting or ())
            for held in waiting or ():
                self._hold_back(held)
            return None
        if not waiting:
            return None
        self._held -= 1
        following = waiting.popleft()
        self._busy[resource_id] = waiting or None
        return following

    def record(
        self,
        row: UpdateJob | Unsendable,
        reason: str,
        message: str = "",
        fields: tuple[str, ...] = (),
        attempts: int | None = None,
    ) -> RowResult:
        """Settle a row without sending anything; `attempts` is what earlier ones cost, by the journal if not given."""
        cost = self._earlier(row.ref) if attempts is None else attempts
        status = REASONS[reason].status
        result = RowResult(row.ref, status, reason, message, fields, attempts=cost, at=self.clock.wall())
        self.refused(row, result)
        return result

    def _page_is_full(self) -> bool:
        full = any(len(queue) >= PAGE_SIZE for queue in self._unread.values())
        return full or self._waiting >= UNREAD or len(self.ready) >= PAGE_SIZE

    def _take(self, row: UpdateJob | Unsendable) -> None:
        """Put a row where it belongs: settled, held back, or next of its id."""
        trace = self.traces.of(row.ref.row) if self.traces is not None else UNTOUCHED
        if isinstance(row, Unsendable):
            self._take_unsendable(row, trace)
            return
        if self.traces is not None and self.traces.unknown(row.ref.row):
            self._blocked.add(row.id)
            return
        recovery = recover(trace, replay_safe=row.replay_safe or self.resend_unknown)
        if recovery is Recovery.SKIP or (row.id in self._blocked and trace.settled):
            return
        doubt = self._doubt(row.ref.row) if trace.doubtful else ""
        if row.id in self._blocked:
            self.record(row, doubt or "after_unknown")
        else:
            self._queue(row, doubt, may_resend=recovery is not Recovery.READ_BACK)

    def _take_unsendable(self, row: Unsendable, trace: Trace) -> None:
        """Settle a row that cannot be sent, unless an earlier process already knows more about it."""
        if trace.doubtful:
            self.record(row, self._doubt(row.ref.row))
        elif trace.redo or not trace.settled:
            self.record(row, row.reason, row.message, (row.column,) if row.column else ())

    def _doubt(self, row: int) -> str:
        return self.traces.reasons.get(row, "interrupted") if self.traces is not None else "interrupted"

    def _queue(self, job: UpdateJob, doubt: str, *, may_resend: bool) -> None:
        kind = resource_type(job.type)
        abstract = bool(kind and kind.abstract_over) and self.route_of(job.type) != "direct"
        effort = Effort(job, job.type, abstract, doubt=doubt, may_resend=may_resend)
        effort.attempts = self._earlier(job.ref)
        effort.image, effort.expected = self._image(job.ref.row), self._expected(job.ref.row)
        if job.id in self._busy:
            waiting = self._busy[job.id]
            if waiting is None:
                waiting = self._busy[job.id] = deque()
            waiting.append(effort)
            self._held += 1
        else:
            self._busy[job.id] = None
            self.line_up(effort)

    def _earlier(self, ref: RowRef) -> int:
        return self.traces.earlier.get(ref.row, 0) if self.traces is not None else 0

    def _image(self, row: int) -> tuple[Edit, ...]:
        image = self.traces.images.get(row) if self.traces is not None else None
        return image.edits if image else ()

    def _expected(self, row: int) -> tuple[Edit, ...] | None:
        if self.expected is None:
            return None
        planned = self.expected(row)
        return planned.edits if planned else ()

    def _hold_back(self, effort: Effort) -> None:
        """An earlier row of its id turned out unknown; a result, or a doubt, from before stands."""
        if self.traces is None or not self.traces.of(effort.job.ref.row).settled:
            self.record(effort.job, effort.doubt or "after_unknown")


def _needs_aim(row: UpdateJob | Unsendable) -> TypeGuard[UpdateJob]:
    """Whether the row names its record by a reference that has not been looked up."""
    return isinstance(row, UpdateJob) and not row.id
