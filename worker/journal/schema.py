"""The journal's file: its tables, how it comes into being, how it is opened, what its errors mean."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jobs.values import valueclass

SCHEMA: Final = "6"
"""Version of the tables below, and of what they hold."""

_READABLE: Final = frozenset({"5", SCHEMA})
"""Versions that can be read. 5 has the same tables, and no edit with a stored form."""

APPLICATION_ID: Final = 0x726F7770
"""Marks the file as a rowpatch journal (`rowp`), as SQLite's `application_id`."""


@valueclass(frozen=True, slots=True)
class FileKind:
    """What tells our SQLite files apart.

    Attributes:
        name: for messages.
        application_id: marks the file.
        readable: versions of its schema that can be read, as the fact `schema` says them.
    """

    name: str
    application_id: int
    readable: frozenset[str]


JOURNALS: Final = FileKind("journal", APPLICATION_ID, _READABLE)

PLAN: Final = "plan"
"""The fact about a plan: `complete` once every row is planned, `kept` once a run keeps to it."""

SAFE: Final = "safe"
"""Outcome of an attempt that certainly changed nothing. Any other outcome is a reason code of doubt; NULL is open."""

ANSWERED: Final = frozenset({SAFE, "server_error"})
"""Outcomes of attempts that the server has answered: the same request again may only bring the same answer."""

CONFIRMED: Final = frozenset({"accepted", "errors_in_success", "not_taken", "reply_mismatch", "unverified"})
"""Outcomes of attempts that a success answered, and whose records have not shown the update."""

