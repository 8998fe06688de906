"""Edits as the journal keeps them, and what they say about a record that is read later."""

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, TypeVar

from pydantic_core import to_json

from jobs.apis.schema import Schema
from jobs.changes import exact
from jobs.changes.diff import value_at
from jobs.changes.equality import holds, is_old, replaced, same_words, tidied
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Live, Path, Unread
from jobs.names import name_of, pointer_to, steps_of

V = TypeVar("V")

Held = Literal["after", "before", "neither"]
"""On which side of an edit a record is."""


Shape: TypeAlias = tuple[Path | str | None, ...]
"""What the edits of many rows have in common: path, before and after of each, None where a value is."""

_MARKS: Final[dict[type, str]] = {Absent: "absent", Unread: "unread"}
_MARKED: Final[dict[str | None, Any]] = {None: None, "absent": ABSENT, "unread": UNREAD}

_WITH_STORED: Final[dict[tuple[str | None, str | None], str]] = {
    (None, None): "stored",
    (None, "absent"): "stored absent",
    ("absent", None): "absent stored",
}
"""What stands for `after` in the shape of an edit that has a stored form, by the marks of both."""

_AFTER: Final[dict[str | None, Any]] = {
    **{mark: (value, UNREAD) for mark, value in _MARKED.items()},
    **{mark: (_MARKED[after], _MARKED[stored]) for (after, stored), mark in _WITH_STORED.items()},
}
"""`after` and the stored form by what stands for them; None where a value is."""


def encode(edits: Iterable[Edit]) -> tuple[Shape, str]:
    """Return the shape of edits, and their values before, after and stored as a JSON list, in its order."""
    shape: list[Path | str | None] = []
    values: list[object] = []
    for edit in edits:
        before, after = _MARKS.get(type(edit.before)), _MARKS.get(type(edit.after))
        if before is None:
            values.append(edit.before)
        if after is None:
            values.append(edit.after)
        if type(edit.stored) is not Unread:
            stored = _MARKS.get(type(edit.stored))
            if stored is None:
                values.append(edit.stored)
            after = _WITH_STORED[after, stored]
        shape += (edit.path, before, after)
    return tuple(shape), exact.write(values).decode()


def encode_shape(shape: Shape) -> str:
    """Return a shape as a JSON list."""
    return to_json(shape).decode()


def decode(shape: str, values: str) -> tuple[Edit, ...]:
    """Return the edits that `encode` and `encode_shape` took.

    Raises:
        ValueError: it is something else.
    """
    try:
        left = iter(exact.read(values))
        edits = [
            Edit(
                path,
                next(left) if before is None else before,
                next(left) if after is None else after,
                next(left) if stored is None else stored,
            )
            for path, before, after, stored in _parts(shape)
        ]
        rest = list(left)
    except (TypeError, KeyError, StopIteration, RecursionError) as error:
        raise ValueError("not the edits of a row") from error
    if rest:
        raise ValueError("more values than the edits of a row have")
    return tuple(edits)


def in_columns(edit: Edit, type_name: str, schema: Schema) -> Edit:
    """Return an edit as a sheet says it: sets are lists there, and a column adds elements to one, or removes them.

    The path of an edit of one element is `("elements", NAME, ELEMENT)`.
    """
    if schema.grammar == "attributes" or edit.path[0] != "attributes":
        return edit
    _, name, *key = edit.path
    if key and schema.is_set(type_name, name):
        return replace(edit, path=("elements", name, key[0]))
    if schema.is_set(type_name, name_of((*steps_of(name), *key))):
        return replace(edit, before=_listed(edit.before), after=_listed(edit.after))
    return edit


def column_of(edit: Edit) -> str:
    """Return the name under which a sheet knows what an edit is about."""
    kind, name, *key = edit.path
    if kind == "tags":
        return "tags"
    if kind == "elements":
        key = ["remove" if isinstance(edit.after, Absent) else "add"]
    return f"{name}{pointer_to(key)}" if name.startswith("/") else ".".join((name, *key))


