"""Read a journal: its processes, attempts and results, and the rows in doubt."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from jobs.agreement.marks import decode_told
from jobs.agreement.model import Told
from jobs.apis.schema import Schema
from jobs.changes.edits import fires_twice
from jobs.model import ApiError, RowRef, RowResult, Status
from jobs.model import Path as Field
from jobs.values import valueclass
from worker.journal.records import Activity, Image, PaceMark, Planned, names_in, read_image, read_pace, read_planned
from worker.journal.schema import ANSWERED, CONFIRMED, PLAN, SAFE, JournalDamaged, connect, damaged, translated
from worker.policy.lifecycle import RowHistory

T = TypeVar("T")

_PROCESSES: Final = (
    "SELECT n, command, started_at, last_at, state, exit_status, message, gets, tokens, refused FROM process ORDER BY n"
)
_RESULTS: Final = (
    "SELECT row, digest, request_id, at, status, reason, message, fields, http, attempts, errors FROM result"
    " ORDER BY row"
)
_COUNTS: Final = "SELECT status, count(*) FROM result GROUP BY status"
_PLAIN: Final = "NOT redo AND status IN ('applied', 'unchanged', 'skipped')"
_PLAIN_MARKS: Final = f"SELECT row FROM result WHERE {_PLAIN}"  # noqa: S608  # a constant
_MARKS: Final = f"SELECT row, redo, status, reason FROM result WHERE NOT ({_PLAIN})"  # noqa: S608  # a constant
_DOUBTS: Final = """
    SELECT attempt.row, (SELECT max(n) FROM attempt AS each WHERE each.row = attempt.row),
        min(coalesce(attempt.outcome, 'interrupted')), max(attempt.at),
        max(coalesce(attempt.outcome, '') IN (SELECT value FROM json_each(?)))
    FROM attempt LEFT JOIN result ON result.row = attempt.row
    WHERE coalesce(attempt.outcome, '') <> ? AND (result.row IS NULL OR attempt.n > result.attempts)
    GROUP BY attempt.row ORDER BY attempt.row
"""
_WRITTEN_SINCE: Final = """
    SELECT image.id, max(result.at) FROM result JOIN image ON image.row = result.row
    WHERE result.at > ? GROUP BY image.id
"""
_ANSWERED: Final = """
    SELECT coalesce(result.at, ?) FROM attempt LEFT JOIN result ON result.row = attempt.row
    WHERE attempt.at > ? AND coalesce(result.at, ?) > ?
"""
_IMAGES_OF_DOUBTFUL: Final = """
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread FROM image
    LEFT JOIN shape ON shape.n = image.shape LEFT JOIN result ON result.row = image.row
    WHERE NOT image.landed AND (result.row IS NULL OR result.redo OR result.status = 'unknown')
"""
_RECORDS: Final = """
    CREATE TEMP TABLE record AS SELECT image.id, image.row, image.n FROM image
    JOIN result ON result.row = image.row WHERE image.landed OR result.status IN ('applied', 'unknown')
"""
_OVERTAKEN: Final = """
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread FROM temp.record
    JOIN image ON image.row = record.row AND image.n = record.n LEFT JOIN shape ON shape.n = image.shape
    WHERE record.id = ? AND record.row > ?
"""
_PLAN: Final = """
    SELECT row, type, id, status, reason, message, fields, shape.edits, content, unread FROM plan
    LEFT JOIN shape ON shape.n = plan.shape
"""
_REPEATED: Final = """
    SELECT count(*), coalesce(sum(rows), 0) FROM (
        SELECT count(*) AS rows FROM plan WHERE status = 'pending' GROUP BY type, id HAVING count(*) > 1)
"""
_IMAGES_OF_UNKNOWN: Final = """
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread FROM image
    LEFT JOIN shape ON shape.n = image.shape JOIN result ON result.row = image.row
    WHERE NOT image.landed AND result.status = 'unknown'
"""
_UNREAD: Final = "SELECT unread, count(DISTINCT row) FROM image WHERE unread <> '' GROUP BY unread ORDER BY unread"
_WRITTEN: Final = """
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread,
        NOT image.landed AND coalesce(result.status, '') <> 'applied'
    FROM image LEFT JOIN shape ON shape.n = image.shape LEFT JOIN result ON result.row = image.row
    WHERE image.landed OR result.status IN ('applied', 'unknown') OR EXISTS (
        SELECT 1 FROM attempt WHERE attempt.row = image.row AND coalesce(attempt.outcome, '') <> ?
        AND attempt.n > coalesce(result.attempts, 0))
    ORDER BY image.type, image.id, image.row, image.n
