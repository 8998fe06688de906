"""The decision table of a night, read from its text by somebody who has not seen the program's own.

Every clause below names the line of the table that it is. Values here are plain: `None` is an empty field, and a field
that nobody knows is `NOTHING`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Literal

NOTHING: Final = "<nothing known>"
"""No agreement, no stored form, no doubt, or a value that no read shows."""

Rule = Literal["report", "overwrite", "keep"]
Clearing = Literal["empty", "gone"] | None

Same = Callable[[Any, Any], bool]
"""Whether two values are equal by the type of their field."""


class Told(StrEnum):
    """What a night says of a field that it leaves, or of one that it sends."""

    UNCHANGED = "unchanged"
    UNSEEN = "unchanged, as far as anybody knows"
    EMPTY = "empty already: there is nothing to tell"
    STORED_OTHERWISE = "unchanged, stored otherwise"
    UNDONE = "skipped(undone)"
    SENT = "sent"
    SENT_OVER = "sent over an edit"
    DRIFTED = "skipped(drifted)"
    KEPT = "skipped(kept)"
    CONFLICT = "conflict(both_changed)"
    NOT_OURS = "not cleared: the memory does not hold it"
    GONE = "the row is gone"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a field: agreed sheet form (L), stored form (B), a doubt (D), the value before it.

    `is_undone`: B is what an undo put back.
    """

    agreed: Any = NOTHING
    stored: Any = NOTHING
    doubt: Any = NOTHING
    before: Any = NOTHING
    is_undone: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Field:
    """A field on one night: the sheet (S), the live value (R), and the rules."""

    sheet: Any
    live: Any
    memory: Memory = Memory()
    drift: Rule = "report"
    clearing: Clearing = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to become of a field, by which line of the table; `memory`: as it stands if nothing is sent."""

    line: str
    told: Told
    memory: Memory

    @property
    def is_sent(self) -> bool:
        """Whether an update has the field."""
        return self.told in {Told.SENT, Told.SENT_OVER}


@dataclass(frozen=True, slots=True)
class Table:
    """The table for fields of one type.

    Attributes:
        same: whether two values are equal by type.
        kept: form of a value in the memory: itself, or its HMAC.
        recalls: whether the memory's form stands for a value.
        is_empty: whether a live value counts as nothing there.
        stores_so: whether an API may store the first text as the second: in other capitals, with other blanks.
    """

    same: Same
    kept: Callable[[Any], Any] = lambda value: value
    recalls: Callable[[Any, Any], bool] | None = None
    is_empty: Callable[[Any], bool] = lambda value: value is None or value == ""
    stores_so: Same = lambda sent, live: None not in {sent, live} and sent.upper().split() == live.upper().split()

    def rule(self, field: Field) -> Ruling:
        """Return what the table says: the first line that fits."""
        memory = field.memory
        if field.clearing is not None:
            told = Told.NOT_OURS if field.clearing == "empty" else Told.GONE
            if field.live is not NOTHING and self.same(field.sheet, field.live):
                told = Told.EMPTY
            if self._lacks(memory.agreed):
                return Ruling("clearing without L: told", told, memory)
            if field.clearing == "gone" and self._knows(memory.agreed, field.sheet):
                return Ruling('row gone: "cleared" is a value', told, memory)
        if field.live is NOTHING:
            return self._unshown(field)
        if self.same(field.sheet, field.live):
            agreed = Memory(self.kept(field.sheet), self.kept(field.live))
            return Ruling("S=R: unchanged, (S,R)", Told.UNCHANGED, agreed)
        return self._differing(field)

    def _unshown(self, field: Field) -> Ruling:
        memory = field.memory
        if not self._knows(memory.agreed, field.sheet) or not self._lacks(memory.doubt):
            return Ruling("write-only: sent if S!=L or in doubt", Told.SENT, memory)
        return Ruling("write-only: S=L", Told.UNSEEN, memory)

    def _settled(self, memory: Memory, live: Any) -> tuple[Memory, bool | None]:
        """Return a memory without its doubt, and whether the value is somebody else's; None if that is open."""
        if self._lacks(memory.doubt):
            return memory, None
        if self._knows(memory.doubt, live):
            return Memory(memory.doubt, self.kept(live)), None
        if self._knows(memory.before, live):
            return replace(memory, doubt=NOTHING, before=NOTHING), None
        if self.recalls is None and self.stores_so(memory.doubt, live):
            return Memory(memory.doubt, self.kept(live)), None
        return memory, True

    def _differing(self, field: Field) -> Ruling:
        """Rule about a field that does not hold what the sheet says; its doubt is settled first."""
        memory, is_theirs = self._settled(field.memory, field.live)
        if is_theirs is None and self._lacks(memory.agreed):
            if field.clearing is not None:
                told = Told.NOT_OURS if field.clearing == "empty" else Told.GONE
                return Ruling("clearing, doubt dropped, no L", told, memory)
            if field.drift == "keep" and not self.is_empty(field.live):
                return Ruling("no L, keep, R not empty", Told.KEPT, memory)
            return Ruling("no L: send", Told.SENT, memory)
        is_news = not self._knows(memory.agreed, field.sheet)
        if is_theirs is None:
            is_theirs = not self._knows(memory.stored, field.live)
        if not is_theirs and not is_news:
            told = Told.UNDONE if memory.is_undone else Told.STORED_OTHERWISE
            return Ruling("R=B, S=L: unchanged, or undone", told, memory)
        if not is_theirs:
            return Ruling("R=B, S!=L: send", Told.SENT, memory)
        return Ruling("R!=B or B unknown", self._contested(field, is_news=is_news), memory)

    @staticmethod
    def _contested(field: Field, *, is_news: bool) -> Told:
        if field.drift == "overwrite":
            return Told.SENT_OVER
        if field.clearing == "gone":
            return Told.GONE
        if field.drift == "keep":
            return Told.KEPT
        return Told.CONFLICT if is_news else Told.DRIFTED

    def _lacks(self, known: Any) -> bool:
        return known is NOTHING

    def _knows(self, known: Any, value: Any) -> bool:
        if known is NOTHING:
            return False
        return self.same(known, value) if self.recalls is None else self.recalls(known, value)


WORST: Final = ("unknown", "failed", "rejected", "conflict", "applied", "skipped", "unchanged")
"""Statuses of fields, the worst first: a row takes the worst of its fields."""

_STATUSES: Final[Mapping[Told, str]] = {
    Told.UNCHANGED: "unchanged",
    Told.UNSEEN: "unchanged",
    Told.EMPTY: "unchanged",
    Told.STORED_OTHERWISE: "unchanged",
    Told.SENT: "applied",
    Told.SENT_OVER: "applied",
    Told.DRIFTED: "skipped",
    Told.KEPT: "skipped",
    Told.UNDONE: "skipped",
    Told.CONFLICT: "conflict",
    Told.NOT_OURS: "unchanged",
    Told.GONE: "unchanged",
}


def row_status(rulings: Mapping[str, Ruling]) -> str:
    """Return the status of a row whose updates are all applied: the worst of its fields."""
    return min((_STATUSES[each.told] for each in rulings.values()), key=WORST.index, default="unchanged")


def after_update(sent: Any, echo: Any) -> Memory:
    """Return what is remembered of a field whose update was applied: (S, echo)."""
    return Memory(sent, echo)


def after_doubt(memory: Memory, sent: Any, live: Any) -> Memory:
    """Return what is remembered of a field whose update may have been applied: D = S, and the value before."""
    return replace(memory, doubt=sent, before=live)
