"""The file of a job's memory: its tables, how it comes into being, how it is opened."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from worker.journal.schema import FileKind, JournalDamaged, JournalError, connect, translated

FILE: Final = "state.sqlite3"
"""Name of the memory in the folder of a job's state."""

SCHEMA: Final = "1"
"""Version of the tables below, and of what they hold."""

MEMORIES: Final = FileKind("memory", 0x726F776D, frozenset({SCHEMA}))
"""Marks the file as a memory (`rowm`)."""

_TABLES: Final = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE target (n INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE);
CREATE TABLE shape (n INTEGER PRIMARY KEY, fields TEXT NOT NULL UNIQUE);
CREATE TABLE record (
    n INTEGER PRIMARY KEY, target INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, key TEXT,
    shape INTEGER NOT NULL, agreed TEXT NOT NULL, stored TEXT, at REAL NOT NULL, read INTEGER NOT NULL, gone INTEGER);
CREATE UNIQUE INDEX record_id ON record (target, type, id);
CREATE INDEX record_key ON record (target, type, key) WHERE key IS NOT NULL;
CREATE TABLE exception (
    record INTEGER NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL, sheet TEXT NOT NULL, live TEXT NOT NULL,
    since INTEGER NOT NULL, last INTEGER NOT NULL, nights INTEGER NOT NULL,
    PRIMARY KEY (record, field, kind)) WITHOUT ROWID;
CREATE TABLE trouble (
    target INTEGER NOT NULL, type TEXT NOT NULL, ident TEXT NOT NULL, cause BLOB NOT NULL, row BLOB NOT NULL,
    live BLOB, first INTEGER NOT NULL, last INTEGER NOT NULL, nights INTEGER NOT NULL, aside INTEGER,
    status TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    PRIMARY KEY (target, type, ident)) WITHOUT ROWID;
CREATE TABLE night (
    serial INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, state TEXT NOT NULL, started REAL NOT NULL,
    source TEXT NOT NULL, source_at REAL, source_sha BLOB NOT NULL, recipe_sha BLOB NOT NULL, counts TEXT NOT NULL,
    exit INTEGER, folded BLOB);
"""
"""`record.agreed` is what the sheet said, a list in the order of the shape; `record.stored` what the record held then,
an object by position, only where that is something else. `exception` has a line for each field that is not in plain
agreement and each kind; a doubt is one of them. `nights` has a bit for each night, that of `last` lowest.
"""


class MemoryMissing(Exception):
    """There is no memory: this is the first night, or the state is lost. Exit status 2 without `--first`."""


class MemoryDamaged(JournalDamaged):
    """The file is no memory, is damaged, or is of another version. Nothing is sent."""


def create_file(folder: Path, facts: Mapping[str, str]) -> Path:
    """Write a new memory that appears complete, by rename, or not at all; private to its owner.

    Raises:
        JournalError: the file cannot be written.
    """
    path = folder / FILE
    draft = path.with_name(path.name + ".new")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # whatever the umask, or who made it
        for leftover in folder.glob(draft.name + "*"):
            leftover.unlink()
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise JournalError(f"cannot write {path}: {error.strerror}") from None
    with translated(path), closing(sqlite3.connect(draft)) as db:
        db.execute(f"PRAGMA application_id = {MEMORIES.application_id}")
        db.executescript(_TABLES)
        db.executemany("INSERT INTO fact VALUES (?, ?)", [("schema", SCHEMA), *facts.items()])
        db.commit()
    draft.rename(path)
    return path


def open_file(folder: Path) -> sqlite3.Connection:
    """Open the memory in a folder, after a look for damage: about 1 s for a million records.

    Raises:
        MemoryMissing: there is none.
        MemoryDamaged: it cannot be used.
        JournalError: it cannot be opened.
    """
    path = folder / FILE
    if not path.is_file():
        raise MemoryMissing(
            f"{path} is not there, so that nobody knows what was agreed on. On the first night say --first;"
            " on any other, find out where it went."
        )
    try:
        return connect(path, write=True, checked=False, kind=MEMORIES)
    except JournalDamaged as error:
        raise MemoryDamaged(f"{error} Put back a copy of {folder}, or move it away and begin with --first.") from None
