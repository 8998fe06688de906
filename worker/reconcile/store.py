"""The memory of a job: looked up for each row of a night, and changed by the folding of a run alone."""

import hmac
import json
import secrets
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Any, Final

from jobs.agreement.marks import decode
from jobs.agreement.model import NEVER_AGREED, Agreed, Remembered, Sealed, Value
from jobs.changes.exact import ExactNumber
from jobs.model import Absent, Unread
from jobs.model import Path as Field
from jobs.values import valueclass
from worker.journal.schema import JournalDamaged, break_seal, damaged, seal, transaction, translated
from worker.reconcile.nights import Nights
from worker.reconcile.tables import FILE, create_file, open_file
from worker.settings import ConfigError

SHAPES: Final = 1024
"""Shapes of records that are cached; a job has a few."""

_DIGEST: Final = 16
"""Bytes of a digest: enough that no two values of a job share one."""

_WRONG: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What is raised where no version of this program wrote what is read."""
FOUGHT: Final = 3
"""Nights of the last seven in which a field was overwritten with one value: somebody sets it back every time."""

_WEEK: Final = 0b111_1111

_RECORD: Final = """
    SELECT n, shape, agreed, stored, at, gone, read, EXISTS (SELECT 1 FROM exception WHERE record = n) FROM record
    WHERE target = ? AND type = ? AND id = ?
"""
_NAMED_BY: Final = "SELECT id FROM record WHERE target = ? AND type = ? AND key = ? AND gone IS NULL"
_GONE: Final = """
    SELECT type, id, coalesce(key, ''), gone FROM record WHERE target = ? AND gone IS NOT NULL ORDER BY n
"""
_LEFT: Final = """
    SELECT 1 FROM record JOIN exception ON exception.record = record.n AND exception.kind = 'gone'
    WHERE target = ? AND type = ? AND id = ?
"""
_OPEN: Final = "SELECT field, kind, sheet, live FROM exception WHERE record = ? AND kind IN ('doubt', 'undone')"
_EXCEPTIONS: Final = """
    SELECT record.target, record.type, record.id, exception.field, exception.kind, exception.sheet, exception.live,
        exception.since, exception.last, exception.nights
    FROM exception JOIN record ON record.n = exception.record ORDER BY 1, 2, 3, 4, 5
"""
_TROUBLES: Final = """
    SELECT target, type, ident, status, reason, message, cause, row, live, first, last, nights, aside FROM trouble
    ORDER BY 1, 2, 3
"""


@valueclass(frozen=True, slots=True)
class Target:
    """The system that a job updates. A rate limit's egress is none of it."""

    api: str
    url: str
    account: str = ""
    mode: str = ""

    @property
    def fingerprint(self) -> str:
        """The text by which the memory knows it."""
        return json.dumps(asdict(self), sort_keys=True)


@valueclass(frozen=True, slots=True)
class Record:
    """What is kept of one record.

    Attributes:
        n: its number; 0 as long as nothing is.
        at: seconds since the epoch of the latest attempt or read that says so.
        gone: serial number of the night since which no row names it, None if one does.
        is_exceptional: whether any of its fields is not in plain agreement.
        read: serial number of the night that last read it.
    """

    n: int = 0
    shape: tuple[Field, ...] = ()
    agreed: Remembered = field(default_factory=dict)
    at: float = 0.0
    gone: int | None = None
    is_exceptional: bool = False
    read: int = 0


@valueclass(frozen=True, slots=True)
class FieldException:
    """A field that is not in plain agreement.

    Attributes:
        kind: one of `jobs.agreement.model.Kind`, `undone` or `doubt`.
        sheet: what the sheet said. `live`: what the record held; before the update, if that is in doubt.
        since, last: serial numbers of the first and the last night that said so.
        nights: a bit for each night, that of `last` lowest.
    """

    target: int
    type: str
    id: str
    path: Field
    kind: str
    sheet: Any
    live: Any
    since: int
    last: int
    nights: int


@valueclass(frozen=True, slots=True)
class Trouble:
    """A row that fails.

    Attributes:
        ident: id of its record, or what else the row says of it.
        cause: digest of status, reason, fields and codes. `row`: digest of the row. `live`: of the values that it would
            have replaced, None if nobody read them.
        first, last: serial numbers of nights. `nights`: a bit for each, `last` lowest.
        aside: serial number of the night that set it aside, None if none did.
    """

    target: int
    type: str
    ident: str
    status: str
    reason: str
    message: str
    cause: bytes
    row: bytes
    live: bytes | None
    first: int
    last: int
    nights: int
    aside: int | None = None


