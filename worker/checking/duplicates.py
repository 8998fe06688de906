"""Rows that name a record which an earlier row names. Kept in a file without a name: memory stays flat at any size."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.model import RowRef
from worker.settings import ConfigError

_SET_UP: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = FILE;
    PRAGMA cache_size = -8192;
    CREATE TABLE seen (id INTEGER NOT NULL, row INTEGER NOT NULL, line INTEGER NOT NULL, digest BLOB NOT NULL);
"""

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


@dataclass(frozen=True, slots=True)
class Repeated:
    """A row whose id an earlier row has.

    Attributes:
        first: 1-based physical line of the first row with that id.
        same: the two rows are the same text.
    """

    ref: RowRef
    first: int
    same: bool


Seen = tuple[int, int, int, bytes]


def seen(id_: str, ref: RowRef) -> Seen:
    """A row as it is remembered."""
    return hash(id_), ref.row, ref.line, ref.digest


class Duplicates:
    """Remembers ids, as hashes of 64 bits: two ids that share one are expected once in 10^5 inputs of ten million rows.

    Every method raises `ConfigError` when there is no room on the disk.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(_SET_UP)
        self._file.execute("BEGIN")
        self._found = False

    def add(self, rows: Sequence[Seen]) -> None:
        """Take in rows."""
        try:
            self._file.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise _no_room(error) from None

    def counts(self) -> tuple[int, int]:
        """Rows whose id an earlier row has; and those among them that repeat the first one's text."""
        self._find()
        rows, same = self._ask("SELECT count(*), coalesce(sum(same), 0) FROM later")[0]
        return rows, same

    def first(self, count: int) -> list[Repeated]:
        """The first of these rows."""
        return [repeated for repeated, _ in zip(self, range(count), strict=False)]

    def __iter__(self) -> Iterator[Repeated]:
        """All of these rows, in order."""
        self._find()
        after = 0
        while found := self._ask(f"SELECT * FROM later WHERE rowid > {after} ORDER BY rowid LIMIT {_PAGE}"):  # noqa: S608
            after += len(found)
            for row, line, digest, first, same in found:
                yield Repeated(RowRef(row, line, digest), first, bool(same))

    def _find(self) -> None:
        if not self._found:
            self._found = True
            for statement in _FIND.split(";")[:-1]:
                self._ask(statement)

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self._file.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise _no_room(error) from None


def _no_room(error: sqlite3.Error) -> ConfigError:
    return ConfigError(f"Cannot look for ids that occur twice: {error}. Is there room in the temporary directory?")
