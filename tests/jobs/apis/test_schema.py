from typing import Any

import pytest

from jobs.apis.described.schema import schema_of
from jobs.apis.schema import Attribute, Relationship, Schema, closest, load, mistaken_for
from tests.jobs.apis.described.kit import description
from tests.schemas import SCHEMA, TOY


def test_the_catalogue_holds_every_updatable_type_and_transactions() -> None:
    assert len(SCHEMA.names) == 114
    assert {"stripe_payments", "transactions", "orders", "skus"} <= set(SCHEMA.names)


def test_a_stripe_payment_takes_the_arguments_of_its_page() -> None:
    stripe = SCHEMA.resource_type("stripe_payments")
    assert stripe is not None
    assert {name: attribute.kind for name, attribute in stripe.attributes.items()} == {
        "options": "object",
        "return_url": "string",
        "_update": "boolean",
        "_refresh": "boolean",
        "reference": "string",
        "reference_origin": "string",
        "metadata": "object",
    }
    assert stripe.relationships == {"order": Relationship(("orders",), many=False)}
    assert not stripe.taggable


def test_transactions_are_abstract_and_take_what_every_resource_takes() -> None:
    transactions = SCHEMA.resource_type("transactions")
    assert transactions is not None
    assert set(transactions.attributes) == {"reference", "reference_origin", "metadata"}
    assert transactions.abstract_over == ("authorizations", "captures", "refunds", "voids")


def test_an_attribute_with_few_values_lists_them() -> None:
    skus = SCHEMA.resource_type("skus")
    assert skus is not None
    assert skus.attributes["unit_of_weight"] == Attribute("string", ("gr", "oz", "lb"))
    assert skus.taggable


def test_an_unknown_type_is_none() -> None:
    assert SCHEMA.resource_type("stripe_payment") is None


def test_a_schema_is_read_once_and_a_type_built_once() -> None:
    assert load("commercelayer") is SCHEMA
    assert SCHEMA.resource_type("skus") is SCHEMA.resource_type("skus")


def test_schemas_of_the_same_types_are_two_so_that_what_is_cached_of_one_is_not_found_for_another() -> None:
    one, other = Schema({}), Schema({})
    assert one != other
    assert len({one, other, one}) == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("berth", "integer"),
        ("launched", "datetime"),
        ("rig", "string"),  # of a list, whose names have two forms
        ("name", None),  # text has one form
        ("colour", None),
    ],
)
def test_what_can_have_several_forms_is_declared_by_its_name_alone(name: str, kind: str | None) -> None:
    found = TOY.declared(name)
    assert (found and found.kind) == kind


@pytest.mark.parametrize(("name", "hidden"), [("_launch", True), ("pin", True), ("name", False), ("password", False)])
def test_no_reply_shows_a_trigger_or_what_the_vendor_hides(name: str, hidden: bool) -> None:
    assert TOY.is_write_only(name) is hidden


def test_the_vendor_hides_passwords() -> None:
    assert SCHEMA.is_write_only("password")
    assert SCHEMA.is_write_only("customer_password")


def test_a_vendor_that_says_nothing_of_its_names_adds_no_sentence() -> None:
    assert TOY.hint_at_types("boat") == "; did you mean `boats`?"
    assert TOY.hint_at_types("zzz") == ""
    assert SCHEMA.hint_at_types("zzz") == ". Types are plural, like stripe_payments"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stripe_payment", "stripe_payments"),
        ("strpe_payments", "stripe_payments"),
        ("zzz", ""),
    ],
)
def test_a_typo_leads_to_the_closest_name(typed: str, meant: str) -> None:
    assert closest(typed, SCHEMA.names) == meant


@pytest.mark.parametrize(("length", "meant"), [(100, "a" * 99), (101, "")])
def test_a_name_longer_than_anybody_mistypes_one_is_compared_with_none(length: int, meant: str) -> None:
    assert closest("a" * length, ["a" * 99]) == meant


@pytest.mark.parametrize(
    ("name", "family"), [("captures", "transactions"), ("transactions", "transactions"), ("skus", "skus"), ("x", "x")]
)
def test_types_of_one_family_are_names_for_the_same_records(name: str, family: str) -> None:
    assert SCHEMA.family(name) == family


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("naem", "name"),
        ("Name", "name"),
        ("DueDate", "due_date"),
        ("due date", "due_date"),
        ("frist_name", "first_name"),
        ("first_nam", "first_name"),
        ("last_name", ""),  # a name of its own
        ("line2", ""),
        ("name", ""),  # that very name
        ("colour", ""),
    ],
)
def test_a_slip_leads_to_the_name_that_was_meant(typed: str, meant: str) -> None:
    assert mistaken_for(typed, ["name", "due_date", "first_name", "line1"]) == meant


def test_the_records_of_a_vendor_with_ids_are_named_by_them() -> None:
    assert SCHEMA.keys("skus") == ("id",)
    assert SCHEMA.is_merged("skus", "metadata")
    assert not SCHEMA.is_merged("skus", "options")
    assert not SCHEMA.is_set("skus", "metadata")
    assert SCHEMA.is_trigger("_capture")
    assert SCHEMA.declared_in("metadata", "reference") is None
    assert Schema({}).sought("skus") == "id"


@pytest.mark.parametrize(
    ("described", "known"),
    [
        ({"fields": {"note": {"clear": "empty"}}}, {"note": True, "other": False}),
        (
            {"fields": {"*": {"clear": "empty"}, "note": {"type": "text", "clear": "null"}}},
            {"note": False, "other": True},
        ),
        ({"update": {"format": "form"}, "fields": {"note": {}}}, {"note": True, "other": False}),
        ({"fields": {"*": {"type": "text"}, "note": {"type": "text"}}}, {"note": False, "other": False}),
    ],
)
def test_a_field_that_an_empty_text_clears_has_two_forms_of_nothing(
    described: dict[str, Any], known: dict[str, bool]
) -> None:
    schema = schema_of(description(**described), {})
    found = {name: schema.declared(name) for name in known}
    assert {name: each is not None and each.empties for name, each in found.items()} == known
