"""Where an error of the API belongs in the sheet: from the place that it names to a column.

That place is a JSON Pointer (RFC 6901: `source.pointer` of JSON:API, a fragment in problem+json) or a name, as other
servers write it: `metadata.batch`, `data[attributes][name]`. Servers differ in how deep they point: at an attribute, at
a key of it, or somewhere inside the key's value. The column is the one that is nearest.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_TAGS: Final = {"_add_tags": "add", "_remove_tags": "remove"}
_NAME_PARTS: Final = re.compile(r"[.\[\]]+")


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


def pointer_to(steps: Iterable[object]) -> str:
    """Return the JSON Pointer of a place that is written as a list of steps: `["body", "name"]` -> `/name`."""
    tokens = [str(step) for step in steps if isinstance(step, str | int)]
    tokens = tokens[1:] if tokens[:1] == ["body"] else tokens
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


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
        return [token.replace("~1", "/").replace("~0", "~") for token in tokens], False
    if tokens:
        return [], False
    return [part for part in _NAME_PARTS.split(root) if part], True
