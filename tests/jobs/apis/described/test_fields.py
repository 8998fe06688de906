from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.fields import FieldRule, FieldRules, element_of, typed
from jobs.apis.description.model import FieldDescription, ResourceDescription, UpdateDescription


def rules(fields: dict[str, dict[str, Any]] | None = None, **update: Any) -> FieldRules:
    described = {name: FieldDescription.model_validate(each) for name, each in (fields or {}).items()}
    return FieldRules(
        ResourceDescription(path="/x/{id}", fields=described, update=UpdateDescription.model_validate(update))
    )


def rule(**described: Any) -> FieldRule:
    return rules({"f": described}).rule("f")


SET = {"type": "set"}
NAMED = {"type": "set", "item": "/name"}
KEYED = {"type": "keyed", "key": "id:int", "value": "value"}


@pytest.mark.parametrize(
    ("described", "wire", "value"),
    [
        (SET, ["a", "b"], {"a": True, "b": True}),
        ({**SET, "of": "int"}, [1, 2], {"1": True, "2": True}),
        ({**SET, "sep": ", "}, "a, b", {"a": True, "b": True}),
        ({**SET, "sep": " "}, "a b", {"a": True, "b": True}),
        ({"type": "list", "sep": ";", "of": "int"}, "1; 2", [1, 2]),
        (NAMED, [{"name": "a", "id": 1}], {"a": True}),
        ({"type": "list", "item": "/name"}, [{"name": "a"}, {"name": "a"}], ["a", "a"]),
        ({"type": "list"}, [[1], {"x": 2}], [[1], {"x": 2}]),
        (KEYED, [{"id": 1, "value": "x"}, {"id": 2}, {"other": 3}], {"1": "x", "2": None}),
        (SET, "no list", "no list"),
        (SET, None, None),
        ({"type": "list"}, 7, 7),
        (NAMED, [{"name": {"deep": 1}}], [{"name": {"deep": 1}}]),
        (NAMED, [{"id": 1}], [{"id": 1}]),  # nothing tells them apart
        (NAMED, ["a", {"name": "b"}], {"a": True, "b": True}),  # some APIs show either
        (KEYED, {"a": 1}, {"a": 1}),
        (KEYED, [1], [1]),
        ({"type": "int"}, 7, 7),
        ({}, {"a": 1}, {"a": 1}),
    ],
)
def test_the_wire_becomes_what_the_program_works_with(described: dict[str, Any], wire: object, value: object) -> None:
    assert rule(**described).decoded(wire) == value


@pytest.mark.parametrize(
    ("described", "value", "old", "wire"),
    [
        (SET, {"a": True}, ["b"], ["a"]),
        ({**SET, "of": "int"}, {"1": True, "x": True}, [], [1, "x"]),
        ({**SET, "sep": ", "}, {"a": True, "b": True}, "", "a, b"),
        ({**NAMED, "item_as": "object"}, {"a": True}, [], [{"name": "a"}]),
        ({**NAMED, "item": "/tag/name", "item_as": "object"}, {"a": True}, [], [{"tag": {"name": "a"}}]),
        (NAMED, {"a": True}, [], ["a"]),
        ({"type": "list", "sep": ";"}, [1, "b"], "", "1;b"),
        ({"type": "list"}, ["a", "a"], [], ["a", "a"]),
        (
            KEYED,
            {"2": "new", "1": "x"},
            [{"id": 1, "value": "old", "more": 5}, {"id": 9, "value": 0}, "odd"],
            [{"id": 1, "value": "x", "more": 5}, {"id": 2, "value": "new"}],
        ),
        ({**KEYED, "key": "name"}, {"a": 1}, None, [{"name": "a", "value": 1}]),
        (SET, "no set", None, "no set"),
        ({"type": "list"}, "no list", None, "no list"),
        (KEYED, "no object", None, "no object"),
        ({"type": "object"}, {"a": 1}, None, {"a": 1}),
    ],
)
def test_it_goes_back_in_the_form_of_the_wire(described: dict[str, Any], value: Any, old: Any, wire: object) -> None:
    assert rule(**described).encoded(value, old) == wire


@given(st.lists(st.text("abc", min_size=1), unique=True), st.sampled_from([SET, NAMED, {**SET, "sep": ","}]))
def test_a_set_comes_back_as_it_was(elements: list[str], described: dict[str, Any]) -> None:
    made = rule(**{**described, "item_as": "object"} if "item" in described else described)
    value = dict.fromkeys(elements, True)
    assert made.decoded(made.encoded(value, [])) == value


