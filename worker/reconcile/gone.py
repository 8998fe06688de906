"""Which records of the memory no row of the source names any more.

A record is gone only if its key is nowhere in a source that was read to its end: a row that is filtered out or invalid
still names its record. One key that cannot be read may be anybody's, so that nobody is gone in that night.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from jobs.apis.schema import Schema
from jobs.values import valueclass

BATCH: Final = 1000
"""Keys that are written at a time."""

_INSERT: Final = "INSERT OR IGNORE INTO temp.named VALUES (?, ?, ?)"

_TABLE: Final = """
CREATE TEMP TABLE IF NOT EXISTS named (type TEXT NOT NULL, name TEXT NOT NULL, by_key INTEGER NOT NULL,
    PRIMARY KEY (type, by_key, name)) WITHOUT ROWID
"""
_IS_NAMED: Final = """
    (EXISTS (SELECT 1 FROM temp.named WHERE named.type = record.type AND by_key = 0 AND name = record.id)
    OR (record.key IS NOT NULL
        AND EXISTS (SELECT 1 FROM temp.named WHERE named.type = record.type AND by_key = 1 AND name = record.key)))
"""
_BACK: Final = f"UPDATE record SET gone = NULL WHERE target = ? AND gone IS NOT NULL AND {_IS_NAMED}"  # noqa: S608  # a constant
_GONE: Final = f"UPDATE record SET gone = ? WHERE target = ? AND gone IS NULL AND NOT {_IS_NAMED}"  # noqa: S608  # a constant
_NAMED: Final = "SELECT count(*) FROM record WHERE target = ? AND gone IS NULL"
_NEWLY: Final = f"{_NAMED} AND NOT {_IS_NAMED}"
_WHO: Final = f"""
    SELECT type, id, coalesce(key, ''), gone FROM record WHERE target = ? AND NOT {_IS_NAMED} ORDER BY n
"""  # noqa: S608  # a constant

GoneRecord: TypeAlias = tuple[str, str, str, int | None]
"""Type, id and key of a record that no row names any more; the night since which that is so, None for tonight."""


@valueclass(frozen=True, slots=True)
class Named:
    """How a row names its record: by its id, or by another key, such as a reference."""

    type: str
    name: str
    by_key: bool = False


class NamedRecords:
    """The records that a source names. Memory is flat: they lie in a temporary table beside the memory."""

    def __init__(self, db: sqlite3.Connection, schema: Schema) -> None:
        """Begin with none; `db` is the connection of the memory, `schema` says to which family a type belongs."""
        self._db, self._schema = db, schema
        db.execute(_TABLE)
        db.execute("DELETE FROM temp.named")

    def note(self, named: Iterable[Named | None]) -> bool:
        """Take in how every row of the source names its record; return False if a key, None, cannot be read."""
        left = iter(named)
        while batch := list(islice(left, BATCH)):
            lines = [(self._schema.family(each.type), each.name, each.by_key) for each in batch if each is not None]
            self._db.executemany(_INSERT, lines)
            if None in batch:
                return False
        return True

    def reach(self, family: str, record_id: str) -> None:
        """Take in that a row led to a record, whatever it calls it: a key that was corrected is no other record."""
        self._db.execute(_INSERT, (family, record_id, False))

    def missing(self, target: int) -> Iterator[GoneRecord]:
        """Yield the records that no row names."""
        return self._db.execute(_WHO, (target,))

    def count(self, target: int) -> tuple[int, int]:
        """Return how many records no row names any more, and how many were named until now.

        Those that were gone before do not count: they would stop every night after one that was approved.
        """
        (missing,), (named,) = (self._db.execute(each, (target,)).fetchone() for each in (_NEWLY, _NAMED))
        return missing, named

    def mark(self, target: int, serial: int) -> int:
        """Write down who is gone since this night, and who is back; count the former."""
        self._db.execute(_BACK, (target,))
        return self._db.execute(_GONE, (serial, target)).rowcount
