"""What a folding writes into the memory: records, fields that stand out, rows that fail."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from jobs.agreement.learning import Learned
from jobs.agreement.marks import encode
from jobs.agreement.model import NEVER_AGREED, Agreed, Sealed
from jobs.changes.equality import equal
from jobs.model import UNREAD, Absent, Edit, RowRef, Unread
from jobs.model import Path as Field
from jobs.values import valueclass
from worker.journal import RowOutcome
from worker.policy.quarantine import is_own
from worker.reconcile.nights import Calendar
from worker.reconcile.store import SHAPES, Memory, Record, Trouble

_INSERT: Final = """
    INSERT INTO record (target, type, id, key, shape, agreed, stored, at, read) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE: Final = """
    UPDATE record SET key = coalesce(?, key), shape = ?, agreed = ?, stored = ?, at = ?, read = max(read, ?)
    WHERE n = ?
"""
_MOVED: Final = "UPDATE record SET key = NULL WHERE target = ? AND type = ? AND key = ? AND id <> ?"
_READ: Final = "UPDATE record SET key = coalesce(?, key), at = max(at, ?), read = max(read, ?) WHERE n = ?"
_NOTED: Final = "SELECT kind, sheet, since, last, nights FROM exception WHERE record = ? AND field = ?"
_NOTE: Final = "INSERT OR REPLACE INTO exception VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET: Final = "DELETE FROM exception WHERE record = ? AND field = ? AND kind = ?"
_TROUBLE: Final = "INSERT OR REPLACE INTO trouble VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_HEALED: Final = "DELETE FROM trouble WHERE target = ? AND type = ? AND ident = ?"

_LASTING: Final = "overwritten"
"""The kind that stays although both sides agree again: who is overwritten every other night is fought with."""

Noted = dict[str, tuple[str, int, int, int]]
"""By kind: what the sheet said, since when, when last, and in which nights."""


