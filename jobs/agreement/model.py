"""What is remembered of a field, what a night decides about it, and by which rules.

A field is a path as in `jobs.model.Edit`: an attribute, a member of one, a relationship, a tag, an element of a set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """

    sheet: Value | Sealed | Unread = UNREAD
    stored: Value | Sealed | Unread = UNREAD
    doubt: Value | Sealed | Unread = UNREAD
    before: Value | Sealed | Unread = UNREAD


NEVER_AGREED: Final = Agreed()

Remembered: TypeAlias = Mapping[Path, Agreed]
"""What is remembered of one record; a field that is not in it was never agreed on."""

Drift = Literal["report", "overwrite", "keep"]
"""What becomes of a field that somebody else has changed."""

Kind = Literal["drifted", "kept", "both_changed", "overwritten", "gone", "differs", "agreed"]
"""What is told of a field besides that it is sent or not.

`differs`: the record holds the form in which the API stored what the sheet says, which is another value. `agreed`: it
holds what the sheet says, written otherwise, such as 7 for the text `7`; told so that the memory learns the form.
"""


@dataclass(frozen=True, slots=True)
class FieldRules:
    """The rules of one job, as its recipe says them.

    Attributes:
        drift: of all fields. `drift_of`: of single ones, by path.
        sealed: fields of which the memory has digests instead of values: they are private, or write-only.
    """

    drift: Drift = "report"
    drift_of: Mapping[Path, Drift] = field(default_factory=dict)
    sealed: frozenset[Path] = frozenset()


@valueclass(frozen=True, slots=True)
class Told:
    """What is told of a field.

    Attributes:
        sheet: what the sheet says. `live`: what the record holds. `agreed`: what both last agreed on, UNREAD if never.
    """

    path: Path
    kind: Kind
    sheet: Value | Sealed
    live: Value | Sealed | Unread
    agreed: Value | Sealed | Unread = UNREAD
