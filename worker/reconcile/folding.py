"""Fold the journal of a run into the memory of its job: in one transaction, and with the same effect every time."""

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Final, Generic, TypeVar

from jobs.agreement.learning import Memorizing, RowEnd, learned, undone
from jobs.agreement.model import FieldRules, Told
from jobs.changes.diff import CompareRules
from jobs.model import RowRef, Status, Unsendable, UpdateJob
from jobs.values import valueclass
from worker.journal import History, Image, OpenAttempt, RowOutcome, Settled
from worker.journal.schema import damaged, seal_of, transaction
from worker.reconcile.gone import Named, NamedRecords
from worker.reconcile.store import Memory, Trouble
from worker.reconcile.writing import Writing

T = TypeVar("T")

_FAILED: Final = frozenset({Status.INVALID, Status.REJECTED, Status.FAILED, Status.UNKNOWN})
"""Statuses of rows that are in trouble. A conflict is not: somebody has to decide, and the fields say so."""

_WELL: Final = frozenset({Status.APPLIED, Status.UNCHANGED})
_HELD_BACK: Final = frozenset({"drifted", "kept", "undone"})
"""Reasons of rows that were skipped and are in no trouble."""

_FOUGHT: Final = 60
"""Nights after which it is forgotten that a field was overwritten."""


@valueclass(frozen=True, slots=True)
class Run:
    """A run whose journal is folded.

    Attributes:
        serial: its number among the runs of the job (`Nights.begin`).
        jobs: every row of its input, in order, and behind it those that clear gone records: what each asks for.
        terms, rules: how the job compares, and what it may remember.
        target: number of the system that it updates.
        is_undo: whether it puts old values back.
        named: how every row of the source names its record, None for one whose key cannot be read. None for runs that
            do not say who is gone: partial sheets, undos, nights that stopped before they had read all.
        is_gone: whether it clears what is gone: no row of it is one of the job's, in trouble or not.
    """

    serial: int
    jobs: Iterable[UpdateJob | Unsendable]
    terms: CompareRules
    rules: FieldRules = field(default_factory=FieldRules)
    target: int = 1
    is_undo: bool = False
    named: Iterable[Named | None] | None = None
    is_gone: bool = False


@valueclass(frozen=True, slots=True)
class Folded:
    """What a folding did.

    Attributes:
        records: rows that taught something, or read a record. `failed`: rows in trouble.
        healed: rows that failed before and do not any more.
        gone: records that no row names any more, since this run; None if nobody could tell.
    """

    records: int = 0
    failed: int = 0
    healed: tuple[Trouble, ...] = ()
    gone: int | None = None


def fold(memory: Memory, history: History, run: Run) -> Folded | None:
    """Take in what a run has found and done; return None if the memory has done so before.

    Memory is flat: everything comes in the order of the rows. Doing it again changes nothing, so that a killed folding
    is simply done again; and a journal that went on since is folded anew.

    Args:
        memory: of the job.
        history: the run's journal, which nobody is writing.
        run: what else is to be known of the run.

    Raises:
        JournalDamaged: the journal and the input do not belong together, or the memory is damaged.
        JournalError: the memory cannot be written; it is as before.
    """
    sealed = seal_of(history.path)
    if sealed and memory.nights.get(run.serial).folded == sealed:
        return None
    with transaction(memory.db, memory.path):
        folding = _Folding(memory, run)
        for ending in _endings(history, run):
            folding.take(ending)
        gone = folding.mark_gone()
        folding.tidy(is_whole=gone is not None)
        memory.db.execute("UPDATE night SET folded = ? WHERE serial = ?", (sealed or None, run.serial))
    return Folded(folding.records, folding.failed, tuple(folding.healed), gone)


@valueclass(frozen=True, slots=True)
class _Ending:
    """A row, and what the journal says of it.

    Attributes:
        outcome: how it ended. `at`: when. `aim`: id of the record that it named by reference.
        image: of what may have landed. `landed`: those of parts that did.
    """

    job: UpdateJob | Unsendable
    outcome: RowOutcome
    at: float
    aim: str
    image: Image | None
    landed: tuple[Image, ...]
    told: tuple[Told, ...]

    @property
    def end(self) -> RowEnd:
        edits = None if self.image is None else self.image.edits
        unread = () if self.image is None else self.image.unread
        landed = tuple(edit for image in self.landed for edit in image.edits)
        names = tuple(name for image in self.landed for name in image.unread)
        return RowEnd(self.outcome.status, self.outcome.reason, edits, landed, unread, names, self.told)


