"""What is remembered of a field, what a night decides about it, and by which rules.

A field is a path as in `jobs.model.Edit`: an attribute, a member of one, a relationship, a tag, an element of a set.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Final, Literal, TypeAlias

from jobs.model import JSON, UNREAD, Absent, Path, Unread
from jobs.values import valueclass

Value: TypeAlias = JSON | Absent
"""A value of a field; ABSENT for one that is not there, or was cleared."""


@valueclass(frozen=True, slots=True)
class Sealed:
    """What stands for a value that is not to be stored: a digest of it, by a key of the memory's own."""

    digest: str


@valueclass(frozen=True, slots=True)
class Agreed:
    """What is remembered of one field of one record.

    Attributes:
        sheet: what the sheet said when both sides last agreed; UNREAD if they never did.
        stored: what the record held then; UNREAD if that is not known.
        doubt: what an update may have set, of which nobody knows whether it was applied; UNREAD if there is none.
        before: what the record held before that update; UNREAD if nobody looked.
        is_undone: an undo has put the stored value back in place of what the sheet says.
    """

    sheet: Value | Sealed | Unread = UNREAD
    stored: Value | Sealed | Unread = UNREAD
    doubt: Value | Sealed | Unread = UNREAD
    before: Value | Sealed | Unread = UNREAD
    is_undone: bool = field(default=False, kw_only=True)


NEVER_AGREED: Final = Agreed()

Remembered: TypeAlias = Mapping[Path, Agreed]
"""What is remembered of one record; a field that is not in it was never agreed on."""

Drift = Literal["report", "overwrite", "keep"]
"""What becomes of a field that somebody else has changed."""

Clearing = Literal["empty", "gone"]
"""Which rule clears a field that the sheet does not clear itself: of an empty cell, or of a row that is gone."""

Kind = Literal[
    "drifted", "kept", "undone", "both_changed", "overwritten", "gone", "not_ours", "blank", "differs", "agreed"
]  # fmt: skip
"""What is told of a field besides that it is sent or not.

`gone`: the rule of rows that are gone would clear it, and it is left. `not_ours`: the rule of empty cells would clear
it, and it is left, since the job never agreed on it. `blank`: as these two, where the field holds nothing anyway; no
words are made of it, but nobody has agreed on it. `undone`: the record holds what an undo has put back. `differs`: it
holds the form in which the API stored what the sheet says, which is another value. `agreed`: it holds what the sheet
says, written otherwise, such as 7 for the text `7`; told so that the memory learns the form.
"""

Seal: TypeAlias = Callable[[Value], Sealed]
"""Returns what stands for a value in the memory."""


def unknown_seal(_value: Value) -> Sealed:
    """Return a digest that no value of a memory has: without its key, nothing is known to be what is remembered."""
    return Sealed("")


@valueclass(frozen=True, slots=True)
class FieldRules:
    """The rules of one job, as its recipe says them.

    Attributes:
        drift: of all fields. `drift_of`: of single ones, by path; what belongs to one follows it.
        sealed: fields of which the memory has digests instead of values: they are private, or write-only.
        seal: makes these digests.
    """

    drift: Drift = "report"
    drift_of: Mapping[Path, Drift] = field(default_factory=dict)
    sealed: frozenset[Path] = frozenset()
    seal: Seal = unknown_seal

    def drift_at(self, path: Path) -> Drift:
        """Return the rule of a field: its own, or that of the object, the set or the tags that it belongs to."""
        if not self.drift_of:
            return self.drift
        return next((self.drift_of[each] for each in _upwards(path) if each in self.drift_of), self.drift)

    def is_sealed(self, path: Path) -> bool:
        """Return whether the memory has digests of a field, or of what it belongs to."""
        return bool(self.sealed) and any(each in self.sealed for each in _upwards(path))


def _upwards(path: Path) -> Iterator[Path]:
    """Yield a path and what it belongs to: `("tags",)` are all tags."""
    return (path[:length] for length in range(len(path), 0, -1))


@valueclass(frozen=True, slots=True)
class Told:
    """What is told of a field.

    Attributes:
        sheet: what the sheet says. `live`: what the record holds. `agreed`: what both last agreed on, UNREAD if never.
            All three are sealed where the memory has no values.
    """

    path: Path
    kind: Kind
    sheet: Value | Sealed
    live: Value | Sealed | Unread
    agreed: Value | Sealed | Unread = UNREAD
