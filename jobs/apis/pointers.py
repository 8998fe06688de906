"""Where an error of the API belongs in the sheet: from the place that it names to a column.

That place is a JSON Pointer (RFC 6901: `source.pointer` of JSON:API, a fragment in problem+json) or a name, as other
servers write it: `metadata.batch`, `data[attributes][name]`. Servers differ in how deep they point: at an attribute, at
a key of it, or somewhere inside the key's value. The column is the one that is nearest.

`column_of` knows the documents of JSON:API; `column_in_body` any body, from where its fields stand in it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from jobs.model import ABSENT, ApiError

_TAGS: Final = {"_add_tags": "add", "_remove_tags": "remove"}
_NAME_PARTS: Final = re.compile(r"[.\[\]]+")
_DEEPEST: Final = 12
"""Steps of a place that are looked at: no column is about anything deeper."""

_NOTHING: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {}


def field_of(pointer: str) -> str:
    """Return the column-like name of what is pointed at, empty when it is no attribute or relationship.

    `/data/attributes/metadata/batch` -> `metadata.batch`; `/data/relationships/order/data/id` -> `order`;
    `metadata[batch]` -> `metadata.batch`
    """
    kind, path = _taken_apart(pointer)
    if kind == "relationships" or (kind == "member" and len(path) == 1):
        return path[0]
    return ".".join(path) if kind == "attributes" else ""


def column_of(pointer: str, columns: Mapping[tuple[str, ...], str]) -> str:
    """Return the column that is pointed at, as the user wrote its name; the name of `field_of` where there is none.

    Args:
        pointer: of an error.
        columns: names of the row's columns by what each is about (`jobs.model.UpdateJob.columns`).
    """
    kind, path = _taken_apart(pointer)
    found = (columns[each] for each in _candidates(kind, path) if each in columns)
    return next(found, "") or field_of(pointer)


def column_in_body(
    place: str,
    columns: Mapping[tuple[str, ...], str],
    wrap: tuple[str, ...] = (),
    moved: Mapping[tuple[str, ...], tuple[str, ...]] = _NOTHING,
) -> str:
    """Return the column that an error of a described API is about, as the user wrote its name.

    Args:
        place: as the error names it: by a pointer or a name, from the document, from within `wrap`, or from the fields.
        columns: names of the row's columns by what each is about (`jobs.model.UpdateJob.columns`).
        wrap: steps from the body to its fields.
        moved: steps to the fields that stand elsewhere in the body, and the steps of their names.

    Returns:
        The name of the field as a column would have it, where the sheet has no such column; empty for a place that is
        none of the update.
    """
    steps, is_name = _steps(place)
    path = tuple(steps[1:] if steps[:1] == ["$"] else steps)[:_DEEPEST]  # JSONPath, as ASP.NET writes it
    within = list(_within(path, wrap, moved))
    found = (columns[each] for steps in within for each in _columns_at(steps) if each in columns)
    name = ".".join(within[0]) if is_name or len(within) > 1 or len(path) == 1 else ""
    return next(found, "") or name


def in_the_sheet(errors: Iterable[ApiError], column: Callable[[str], str]) -> tuple[ApiError, ...]:
    """Return the errors, each with the column that it concerns; `column` leads from the place of an error to it."""
    return tuple(replace(error, field=column(error.pointer)) for error in errors)


def pointer_to(steps: Iterable[object]) -> str:
    """Return the JSON Pointer of a place that is written as a list of steps: `["body", "name"]` -> `/name`."""
    tokens = [str(step) for step in steps if isinstance(step, str | int)]
    tokens = tokens[1:] if tokens[:1] == ["body"] else tokens
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def steps_of(pointer: str) -> tuple[str, ...]:
    """Return the steps of a JSON Pointer; none for the empty one, which is the document."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def value_at(document: object, steps: Iterable[str]) -> object:
    """Return the value at a place in a document, ABSENT where there is none; a number is the position in a list."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step, ABSENT)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return ABSENT
    return document


def _within(
    path: tuple[str, ...], wrap: tuple[str, ...], moved: Mapping[tuple[str, ...], tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """Yield the path from the fields, for whatever it may begin at: the body, a part of the wrap, the fields."""
    for place, steps in moved.items():
        if path[: len(place)] == place:
            yield steps + path[len(place) :]
    for start in range(len(wrap)):
        part = wrap[start:]
        if path[: len(part)] == part and len(path) > len(part):
            yield path[len(part) :]
    yield path


def _columns_at(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what columns may be about that hold the path, the nearest first: a field, a member of one, a set."""
    for length in range(len(path), 0, -1):
        steps = path[:length]
        for split in range(length, 0, -1):
            field, member = steps[:split], ".".join(steps[split:])
            for name in dict.fromkeys((".".join(field), pointer_to(field))):
                yield (name, member) if member else (name,)
        yield from ((".".join(steps), change) for change in ("add", "remove"))


def _candidates(kind: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what columns may be about that hold the place, the nearest first."""
    if kind in {"id", "type"}:
        yield (kind,)
    if not path:
        return
    name, *rest = path
    if kind != "relationships" and name in _TAGS:
        yield "tags", _TAGS[name]
    if kind != "relationships" and rest:
        yield name, ".".join(rest)  # a key with dots in it, which a server may take for a path
        yield name, rest[0]
    yield (name,)


def _taken_apart(pointer: str) -> tuple[str, tuple[str, ...]]:
    """Return `attributes` or `relationships` and the path below it; `id` or `type`; nothing for anything else.

    A pointer past JSON:API's own members is one to a `member`, of a document that need not be the one sent.
    """
    steps, is_name = _steps(pointer)
    match steps:
        case ["data", ("attributes" | "relationships") as kind, name, *rest] if name:
            return kind, (name, *rest)
        case ["data", ("id" | "type") as kind]:
            return kind, ()
        case ["data", *_] | [] | [""]:
            return "", ()
        case ["attributes" | "relationships" as kind, name, *rest]:
            return kind, (name, *rest)
    return ("attributes" if is_name else "member"), tuple(steps)


def _steps(pointer: str) -> tuple[list[str], bool]:
    """Return the steps of a place, and whether they are those of a name."""
    root, *tokens = pointer.removeprefix("#").split("/")
    if not root:
        return list(steps_of(pointer.removeprefix("#"))), False
    if tokens:
        return [], False
    return [part for part in _NAME_PARTS.split(root) if part], True