_TABLES: Final = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE process (
    n INTEGER PRIMARY KEY, command TEXT NOT NULL, started_at REAL NOT NULL, last_at REAL NOT NULL,
    state TEXT NOT NULL, exit_status INTEGER, message TEXT NOT NULL DEFAULT '',
    gets INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE attempt (
    row INTEGER NOT NULL, n INTEGER NOT NULL, process INTEGER NOT NULL, at REAL NOT NULL, outcome TEXT,
    PRIMARY KEY (row, n)) WITHOUT ROWID;
CREATE TABLE result (
    row INTEGER PRIMARY KEY, digest BLOB NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    fields TEXT NOT NULL, http INTEGER NOT NULL, attempts INTEGER NOT NULL, request_id TEXT NOT NULL, at REAL NOT NULL,
    errors TEXT NOT NULL, redo INTEGER NOT NULL DEFAULT 0);
CREATE TABLE shape (n INTEGER PRIMARY KEY, edits TEXT NOT NULL);
CREATE TABLE image (
    row INTEGER NOT NULL, n INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, shape INTEGER NOT NULL,
    content TEXT NOT NULL, unread TEXT NOT NULL, landed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (row, n)) WITHOUT ROWID;
CREATE TABLE plan (
    row INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    message TEXT NOT NULL, fields TEXT NOT NULL, shape INTEGER NOT NULL, content TEXT NOT NULL, unread TEXT NOT NULL);
CREATE TABLE target (row INTEGER PRIMARY KEY, id TEXT NOT NULL);
"""

HELD: Final = """
CREATE TABLE IF NOT EXISTS held (row INTEGER PRIMARY KEY, told TEXT NOT NULL)
"""
"""What a night held back of a row, or told of it besides its result. Only journals of nights have the table."""

PACE: Final = """
CREATE TABLE IF NOT EXISTS pace (at REAL NOT NULL, kind TEXT NOT NULL, quota TEXT NOT NULL, told TEXT NOT NULL)
"""
"""What the pace of a run did: limits that were learned, pauses, outages. Journals of version 0.1 lack the table."""

WHO: Final = "who"
"""The fact about who began the last process: the user and the machine. Journals of version 0.1 lack it."""

VERSION: Final = "version"
"""The fact about the program that began the last process: its version. Journals of version 0.1 lack it."""


class JournalError(Exception):
    """The journal cannot be written: a full disk, a vanished folder. The run stops and can be resumed."""


class JournalDamaged(JournalError):
    """The file is no journal, is damaged, or is of another version. Nothing is sent."""


def create(path: Path, facts: Mapping[str, str]) -> None:
    """Write a new journal that appears complete, by rename, or not at all.

    Raises:
        JournalError: the file cannot be written.
    """
    draft = path.with_name(path.name + ".new")
    for leftover in path.parent.glob(draft.name + "*"):
        leftover.unlink()
    with translated(path), closing(sqlite3.connect(draft)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.executescript(_TABLES)
        db.executemany("INSERT INTO fact VALUES (?, ?)", [("schema", SCHEMA), *facts.items()])
        db.commit()
    draft.rename(path)


def connect(
    path: Path, *, write: bool, checked: bool, kind: FileKind = JOURNALS, still: bool = False
) -> sqlite3.Connection:
    """Open a journal, or a file of another kind, for one writer or for a reader.

    All of it is read to look for damage, about 0.5 s for a million rows, unless this process has done so before.
    If it is `still`, nobody writes it meanwhile, and nothing is made beside it, as SQLite otherwise does for a moment.

    Raises:
        JournalDamaged: it is missing, damaged or of another version.
        JournalError: the file cannot be opened.
    """
    if not path.is_file():
        raise JournalDamaged(f"{path.parent} is not a run directory: it has no {path.name}.")
    if not checked:
        _check_seal(path)
    with translated(path):
        name = f"file:{quote(os.fsencode(path))}?immutable=1" if still else path
        db = sqlite3.connect(name, uri=still, isolation_level=None, check_same_thread=False, timeout=10.0)
        try:
            _identify(db, path, kind)
            if not checked:
                _look_for_damage(db, path)
            _prepare(db, write=write)
        except BaseException:
            db.close()
            raise
    return db


def is_still(path: Path) -> bool:
    """Return whether nobody writes a journal, and its last process has closed it."""
    return not path.with_name(path.name + "-wal").exists()


def seal(path: Path) -> None:
    """Store a checksum of a closed journal: SQLite has none of its pages.

    A seal is advice: without one, the journal is read as it is. It costs about 1 s a gigabyte.
    """
    with suppress(OSError):
        if path.is_file() and is_still(path):
            _write_seal(path, _sha256(path))


def break_seal(path: Path) -> None:
    """Empty the seal, durably, before the journal changes: an old one must not outlive a power cut.

    Raises:
        JournalError: it cannot be written.
    """
    try:
        _write_seal(path, "", flags=0)
    except FileNotFoundError:
        return  # there is none
    except OSError as error:
        raise JournalError(f"cannot write {path}: {error.strerror}") from None


def seal_of(path: Path) -> bytes:
    """Return the checksum of a journal that its last process stored; empty if it was not closed in order."""
    with suppress(OSError, ValueError):
        return bytes.fromhex(_seal_of(path).read_text(encoding="ascii"))
    return b""


def _check_seal(path: Path) -> None:
    with suppress(OSError, UnicodeDecodeError):
        sealed = _seal_of(path).read_text(encoding="ascii")
        if len(sealed) == len(hashlib.sha256().hexdigest()) and sealed != _sha256(path):
            raise damaged(path, "its bytes are not those that its last process left")


def _write_seal(path: Path, content: str, flags: int = os.O_CREAT) -> None:
    descriptor = os.open(_seal_of(path), os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | flags, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123  # a descriptor
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _seal_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Write all of the block or nothing, durably.

    Raises:
        JournalError: it could not be written, and nothing of it was.
    """
    with translated(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite's errors into the project's."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
            raise damaged(path, str(error)) from error  # a table is missing, or text is no UTF-8
        raise JournalError(f"cannot write {path}: {error}") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: a message that quotes the damage
        raise damaged(path, str(error)) from error


def _identify(db: sqlite3.Connection, path: Path, kind: FileKind) -> None:
    (application,) = _one(db, "PRAGMA application_id")
    if application != kind.application_id:
        raise damaged(path, f"not a rowpatch {kind.name}")
    (version,) = _one(db, "SELECT value FROM fact WHERE name = 'schema'")
    if version not in kind.readable:
        raise damaged(path, f"written by another version of rowpatch, schema {version}")


def _look_for_damage(db: sqlite3.Connection, path: Path) -> None:
    (damage,) = _one(db, "PRAGMA quick_check(1)")
    if damage != "ok":
        raise damaged(path, damage)


def _prepare(db: sqlite3.Connection, *, write: bool) -> None:
    if not write:
        db.execute("PRAGMA query_only = ON")
        return
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # an intent must survive power loss, not only a crash


def _one(db: sqlite3.Connection, query: str) -> Any:
    return db.execute(query).fetchone() or (None,)


def damaged(path: Path, why: str) -> JournalDamaged:
    """Make the error to raise when the file holds what no journal does."""
    return JournalDamaged(f"{path} cannot be used ({why}); nothing was sent.")
