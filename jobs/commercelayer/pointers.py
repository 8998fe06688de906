"""Where an error of the API belongs in the sheet: from `source.pointer` (JSON Pointer, RFC 6901) to a column.

Servers differ in how deep they point: at an attribute, at a key of it, or somewhere inside the key's value. The column
is the one that is nearest.
"""

from collections.abc import Iterator, Mapping
from typing import Final

_TAGS: Final = {"_add_tags": "add", "_remove_tags": "remove"}


def field_of(pointer: str) -> str:
    """The column-like name of what is pointed at, empty when it is no attribute or relationship.

    `/data/attributes/metadata/batch` -> `metadata.batch`; `/data/relationships/order/data/id` -> `order`
    """
    kind, path = _taken_apart(pointer)
    if kind == "relationships":
        return ".".join(path[:1])
    return ".".join(path) if kind == "attributes" else ""


def column_of(pointer: str, columns: Mapping[tuple[str, ...], str]) -> str:
    """The column that is pointed at, as the user wrote its name; the name of `field_of` where there is none.

    Args:
        pointer: of an error.
        columns: names of the row's columns by what each is about (`jobs.model.UpdateJob.columns`).
    """
    kind, path = _taken_apart(pointer)
    found = (columns[each] for each in _candidates(kind, path) if each in columns)
    return next(found, "") or field_of(pointer)


def _candidates(kind: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What columns may be about that hold the place, the nearest first."""
    if kind in {"id", "type"}:
        yield (kind,)
    if not path:
        return
    name, *rest = path
    if kind == "attributes" and name in _TAGS:
        yield "tags", _TAGS[name]
    if kind == "attributes" and rest:
        yield name, ".".join(rest)  # a key with dots in it, which a server may take for a path
        yield name, rest[0]
    yield (name,)


def _taken_apart(pointer: str) -> tuple[str, tuple[str, ...]]:
    """`attributes` or `relationships` and the path below it; `id` or `type`; nothing for anything else."""
    root, *tokens = pointer.split("/")
    steps = [token.replace("~1", "/").replace("~0", "~") for token in tokens]
    if root or not steps or steps[0] != "data":
        return "", ()
    match steps[1:]:
        case [("attributes" | "relationships") as kind, name, *rest] if name:
            return kind, (name, *rest)
        case [("id" | "type") as kind]:
            return kind, ()
    return "", ()
