"""Schemas as shapes: what kind of value one describes, with its references, `allOf` and alternatives taken apart."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final, TypeAlias

from jobs.apis.description.model import FieldType, Scalar
from jobs.apis.documents import mapping
from jobs.apis.openapi.document import Document, rows, word

Schema: TypeAlias = Mapping[str, Any]

SCALARS: Final = frozenset({"text", "int", "float", "bool", "date", "datetime"})
"""Kinds of single values."""

_DEEPEST: Final = 40
"""Alternatives and elements within each other that are looked into."""

_TYPES: Final[Mapping[str, FieldType]] = {
    "string": "text",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "object",
}
_FORMATS: Final[Mapping[str, FieldType]] = {"date": "date", "date-time": "datetime"}
_TELLING: Final = frozenset({"type", "additionalProperties", "items", "enum", "const", "oneOf", "anyOf", "format"})
"""Keys of a schema that say what kind of value is meant, beside its properties."""

_FITTING: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "date": (str,),
    "datetime": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


@dataclass(frozen=True)
class Shape:
    """What a schema says of a value.

    Attributes:
        kind: its type, as a description names it; `json` where it may be several things.
        of: kind of the elements of a list, or of the members of a map; "" for objects and what is not said.
        enum: the values that it takes.
        members: schemas of the members of an object, by name.
        required: names of members that must be there.
        element: schema of the elements of a list, or of the members of a map.
        is_cleared_by_empty: an empty text is documented as one of its values, beside others.
        kinds: of its alternatives, where they differ.
        remark: what a description cannot say of it.
    """

    kind: FieldType
    of: FieldType | None = None
    enum: tuple[Scalar, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    element: object = None
    is_nullable: bool = False
    is_read_only: bool = False
    is_write_only: bool = False
    is_deprecated: bool = False
    is_cleared_by_empty: bool = False
    kinds: frozenset[str] = frozenset()
    remark: str = ""


_CIRCULAR: Final = Shape("json", remark="it may hold itself")


class Shapes:
    """The shapes of a document's schemas. Each is worked out once, so that no web of references takes long."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._known: dict[str | int, tuple[object, Shape]] = {}
        self._depth = 0

    def of(self, schema: object) -> Shape:
        """Return what a schema says of a value."""
        key = _identity(schema)
        if key not in self._known:
            # Whoever comes here again before it is known has gone in a circle. The schema stays with its shape, since
            # another one could take its identity.
            self._known[key] = (schema, _CIRCULAR)
            self._depth += 1
            found = self._worked_out(schema) if self._depth <= _DEEPEST else _CIRCULAR
            self._depth -= 1
            self._known[key] = (schema, found)
        return self._known[key][1]

    def merged(self, schema: object) -> Schema:
        """Return a schema with its references followed and all parts of `allOf` in one; the first to say it counts.

        A part that holds itself adds nothing the second time.
        """
        merged: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        required: dict[str, None] = {}
        for part in self._parts(schema):
            for name, value in part.items():
                merged.setdefault(name, value)
            for name, value in mapping(part.get("properties")).items():
                properties.setdefault(name, value)
            required.update((each, None) for each in rows(part.get("required")) if isinstance(each, str))
        return {**merged, "properties": properties, "required": list(required)}

    def _parts(self, schema: object) -> Iterator[Schema]:
        waiting, seen = deque([schema]), set[str | int]()
        while waiting:
            part = waiting.popleft()
            key = _identity(part)
            if key not in seen:
                seen.add(key)
                found = self.document.resolved(part)
                yield found
                waiting.extendleft(reversed(rows(found.get("allOf"))))

    def _worked_out(self, schema: object) -> Shape:
        merged = self.merged(schema)
        types, nullable = _types_of(merged)
        alternatives, null, empty = self._alternatives(merged, types)
        found = self._basic(merged, types[0] if len(types) == 1 else "")
        if alternatives:
            found = _joined([self.of(each) for each in alternatives], found)
        return replace(
            found,
            is_nullable=nullable or null or found.is_nullable,
            is_read_only=merged.get("readOnly") is True,
            is_write_only=merged.get("writeOnly") is True,
            is_deprecated=merged.get("deprecated") is True,
            is_cleared_by_empty=empty or found.is_cleared_by_empty,
        )

    def _alternatives(self, schema: Schema, types: Sequence[str]) -> tuple[list[object], bool, bool]:
        """Return the alternatives of a schema; whether null is one more, and whether the empty text is."""
        given = [*rows(schema.get("oneOf")), *rows(schema.get("anyOf"))]
        if not given and len(types) > 1:
            given = [{**schema, "type": each} for each in types]
        merged = [(each, self.merged(each)) for each in given]
        telling = [(each, inside) for each, inside in merged if _tells(inside)]
        others = [(each, inside) for each, inside in telling if not _is_null(inside)]
        filled = [(each, inside) for each, inside in others if not _is_empty_text(inside)] or others
        return [each for each, _ in filled], len(others) < len(telling), len(filled) < len(others)

    def _basic(self, schema: Schema, type_name: str) -> Shape:
        """Return what a schema says beside its alternatives."""
        rest = schema.get("additionalProperties")
        if schema["properties"] or type_name == "object" or isinstance(rest, dict):
            return self._object(schema, rest)
        if type_name == "array" or (not type_name and "items" in schema):
            of = self.of(schema.get("items"))
            remark = "its elements may be objects, too" if of.kinds and _simple(of) else ""
            return Shape("list", of=_simple(of), element=schema.get("items"), enum=of.enum, remark=remark)
        kind: FieldType = _TYPES.get(type_name, "json")
        if kind == "text":
            kind = _FORMATS.get(word(schema.get("format")), "text")
        values = rows(schema.get("enum")) or ([schema["const"]] if "const" in schema else [])
        if kind == "json":
            kind = _kind_of_values(values)
        enum = tuple(dict.fromkeys(each for each in values if _fits(each, kind)))
        return Shape(kind, enum=enum, is_nullable=None in values)

    def _object(self, schema: Schema, rest: object) -> Shape:
        if not schema["properties"] and isinstance(rest, dict) and rest:
            return Shape("map", of=_simple(self.of(rest)), element=rest)
        return Shape("object", members=schema["properties"], required=frozenset(schema["required"]))


