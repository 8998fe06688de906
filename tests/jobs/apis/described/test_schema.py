from typing import Any

import pytest

from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import Description, FieldDescription
from jobs.apis.fields import Kind, Variable
from tests.jobs.apis.described.kit import description
from tests.schemas import DESCRIBED, DESK


def described(fields: dict[str, Any], path: str = "/x/{id}", **api: Any) -> Description:
    said = {"name": "x", "resources": {"boats": {"path": path, "fields": fields}}, **api}
    return Description.model_validate(said, strict=False)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"type": "text"}, "string"),
        ({"type": "int"}, "integer"),
        ({"type": "float"}, "float"),
        ({"type": "bool"}, "boolean"),
        ({"type": "keyed"}, "keyed"),
        ({}, "any"),
        ({"key": "id:int", "value": "value"}, "keyed"),
        ({"item": "/name"}, "list"),
        ({"sep": ","}, "list"),
        ({"encode": "epoch"}, "datetime"),
        ({"encode": "text"}, "any"),
        ({"merge": "deep"}, "object"),
        ({"merge": "replace"}, "any"),
        ({"enum": ("a", "b")}, "string"),
        ({"enum": (1, 2)}, "integer"),
        ({"enum": (1, 2.5)}, "float"),
        ({"enum": (True, False)}, "boolean"),
        ({"enum": (1, "a")}, "any"),
    ],
)
def test_a_field_is_of_the_kind_that_is_said_or_follows(said: dict[str, Any], kind: Kind) -> None:
    (name,) = schema_of(described({"f": said}), {}).names
    found = schema_of(described({"f": said}), {}).resource_type(name)
    assert found is not None
    assert found.attributes["f"].kind == kind


def test_a_field_keeps_what_is_said_of_it() -> None:
    said = FieldDescription(type="keyed", key="id:int", value="v", of="json", clear="never", write_only=True)
    kind = schema_of(described({"f": said.model_dump()}), {}).resource_type("boats")
    assert kind is not None
    found = kind.attributes["f"]
    assert (found.key, found.of, found.clearable, found.write_only) == ("integer", "json", False, True)


def test_what_cannot_be_updated_is_no_attribute_but_a_rule() -> None:
    kind = DESK.resource_type("tickets")
    assert kind is not None
    assert "url" not in kind.attributes
    rule = kind.members.rule(("url",))
    assert rule is not None
    assert rule.read_only


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("/x/{id}", (Variable("id"),)),
        ("/x/{id}?q={id}", (Variable("id"),)),
        ("/{list}/{email:lower:md5}", (Variable("list"), Variable("email", "lower"))),
        ("/{code:upper}", (Variable("code", "upper"),)),
        ("/{code:md5}", (Variable("code"),)),
        ("/{code:lower}/{code}", (Variable("code"),)),  # not wherever it stands
    ],
)
def test_the_variables_of_a_path_are_the_key(path: str, variables: tuple[Variable, ...]) -> None:
    kind = schema_of(described({}, path), {}).resource_type("boats")
    assert kind is not None
    assert kind.variables == variables


def test_constants_are_those_given_over_those_of_the_description() -> None:
    api = described({}, variables={"a": "1", "b": "2", "c": ""}, base_url="https://{a}.x", auth={"token_url": "{d}"})
    schema = schema_of(api, {"b": "3", "e": "4"})
    assert schema.constants == {"a": "1", "b": "3", "e": "4"}
    assert schema.fixed == {"a", "d"}


def test_a_schema_knows_the_resources_of_its_api() -> None:
    assert DESK.names == ("issues", "people", "tickets")
    assert DESK.keys("issues") == ("owner", "repo", "number")
    assert DESK.keys("boats") == ("id",)
    assert DESK.sought("issues") == "number"
    assert DESK.hint_at_types("ticket") == "; did you mean `tickets`?"
    assert DESK.taken == {"type", "subdomain", "owner", "repo", "number", "id", "email"}
    assert DESK.resource_type("tickets") is DESK.resource_type("tickets")
    assert DESK.resource_type("boats") is None


@pytest.mark.parametrize(
    ("name", "is_merged", "is_set"),
    [
        ("address", True, False),
        ("metadata", True, False),
        ("custom_fields", True, False),
        ("x", True, False),
        ("address.geo", True, False),
        ("blob", False, False),
        ("tags", False, True),
        ("address.marks", False, True),
        ("priority", False, False),
    ],
)
def test_objects_are_merged_and_sets_and_values_are_not(name: str, is_merged: bool, is_set: bool) -> None:
    assert DESK.is_merged("tickets", name) is is_merged
    assert DESK.is_set("tickets", name) is is_set
    assert DESK.is_merged("boats", name)  # nothing is known of it
    assert not DESK.is_set("boats", name)


def test_a_schema_knows_what_no_reply_shows_and_what_acts() -> None:
    assert DESK.is_trigger("close")
    assert not DESK.is_trigger("_id")
    assert [DESK.is_write_only(name) for name in ("close", "secret", "address.pin", "_id")] == [True, True, True, False]
    assert not DESK.is_clearable("tickets", "count")
    assert DESK.is_clearable("tickets", "x")
    assert DESK.is_clearable("boats", "count")


def test_a_value_may_have_forms_where_all_resources_agree_about_it() -> None:
    found = DESK.declared("due"), DESK.declared("priority"), DESK.declared("x"), DESK.declared_in("address", "moved_at")
    assert [each and each.kind for each in found] == ["date", None, None, "datetime"]
    fields = DESCRIBED.resources["tickets"].fields
    other = DESCRIBED.resources["issues"].model_copy(update={"fields": {"due": fields["priority"]}})
    torn = DESCRIBED.model_copy(update={"resources": {**DESCRIBED.resources, "issues": other}})
    assert schema_of(torn, {}).declared("due") is None


def test_the_star_knows_every_name_of_a_type() -> None:
    star = {"path": "/{type}/{id}", "fields": {"name": {"type": "text"}}}
    made = Description.model_validate({"name": "x", "resources": {"boats": {"path": "/b/{key}"}, "*": star}})
    schema = schema_of(made, {})
    assert schema.names == ("boats",)
    assert [kind.name for kind in schema.kinds] == ["boats", "*"]
    cars = schema.resource_type("cars")
    assert cars is not None
    assert (cars.name, list(cars.attributes), schema.keys("cars")) == ("cars", ["name"], ("id",))
    assert [schema.resource_type(name) for name in ("*", "", "..", "a/b")] == [None] * 4
    assert schema.taken == {"type", "key", "id"}
    assert schema.hint_at_types("a/b") == ". The name of a type has letters, digits, _, - and . only"


def test_no_column_says_what_an_update_is_conditional_on() -> None:
    guard = {"body": {"/item/rev": "{/rev}", "/safe": True}}
    wrapped = description(precondition=guard, update={"wrap": "/item"}, fields={"rev": {"type": "int"}})
    kind = schema_of(wrapped, {}).resource_type("things")
    assert kind is not None
    assert {steps: (each.kind, each.read_only) for steps, each in kind.members.declared.items()} == {
        ("rev",): ("integer", True)
    }
    plain = schema_of(description(precondition=guard), {}).resource_type("things")
    assert plain is not None
    assert set(plain.members.declared) == {("item", "rev"), ("safe",)}