"""
_WRITTEN_RECORDS: Final = f"SELECT count(*) FROM (SELECT DISTINCT type, id FROM ({_WRITTEN}))"  # noqa: S608  # constants
_IMAGES: Final = """
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread, image.landed
    FROM image LEFT JOIN shape ON shape.n = image.shape ORDER BY image.row, image.n
"""
_HAS_HELD: Final = "SELECT count(*) FROM sqlite_schema WHERE name = 'held'"
_HAS_PACE: Final = "SELECT count(*) FROM sqlite_schema WHERE name = 'pace'"
_ACTIVITY: Final = """
    SELECT process.n, CAST(max(0, attempt.at - process.started_at) / ? AS INTEGER), count(*), count(attempt.outcome)
    FROM attempt JOIN process ON process.n = attempt.process GROUP BY 1, 2 ORDER BY 1, 2
"""
_DELAYS: Final = """
    SELECT result.at - attempt.at FROM json_each(?) AS each JOIN result ON result.row = each.value
    JOIN attempt ON attempt.row = result.row AND attempt.n = result.attempts WHERE result.http > 0
"""
_LANDED: Final = "(image.landed OR result.status = 'applied')"
_SHAPES: Final = f"""
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread, found.rows FROM (
        SELECT image.shape, count(*) AS rows, min(image.row) AS row, image.n AS n FROM image
        JOIN result ON result.row = image.row WHERE {_LANDED} GROUP BY image.shape
    ) AS found JOIN image ON image.row = found.row AND image.n = found.n JOIN shape ON shape.n = image.shape
"""  # noqa: S608  # a constant
_CHANGED: Final = f"""
    SELECT image.row, image.type, image.id, shape.edits, image.content, image.unread FROM json_each(?) AS each
    JOIN image ON image.row = each.value JOIN result ON result.row = image.row
    JOIN shape ON shape.n = image.shape WHERE {_LANDED}
"""  # noqa: S608  # a constant
_UNSETTLED_ATTEMPTS: Final = """
    SELECT attempt.row, max(attempt.n) FROM attempt LEFT JOIN result ON result.row = attempt.row
    WHERE result.row IS NULL OR result.redo GROUP BY attempt.row
"""

_LISTED: Final = json.dumps(sorted(ANSWERED))
_LISTED_CONFIRMED: Final = json.dumps(sorted(CONFIRMED))
_ANSWERED_ATTEMPTS: Final = """
    SELECT row, max(n) FROM attempt WHERE outcome IN (SELECT value FROM json_each(?)) GROUP BY row
