"""The rows that a probe may write: its input, fixed before the first of them is sent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Unread
from jobs.names import Steps, name_of
from jobs.places import at, copied, put, take_away
from jobs.values import valueclass
from worker.policy.probing.effects import is_empty
from worker.policy.probing.subject import Reading, Subject, present

MADE_UP: Final = "rowpatch-probe"
"""Value of a member that the API cannot know."""

NO_OP: Final = "no-op"
WRITE: Final = "write"
UNKNOWN: Final = "unknown"

WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "json": ("null", "empty", "omit"),
    "json_api": ("null", "empty", "omit"),
    "merge_patch": ("null", "empty"),
    "form": ("empty",),
    "json_patch": ("null",),
}
"""Ways to clear a member that a format of updates can say: those that can be told apart."""

_CLEARS: Final = {"form": "empty"}
"""Ways to clear by format, where that is not null."""


@valueclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried.

    Attributes:
        noop: field that is sent back as it is; empty for none.
        field: to be written; empty for none. `value`: to be written into it.
        unknown: name of a member that the API cannot know; empty for none.
    """

    noop: str = ""
    field: str = ""
    value: JSON = None
    unknown: str = ""


@valueclass(frozen=True, slots=True)
class PlannedRow:
    """One row of the input: what it is for, and what it replaces."""

    name: str
    edits: tuple[Edit, ...]


def back(name: str) -> str:
    """Return the name of the row that takes another one back."""
    return f"{name} back"


def planned(subject: Subject, reading: Reading, wanted: Wanted) -> tuple[PlannedRow, ...]:
    """Return every row that the probe may write, in order; a row that takes one back stands behind it."""
    rows: list[PlannedRow] = []
    for name, edit in _writes(subject, reading, wanted):
        rows.append(PlannedRow(name, (edit,)))
        rows.append(PlannedRow(back(name), (Edit(edit.path, edit.after, _known(edit.before)),)))
    return tuple(rows)


def _writes(subject: Subject, reading: Reading, wanted: Wanted) -> Iterator[tuple[str, Edit]]:
    if wanted.noop:
        value = subject.value(reading, wanted.noop)
        yield NO_OP, Edit(("attributes", wanted.noop), value, value)
    if wanted.field:
        yield WRITE, edit_of(subject, reading, wanted.field, wanted.value)
        for way in ways_to_clear(subject, reading, wanted.field):
            yield clearing(way), edit_of(subject, reading, wanted.field, _cleared(way))
    if wanted.unknown:
        yield UNKNOWN, Edit(("attributes", wanted.unknown), None, MADE_UP)


def clearing(way: str) -> str:
    """Return the name of the row that clears in this way."""
    return f"clear by {way}"


def ways_to_clear(subject: Subject, reading: Reading, field: str) -> tuple[str, ...]:
    """Return the ways to clear a member of an object that are worth a try, the described one first."""
    rule = subject.rules.rule(field)
    if len(rule.steps) < 2 or rule.write_to is not None or rule.described.clear == "never":
        return ()
    if is_empty(subject.value(reading, field)):
        return ()  # nothing is there that could be put back
    ways, own = WAYS[subject.described.update.format], described_way(subject, field)
    return tuple(sorted(ways, key=lambda way: way != own))


def described_way(subject: Subject, field: str) -> str:
    """Return how the description clears a field."""
    return subject.rules.rule(field).described.clear or _CLEARS.get(subject.described.update.format, "null")


def _cleared(way: str) -> JSON | Absent:
    return {"null": None, "empty": "", "omit": ABSENT}[way]


def top_of(subject: Subject, field: str) -> str:
    """Return the name of the outermost member that a field belongs to: what is read, kept and put back of it."""
    return name_of(subject.rules.rule(field).steps[:1])


def edit_of(subject: Subject, reading: Reading, field: str, value: JSON | Absent) -> Edit:
    """Return the edit of a field as one of its outermost member.

    Its stored form is what a server leaves that replaces the member by what was sent of it: until the record is read
    again, any of the three may be there.
    """
    steps, top = subject.rules.rule(field).steps, top_of(subject, field)
    before = subject.value(reading, top)
    if len(steps) == 1:
        return Edit(("attributes", top), before, present(value))
    merged, alone = copied(before), dict[str, Any]()
    for held in (merged, alone):
        put_or_take(held, steps[1:], value)
    return Edit(("attributes", top), before, merged, UNREAD if merged == alone else alone)


def put_or_take(held: dict[str, Any], steps: Steps, value: JSON | Absent) -> None:
    """Put a value at a place, or take away what is there."""
    if isinstance(value, Absent):
        take_away(held, steps)
    else:
        put(held, steps, value)


def sent_part(steps: Steps, value: JSON) -> Any:
    """Return the part of an outermost member that an update sends which sets one place in it."""
    held: dict[str, Any] = {}
    put(held, steps, value)
    return at(held, steps[:1])


def _known(value: JSON | Absent | Unread) -> JSON:
    assert not isinstance(value, Absent | Unread)  # noqa: S101  # it was read
    return value
