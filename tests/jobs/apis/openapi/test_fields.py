"""Fields are what an update takes, beside what a read shows."""

from typing import Any

import pytest

from jobs.apis.openapi.fields import FieldSource, drafted, field_name, nullable, only_shown
from tests.jobs.apis.openapi.kit import TEXT, obj, ref, shapes

LIST = {"type": "array", "items": TEXT}
OBJECTS = {"type": "array", "items": obj(colour=TEXT, name=TEXT, id=TEXT)}
MANY = {"type": "string", "enum": [f"v{number}" for number in range(50)]}


def one(taken: Any, shown: Any = None, **more: Any) -> tuple[dict[str, Any], str]:
    """The keys and the remark of a field `f`."""
    source = FieldSource({"f": taken}, {} if shown is None else {"f": shown, "x": TEXT})
    found = next(drafted(shapes(), source, **more))
    return dict(found.keys), found.remark


@pytest.mark.parametrize(
    ("schema", "keys", "remark"),
    [
        (TEXT, {"type": "text"}, ""),
        ({"enum": ["a"]}, {"type": "text", "enum": ("a",)}, ""),
        (MANY, {"type": "text"}, "the document lists 50 values"),
        (LIST, {"type": "list"}, "unknown: a set, if order means nothing"),
        (
            {"type": "array", "items": {"type": "integer"}},
            {"type": "list", "of": "int"},
            "unknown: a set, if order means nothing",
        ),
        (
            {"type": "array", "items": {"type": "string", "format": "date"}},
            {"type": "list"},
            "unknown: a set, if order means nothing",
        ),
        (OBJECTS, {"type": "list", "of": "json"}, "unknown: keyed, if a member tells the elements apart"),
        ({"additionalProperties": TEXT}, {"type": "map"}, "unknown: merge"),
        ({"additionalProperties": LIST}, {"type": "map", "of": "json"}, "unknown: merge"),
        ({"type": "object"}, {"type": "object"}, "unknown: merge"),
        ({**LIST, "readOnly": True}, {"type": "list", "read_only": True}, ""),
        ({"type": "string", "writeOnly": True}, {"type": "text", "write_only": True}, ""),
        ({"type": "string", "deprecated": True}, {"type": "text"}, "deprecated"),
        ({"anyOf": [TEXT, {"type": "string", "enum": [""]}]}, {"type": "text", "clear": "empty"}, ""),
        ({"oneOf": [TEXT, obj(a=TEXT)]}, {"type": "json"}, "it takes several kinds: object, text"),
    ],
)
def test_what_a_schema_says_of_a_field(schema: Any, keys: dict[str, Any], remark: str) -> None:
    assert one(schema) == (keys, remark)


@pytest.mark.parametrize(
    ("taken", "shown", "remark"),
    [
        (TEXT, TEXT, ""),
        (TEXT, obj(login=TEXT, id=TEXT), "unknown: read_from? reads show an object: login, id"),
        (LIST, LIST, "unknown: a set, if order means nothing"),
        (LIST, OBJECTS, 'unknown: a set, if order means nothing; unknown: item = "/name"? reads show objects here'),
        (
            LIST,
            {"type": "array", "items": {**obj(name=TEXT, id=TEXT), "required": ["id"]}},
            'unknown: a set, if order means nothing; unknown: item = "/id"? reads show objects here',
        ),
        (
            LIST,
            {"type": "array", "items": obj(colour=TEXT)},
            "unknown: a set, if order means nothing; unknown: item; reads show objects here",
        ),
        ({"type": "string", "writeOnly": True}, None, ""),
    ],
)
def test_a_read_that_shows_something_else_is_told(taken: Any, shown: Any, remark: str) -> None:
    assert one(taken, shown)[1] == remark


def test_what_no_read_shows_may_be_write_only() -> None:
    (found,) = drafted(shapes(), FieldSource({"f": TEXT}, {"g": TEXT}))
    assert found.remark == "unknown: write_only = true? no read is documented to show it"


def test_where_the_format_says_how_members_merge_nothing_is_unknown() -> None:
    assert one({"type": "object"}, merge_is_implied=True) == ({"type": "object"}, "")


def test_a_name_that_reads_spell_in_another_way_is_read_from_there() -> None:
    shown = {"friendly_name": TEXT, "a_b": TEXT, "aB": TEXT}
    source = FieldSource({"FriendlyName": TEXT, "AB": TEXT}, shown, values=("values",))
    first, second = drafted(shapes(), source)
    assert first.keys == {"type": "text", "read_from": "/values/friendly_name"}
    assert "read_from" not in second.keys  # two are spelt like that


def test_members_stand_behind_their_object_three_levels_deep() -> None:
    deep = obj(b=obj(c=obj(d=TEXT)), r={**obj(x=TEXT), "readOnly": True})
    names = [each.name for each in drafted(shapes(), FieldSource({"a": deep, "z": TEXT}, {"a": TEXT}))]
    assert names == ["a", "a.b", "a.b.c", "a.r", "z"]


def test_an_object_that_holds_itself_ends() -> None:
    known = shapes(Node=obj(child=ref("Node"), name=TEXT))
    names = [each.name for each in drafted(known, FieldSource({"node": ref("Node")}, {}))]
    assert names == ["node", "node.child", "node.child.child", "node.child.name", "node.name"]


def test_columns_of_the_key_are_no_fields() -> None:
    source = FieldSource({"id": TEXT, "o": obj(id=TEXT)}, {"id": TEXT, "made": TEXT, "o": TEXT}, frozenset({"id"}))
    assert [each.name for each in drafted(shapes(), source)] == ["o", "o.id"]
    assert only_shown(source) == ("made",)


@pytest.mark.parametrize(
    ("steps", "name"),
    [(("a", "b"), "a.b"), (("a.b",), "/a.b"), (("*",), "/*"), ((" a",), "/ a"), (("",), "/"), (("a/b",), "a/b")],
)
def test_a_name_that_would_be_misunderstood_is_a_pointer(steps: tuple[str, ...], name: str) -> None:
    assert field_name(steps) == name


def test_fields_that_take_null_are_told() -> None:
    source = FieldSource({"a": {"type": "string", "nullable": True}, "b": TEXT}, {})
    assert nullable(shapes(), source) == ("a",)