@valueclass(frozen=True, slots=True)
class Writing:
    """Writes into the memory within the transaction of one folding."""

    memory: Memory
    calendar: Calendar
    _shapes: dict[tuple[Field, ...], int] = field(default_factory=dict)

    def write(self, kept: Record, named: tuple[int, str, str, str], learned: Sequence[Learned], at: float) -> None:
        """Write what was learned of a record.

        What an older run says only fills in fields of which nothing is remembered.

        Args:
            kept: what is remembered of it so far.
            named: number of its system, its type, its id, and the key by which rows name it; empty if that is the id.
            learned: field by field.
            at: seconds since the epoch of the attempt or read that says so.
        """
        target, type_name, record_id, key = named
        if key:  # it names one record at a time
            self.memory.db.execute(_MOVED, (target, type_name, key, record_id))
        if at < kept.at:
            learned = [each for each in learned if each.path not in kept.agreed]
        agreed = {**kept.agreed, **{each.path: each.agreed for each in learned}}
        serial, latest = self.calendar.serial, max(at, kept.at)
        n, db = kept.n, self.memory.db
        if not n:
            if not agreed:
                return
            columns = self._columns(kept, agreed)
            n = int(
                db.execute(_INSERT, (target, type_name, record_id, key or None, *columns, latest, serial)).lastrowid
                or 0
            )
        elif learned:
            db.execute(_UPDATE, (key or None, *self._columns(kept, agreed), latest, serial, n))
        else:
            db.execute(_READ, (key or None, latest, serial, n))
        for each in learned:
            if kept.is_exceptional or each.kinds or not isinstance(each.agreed.doubt, Unread):
                self._note(n, each)

    def trouble(self, row: tuple[int, str, str], ref: RowRef, outcome: RowOutcome, edits: Iterable[Edit]) -> None:
        """Write down that a row failed; another cause than before begins anew.

        A failure that is not the row's own, such as an outage, leaves what is known of an earlier one as it is.

        Args:
            row: its system, type and ident.
            ref: of the row.
            outcome: how it failed.
            edits: what it would replace.
        """
        known, serial, cause = self.memory.trouble(*row), self.calendar.serial, cause_of(outcome)
        if known is not None and (known.last > serial or not is_own(outcome.status, outcome.reason)):
            return
        first, nights, aside = serial, 1, None
        if known is not None and known.cause == cause:
            first, nights, aside = known.first, self.calendar.noted(known.nights, known.last), known.aside
        self.memory.db.execute(
            _TROUBLE,
            (
                *row, cause, ref.digest, replaced(edits),
                first, serial, nights, aside, outcome.status.value, outcome.reason, outcome.message,
            ),
        )  # fmt: skip

    def healed(self, row: tuple[int, str, str]) -> Trouble | None:
        """Forget that a row failed; return how, None if it did not or a later run says so."""
        known = self.memory.trouble(*row)
        if known is None or known.last > self.calendar.serial:
            return None
        self.memory.db.execute(_HEALED, row)
        return known

    def _note(self, n: int, learned: Learned) -> None:
        db, name = self.memory.db, json.dumps(learned.path)
        noted: Noted = {kind: rest for kind, *rest in db.execute(_NOTED, (n, name))}
        told = dict(_told(learned))
        for kind in noted.keys() - told.keys() - {_LASTING}:
            db.execute(_FORGET, (n, name, kind))
        for kind, (sheet, live) in told.items():
            self._note_kind((n, name, kind), encode([sheet]), encode([live]), noted.get(kind))

    def _note_kind(
        self, line: tuple[int, str, str], sheet: str, live: str, known: tuple[str, int, int, int] | None
    ) -> None:
        since, nights, serial = self.calendar.serial, 1, self.calendar.serial
        if known is not None and (known[0] == sheet or line[2] != _LASTING):
            _, since, last, before = known
            nights, serial = self.calendar.noted(before, last), max(last, serial)
        self.memory.db.execute(_NOTE, (*line, sheet, live, since, serial, nights))

    def _columns(self, kept: Record, agreed: Mapping[Field, Agreed]) -> tuple[int, str, str | None]:
        """Return shape, sheet values and stored values as the table has them; fields keep their places."""
        shape = (*kept.shape, *sorted(agreed.keys() - set(kept.shape)))
        fields = [agreed.get(path, NEVER_AGREED) for path in shape]
        stored = {str(n): each.stored for n, each in enumerate(fields) if not _is_one(each.sheet, each.stored)}
        return self._shape(shape), encode([each.sheet for each in fields]), encode(stored) if stored else None

    def _shape(self, shape: tuple[Field, ...]) -> int:
        number = self._shapes.get(shape)
        if number is None:
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
            db, text = self.memory.db, json.dumps(shape)
            db.execute("INSERT OR IGNORE INTO shape (fields) VALUES (?)", (text,))
            (number,) = db.execute("SELECT n FROM shape WHERE fields = ?", (text,)).fetchone()
            self._shapes[shape] = number
        return number


def cause_of(outcome: RowOutcome) -> bytes:
    """Return a digest of why a row failed: status, reason, fields and codes; no text, which may name a moment."""
    codes = sorted({error.code for error in outcome.errors if error.code})
    return digest(json.dumps([outcome.status.value, outcome.reason, sorted(set(outcome.fields)), codes]))


def replaced(edits: Iterable[Edit]) -> bytes | None:
    """Return a digest of the values that a row would replace; None if nobody read them."""
    values = [[list(edit.path), edit.before] for edit in edits if not isinstance(edit.before, Unread)]
    return digest(encode(map(encode, values))) if values else None


def digest(text: str) -> bytes:
    """Return 8 bytes that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]


def _told(learned: Learned) -> Iterable[tuple[str, tuple[Any, Any]]]:
    """Yield, by kind, what both sides say of a field."""
    for kind, live in learned.kinds:
        yield kind, (learned.sheet, live)
    if not isinstance(learned.agreed.doubt, Unread):
        yield "doubt", (learned.agreed.doubt, learned.agreed.before)


def _is_one(sheet: Any, stored: Any) -> bool:
    """Return whether the record held exactly what the sheet said, so that it need not be kept twice."""
    if sheet is stored or sheet == stored == UNREAD:
        return True
    marks = (Absent, Unread, Sealed)
    if isinstance(sheet, marks) or isinstance(stored, marks):
        return bool(sheet == stored)
    return equal(sheet, stored)