"""


@valueclass(frozen=True, slots=True)
class Process:
    """One command that worked on the run. Times are seconds since the epoch; `exit_status` is None until it ends."""

    n: int
    command: str
    started_at: float
    last_at: float
    state: str
    exit_status: int | None
    message: str
    gets: int
    tokens: int
    refused: int


@valueclass(frozen=True, slots=True)
class OpenAttempt:
    """A row that may have been changed by an attempt without a recorded result.

    Attributes:
        confirmed: a success answered the attempt, and the process ended before a read showed the update.
    """

    row: int
    attempts: int
    reason: str
    at: float
    confirmed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RowOutcome:
    """The outcome of a row, without the parts that differ from row to row; the fields are those of `RowResult`.

    Nearly all rows of a run share a few outcomes. Each is one object, so that it is rendered only once.
    """

    status: Status
    reason: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    http: int = 0
    attempts: int = 0
    errors: tuple[ApiError, ...] = ()


Settled: TypeAlias = tuple[int, bytes, str, float, RowOutcome]
"""A result as the journal holds it: row, digest, request id, time, outcome."""


@dataclass(slots=True)
class RowHistories:
    """The history of each row when a process began: one byte per row, so that 10 million rows fit into memory.

    Attributes:
        earlier: attempts so far, by row, for rows that are to be sent.
        reasons: reason codes of the doubt, by row, for rows to be sent that may have been applied.
        images: the values that the attempts of those rows replaced, by row.
        answered: number of the last attempt that the server answered, by row, for the same rows.
    """

    marks: bytearray
    earlier: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    images: dict[int, Image] = field(default_factory=dict)
    answered: dict[int, int] = field(default_factory=dict)

    SETTLED: ClassVar = 1
    REDO: ClassVar = 2
    DOUBTFUL: ClassVar = 4
    UNKNOWN: ClassVar = 8
    CONFIRMED: ClassVar = 16

    def mark(self, row: int, bits: int) -> None:
        """Add `bits` to a row.

        Raises:
            JournalDamaged: the input has no such row.
        """
        if not 0 < row < len(self.marks):
            raise JournalDamaged(f"the journal has a row {row} that the input does not have; nothing was sent.")
        self.marks[row] |= bits

    def doubt(self, row: int, reason: str) -> None:
        """Mark a row as perhaps applied; the first reason stands."""
        self.mark(row, self.DOUBTFUL)
        self.reasons.setdefault(row, reason)

    @property
    def redone(self) -> bool:
        """True if any settled row is to be run again."""
        return any(bits & self.REDO for bits in self.marks)

    def matters(self, row: int) -> bool:
        """Return True if the row must be processed: it is to be run, or holds back later rows of its id."""
        bits = self.marks[row]
        return not bits & self.SETTLED or bool(bits & (self.REDO | self.UNKNOWN))

    def unknown(self, row: int) -> bool:
        """Return True if the row is settled as unknown."""
        return bool(self.marks[row] & self.UNKNOWN)

    def of(self, row: int) -> RowHistory:
        """Return the history of one row."""
        bits = self.marks[row]
        settled, redo, doubtful = bool(bits & self.SETTLED), bool(bits & self.REDO), bool(bits & self.DOUBTFUL)
        return RowHistory(settled, redo, doubtful, confirmed=bool(bits & self.CONFIRMED))


class History:
    """A journal opened for reading: the source of every report."""

    def __init__(self, path: Path, *, write: bool = False, checked: bool = False, still: bool = False) -> None:
        """Open an existing journal; `checked` when this process has looked for damage before, `still` as in `connect`.

        Raises:
            JournalDamaged: it is missing, damaged or of another version.
            JournalError: the file cannot be opened.
        """
        self.path = path
        self._by_record = False
        self._db: sqlite3.Connection = connect(path, write=write, checked=checked, still=still)
        try:
            self.facts: dict[str, str] = dict(self._select("SELECT name, value FROM fact"))
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def processes(self) -> list[Process]:
        """Return the commands that worked on this run, oldest first."""
        return [Process(*row) for row in self._select(_PROCESSES)]

    def results(self) -> Iterator[RowResult]:
        """Yield every result, in row order; references have `row` and `digest`, their `line` is 0."""
        return (
            RowResult(
                RowRef(row, 0, digest), fate.status, fate.reason, fate.message, fate.fields, fate.http, fate.attempts,
                request_id, at, fate.errors,
            )
            for row, digest, request_id, at, fate in self.settled()
        )  # fmt: skip

    def settled(self) -> Iterator[Settled]:
        """Yield every result as a tuple, since reports read millions."""
        return self._understood(_settled, _RESULTS)

    def doubts(self) -> Iterator[OpenAttempt]:
        """Yield, in row order, the rows that an attempt after their last result may have applied."""
        return self._understood(_doubt, _DOUBTS, _LISTED_CONFIRMED, SAFE)

    def histories(self, rows: int) -> RowHistories:
        """Read the histories of all rows of an input.

        Raises:
            JournalDamaged: the journal speaks of rows that the input does not have.
        """
        histories = RowHistories(bytearray(rows + 1))
        for (row,) in self._select(_PLAIN_MARKS):  # nearly all of a million: no more than a loop for each
            histories.mark(row, RowHistories.SETTLED)
        for row, redo, status, reason in self._understood(_mark, _MARKS):
            unknown = status is Status.UNKNOWN
            histories.mark(
                row, RowHistories.SETTLED | (RowHistories.REDO if redo else RowHistories.UNKNOWN if unknown else 0)
            )
            if redo and unknown:
                histories.doubt(row, reason)
        for doubt in self.doubts():
            unseen = doubt.confirmed and doubt.reason == "interrupted"
            histories.doubt(doubt.row, "not_taken" if unseen else doubt.reason)
            if doubt.confirmed:
                histories.mark(doubt.row, RowHistories.CONFIRMED)
        for image in self._understood(read_image, _IMAGES_OF_DOUBTFUL):
            if image.row in histories.reasons:
                histories.images[image.row] = image
        if histories.reasons:
            answered = self._understood(lambda row: (int(row[0]), int(row[1])), _ANSWERED_ATTEMPTS, _LISTED)
            histories.answered.update((row, n) for row, n in answered if row in histories.reasons)
        histories.earlier.update(self._understood(lambda row: (int(row[0]), int(row[1])), _UNSETTLED_ATTEMPTS))
        return histories

    def planned(self, first: int = 0, last: int | None = None) -> Iterator[Planned]:
        """Yield the plan of the rows from `first` to `last`, in row order; nothing if there is no plan."""
        if last is None:
            return self._understood(read_planned, f"{_PLAN} ORDER BY row")
        return self._understood(read_planned, f"{_PLAN} WHERE row BETWEEN ? AND ? ORDER BY row", first, last)

    def is_bound_to(self, limit: int | None) -> bool:
        """Return whether the run keeps to a plan that ends at this row. The plan of an undo has every row."""
        kept = self.facts.get(PLAN) == "kept"
        return kept and limit is not None and next(self.planned(limit + 1, limit + 1), None) is None

    def target(self, row: int) -> str:
        """Return the id that was looked up for a row that names a reference; empty if there is none."""
        return next(self._understood(lambda found: str(found[0]), "SELECT id FROM target WHERE row = ?", row), "")

    def targets(self, first: int, last: int) -> dict[int, str]:
        """Return these ids for the rows from `first` to `last`, by row."""
        query = "SELECT row, id FROM target WHERE row BETWEEN ? AND ?"
        return dict(self._understood(lambda row: (int(row[0]), str(row[1])), query, first, last))

    def was_overtaken(self, row: int, resource_id: str) -> frozenset[Field]:
        """Return the fields that later rows of the record have changed, or may have; not those that were as wanted.

        Only what was there at the first call counts: what the caller itself sends goes in the order of the rows.
        """
        if not self._by_record:
            self._index_records()
        images = list(self._understood(read_image, _OVERTAKEN, resource_id, row))
        unread = {("attributes", name) for image in images for name in image.unread}
        return frozenset(unread.union(edit.path for image in images for edit in image.edits))

    def _index_records(self) -> None:
        """Sort the images by record, beside the journal: hardly any run needs that, and an index slows every write."""
        with translated(self.path):
            (reading_only,) = self._db.execute("PRAGMA query_only").fetchone()
            self._db.execute("PRAGMA query_only = OFF")
            self._db.execute(_RECORDS)
            self._db.execute("CREATE INDEX temp.of_record ON record (id, row)")
            self._db.execute(f"PRAGMA query_only = {reading_only}")
        self._by_record = True

    def repeated(self) -> tuple[int, int]:
        """Count the records for which the plan sends several rows, and these rows."""
        ids, rows = next(self._select(_REPEATED))
        return int(ids), int(rows)

    def unrepeatable(self, schema: Schema) -> int:
        """Count the rows that may have been applied and would take effect twice if sent again."""
        images = self._understood(read_image, _IMAGES_OF_UNKNOWN)
        return sum(fires_twice(image.edits, image.unread, schema) for image in images)

    def written(self) -> Iterator[tuple[Image, bool]]:
        """Yield what the run wrote, by type and id, and whether that is uncertain; rows of a record in order.

        A row that was tried again after a part of it had been applied comes once for each part.
        """
        return self._understood(lambda row: (read_image(row[:-1]), bool(row[-1])), _WRITTEN, SAFE)

    def records(self) -> int:
        """Count the records that the run wrote, uncertain ones included."""
        return next(self._understood(lambda row: int(row[0]), _WRITTEN_RECORDS, SAFE))

    def images(self) -> Iterator[tuple[Image, bool]]:
        """Yield every image, in row order, and whether it is of a part that certainly took effect."""
        return self._understood(lambda row: (read_image(row[:-1]), bool(row[-1])), _IMAGES)

    def held(self) -> Iterator[tuple[int, tuple[Told, ...]]]:
        """Yield what a night told of the fields of rows, in row order; nothing of other runs."""
        (is_there,) = next(self._select(_HAS_HELD))
        if not is_there:
            return iter(())
        told = "SELECT row, told FROM held ORDER BY row"
        return self._understood(lambda row: (int(row[0]), decode_told(row[1])), told)

    def pace(self) -> Iterator[PaceMark]:
        """Yield what the pace of the run did, oldest first; nothing of runs of before that was recorded."""
        (is_there,) = next(self._select(_HAS_PACE))
        if not is_there:
            return iter(())
        return self._understood(read_pace, "SELECT at, kind, quota, told FROM pace ORDER BY at")

    def activity(self, width: float) -> Iterator[Activity]:
        """Yield the attempts in intervals of `width` seconds, by process; nothing of intervals without any."""
        return self._understood(lambda row: Activity(*map(int, row)), _ACTIVITY, width)

    def sending(self) -> tuple[int, float]:
        """Return how many updates were sent, and the seconds between the first and the last of them."""
        query = "SELECT count(*), coalesce(max(at) - min(at), 0.0) FROM attempt"
        return next(self._understood(lambda row: (int(row[0]), float(row[1])), query))

    def delays(self, rows: Iterable[int]) -> Iterator[float]:
        """Yield, for those of the rows that a reply settled, the seconds from the last intent to the result."""
        return self._understood(lambda row: float(row[0]), _DELAYS, json.dumps([*rows]))

    def shapes(self) -> Iterator[tuple[Image, int]]:
        """Yield the first image of each shape of edits that took effect, and how many there are of it."""
        return self._understood(lambda row: (read_image(row[:-1]), int(row[-1])), _SHAPES)

    def changed(self, rows: Iterable[int]) -> Iterator[Image]:
        """Yield the images of those of the rows whose edits took effect."""
        return self._understood(read_image, _CHANGED, json.dumps([*rows]))

    def settled_rows(self) -> int:
        """Count the rows that have a result."""
        return next(self._understood(lambda row: int(row[0]), "SELECT count(*) FROM result"))

    def aims(self) -> Iterator[tuple[int, str]]:
        """Yield, in row order, the ids that were looked up for rows which name a reference."""
        return self._understood(lambda row: (int(row[0]), str(row[1])), "SELECT row, id FROM target ORDER BY row")

    def unread(self) -> dict[str, int]:
        """Count, by name, the rows sent with what nobody can compare: triggers, and what the API never shows."""
        counts: dict[str, int] = {}
        for names, rows in self._understood(lambda row: (json.loads(row[0]), int(row[1])), _UNREAD):
            for name in names:
                counts[name] = counts.get(name, 0) + rows
        return counts

    def last_shape(self) -> int:
        """Return the number of the last shape of edits; 0 if there is none."""
        return next(self._understood(lambda row: int(row[0]), "SELECT coalesce(max(n), 0) FROM shape"))

    def written_since(self, at: float) -> dict[str, float]:
        """Return when (seconds since the epoch) rows settled after `at` wrote each record, or may have, by id."""
        return dict(self._understood(lambda row: (str(row[0]), float(row[1])), _WRITTEN_SINCE, at))

    def last_result(self) -> float:
        """Return when the last row was settled, in seconds since the epoch; 0 if none was."""
        return next(self._understood(lambda row: float(row[0]), "SELECT coalesce(max(at), 0) FROM result"))

    def attempts(self) -> int:
        """Count the PATCHes sent so far, by all processes."""
        return next(self._select("SELECT count(*) FROM attempt"))[0]  # type: ignore[no-any-return]  # SQL count

    def counts(self) -> dict[Status, int]:
        """Count the results by status; rows without a result do not count."""
        return dict(self._understood(lambda row: (Status(row[0]), int(row[1])), _COUNTS))

    def answered_since(self, at: float, horizon: float, now: float) -> list[float]:
        """Return the known times of responses after `at`: these may still fill the server's windows.

        Args:
            at: seconds since the epoch, when the pace was last remembered.
            horizon: seconds since the epoch; intents before it no longer matter.
            now: stands in for responses whose time is not known.
        """
        return list(self._understood(lambda row: float(row[0]), _ANSWERED, now, horizon, now, at))

    def _understood(self, make: Callable[[Any], T], query: str, *parameters: object) -> Iterator[T]:
        """Yield what `make` makes of each row; report damage where no version of this program wrote it."""
        for row in self._select(query, *parameters):
            try:
                value = make(row)
            except (ValueError, TypeError, AttributeError) as error:
                raise damaged(self.path, f"it holds what no journal does: {error}") from error
            yield value

    def _select(self, query: str, *parameters: object) -> Iterator[Any]:
        with translated(self.path):
            rows = self._db.execute(query, parameters)
            for row in rows:
                yield row  # `yield from` would close the cursor of a file that may be closed by then


def _doubt(row: Any) -> OpenAttempt:
    number, attempts, outcome, at, confirmed = row
    reason = "interrupted" if outcome == "unverified" else str(outcome)  # a row that is unverified was applied
    return OpenAttempt(int(number), int(attempts), reason, float(at), bool(confirmed))


def _mark(row: Any) -> tuple[int, bool, Status, str]:
    number, redo, status, reason = row
    return int(number), bool(redo), Status(status), str(reason)


def _settled(row: Any) -> Settled:
    number, digest, request_id, at = row[:4]
    return number, digest, request_id, at, _fate(row[4:])


@lru_cache(maxsize=256)
def _fate(columns: tuple[Any, ...]) -> RowOutcome:
    status, reason, message, fields, http, attempts, errors = columns
    said = tuple(ApiError(**each) for each in json.loads(errors)) if errors else ()
    return RowOutcome(Status(status), str(reason), str(message), names_in(fields), int(http), int(attempts), said)
