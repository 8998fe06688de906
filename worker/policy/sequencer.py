"""Which row is read and which is sent next: rows in, decisions out. No await, clock, journal, stop or callback.

All queues of a run are here, so that a row is in one place at a time, and "stuck" is a property of one object:

    unaimed   its record has to be looked up by a reference, or it waits behind such a row
    unread    waits until a page of its type is read
    ready     decided, to be sent
    caged     decided, behind the first row of its type, which is sent alone
    held      behind an earlier row of its record

Rows of one record go in file order, one at a time; a row left `unknown` holds back the later ones for good. The caller
passes in what happened, takes the effects from `out` before the next wait, and asks what to do next.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from itertools import islice
from operator import or_
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeAlias, TypeGuard

from jobs.changes.diff import Change, after, as_written, fields
from jobs.model import Fields, Live, Status, Unsendable, UpdateJob
from jobs.texts import shortened
from worker.policy.canary import Canary
from worker.policy.guards import Halt
from worker.policy.lifecycle import State
from worker.policy.paging import Paging
from worker.policy.row import Found, InFlightRow, Moment
from worker.policy.verdict import ReadBack, Settle

MAX_HELD_ROWS: Final = 2000
"""Maximum number of rows that may wait for an earlier row of their record; beyond that, no further rows are read."""

MAX_UNREAD_PAGES: Final = 8
"""Maximum number of pages of rows, of all types together, that may wait for a page of their type to fill."""

MAX_PASSED_OVER: Final = 100
"""Maximum number of ready rows that wait for a limit of their own and are passed over at once."""

MAX_UNAIMED_ROWS: Final = 500
"""Maximum number of rows that may wait for a page of references to fill, rows between them included."""

ROUTE: Final = "route."
"""Prefix of the facts about abstract types: `direct` or `concrete`."""

CANARY: Final = "canary."
"""Prefix of the facts about types whose first updates succeeded."""

_LISTED: Final = 5
"""Maximum number of ids that a message lists."""

_PARTLY: Final = frozenset({"tags_discarded", "unverified"})
"""Reasons of rows that were applied in part, or in a form that was not read."""


class KeyPage(NamedTuple):
    """Look up the records of these rows, by type and reference. One page at a time, since rows go in file order.

    Attributes:
        numbers: of these rows and of the rows that wait behind them.
    """

    rows: tuple[InFlightRow, ...]
    numbers: tuple[int, ...]


class ReadPage(NamedTuple):
    """Read the records of these rows, all of one type; `ids` are theirs, in order, and `fields` are needed of each."""

    rows: tuple[InFlightRow, ...]
    type: str
    ids: list[str]
    fields: Fields


class Queued(NamedTuple):
    """The row is decided: it is going to be sent."""

    row: InFlightRow


class Settled(NamedTuple):
    """The row is settled by what was read of its record."""

    row: InFlightRow
    settle: Settle


class Doubted(NamedTuple):
    """An earlier process left the row in doubt, and the read does not resolve that: read again until it is settled."""

    row: InFlightRow
    question: ReadBack


class Refused(NamedTuple):
    """The row is settled without being read.

    Attributes:
        attempts: of earlier processes.
        sought: its record was looked up, and was not found: what many rows may have in common.
    """

    job: UpdateJob | Unsendable
    settle: Settle
    attempts: int = 0
    sought: bool = False


class Aimed(NamedTuple):
    """The row's record is found. This has to be on disk no later than the row's intent."""

    row: InFlightRow


class LinedUp(NamedTuple):
    """A row came back to be read: wake the tasks that read pages."""

    row: InFlightRow


class Done(NamedTuple):
    """Every row is settled, and no more are to come."""


class Learned(NamedTuple):
    """A fact for later processes; `goes_on`: store it only if the row that showed it does not stop the run."""

    name: str
    value: str
    goes_on: bool = False


Effect: TypeAlias = Queued | Settled | Doubted | Refused | Aimed | LinedUp | Learned | Halt | Done

Decide: TypeAlias = Callable[[InFlightRow, Live], Change | Settle | ReadBack]
"""Decides what becomes of a row whose record was read."""


Ids: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""Ids of records by type and reference; a reference that could not be looked up is absent."""

