"""The fields of a resource: what the schema of an update takes, beside what a read is documented to show."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from jobs.apis.openapi.schemas import SCALARS, Shape, Shapes
from jobs.names import Steps, name_of, pointer_to
from jobs.texts import listed

MOST: Final = 150
"""Fields of one resource in a draft."""

_LEVELS: Final = 3
_MOST_VALUES: Final = 40
"""Values of an enumeration that a draft lists."""

_IDENTIFYING: Final = ("name", "id", "key", "login", "slug", "value", "gid")
"""Members that may stand for an object, the likeliest first."""

_OF: Final[Mapping[str, str]] = {"date": "text", "datetime": "text"}


@dataclass(frozen=True)
class DraftedField:
    """A field of a draft.

    Attributes:
        name: as a description writes it.
        keys: of its table.
        remark: what the document leaves open; empty for nothing.
    """

    name: str
    keys: Mapping[str, object]
    remark: str = ""


@dataclass(frozen=True)
class FieldSource:
    """What is known of the fields of a resource.

    Attributes:
        taken: members that an update takes, by name.
        shown: members that a read shows; empty where that is not known.
        reserved: names that are columns for the key, and so no fields.
        values: place of the shown ones in a record.
    """

    taken: Mapping[str, object]
    shown: Mapping[str, object]
    reserved: frozenset[str] = frozenset()
    values: Steps = ()


def drafted(shapes: Shapes, source: FieldSource, *, merge_is_implied: bool = False) -> Iterator[DraftedField]:
    """Yield the fields that an update takes, those of objects in them behind each."""
    found = _members(shapes, source.taken, source.shown, ())
    spelt = _spellings(source.shown)
    for steps, shape, beside in found:
        if steps[0] in source.reserved and len(steps) == 1:
            continue
        keys, other = _keys(shape), spelt.get(_spelling(steps[0]))
        if len(steps) == 1 and steps[0] not in source.shown and other is not None:
            keys["read_from"] = pointer_to((*source.values, other))
            remark = "unknown: read_from; reads show a name that is spelt in another way"
        else:
            remark = _remark(shapes, shape, beside, is_known=bool(source.shown), merge_is_implied=merge_is_implied)
        yield DraftedField("*" if steps == ("*",) else field_name(steps), keys, remark)


def only_shown(source: FieldSource) -> tuple[str, ...]:
    """Return the names of fields that a read shows and no update takes."""
    known = {*map(_spelling, source.taken), *map(_spelling, source.reserved)}
    return tuple(field_name((name,)) for name in source.shown if _spelling(name) not in known)


def nullable(shapes: Shapes, source: FieldSource) -> tuple[str, ...]:
    """Return the names of fields that are documented to take null."""
    return tuple(field_name((name,)) for name, schema in source.taken.items() if shapes.of(schema).is_nullable)


def field_name(steps: Steps) -> str:
    """Return the name of a field: dotted, or a pointer where a dot, a star or a blank would be misunderstood."""
    name = name_of(steps)
    return pointer_to(steps) if "*" in name or name[:1].isspace() else name


def _members(
    shapes: Shapes, taken: Mapping[str, object], shown: Mapping[str, object], above: Steps
) -> Iterator[tuple[Steps, Shape, Shape | None]]:
    """Yield the place of each member, its shape, and that of what a read shows there."""
    for name, schema in taken.items():
        steps = (*above, name)
        shape = shapes.of(schema)
        beside = shapes.of(shown[name]) if name in shown else None
        yield steps, shape, beside
        if shape.members and not shape.is_read_only and len(steps) < _LEVELS:
            yield from _members(shapes, shape.members, beside.members if beside is not None else {}, steps)


def _spellings(names: Iterable[str]) -> dict[str, str | None]:
    """Return names by their spelling; None for one that several have."""
    found: dict[str, str | None] = {}
    for name in names:
        found[_spelling(name)] = None if _spelling(name) in found else name
    return found


def _spelling(name: str) -> str:
    """Return a name as it is whatever is capital or joined: `FriendlyName` and `friendly_name` are one."""
    return name.replace("_", "").replace("-", "").lower()


def _keys(shape: Shape) -> dict[str, object]:
    keys: dict[str, object] = {"type": shape.kind}
    if shape.kind in {"list", "map"}:
        of = _OF.get(shape.of or "json", shape.of or "json")
        keys |= {"of": of} if of != "text" else {}
    if shape.enum and len(shape.enum) <= _MOST_VALUES:
        keys["enum"] = shape.enum
    if shape.is_cleared_by_empty:
        keys["clear"] = "empty"
    if shape.is_read_only:
        keys["read_only"] = True
    elif shape.is_write_only:
        keys["write_only"] = True
    return keys


def _remark(shapes: Shapes, shape: Shape, shown: Shape | None, *, is_known: bool, merge_is_implied: bool) -> str:
    """Return what has to be found out about a field, or looked at."""
    remarks = [shape.remark]
    if not shape.is_read_only:
        remarks = [
            _of_kind(shape, merge_is_implied=merge_is_implied),
            _of_read(shapes, shape, shown, is_known),
            shape.remark,
        ]
    if len(shape.enum) > _MOST_VALUES:
        remarks.append(f"the document lists {len(shape.enum)} values")
    if shape.is_deprecated:
        remarks.append("deprecated")
    return "; ".join(filter(None, remarks))


def _of_kind(shape: Shape, *, merge_is_implied: bool) -> str:
    if shape.kind == "list" and shape.of is not None:
        return "unknown: a set, if order means nothing"
    if shape.kind == "list":
        return "unknown: keyed, if a member tells the elements apart"
    if shape.kind in {"object", "map"} and not merge_is_implied:
        return "unknown: merge"
    return ""


def _of_read(shapes: Shapes, shape: Shape, shown: Shape | None, is_known: bool) -> str:
    """Return how a read shows a field in another form than an update takes."""
    if shape.is_write_only or not is_known:
        return ""
    if shown is None:
        return "unknown: write_only = true? no read is documented to show it"
    if shape.kind in SCALARS and shown.kind == "object":
        return f"unknown: read_from? reads show an object: {listed(list(shown.members))}"
    if shape.kind == "list" and shape.of is not None and shown.kind == "list" and shown.of is None:
        inside = shapes.of(shown.element)
        likely = [each for each in _IDENTIFYING if each in inside.members]
        item = next((each for each in likely if each in inside.required), next(iter(likely), ""))
        return (
            f'unknown: item = "/{item}"? reads show objects here' if item else "unknown: item; reads show objects here"
        )
    return ""
