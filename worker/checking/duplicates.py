"""Rows that name a record which an earlier row names. Kept in a file without a name: memory stays flat at any size."""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from sys import byteorder
from typing import Any, Final

from jobs.model import RowRef
from jobs.values import valueclass
from worker.settings import ConfigError

_SET_UP: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = FILE;
    PRAGMA cache_size = -512;
    CREATE TABLE batch (numbers BLOB NOT NULL);
    CREATE TABLE seen (id INTEGER NOT NULL, row INTEGER NOT NULL, line INTEGER NOT NULL, digest INTEGER NOT NULL);
"""

_FIELDS: Final = 4
"""Numbers that a batch holds of each of its rows: the columns of `seen`, one after the other."""

_FIND: Final = """
    CREATE TABLE first AS
    SELECT id, row, line, digest FROM (
        SELECT id, min(row) AS row, line, digest, count(*) AS times FROM seen GROUP BY id
    ) WHERE times > 1;
    CREATE UNIQUE INDEX first_id ON first (id);
    CREATE TABLE later AS
    SELECT seen.row, seen.line, seen.digest, first.line AS first, first.digest = seen.digest AS same
    FROM seen JOIN first ON first.id = seen.id WHERE seen.row > first.row ORDER BY seen.row;
"""
"""SQLite takes the bare columns beside a `min` from the row that has the minimum."""

_PAGE: Final = 1000
"""Rows that are read at a time."""

_ALL: Final = 1 << 24
"""Bits for all ids (2 MiB): by chance 3 % of a million rows are taken for later ones, and a quarter of ten million."""

_LATER: Final = 1 << 22
"""Bits for the ids that may have come again (512 KiB)."""


@valueclass(frozen=True, slots=True)
class Repeated:
    """A row whose id an earlier row has.

    Attributes:
        first: 1-based physical line of the first row with that id.
        same: the two rows are the same text.
    """

    ref: RowRef
    first: int
    same: bool


class Duplicates:
    """Remembers ids, as hashes of 64 bits: two ids that share one are expected once in 10^5 inputs of ten million rows.

    To sort all rows by id would cost as much as the rest of the check, and nearly every id stands there once. So a row
    is only written down, and a Bloom filter tells which ids may have come again: their rows alone are sorted.

    Every method raises `ConfigError` when there is no room on the disk.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # one thread at a time
        self._file.executescript(_SET_UP)
        self._file.execute("BEGIN")
        self._all = _Hashes(_ALL)
        self._later = _Hashes(_LATER)
        self._any = self._found = False

    def add(self, ids: Sequence[str], refs: Sequence[RowRef]) -> None:
        """Take in rows, by what each says of its record, and which row it is."""
        if not ids:
            return
        hashes = array("q", map(hash, ids))
        if again := self._all.add(hashes):
            self._later.add(again)
            self._any = True
        rows, lines = (array("q", [ref.row for ref in refs]), array("q", [ref.line for ref in refs]))
        digests = b"".join([ref.digest for ref in refs])
        self._ask("INSERT INTO batch VALUES (?)", (b"".join((hashes, rows, lines, digests)),))

    def counts(self) -> tuple[int, int]:
        """Count the rows whose id an earlier row has, and those among them that repeat its text."""
        self._find()
        rows, same = self._ask("SELECT count(*), coalesce(sum(same), 0) FROM later")[0]
        return rows, same

    def first(self, count: int) -> list[Repeated]:
        """Return the first `count` of these rows."""
        return [repeated for repeated, _ in zip(self, range(count), strict=False)]

    def __iter__(self) -> Iterator[Repeated]:
        """Yield all of these rows, in order."""
        self._find()
        after = 0
        while found := self._ask("SELECT * FROM later WHERE rowid > ? ORDER BY rowid LIMIT ?", (after, _PAGE)):
            after += len(found)
            for row, line, digest, first, same in found:
                yield Repeated(RowRef(row, line, digest.to_bytes(8, byteorder, signed=True)), first, bool(same))

    def _find(self) -> None:
        if not self._found:
            self._found = True
            if self._any:
                self._sift()
            for statement in _FIND.split(";")[:-1]:
                self._ask(statement)

    def _sift(self) -> None:
        """Put the rows of ids that may have come again into a table of their own."""
        try:
            for (numbers,) in self._file.execute("SELECT numbers FROM batch ORDER BY rowid"):
                fields = array("q", numbers)
                size = len(fields) // _FIELDS
                likely = self._later.having(fields[:size])
                rows = [tuple(fields[index::size]) for index in likely]
                self._file.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise _no_room(error) from None

    def _ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._file.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _no_room(error) from None


class _Hashes:
    """A set of hashes in fixed memory: it has those that were added, and by chance a few others (a Bloom filter)."""

    def __init__(self, bits: int) -> None:
        """Make a set of so many bits, a power of two; a hash takes one of them."""
        self._bytes = bytearray(bits >> 3)
        self._last = len(self._bytes) - 1

    def add(self, numbers: Iterable[int]) -> list[int]:
        """Add hashes; those that the set had before."""
        taken, last = self._bytes, self._last
        found = []
        for number in numbers:
            place, bit = number >> 3 & last, 1 << (number & 7)
            if taken[place] & bit:
                found.append(number)
            else:
                taken[place] |= bit
        return found

    def having(self, numbers: Iterable[int]) -> list[int]:
        """Return the positions of the hashes that the set has."""
        taken, last = self._bytes, self._last
        return [index for index, number in enumerate(numbers) if taken[number >> 3 & last] & 1 << (number & 7)]


def _no_room(error: sqlite3.Error) -> ConfigError:
    return ConfigError(f"Cannot look for ids that occur twice: {error}. Is there room in the temporary directory?")