class Memory:
    """The memory of one job, open in the process that holds the job's lock.

    Attributes:
        facts: by name. `nights`: the runs that it knows.
    """

    def __init__(self, folder: Path) -> None:
        """Open the memory in a folder.

        Raises:
            MemoryMissing: there is none.
            MemoryDamaged: it cannot be used.
            JournalError: the file cannot be opened.
        """
        self.path = folder / FILE
        self.db: sqlite3.Connection = open_file(folder)
        try:
            self.facts: dict[str, str] = dict(self.select("SELECT name, value FROM fact"))
            self._key = self._hash_key()
            break_seal(self.path)
        except BaseException:
            self.db.close()
            raise
        self.nights = Nights(self.db, self.path)
        self._shapes: dict[int, tuple[Field, ...]] = {}

    @classmethod
    def create(cls, folder: Path, key: bytes = b"") -> "Memory":
        """Make a new memory and open it; `key` is the one by which values are sealed, empty for a random one.

        Raises:
            JournalError: it cannot be written.
        """
        key = key or secrets.token_bytes(32)
        create_file(folder, {"lineage": secrets.token_hex(8), "serial": "0", "hash_key": key.hex()})
        return cls(folder)

    @classmethod
    def passing(cls) -> "Memory":
        """Make a memory that lasts as long as it is open: that of a first night which is only planned."""
        with tempfile.TemporaryDirectory() as folder:
            return cls.create(Path(folder) / "state")

    def gone(self, target: int) -> int:
        """Return how many records no row of the source names any more."""
        return int(next(self.select("SELECT count(*) FROM record WHERE target = ? AND gone IS NOT NULL", target))[0])

    def gone_records(self, target: int) -> Iterator[tuple[str, str, str, int]]:
        """Yield type, id and key of the records that no row names any more, and the night since which that is so."""
        return self.select(_GONE, target)

    def is_left(self, target: int, type_name: str, record_id: str) -> bool:
        """Return whether a record whose row is gone was left as it is, since somebody had changed it."""
        return next(self.select(_LEFT, target, type_name, record_id), None) is not None

    def close(self) -> None:
        """Close the file, and seal it."""
        self.db.close()
        seal(self.path)

    def seal(self, value: Value) -> Sealed:
        """Return what stands for a value that is not to be stored: one digest for all equal values."""
        return Sealed(hmac.digest(self._key, _canonical(value), "sha256")[:_DIGEST].hex())

    def bind(self, targets: Sequence[Target]) -> list[int]:
        """Return the numbers of the systems that the job updates; the first night says which they are.

        One more is welcome, such as that of a new shop. One in the place of another is not.

        Raises:
            ConfigError: it is another system than the memory is about.
        """
        known = dict(self.select("SELECT fingerprint, n FROM target"))
        given = [target.fingerprint for target in targets]
        new, lost = [each for each in given if each not in known], [each for each in known if each not in given]
        if new and lost:
            raise ConfigError(_another(json.loads(lost[0]), json.loads(new[0]), self.path))
        with transaction(self.db, self.path):
            self.db.executemany("INSERT INTO target (fingerprint) VALUES (?)", ((each,) for each in new))
        known = dict(self.select("SELECT fingerprint, n FROM target"))
        return [known[each] for each in given]

    def remembered(self, type_name: str, record_id: str, target: int = 1) -> Remembered:
        """Return what is remembered of a record, field by field; about 8 us.

        Args:
            type_name: its type, or the family that this belongs to (`Schema.family`).
            record_id: its id.
            target: number of the system.
        """
        return self.record(target, type_name, record_id).agreed

    def record(self, target: int, type_name: str, record_id: str) -> Record:
        """Return what is kept of a record.

        Raises:
            JournalDamaged: it is not what a memory keeps.
        """
        with translated(self.path):
            row = self.db.execute(_RECORD, (target, type_name, record_id)).fetchone()
        if row is None:
            return Record()
        n, shape, agreed, stored, at, gone, read, is_exceptional = row
        try:
            fields = self._fields(shape)
            sheets = decode(agreed)
            found = {
                path: Agreed(sheet, sheet)
                for path, sheet in zip(fields, sheets, strict=True)
                if type(sheet) is not Unread  # once in doubt, and certainly not applied
            }
            for place, value in decode(stored).items() if stored else ():
                path = fields[int(place)]
                found[path] = replace(found[path], stored=value)
            if is_exceptional:
                self._complete(n, found)
        except _WRONG as error:
            raise _not_understood(self.path, error) from error
        return Record(n, fields, found, at, gone, bool(is_exceptional), read)

    def named_by(self, target: int, type_name: str, key: str) -> frozenset[str]:
        """Return the ids of the records that rows have named by a key other than the id."""
        return frozenset(each for (each,) in self.select(_NAMED_BY, target, type_name, key))

    def exceptions(self) -> Iterator[FieldException]:
        """Yield the fields that are not in plain agreement, record by record."""
        for target, type_name, record_id, path, kind, sheet, live, *nights in self.select(_EXCEPTIONS):
            with understood(self.path):
                (said,), (held,) = decode(sheet), decode(live)
                place = _path(json.loads(path))
            yield FieldException(target, type_name, record_id, place, kind, said, held, *nights)

    def troubles(self) -> Iterator[Trouble]:
        """Yield the rows that fail."""
        return (Trouble(*row) for row in self.select(_TROUBLES))

    def trouble(self, target: int, type_name: str, ident: str) -> Trouble | None:
        """Return how a row fails, None if it does not."""
        query = _TROUBLES.replace("ORDER BY 1, 2, 3", "WHERE target = ? AND type = ? AND ident = ?")
        return next((Trouble(*row) for row in self.select(query, target, type_name, ident)), None)

    def fought_over(self, serial: int) -> int:
        """Count the records of which a night has overwritten a field again and again, always with the same value."""
        found = self.select("SELECT record, nights FROM exception WHERE kind = 'overwritten' AND last = ?", serial)
        return len({record for record, nights in found if (nights & _WEEK).bit_count() >= FOUGHT})

    def set_aside(self, rows: Iterable[tuple[int, str, str]], serial: int | None) -> None:
        """Set rows aside, by target, type and ident, or take them back (None)."""
        with transaction(self.db, self.path):
            statement = "UPDATE trouble SET aside = ? WHERE target = ? AND type = ? AND ident = ?"
            self.db.executemany(statement, ((serial, *row) for row in rows))

    def select(self, query: str, *parameters: object) -> Iterator[Any]:
        """Yield the rows of a query."""
        with translated(self.path):
            yield from self.db.execute(query, parameters)

    def _complete(self, n: int, found: dict[Field, Agreed]) -> None:
        """Add to what is agreed on of a record which fields are in doubt, and which an undo has put back."""
        for path, kind, sheet, live in self.select(_OPEN, n):
            field_ = _path(json.loads(path))
            known = found.get(field_, NEVER_AGREED)
            if kind == "undone":
                found[field_] = replace(known, is_undone=True)
            else:
                found[field_] = replace(known, doubt=decode(sheet)[0], before=decode(live)[0])

    def _fields(self, shape: int) -> tuple[Field, ...]:
        fields = self._shapes.get(shape)
        if fields is None:
            (text,) = next(self.select("SELECT fields FROM shape WHERE n = ?", shape), ("[]",))
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
            fields = self._shapes[shape] = tuple(map(_path, json.loads(text)))
        return fields

    def _hash_key(self) -> bytes:
        with understood(self.path):
            return bytes.fromhex(self.facts["hash_key"])


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Translate SQLite's errors, and report damage where no version of this program wrote what is read."""
    with translated(path):
        try:
            yield
        except _WRONG as error:
            raise _not_understood(path, error) from error


def _not_understood(path: Path, error: Exception) -> JournalDamaged:
    return damaged(path, f"it holds what no memory does: {error}")


def _path(steps: Any) -> Field:
    return tuple(map(str, steps))


def _canonical(value: Value) -> bytes:
    """Return one text for all equal values; what is absent has one that no JSON value has."""
    if isinstance(value, Absent):
        return b"absent"
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, ExactNumber):
        return {"=": value.text}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _another(lost: Mapping[str, str], new: Mapping[str, str], path: Path) -> str:
    names = [name for name in lost if lost[name] != new.get(name)]
    was, now = (", ".join(f"{name} {side.get(name) or '(none)'}" for name in names) for side in (lost, new))
    return (
        f"This job has always updated {was}; now it is {now}. What it remembers is about the former: change it back,"
        f" or give the job another name, or move {path.parent} away and begin with --first."
    )