class _Folding:
    """One folding at work."""

    def __init__(self, memory: Memory, run: Run) -> None:
        self._memory, self._run = memory, run
        self._writing = Writing(memory, memory.nights.calendar(run.serial))
        self._by = Memorizing(run.terms, run.rules, memory.seal)
        self._source = NamedRecords(memory.db, run.terms.schema)
        self._is_whole = run.named is not None and self._source.note(run.named)
        self._learn = undone if run.is_undo else learned
        self.records = self.failed = 0
        self.healed: list[Trouble] = []

    def take(self, ending: _Ending) -> None:
        """Take in a row."""
        job, run = ending.job, self._run
        record_id = ""
        if isinstance(job, UpdateJob):
            family = run.terms.schema.family(job.type)
            record_id = job.id or ending.aim or (ending.image.id if ending.image else "")
            row = (run.target, family, record_id or job.key)
            if record_id:
                if self._is_whole and ending.aim:
                    self._source.reach(family, record_id)
                self._learn_of(job, ending, (run.target, family, record_id, job.reference))
        else:
            row = (run.target, "", f"row {ending.job.ref.digest.hex()}")
        if not (run.is_undo or run.is_gone):
            self._follow(row, ending)

    def _learn_of(self, job: UpdateJob, ending: _Ending, named: tuple[int, str, str, str]) -> None:
        end = ending.end
        kept = self._memory.record(*named[:3])
        found = list(self._learn(job, end, kept.agreed, self._by))
        if found or (kept.n and end.was_decided):
            self.records += 1
            self._writing.write(kept, named, found, ending.at)

    def _follow(self, row: tuple[int, str, str], ending: _Ending) -> None:
        """Write down that a row failed, or that it does not any more."""
        status = ending.outcome.status
        if status in _FAILED:
            self.failed += 1
            edits = ending.image.edits if ending.image is not None else ()
            self._writing.trouble(row, ending.job.ref, ending.outcome, edits)
        elif (status in _WELL or ending.outcome.reason in _HELD_BACK) and (
            known := self._writing.healed(row)
        ) is not None:
            self.healed.append(known)

    def mark_gone(self) -> int | None:
        """Write down who is gone, and count those who are since this run; None if nobody can tell."""
        return self._source.mark(self._run.target, self._run.serial) if self._is_whole else None

    def tidy(self, *, is_whole: bool) -> None:
        """Forget what no later night can take back: rows without a key that were mended, fights that are over."""
        db, serial = self._memory.db, self._run.serial
        db.execute("DELETE FROM exception WHERE kind = 'overwritten' AND last < ?", (serial - _FOUGHT,))
        if is_whole:
            db.execute("DELETE FROM trouble WHERE type = '' AND target = ? AND last < ?", (self._run.target, serial))


def _endings(history: History, run: Run) -> Iterator[_Ending]:
    """Yield the rows that the journal says something of, in their order."""
    results = _InOrder((each[0], each) for each in history.settled())
    doubts = _InOrder((each.row, each) for each in history.doubts())
    images = _InOrder((image.row, (image, landed)) for image, landed in history.images())
    told, aims = _InOrder(history.held()), _InOrder(history.aims())
    streams: tuple[_InOrder[object], ...] = (results, doubts, images, told, aims)  # type: ignore[assignment]  # only read
    for job in run.jobs:
        row = job.ref.row
        result, doubt, seen = results.of(row), doubts.of(row), images.of(row)
        said, aim = told.of(row), aims.of(row)
        settled = _outcome(job.ref, result, doubt, history)
        if settled is None:
            continue
        outcome, at = settled
        image = next((each for each, landed in seen if not landed), None)
        parts = tuple(each for each, landed in seen if landed)
        yield _Ending(job, outcome, at, aim[0] if aim else "", image, parts, said[0] if said else ())
    for stream in streams:
        if stream.row is not None:
            raise damaged(history.path, f"it has a row {stream.row} that the input does not have")


def _outcome(
    ref: RowRef, results: list[Settled], doubts: list[OpenAttempt], history: History
) -> tuple[RowOutcome, float] | None:
    """Return how a row ended and when, None if nothing is known. A doubt is younger than a result, and overrules it."""
    if results and results[0][1] != ref.digest:
        raise damaged(history.path, f"its row {ref.row} is not the one of the input")
    if doubts:
        return RowOutcome(Status.UNKNOWN, doubts[0].reason), doubts[0].at
    return (results[0][4], results[0][3]) if results else None


class _InOrder(Generic[T]):
    """What a journal says of rows, taken row by row; `row` is the next it speaks of, None at the end."""

    def __init__(self, items: Iterator[tuple[int, T]]) -> None:
        self._items = items
        self.row: int | None = None
        self._next: T | None = None
        self._step()

    def of(self, row: int) -> list[T]:
        """Return what is said of a row, those before which were taken already."""
        found: list[T] = []
        while self.row == row:
            found.append(self._next)  # type: ignore[arg-type]  # there is one
            self._step()
        return found

    def _step(self) -> None:
        self.row, self._next = next(self._items, (None, None))