_NO_FAILURES: Final[Mapping[tuple[str, str], str]] = MappingProxyType({})


class Variants(Protocol):
    """Knows the types that the API may not update under their own name."""

    def __call__(self, type_name: str, /) -> tuple[str, ...]:
        """Return the concrete types behind an abstract one; none for any other."""


_Queue: TypeAlias = tuple[str, str]
"""Type and group: what the rows have in common that are read together."""


class Sequencer:
    """Orders the rows of a run.

    Attributes:
        out: effects of what was passed in, to be taken before the next wait.
        ready: rows to send; only `next_row` takes them.
    """

    def __init__(
        self,
        decide: Decide,
        paging: Paging,
        variants: Variants,
        *,
        facts: Mapping[str, str],
        blind: bool = False,
        canaries: int = 0,
    ) -> None:
        """Begin with no rows.

        Args:
            decide: decides what becomes of a row whose record was read; pure.
            paging: tells which records can be read together, and how many.
            variants: of abstract types.
            facts: learned by earlier processes.
            blind: send rows without reading them first.
            canaries: first updates of each type, to be sent alone.
        """
        self.out: list[Effect] = []
        self._decide, self._paging, self._variants = decide, paging, variants
        self._facts, self._blind, self._canaries = dict(facts), blind, canaries
        self._unaimed: list[InFlightRow | Refused] = []
        self._unread: dict[_Queue, deque[InFlightRow]] = {}
        self.ready: deque[InFlightRow] = deque()
        self._caged: dict[str, deque[InFlightRow]] = {}
        self._busy: dict[str, deque[InFlightRow] | None] = {}
        self._blocked: set[str] = set()
        self._aims = self._waiting = self._held = self._locked_up = self._reading = 0
        self._share = 1.0
        self._full: set[_Queue] = set()
        self._urgent: deque[_Queue] = deque()  # queues of rows that others wait for: read even without room
        self._checking: set[str] = set()
        self._first: dict[str, Canary] = {}
        self._abstract: dict[str, bool] = {}
        self._aiming = self._ended = False

    # ---- in: what happened

    def feed(self, row: InFlightRow | Refused, room: int = 0) -> bool:
        """Take the next row of the input, or a refused one, which is reported in its turn.

        Args:
            row: the row.
            room: how many rows may be ahead of the senders.

        Returns:
            True to feed another one.
        """
        if self._unaimed or _needs_key(row):
            self._unaimed.append(row)
            self._aims += _needs_key(row)
        else:
            self._take(row)
        return self.wants(room)

    def end(self) -> None:
        """Note that the input has ended."""
        self._ended = True
        self._note_end()

    def found(
        self, ids: Ids, late: Mapping[int, Unsendable], failed: Mapping[tuple[str, str], str] = _NO_FAILURES
    ) -> None:
        """Take the rows whose records have been looked up, and the rows behind them.

        Args:
            ids: of the records found.
            late: rows, by number, that were overtaken by later rows of the same record.
            failed: why a look-up failed, by type and reference.
        """
        self._aiming = False
        rows, self._unaimed, self._aims = self._unaimed, [], 0
        for row in rows:
            aimed = self._resolve_reference(row, ids, late, failed) if _needs_key(row) else row
            if aimed is not None:
                self._take(aimed)
        self._note_end()

    def read(self, page: ReadPage, found: Found) -> None:
        """Decide the rows of a page by the state of their records."""
        self._reading -= len(page.rows)
        self._checking.discard(page.type)
        queued = sum(self._carry_out(row, self._judge(row, found)) for row in page.rows)
        self._share += 0.3 * (queued / len(page.rows) - self._share)

    def fresh(self, page: ReadPage, found: Found) -> None:
        """Decide rows anew after a second read. The first row is in hand: its `verdict` is set if it must not be sent.

        Rows that were admitted meanwhile are skipped: they go out with the change in their intent. For rows that were
        only taken, the sender that took them checks the verdict.
        """
        hand, *company = page.rows
        for row in (hand, *(each for each in company if each.state is State.QUEUED)):
            verdict = self._judge(row, found)
            if isinstance(verdict, Change):
                row.take(verdict)
            else:
                row.verdict = verdict

    def settled(self, row: InFlightRow, status: Status, reason: str, at: Moment, message: str = "") -> None:
        """Note the result of a row that was taken, or was in doubt, and release the next row of its record."""
        if row.abstract and row.was_sent and status is Status.APPLIED:
            self._learn(ROUTE + row.job.type, "direct")
        self._finish(row, status, reason, at, message)

    def refused(self, row: InFlightRow) -> None:
        """Take back a row whose own type the API refused: send it by its record's concrete type."""
        row.refused = True
        self._reroute(row)

    # ---- out: what to do next

    def wants(self, room: int) -> bool:
        """Return True if a row should be fed; `room` rows may be ahead of the senders."""
        if self._ended or self._aiming or self._held >= MAX_HELD_ROWS:
            return False
        if self._unaimed:
            return self._aims < self._paging.key_page and len(self._unaimed) < MAX_UNAIMED_ROWS
        return self.ahead < room and not (self._full or self._waiting >= self._most_unread)

    def next_page(self, room: int) -> ReadPage | KeyPage | None:
        """Return what to read or look up next; None if there is nothing to read now."""
        if not self._urgent and self.ahead >= room:
            return None
        if rows := self._next_unread():
            self._reading += len(rows)
            return _page(rows, map(self._fields, rows))
        if self._unaimed and not self._aiming and not self.wants(room):
            self._aiming = True
            numbers = tuple(row.job.ref.row for row in self._unaimed)
            return KeyPage(tuple(filter(_needs_key, self._unaimed)), numbers)
        return None

    def next_row(self, is_open: Callable[[InFlightRow], bool] | None = None) -> InFlightRow | None:
        """Return the row to send next. Call this with a slot of the pace in hand.

        Until then rows wait here, where stale ones are read again a page at a time.

        Args:
            is_open: whether a row may be sent at once. If the first may not, one of the next that may goes before it;
                rows of one record stay in order, since only one of them is ready.
        """
        if is_open is not None:
            self._prefer(is_open)
        while self.ready:
            row = self.ready.popleft()
            if row.verdict is not None:  # it was read again while it waited
                self._carry_out(row, row.verdict)
            elif self._needs_concrete(row):
                self._reroute_all(row)
            else:
                return row
        return None

    def _prefer(self, is_open: Callable[[InFlightRow], bool]) -> None:
        """Move the first ready row that may be sent at once to the front."""
        some = enumerate(islice(self.ready, MAX_PASSED_OVER + 1))
        place = next((place for place, row in some if is_open(row)), 0)
        if place:
            row = self.ready[place]
            del self.ready[place]
            self.ready.appendleft(row)

    def reread(self, row: InFlightRow, is_aging: Callable[[InFlightRow], bool] | None = None) -> ReadPage:
        """Return a page for a row in hand that has to be read again; add ready rows of its type that are aging, too."""
        queue, size = self._queue_of(row), self._paging.size(row.job.type)
        alike = (each for each in self.ready if each.live is not None and self._queue_of(each) == queue)
        aging = filter(is_aging, alike) if is_aging is not None and size > 1 else ()
        rows = (row, *islice(aging, size - 1))
        return _page(rows, (fields(each.job) for each in rows))

    @property
    def queued(self) -> int:
        """Number of rows that are decided and wait to be sent."""
        return len(self.ready) + self._locked_up

    @property
    def ahead(self) -> float:
        """Number of rows that are decided, and of those being read, the share likely to be sent."""
        return self.queued + self._reading * self._share

    def reads_on(self, room: int) -> bool:
        """Return True if something may be read, looked up or fed now."""
        fed = self._ended or self._aiming or self._held >= MAX_HELD_ROWS
        some = self._waiting > 0 or not fed or (bool(self._unaimed) and not self._aiming)
        return some and (self.ahead < room or bool(self._urgent))

    @property
    def is_done(self) -> bool:
        """True if every row that was fed is settled, and no more will come."""
        return self._ended and not (self._busy or self._unaimed)

    # ---- rows on their way in

    @property
    def _most_unread(self) -> int:
        return MAX_UNREAD_PAGES * self._paging.largest

    def _take(self, row: InFlightRow | Refused) -> None:
        """Put a row where it belongs: report it, hold it back, or make it the next of its record."""
        if isinstance(row, Refused):
            self.out.append(row)
            return
        row.abstract = self._may_be_abstract(row.job.type)
        if row.stands:
            self._blocked.add(row.job.id)
        elif row.job.id in self._blocked:
            self._hold_back(row)
        elif row.job.id in self._busy:
            waiting = self._busy[row.job.id]
            if waiting is None:
                waiting = self._busy[row.job.id] = deque()
            waiting.append(row)
            self._held += 1
        else:
            self._busy[row.job.id] = None
            self._line_up(row)

    def _resolve_reference(
        self, row: InFlightRow, ids: Ids, late: Mapping[int, Unsendable], failed: Mapping[tuple[str, str], str]
    ) -> InFlightRow | Refused | None:
        """Give the row the id of its record, or refuse it; return None if it keeps its earlier result."""
        key = (row.job.type, row.job.reference)
        found = ids.get(key)
        sought = found is None or len(found) != 1
        problem = self._no_key(row.job, found, failed.get(key, "")) if sought else late.get(row.number)
        if problem is not None:
            return None if row.stands else refusal(problem, row.doubt, row.attempts, sought=sought)
        row.job = replace(row.job, id="".join(found or ()))
        self.out.append(Aimed(row))
        return row

    def _no_key(self, job: UpdateJob, ids: tuple[str, ...] | None, why: str) -> Unsendable:
        """Say why a look-up leads to no record; `why` it failed, if it did."""
        name, value = self._paging.sought(job.type, job.reference)
        shown = shortened(value)
        if ids is None:
            said = f"the {name} '{shown}' could not be looked up" + (f": {why}" if why else "")
            return Unsendable(job.ref, "lookup_failed", said, name)
        if not ids:
            return Unsendable(job.ref, "reference_not_found", f"no {job.type} has the {name} '{shown}'", name)
        listed = ", ".join(map(shortened, ids[:_LISTED])) + (", …" if len(ids) > _LISTED else "")
        said = f"several {job.type} have the {name} '{shown}': {listed}"
        return Unsendable(job.ref, "reference_ambiguous", said, name)

    def _hold_back(self, row: InFlightRow) -> None:
        """Refuse a row behind an unknown one; an earlier result or doubt of the row stands."""
        if not row.has_result:
            self.out.append(Refused(row.job, Settle(row.doubt or "after_unknown"), row.attempts))

    def _line_up(self, row: InFlightRow) -> None:
        """Send the next row of a record as it is, or queue it to be read first."""
        if self._blind and row.may_resend and not self._needs_concrete(row):
            row.take(as_written(row.job))
            self._send(row)
            return
        type_name = row.job.type
        place = self._queue_of(row)
        queue = self._unread.setdefault(place, deque())
        unheard = row.refused and self._facts.get(ROUTE + type_name) != "concrete"
        if row.is_canary or (unheard and type_name not in self._checking):
            if place not in self._urgent:
                self._urgent.append(place)
            queue.appendleft(row)
        else:
            queue.append(row)
        self._waiting += 1
        if len(queue) >= self._paging.size(type_name):
            self._full.add(place)

    # ---- rows that are read

    def _next_unread(self) -> tuple[InFlightRow, ...]:
        """Take up to a page of rows from the longest queue of a type; none while a page may still fill."""
        if self._urgent:
            place = self._urgent.popleft()
            self._checking.add(place[0])
        else:
            held_up = self._held >= MAX_HELD_ROWS or self._waiting >= self._most_unread
            last = self._ended and not self._unaimed
            if not self._waiting or not (self._full or held_up or last):
                return ()
            full = [each for each in self._unread if each in self._full]
            place = max(full or self._unread, key=lambda each: len(self._unread[each]))
        queue, size = self._unread.get(place, deque()), self._paging.size(place[0])
        rows = tuple(queue.popleft() for _ in range(min(size, len(queue))))
        self._waiting -= len(rows)
        if len(queue) < size:
            self._full.discard(place)
        if not queue and place[1]:
            self._unread.pop(place, None)  # there may be as many groups as rows
        return rows or self._next_unread()  # an urgent row may have gone with a page of others

    def _queue_of(self, row: InFlightRow) -> _Queue:
        return row.job.type, self._paging.group(row.job.type, row.job.id)

    def _fields(self, row: InFlightRow) -> Fields:
        if self._blind and row.may_resend:
            return Fields()  # only its concrete type is needed
        return fields(row.job)

    def _judge(self, row: InFlightRow, found: Found) -> Change | Settle | ReadBack:
        live = found.records.get(row.job.id)
        if live is None:
            return self._absent(row, found)
        return self._judge_by(row, live, found.at[row.job.id])

    def _absent(self, row: InFlightRow, found: Found) -> Settle:
        if row.job.id in found.missing:
            return Settle(row.doubt or "not_found", f"no {row.job.type} with this {self._paging.key(row.job.type)}")
        return Settle(row.doubt or "lookup_failed", found.failed[row.job.id])

    def _judge_by(self, row: InFlightRow, live: Live, at: Moment) -> Change | Settle | ReadBack:
        """Decide a row by the state of its record at moment `at`."""
        if self._needs_concrete(row):
            if live.type not in self._variants(row.job.type):
                return Settle(row.doubt or "lookup_failed", "the API does not say the record's concrete type")
            self._route(row, live.type)
        if self._blind and row.may_resend:
            return as_written(row.job)
        row.live, row.read_at = live, at
        return self._decide(row, live)

    def _carry_out(self, row: InFlightRow, verdict: Change | Settle | ReadBack) -> bool:
        """Queue the row, settle it or report it as doubted; return True if it is queued."""
        if isinstance(verdict, Change):
            row.take(verdict)
            self._send(row)
            return True
        if isinstance(verdict, ReadBack):
            self.out.append(Doubted(row, verdict))
        else:
            self.out.append(Settled(row, verdict))
            self._finish(row, verdict.status, verdict.reason, row.read_at)
        return False

    # ---- abstract types

    def _may_be_abstract(self, type_name: str) -> bool:
        """Return whether the API may not update records by this type."""
        if type_name not in self._abstract:
            self._abstract[type_name] = bool(self._variants(type_name))
        return self._abstract[type_name] and self._facts.get(ROUTE + type_name) != "direct"

    def _needs_concrete(self, row: InFlightRow) -> bool:
        """Return True if the row has to be sent by its record's concrete type, which is not known yet."""
        return row.abstract and (row.refused or self._facts.get(ROUTE + row.job.type) == "concrete")

    def _route(self, row: InFlightRow, concrete: str) -> None:
        """Send the row by its concrete type: the record exists, so its abstract type was refused."""
        self._learn(ROUTE + row.job.type, "concrete")
        row.route(concrete)

    def _reroute(self, row: InFlightRow) -> None:
        """Send a row by its record's concrete type; read the record first if the type is not known."""
        if row.live is not None and row.live.type != row.job.type:
            self._route(row, row.live.type)
            self._send(row)
        else:
            self._line_up(row)
            self.out.append(LinedUp(row))

    def _reroute_all(self, row: InFlightRow) -> None:
        """Reroute a row, and all ready rows of a type that the API turned out not to update itself."""
        queued, self.ready = self.ready, deque()
        for each in (row, *queued):
            if self._needs_concrete(each):
                self._reroute(each)
            else:
                self.ready.append(each)

    def _learn(self, name: str, value: str) -> None:
        if self._facts.get(name) != value:
            self._facts[name] = value
            self.out.append(Learned(name, value))

    # ---- rows that are decided, and their ends

    def _send(self, row: InFlightRow) -> None:
        """Queue a row to be sent, behind the first rows of its type."""
        canary = self._canary(row.job.type)
        if row.is_canary or row.was_tried or not canary.left:
            self.ready.append(row)
        elif canary.busy:
            self._caged.setdefault(row.job.type, deque()).append(row)
            self._locked_up += 1
        else:
            canary.busy = row.is_canary = True
            self.ready.append(row)
        self.out.append(Queued(row))

    def _canary(self, type_name: str) -> Canary:
        canary = self._first.get(type_name)
        if canary is None:
            canary = self._first[type_name] = Canary(0 if CANARY + type_name in self._facts else self._canaries)
        return canary

    def _open_cage(self, row: InFlightRow, status: Status, reason: str, message: str) -> None:
        """Release the next of a type's first rows after one is settled, or all the others after the last."""
        type_name = row.job.type
        canary, caged = self._canary(type_name), self._caged.pop(type_name, deque[InFlightRow]())
        self._locked_up -= len(caged)
        if row.was_sent:
            if said := canary.settled(status, reason, message):
                self.out.append(Halt("canary", f"{type_name}: {said}"))
        else:
            canary.busy = False
        if not canary.left:
            self.out.append(Learned(CANARY + type_name, "passed", goes_on=True))
        for waiting in caged:
            self._send(waiting)

    def _finish(self, row: InFlightRow, status: Status, reason: str, at: Moment, message: str = "") -> None:
        """End a row, then the next of its record, and so on: in a loop, since a record may have a thousand rows."""
        ends = deque([(row, status, reason, message)])
        while ends:
            row, status, reason, message = ends.popleft()
            if row.is_canary:
                self._open_cage(row, status, reason, message)
            waiting = self._busy.pop(row.job.id)
            if status is Status.UNKNOWN:
                self._block(row.job.id, waiting or ())
            elif waiting:
                self._held -= 1
                following = waiting.popleft()
                self._busy[row.job.id] = waiting or None
                following.written_at = row.written_at
                live, since = _left_behind(row, status, reason, at)
                if (settle := self._release_next(following, live, since)) is not None:
                    ends.append((following, settle.status, settle.reason, settle.message))
        self._note_end()

    def _note_end(self) -> None:
        if self.is_done:
            self.out.append(Done())

    def _block(self, resource_id: str, waiting: Iterable[InFlightRow]) -> None:
        """Refuse all rows behind one that may have been applied."""
        self._blocked.add(resource_id)
        for row in waiting:
            self._held -= 1
            self._hold_back(row)

    def _release_next(self, row: InFlightRow, live: Live | None, at: Moment) -> Settle | None:
        """Decide a row by the state the row before it left, or queue it to be read; return its settlement, if any."""
        kind = row.job.type
        if (
            live is None
            or self._blind
            or not fields(row.job) <= live.fields
            or live.type not in (kind, *self._variants(kind))  # ids of other types may be the same, the records are not
        ):
            self._line_up(row)
            self.out.append(LinedUp(row))
            return None
        verdict = self._judge_by(row, live, at)
        if isinstance(verdict, Settle):
            self.out.append(Settled(row, verdict))
            return verdict
        self._carry_out(row, verdict)
        return None


