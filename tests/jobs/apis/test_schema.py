import pytest

from jobs.apis.schema import Attribute, Relationship, closest, knows_attribute, resource_type, type_names


def test_the_catalogue_holds_every_updatable_type_and_transactions() -> None:
    assert len(type_names()) == 114
    assert {"stripe_payments", "transactions", "orders", "skus"} <= set(type_names())


def test_a_stripe_payment_takes_the_arguments_of_its_page() -> None:
    stripe = resource_type("stripe_payments")
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
    transactions = resource_type("transactions")
    assert transactions is not None
    assert set(transactions.attributes) == {"reference", "reference_origin", "metadata"}
    assert transactions.abstract_over == ("authorizations", "captures", "refunds", "voids")


def test_an_attribute_with_few_values_lists_them() -> None:
    skus = resource_type("skus")
    assert skus is not None
    assert skus.attributes["unit_of_weight"] == Attribute("string", ("gr", "oz", "lb"))
    assert skus.taggable


def test_an_unknown_type_is_none() -> None:
    assert resource_type("stripe_payment") is None


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("metadata", True),  # an attribute of every type
        ("order", True),  # a relationship
        ("_capture", True),  # a trigger
        ("colour", False),
    ],
)
def test_a_name_is_known_when_any_type_has_it(name: str, known: bool) -> None:
    assert knows_attribute(name) is known


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stripe_payment", "stripe_payments"),
        ("strpe_payments", "stripe_payments"),
        ("zzz", ""),
    ],
)
def test_a_typo_leads_to_the_closest_name(typed: str, meant: str) -> None:
    assert closest(typed, type_names()) == meant


@pytest.mark.parametrize(("length", "meant"), [(100, "a" * 99), (101, "")])
def test_a_name_longer_than_anybody_mistypes_one_is_compared_with_none(length: int, meant: str) -> None:
    assert closest("a" * length, ["a" * 99]) == meant