@pytest.mark.parametrize(
    ("fields", "update", "steps", "unit"),
    [
        ({}, {}, ("a",), ("a",)),
        ({}, {}, ("a", "b"), ("a",)),
        ({"a": {"merge": "shallow"}}, {}, ("a", "b"), ("a", "b")),
        ({"a": {"merge": "shallow"}}, {}, ("a", "b", "c"), ("a", "b")),
        ({"a": {"merge": "shallow"}, "a.b": {"merge": "shallow"}}, {}, ("a", "b", "c"), ("a", "b", "c")),
        ({"a": {"merge": "deep"}}, {}, ("a", "b", "c", "d"), ("a", "b", "c", "d")),
        ({"*": {"merge": "deep"}}, {}, ("a", "b", "c"), ("a", "b", "c")),
        ({"a.*": {"merge": "shallow"}}, {}, ("a", "b", "c"), ("a",)),
        ({"*": {"merge": "shallow"}}, {}, ("a", "b", "c"), ("a", "b")),
        ({"a": {"merge": "deep"}, "a.b": {"merge": "replace"}}, {}, ("a", "b", "c"), ("a", "b")),
        ({"a": {"merge": "deep"}, "a.*": {"merge": "replace"}}, {}, ("a", "b", "c", "d"), ("a", "b")),
        ({"a": {"merge": "shallow"}, "a.b": {"merge": "deep"}}, {}, ("a", "b", "c", "d"), ("a", "b", "c", "d")),
        ({}, {"format": "merge_patch"}, ("a", "b", "c"), ("a", "b", "c")),
        ({"a": {"merge": "replace"}}, {"format": "merge_patch"}, ("a", "b"), ("a",)),
    ],
)
def test_what_is_sent_is_the_outermost_that_the_server_replaces(
    fields: dict[str, Any], update: dict[str, Any], steps: tuple[str, ...], unit: tuple[str, ...]
) -> None:
    assert rules(fields, **update).unit(steps) == unit


@pytest.mark.parametrize(
    ("fields", "steps", "depth"),
    [
        ({}, ("a",), 0),
        ({"a": {"merge": "shallow"}}, ("a",), 1),
        ({"a": {"merge": "shallow"}}, ("a", "b"), 0),
        ({"a": {"merge": "deep"}}, ("a", "b"), 99),
        ({"a": {"merge": "deep"}, "a.b": {"merge": "replace"}}, ("a", "b"), 0),
    ],
)
def test_a_server_keeps_members_so_many_levels_deep(fields: dict[str, Any], steps: tuple[str, ...], depth: int) -> None:
    assert rules(fields).depth(steps) == depth


@pytest.mark.parametrize(
    ("fields", "name", "more"),
    [
        ({}, "a", False),
        ({}, "a.b", True),
        ({"a": {"merge": "deep"}}, "a.b", False),
        ({"a": KEYED}, "a", True),
        ({"a": {**KEYED, "merge": "shallow"}}, "a", False),
        ({"a.b": {"write_to": "/b"}}, "a.b", False),
    ],
)
def test_only_some_updates_need_more_of_a_record_than_their_fields(
    fields: dict[str, Any], name: str, more: bool
) -> None:
    assert rules(fields).builds_on_more(name) is more


def test_the_nearest_description_counts() -> None:
    found = rules({"*": {"type": "int"}, "a.*": {"type": "bool"}, "a.b": {"type": "date"}})
    assert [found.rule(name).described.type for name in ("x", "x.y", "a", "a.c", "a.b")] == [
        "int", "int", "int", "bool", "date",
    ]  # fmt: skip
    assert rules().rule("x").described == FieldDescription()
    assert found.described_names == ("a.b",)


def test_places_of_a_field_may_be_its_own() -> None:
    made = rule(read_from="/x/y", write_to="/update/{field}")
    assert (made.read_from, made.write_to) == (("x", "y"), ("update", "f"))
    assert (rule().read_from, rule().write_to) == (None, None)
    assert rules({"/a~1b": {"write_to": "/u/{field}"}}).rule("/a~1b").write_to == ("u", "a/b")


def test_what_is_never_sent_is_listed() -> None:
    assert rules({"a.b": {"read_only": True}, "c": {}}).read_only == (("a", "b"),)


def test_only_so_many_names_are_remembered() -> None:
    found = rules()
    for number in range(10_001):
        found.rule(f"n{number}")
    assert len(found._rules) == 1


def test_an_element_has_a_text_and_a_type() -> None:
    assert [element_of(each) for each in ("a", 1, True, None)] == ["a", "1", "true", "null"]
    assert [typed("1", "text"), typed("1", "int"), typed("x", "int"), typed("true", "bool")] == ["1", 1, "x", True]


def test_fields_within_an_object_become_what_the_program_works_with_too() -> None:
    of = rules({"meta.tags": NAMED, "meta.raw": {"type": "json"}, "meta.deep.words": {"type": "set", "sep": ","}})
    wire = {"tags": [{"name": "a"}], "raw": {"tags": [1]}, "deep": {"words": "x,y", "n": 1}, "m": [1]}
    assert of.decoded(("meta",), wire) == {
        "tags": {"a": True}, "raw": {"tags": [1]}, "deep": {"words": {"x": True, "y": True}, "n": 1}, "m": [1],
    }  # fmt: skip
    assert of.decoded(("meta",), None) is None


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, False),
        ({"a": {"merge": "shallow"}}, True),
        ({"a": SET}, False),  # it goes as one value
        ({"a": {**KEYED, "merge": "shallow"}}, True),
        ({"a": KEYED}, False),
        ({"a": {"merge": "deep", "write_to": "/b"}}, True),
        ({"a": {"write_to": "/b"}}, False),
    ],
)
def test_some_members_stay_that_are_not_sent(fields: dict[str, Any], kept: bool) -> None:
    of = rules(fields)
    assert of.keeps_members("a") is of.rule("a").keeps_members is kept