def _identity(schema: object) -> str | int:
    """Return what tells a schema apart: its reference where it is nothing else, else the object that it is."""
    found = mapping(schema)
    reference = word(found.get("$ref"))
    return reference if reference and len(found) == 1 else id(schema)


def _simple(shape: Shape) -> FieldType | None:
    """Return the kind of a single value, text where it may be one beside others; None for what has parts."""
    if shape.kind in SCALARS:
        return shape.kind
    return "text" if "text" in shape.kinds else None


def _types_of(schema: Schema) -> tuple[list[str], bool]:
    """Return the types that a schema names, and whether it names null."""
    given = schema.get("type")
    names = [given] if isinstance(given, str) else [each for each in rows(given) if isinstance(each, str)]
    is_nullable = schema.get("nullable") is True or schema.get("x-nullable") is True or "null" in names
    names = [each for each in dict.fromkeys(names) if each != "null"]
    if {"integer", "number"} <= set(names):
        names.remove("integer")
    return names, is_nullable


def _tells(schema: Schema) -> bool:
    return bool(schema["properties"]) or not _TELLING.isdisjoint(schema)


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null" or schema.get("enum") == [None] or schema.get("const", 0) is None


def _is_empty_text(schema: Schema) -> bool:
    return schema.get("enum") == [""] or (schema.get("type") == "string" and schema.get("maxLength") == 0)


def _joined(shapes: Sequence[Shape], beside: Shape) -> Shape:
    """Return what several alternatives have in common; `beside` is what the schema says besides them."""
    kinds = {each.kind for each in shapes}
    first = shapes[0]
    if len(shapes) == 1:
        return first if not beside.members else _one_object([beside, first], "")
    if kinds <= {"object", "map"}:
        remark = f"it is one of {len(shapes)} forms; all their members are listed"
        return _one_object([beside, *shapes] if beside.members else shapes, remark)
    if len(kinds) == 1:
        ofs = {each.of for each in shapes}
        whole = all(each.enum for each in shapes)
        enum = tuple(dict.fromkeys(chain.from_iterable(each.enum for each in shapes))) if whole else ()
        return replace(first, enum=enum, of=first.of if len(ofs) == 1 else None)
    remark = f"it takes several kinds: {', '.join(sorted(kinds))}"
    if kinds <= SCALARS:
        return Shape("float" if kinds == {"int", "float"} else "text", remark=remark)
    return Shape("json", kinds=frozenset(kinds), remark=remark)


def _one_object(shapes: Iterable[Shape], remark: str) -> Shape:
    members: dict[str, Any] = {}
    for each in shapes:
        members |= {name: schema for name, schema in each.members.items() if name not in members}
    return Shape("object", members=members, remark=remark)


def _kind_of_values(values: Sequence[object]) -> FieldType:
    """Return the kind that some values have in common: there is no type beside them."""
    given = [each for each in values if each is not None]
    kinds: tuple[FieldType, ...] = ("text", "bool", "int", "float")
    return next((kind for kind in kinds if given and all(_fits(each, kind) for each in given)), "json")


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, _FITTING.get(kind, ()))
