"""A schema says what kind of value is meant, however it is put together."""

from typing import Any

import pytest

from jobs.apis.openapi.schemas import Shape
from tests.jobs.apis.openapi.kit import TEXT, obj, ref, shapes

A: dict[str, Any] = obj(a=TEXT)
B: dict[str, Any] = obj(b={"type": "integer"})


@pytest.mark.parametrize(
    ("schema", "kind", "of"),
    [
        (TEXT, "text", None),
        ({"type": "string", "format": "date"}, "date", None),
        ({"type": "string", "format": "date-time"}, "datetime", None),
        ({"type": "string", "format": "uuid"}, "text", None),
        ({"type": "integer"}, "int", None),
        ({"type": "number"}, "float", None),
        ({"type": "boolean"}, "bool", None),
        ({"type": "array", "items": TEXT}, "list", "text"),
        ({"items": {"type": "integer"}}, "list", "int"),
        ({"type": "array", "items": A}, "list", None),
        ({"type": "array", "items": {"oneOf": [A, TEXT]}}, "list", "text"),
        ({"type": "array"}, "list", None),
        ({"type": "object"}, "object", None),
        (A, "object", None),
        ({"properties": {"a": TEXT}}, "object", None),
        ({"additionalProperties": TEXT}, "map", "text"),
        ({"type": "object", "additionalProperties": A}, "map", None),
        ({"type": "object", "additionalProperties": {}}, "object", None),
        ({"type": "object", "additionalProperties": True}, "object", None),
        ({**A, "additionalProperties": TEXT}, "object", None),
        ({"enum": ["a", "b"]}, "text", None),
        ({"enum": [1, 2]}, "int", None),
        ({"enum": [1, 2.5]}, "float", None),
        ({"const": True}, "bool", None),
        ({"enum": [1, "a"]}, "json", None),
        ({}, "json", None),
        (True, "json", None),
        (None, "json", None),
        ({"type": "thing"}, "json", None),
        ({"type": 7}, "json", None),
        ({"type": ["string", "null"]}, "text", None),
        ({"type": ["integer", "number"]}, "float", None),
        ({"type": ["integer", "string"]}, "text", None),
        ({"type": ["array", "string"], "items": TEXT}, "json", None),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "float", None),
        ({"oneOf": [TEXT, {"type": "integer"}]}, "text", None),
        ({"oneOf": [TEXT, A]}, "json", None),
        ({"anyOf": [A, {"additionalProperties": TEXT}]}, "object", None),
        ({"oneOf": [{"type": "array", "items": TEXT}, {"type": "array", "items": A}]}, "list", None),
        ({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "object", None),
        ({"$ref": "#/components/schemas/Nowhere"}, "json", None),
        ({"$ref": "other.yaml#/A"}, "json", None),
    ],
)
def test_the_kind_of_a_value(schema: Any, kind: str, of: str | None) -> None:
    found = shapes().of(schema)
    assert (found.kind, found.of) == (kind, of)


@pytest.mark.parametrize(
    ("schema", "members", "required"),
    [
        ({"allOf": [A, B]}, ["a", "b"], []),
        ({"allOf": [ref("A"), {"required": ["a"]}], "properties": {"c": TEXT}}, ["c", "a"], ["a"]),
        ({"allOf": [{"allOf": [ref("A"), ref("A")]}, B]}, ["a", "b"], []),
        (ref("Self"), ["s"], ["s"]),
        ({"oneOf": [A, B]}, ["a", "b"], []),
        ({**A, "oneOf": [B, obj(c=TEXT)]}, ["a", "b", "c"], []),
        ({**A, "oneOf": [B]}, ["a", "b"], []),
        ({"oneOf": [B]}, ["b"], []),
        ({"required": [1, "x"], "type": "object"}, [], ["x"]),
    ],
)
def test_the_members_of_an_object(schema: Any, members: list[str], required: list[str]) -> None:
    known = shapes(A=A, Self={"allOf": [ref("Self"), {**obj(s=TEXT), "required": ["s"]}]})
    found = known.of(schema)
    assert (list(found.members), sorted(found.required)) == (members, required)


@pytest.mark.parametrize(
    ("schema", "enum"),
    [
        ({"type": "string", "enum": ["a", "b", "a", None, 3]}, ("a", "b")),
        ({"type": "integer", "enum": [1, True, "1"]}, (1,)),
        ({"type": "array", "items": {"enum": ["x"]}}, ("x",)),
        ({"oneOf": [{"enum": ["a"]}, {"enum": ["b", "a"]}]}, ("a", "b")),
        ({"oneOf": [{"enum": ["a"]}, TEXT]}, ()),
        ({"type": "number", "enum": [1.5, float("inf")]}, (1.5,)),
    ],
)
def test_the_values_that_it_takes(schema: Any, enum: tuple[Any, ...]) -> None:
    assert shapes().of(schema).enum == enum


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": "string", "x-nullable": True},
        {"type": ["null", "string"]},
        {"anyOf": [TEXT, {"type": "null"}]},
        {"anyOf": [TEXT, {"enum": [None]}]},
        {"oneOf": [TEXT, {"const": None}]},
        {"enum": ["a", None]},
        ref("Nullable"),
    ],
)
def test_null_is_no_kind_of_its_own(schema: Any) -> None:
    found = shapes(Nullable={"type": "string", "nullable": True}).of(schema)
    assert (found.kind, found.is_nullable) == ("text", True)


@pytest.mark.parametrize("empty", [{"type": "string", "enum": [""]}, {"type": "string", "maxLength": 0}])
def test_an_empty_text_beside_others_clears(empty: Any) -> None:
    found = shapes().of({"anyOf": [{"additionalProperties": TEXT}, empty]})
    assert (found.kind, found.is_cleared_by_empty) == ("map", True)


def test_an_empty_text_alone_is_a_value() -> None:
    found = shapes().of({"anyOf": [{"type": "string", "enum": [""]}]})
    assert (found.enum, found.is_cleared_by_empty) == (("",), False)


def test_what_is_said_beside_a_reference_counts() -> None:
    found = shapes(A=A).of({**ref("A"), "readOnly": True, "writeOnly": False, "deprecated": True})
    assert (found.is_read_only, found.is_write_only, found.is_deprecated) == (True, False, True)
    assert shapes().of({"type": "string", "writeOnly": True}).is_write_only


@pytest.mark.parametrize(
    "schema", [{"oneOf": [ref("X"), TEXT]}, {"type": "array", "items": ref("X")}, {"additionalProperties": ref("X")}]
)
def test_a_schema_that_holds_itself_ends(schema: Any) -> None:
    assert isinstance(shapes(X=schema).of(ref("X")), Shape)


def test_alternatives_of_alternatives_take_no_time() -> None:
    schemas = {f"S{number}": {"oneOf": [ref(f"S{number + 1}")] * 20} for number in range(200)}
    assert shapes(**schemas).of(ref("S0")).kind == "json"


def test_parts_of_parts_take_no_time() -> None:
    schemas = {f"S{number}": {"allOf": [{**ref(f"S{number + 1}"), "x": 1}] * 2} for number in range(60)}
    assert shapes(**schemas, S60=A).of(ref("S0")).members == A["properties"]