def sides(edits: Iterable[Edit], live: Live, schema: Schema) -> frozenset[Held]:
    """Return on which sides of the edits the record is: one, unless it holds some values of each.

    An edit that the API does not show says nothing, so that the result may be empty.
    """
    found: set[Held] = set()
    for edit in edits:
        try:
            value = value_at(live, edit.path)
        except KeyError:
            continue
        found.add(_side(edit, value, schema))
    return frozenset(found)


def is_hidden(edits: Iterable[Edit], live: Live) -> bool:
    """Return whether the record does not show a value that an edit is about."""
    for edit in edits:
        try:
            value_at(live, edit.path)
        except KeyError:
            return True
    return False


def as_shown(edits: Iterable[Edit], live: Live, schema: Schema) -> tuple[Edit, ...]:
    """Return the edits, each with the stored form that the record shows: the text that was sent, as APIs tidy it.

    A value that was there before says nothing: it may be the old one.
    """
    return tuple(_as_shown(edit, live, schema) for edit in edits)


def as_kept(edits: Iterable[Edit], live: Live, schema: Schema) -> tuple[Edit, ...]:
    """Return the edits, each with what the record holds instead of what was sent as its stored form.

    A tag that is not there has no form.
    """
    return tuple(_as_kept(edit, live, schema) for edit in edits)


def keeps_words(edits: Iterable[Edit], live: Live, schema: Schema) -> bool:
    """Return whether all that a record holds instead of what was sent is the same words."""
    kept = (edit for edit in as_kept(edits, live, schema) if not isinstance(edit.stored, Unread))
    return all(same_words(edit.after, edit.stored) for edit in kept)


def merged(earlier: Iterable[Edit], later: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits of a row that is sent again after an attempt that may have been applied.

    The first image of a value stands: what the later attempt found may be what the earlier one had left, in a form of
    the API's own.
    """
    edits = {edit.path: edit for edit in earlier}
    for edit in later:
        first = edits.get(edit.path)
        edits[edit.path] = edit if first is None else replace(edit, before=first.before, past=first.past)
    return tuple(edits.values())


def without_tags(edits: Iterable[Edit], names: Container[str]) -> tuple[Edit, ...]:
    """Return the edits but for the adding of these tags."""
    return tuple(edit for edit in edits if edit.path[0] != "tags" or edit.after is ABSENT or edit.path[1] not in names)


def fires_twice(edits: Iterable[Edit], unread: Iterable[str], schema: Schema) -> bool:
    """Return whether what was sent had an effect that a second sending would have again: triggers and tags."""
    triggers = {name for name in unread if schema.is_trigger(name)}
    return not triggers <= schema.replay_safe or any(edit.path[0] == "tags" for edit in edits)


def _as_shown(edit: Edit, live: Live, schema: Schema) -> Edit:
    try:
        value = value_at(live, edit.path)
    except KeyError:
        return edit
    if not tidied(edit.after, value) or isinstance(edit.before, Unread):
        return edit
    if replaced(edit, value, schema):
        return edit
    return replace(edit, stored=value)


def _as_kept(edit: Edit, live: Live, schema: Schema) -> Edit:
    try:
        value = value_at(live, edit.path)
    except KeyError:
        return edit
    return edit if edit.path[0] == "tags" or holds(edit, value, schema) else replace(edit, stored=value)


def _side(edit: Edit, value: JSON | Absent, schema: Schema) -> Held:
    if holds(edit, value, schema):
        return "after"
    if isinstance(edit.before, Unread):
        return "before"  # nobody looked: at any rate it is not what was sent
    if is_old(edit, value, schema):
        return "before"
    return "neither"


def _listed(value: V) -> V | list[str]:
    """Return the elements of a set, which are keys within the program."""
    return list(value) if isinstance(value, Mapping) else value


@lru_cache(maxsize=256)
def _parts(shape: str) -> tuple[tuple[Path, Any, Any, Any], ...]:
    """Return the members of each edit: None where a value is."""
    parts = json.loads(shape)
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return tuple((tuple(map(str, path)), _MARKED[before], *_AFTER[after]) for path, before, after in triples)
