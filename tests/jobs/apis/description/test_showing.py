"""What is shown is the same description again, with every default to be seen."""

import tomllib
from typing import Any, Literal, get_args, get_origin

import pytest
from annotated_types import Ge, Le, MinLen
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from jobs.apis import catalogue
from jobs.apis.description.loading import examine, load
from jobs.apis.description.model import Description, FieldDescription
from jobs.apis.description.showing import shown
from jobs.printable import printable
from jobs.toml.shape import element_of, is_list, is_model, is_table, members
from jobs.toml.writing import inline

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
scalars = st.booleans() | st.integers(-99, 99) | st.floats(-1e20, 1e20) | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
ONE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    int: st.integers(-99, 99),
    float: st.floats(-1e20, 1e20),
    object: json_values,
    type(None): st.none(),
}


def of_type(annotation: Any, least: int = 0) -> st.SearchStrategy[Any]:
    """Any value of a declared type; a list or table has `least` entries or more."""
    alternatives = members(annotation)
    if len(alternatives) > 1 or type(None) in get_args(annotation):
        return st.one_of(*map(of_type, get_args(annotation)))
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if is_list(annotation):
        return st.lists(of_type(element_of(annotation)), min_size=least, max_size=2).map(tuple)
    if is_model(annotation):
        return st.fixed_dictionaries(
            {name: of_field(name, each) for name, each in annotation.model_fields.items() if each.is_required()},
            optional={
                name: of_field(name, each) for name, each in annotation.model_fields.items() if not each.is_required()
            },
        )
    if is_table(annotation):
        return st.dictionaries(texts, of_type(element_of(annotation)), min_size=least, max_size=2)
    return ONE[annotation]


def of_field(name: str, declared: FieldInfo) -> st.SearchStrategy[Any]:
    """Any value that a key takes."""
    limits = {type(each): each for each in declared.metadata}
    if Ge in limits:
        number = st.integers if int in members(declared.annotation) else st.floats
        most = getattr(limits.get(Le), "le", 1000)
        return number(limits[Ge].ge, most)
    if MinLen in limits:
        return of_type(declared.annotation, least=1)
    return st.just("x-1") if name == "name" else of_type(declared.annotation)


descriptions = of_type(Description).map(Description.model_validate)


@settings(deadline=None, max_examples=60)
@given(descriptions)
def test_what_is_shown_is_read_as_the_same_description(description: Description) -> None:
    assert examine(shown(description)).value == description


@given(descriptions)
@settings(deadline=None, max_examples=30)
def test_what_is_shown_can_be_printed_as_it_is(description: Description) -> None:
    assert all(line == printable(line) for line in shown(description).split("\n"))


@pytest.mark.parametrize("name", catalogue.names())
def test_what_comes_along_is_shown_without_a_problem_in_it(name: str) -> None:
    description = catalogue.description(name)
    assert load(shown(description), name) == description


def test_the_notes_stand_first() -> None:
    text = shown(Description.model_validate({"name": "x", "notes": ("a\nb", "c"), "resources": {"t": {"path": "/"}}}))
    assert text.startswith("# a b\n# c\n\nname = ")
    assert shown(Description.model_validate({"name": "x", "resources": {"t": {"path": "/"}}})).startswith("name = ")


def test_every_key_is_shown_whether_it_is_set_or_not() -> None:
    fields = {"f": FieldDescription(type="int")}
    text = shown(Description.model_validate({"name": "x", "resources": {"t": {"path": "/", "fields": fields}}}))
    data = tomllib.loads(text)
    assert set(data) == set(Description.model_fields)
    resource = data["resources"]["t"]
    assert resource["update"]["method"] == "PATCH"
    assert "# echo is not set: Where the reply shows the record, by pointer." in text
    assert '# Unless a field says otherwise: of = "text", key = "", ' in text
    assert '\nf = { type = "int" }\n' in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1, "1"),
        (0.5, "0.5"),
        (1e-07, "1e-07"),
        ('a "b" \\ \t\r\n\b\f', '"a \\"b\\" \\\\ \\t\\r\\n\\b\\f"'),
        ("\x1b\x7f\u202e\U000e0041", '"\\u001b\\u007f\\u202e\\U000e0041"'),
        ((), "[]"),
        (("a", (1,)), '["a", [1]]'),
        ({}, "{}"),
        ({"a-b": 1, "c d": {"": 2}, "ä": 3}, '{ a-b = 1, "c d" = { "" = 2 }, "ä" = 3 }'),
    ],
)
def test_a_value_is_written_as_toml(value: object, text: str) -> None:
    assert inline(value) == text
    tomllib.loads(f"x = {text}")
