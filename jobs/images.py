"""Edits as the journal keeps them, and what they say about a record that is read later."""

import json
from collections.abc import Container, Iterable
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from pydantic_core import to_json

from jobs.change import value_at
from jobs.echo import Comparison, identical, same, stands
from jobs.model import ABSENT, JSON, REPLAY_SAFE_TRIGGERS, UNREAD, Absent, Edit, Live, Path, Unread

Held = Literal["after", "before", "neither", "unseen"]
"""Which side of its edits a record is on; `unseen` when there are none, or the API shows none of them."""


Shape: TypeAlias = tuple[Path | str | None, ...]
"""What the edits of many rows have in common: path, before and after of each, None where a value is."""

_MARKS: Final[dict[type, str]] = {Absent: "absent", Unread: "unread"}
_MARKED: Final = {None: None, "absent": ABSENT, "unread": UNREAD}


def encode(edits: Iterable[Edit]) -> tuple[Shape, str]:
    """Edits as their shape, and the values before and after as a JSON list, in its order."""
    shape: list[Path | str | None] = []
    values: list[object] = []
    for edit in edits:
        before, after = _MARKS.get(type(edit.before)), _MARKS.get(type(edit.after))
        if before is None:
            values.append(edit.before)
        if after is None:
            values.append(edit.after)
        shape += (edit.path, before, after)
    return tuple(shape), to_json(values).decode()


def encode_shape(shape: Shape) -> str:
    """A shape as a JSON list."""
    return to_json(shape).decode()


def decode(shape: str, values: str) -> tuple[Edit, ...]:
    """What `encode` and `encode_shape` made.

    Raises:
        ValueError: it is something else.
    """
    try:
        left = iter(json.loads(values))
        edits = [
            Edit(path, next(left) if before is None else before, next(left) if after is None else after)
            for path, before, after in _parts(shape)
        ]
        rest = list(left)
    except (TypeError, KeyError, StopIteration, RecursionError) as error:
        raise ValueError("not the edits of a row") from error
    if rest:
        raise ValueError("more values than the edits of a row have")
    return tuple(edits)


def column_of(edit: Edit) -> str:
    """The name under which a sheet knows what an edit is about."""
    return "tags" if edit.path[0] == "tags" else ".".join(edit.path[1:])


def is_at(value: JSON | Absent, wanted: JSON | Absent, other: JSON | Absent | Unread) -> bool:
    """Whether a live value is `wanted`, in whatever form the API stores it, rather than `other`."""
    if isinstance(value, Absent) or isinstance(wanted, Absent):
        return value is wanted
    comparisons: tuple[Comparison, ...] = (identical, stands)
    for alike in comparisons:
        if alike(wanted, value):
            return True
        if not isinstance(other, Absent | Unread) and alike(other, value):
            return False
    return same(wanted, value)


def side(edits: Iterable[Edit], live: Live) -> Held:
    """On which side of the edits the record is.

    An update is atomic: a record that holds the new values had it applied, one that holds the old ones had not. An edit
    whose values are alike, or that the API does not show, says nothing.
    """
    found: set[Held] = set()
    for edit in edits:
        try:
            value = value_at(live, edit.path)
        except KeyError:
            continue
        found.add(_side(edit, value))
    if len(found) == 1:
        return found.pop()
    return "neither" if found else "unseen"


def merged(earlier: Iterable[Edit], later: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits of a row that is sent again after an attempt that may have been applied.

    What the later attempt still has to change had not been applied, or has been changed since: its own image counts.
    What it need not change any more was, so the earlier image is the one to restore.
    """
    edits = {edit.path: edit for edit in earlier}
    edits.update((edit.path, edit) for edit in later)
    return tuple(edits.values())


def without_tags(edits: Iterable[Edit], names: Container[str]) -> tuple[Edit, ...]:
    """The edits but for the adding of these tags."""
    return tuple(edit for edit in edits if edit.path[0] != "tags" or edit.after is ABSENT or edit.path[1] not in names)


def fires_twice(edits: Iterable[Edit], unread: Iterable[str]) -> bool:
    """Whether what was sent had an effect that a second sending would have again: triggers and tags."""
    triggers = {name for name in unread if name.startswith("_")}
    return not triggers <= REPLAY_SAFE_TRIGGERS or any(edit.path[0] == "tags" for edit in edits)


def _side(edit: Edit, value: JSON | Absent) -> Held:
    if is_at(value, edit.after, edit.before):
        return "after"
    if isinstance(edit.before, Unread) or is_at(value, edit.before, edit.after):
        return "before"  # where nobody looked: at any rate it is not what was sent
    return "neither"


@lru_cache(maxsize=256)
def _parts(shape: str) -> tuple[tuple[Path, Any, Any], ...]:
    parts = json.loads(shape)
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return tuple((tuple(map(str, path)), _MARKED[before], _MARKED[after]) for path, before, after in triples)