def _page(rows: tuple[InFlightRow, ...], wanted: Iterable[Fields]) -> ReadPage:
    return ReadPage(rows, rows[0].job.type, [row.job.id for row in rows], reduce(or_, wanted))


def refusal(problem: Unsendable, doubt: str, attempts: int, *, sought: bool = False) -> Refused:
    """Refuse a row that cannot be sent; a row that may have been applied before stays in doubt."""
    told = Settle(problem.reason, problem.message, (problem.column,) if problem.column else ())
    return Refused(problem, Settle(doubt) if doubt else told, attempts, sought)


def _needs_key(row: InFlightRow | Refused) -> TypeGuard[InFlightRow]:
    """Return True if the row names its record by a reference that has not been looked up."""
    return isinstance(row, InFlightRow) and not row.job.id


def _left_behind(row: InFlightRow, status: Status, reason: str, at: Moment) -> tuple[Live | None, Moment]:
    """Return the record as the row left it, and since when; None if that is not known."""
    if row.live is None or reason in _PARTLY:
        return None, row.read_at
    if status is Status.APPLIED and row.live.basis is not None:
        return None, row.read_at  # what the next update is built on has to be read
    if status is Status.APPLIED and reason != "read_back":
        return after(row.live, row.change), at
    return row.live, row.read_at
