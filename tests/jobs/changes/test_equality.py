"""The one rule of sameness: only equal is equal, but for the forms that the schema declares."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.schema import Attribute, Schema
from jobs.changes.equality import equal, holds, is_old, reads_alike, replaced, same, same_at, same_words, tidied
from jobs.changes.standing import Standing
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit
from tests.schemas import SCHEMA

TEXT = Attribute("string")
INTEGER, FLOAT, TRUTH = Attribute("integer"), Attribute("float"), Attribute("boolean")
MOMENT, OBJECT, ARRAY = Attribute("datetime"), Attribute("object"), Attribute("array")
TYPE = Attribute("string", ("adyen_payments", "external_payments", "wire_transfers"))
UNIT = Attribute("string", ("gr", "oz", "lb"))


@pytest.mark.parametrize(
    ("wanted", "value", "attribute", "is_same"),
    [
        ("67", 67, INTEGER, True),  # recorded: numbers in text become numbers
        ("67", 67, None, False),
        ("67", 67, TEXT, False),
        ("67", 67, MOMENT, False),
        (67, "67", INTEGER, True),
        ("1.50", 1.5, FLOAT, True),
        ("-5", 5, INTEGER, False),
        ("007", "7", INTEGER, False),
        ("1e3", 1000, INTEGER, False),  # no spelling that JSON numbers have in the sheet
        (7, "8", INTEGER, False),
        (1, True, INTEGER, False),
        ("1", True, INTEGER, False),
        ("7", {}, INTEGER, False),
        (1, 1.0, None, True),
        (True, 1, None, False),
        (True, "true", TRUTH, True),
        ("false", False, TRUTH, True),
        ("false", True, TRUTH, False),
        ("true", True, None, False),
        (True, 1, TRUTH, False),
        (None, "null", TRUTH, False),
        ("AdyenPayment", "adyen_payments", TYPE, True),  # recorded: a type in its own form
        ("WireTransfer", "wire_transfers", TYPE, True),
        ("wire_transfers", "adyen_payments", TYPE, False),
        ("adyen_payments", "adyen-payments", TYPE, False),
        ("no_such", "nosuch", TYPE, False),  # not names of the list: nothing is known of their forms
        ("AdyenPayment", "adyen_payments", None, False),
        ("Oz", "oz", UNIT, True),
        ("oz", "lb", UNIT, False),
        ("oz", None, UNIT, False),
        (None, None, UNIT, True),
        ("2018-01-01", "2018-01-01T00:00:00.000Z", MOMENT, True),  # a date becomes a time stamp
        ("2018-01-01T12:00:00Z", "2018-01-01T12:00:00.000Z", MOMENT, True),
        ("2018-01-01T14:00:00+02:00", "2018-01-01T12:00:00.000Z", MOMENT, True),
        ("2018-01-01T12:00:00", "2018-01-01T12:00:00.000Z", MOMENT, True),  # no zone: UTC
        ("2018-01-02", "2018-01-01T00:00:00.000Z", MOMENT, False),
        ("20180101", "201801011", MOMENT, False),  # a number that only looks like a date
        ("2018-01-01", "soon", MOMENT, False),
        ("2018-01-01", None, MOMENT, False),
        ("2018-01-01", "2018-01-01T00:00:00.000Z", None, False),  # text: whatever it looks like
        # what somebody may well want to correct
        ("retail", "Retail", None, False),
        ("straße@b.c", "strasse@b.c", None, False),
        ("eur", "EUR", TEXT, False),
        (" blue", "blue", None, False),
        ("\u00e9", "e\u0301", None, False),
        ("a", None, None, False),
        (None, "", None, False),
        (None, {}, OBJECT, True),  # a cleared object may come back as empty
        (None, [], ARRAY, True),
        (None, {}, None, False),
        (None, {"a": 1}, OBJECT, False),
        ({}, None, OBJECT, False),
        ({"a": "1"}, {"a": 1}, OBJECT, False),
        ({"a": "1", "b": [True]}, {"b": [True], "a": "1"}, None, True),
        ({"a": True}, {"a": 1}, None, False),
        ({"a": "1"}, {"a": "1", "b": 2}, None, False),  # the object was not replaced
        ({}, "{}", None, False),
        ([1, "2"], [1, 2], None, False),
        ([1, "2"], [1.0, "2"], None, True),
        ([1], [1, 2], None, False),
        ((1, 2), [1, 2], None, True),
        ([1], "1", None, False),
        ("1", [1], None, False),
        ("2026-13-45", "2026-01-01T00:00:00Z", MOMENT, False),  # no date
    ],
)
def test_only_equal_is_equal_but_for_declared_forms(
    wanted: JSON, value: JSON, attribute: Attribute | None, is_same: bool
) -> None:
    assert same(wanted, value, attribute) is is_same


@pytest.mark.parametrize(
    ("path", "wanted", "value", "is_same"),
    [
        (("attributes", "expires_at"), "2018-01-01", "2018-01-01T00:00:00Z", True),
        (
            ("attributes", "metadata", "expires_at"),
            "2018-01-01",
            "2018-01-01T00:00:00Z",
            False,
        ),  # a key is no attribute
        (("relationships", "expires_at"), "2018-01-01", "2018-01-01T00:00:00Z", False),
        (("attributes", "metadata", "a"), ABSENT, ABSENT, True),
        (("attributes", "metadata", "a"), ABSENT, None, False),
        (("attributes", "metadata", "a"), "x", ABSENT, False),
    ],
)
def test_a_path_tells_what_the_schema_declares(
    path: tuple[str, ...], wanted: JSON | Absent, value: JSON | Absent, is_same: bool
) -> None:
    assert same_at(path, wanted, value, SCHEMA) is is_same


@pytest.mark.parametrize(
    ("wanted", "value", "is_same"), [(None, "", True), ("", None, True), (None, "x", False), ("", "x", False)]
)
def test_of_a_field_that_an_empty_text_clears_this_and_null_are_one(
    wanted: JSON, value: JSON, *, is_same: bool
) -> None:
    assert same(wanted, value, Attribute("string", empties=True)) is is_same
    assert not same(wanted, value, TEXT)


@pytest.mark.parametrize(
    ("wanted", "value", "is_same"),
    [(ABSENT, None, True), (None, ABSENT, True), (ABSENT, "", False), ("x", ABSENT, False), (ABSENT, ABSENT, True)],
)
def test_a_member_of_a_body_that_is_null_is_as_good_as_absent(
    wanted: JSON | Absent, value: JSON | Absent, is_same: bool
) -> None:
    members = Schema({"things": {"attributes": {}, "relationships": {}}}, grammar="members")
    assert same_at(("attributes", "address", "zip"), wanted, value, members) is is_same
    assert Standing(frozenset(), {}, members).holds_key("address", "zip", wanted, value) is is_same


def test_an_edit_holds_as_it_was_sent_and_in_the_form_that_the_api_told_of() -> None:
    edit = Edit(("attributes", "reference"), "a", " b ", "b")
    assert [holds(edit, value, SCHEMA) for value in (" b ", "b", "a", "B")] == [True, True, False, False]
    assert not holds(Edit(edit.path, "a", " b "), "b", SCHEMA)
    assert (edit.left, Edit(edit.path, "a", " b ").left) == ("b", " b ")
    assert edit.stored is not UNREAD


def test_old_is_what_an_edit_replaces_and_what_earlier_rows_have_replaced_unless_it_is_the_text_tidied() -> None:
    edit = Edit(("attributes", "reference"), "a", " b ", past=("b", "c"))
    assert [replaced(edit, value, SCHEMA) for value in ("a", "b", "c", " b ", "d")] == [True, True, True, False, False]
    assert [is_old(edit, value, SCHEMA) for value in ("a", "b", "c", " b ", "d")] == [True, False, True, False, False]
    assert not replaced(Edit(edit.path, UNREAD, " b "), "a", SCHEMA)


@pytest.mark.parametrize(
    ("text", "value", "alike"),
    [("7", 7, True), ("7.5", 7.5, True), ("true", True, True), ("7.0", 7, False), ("null", None, False), (7, 7, False)],
)
def test_an_untyped_cell_reads_like_the_json_of_what_is_there(text: JSON, value: JSON, alike: bool) -> None:
    assert reads_alike(text, value) is alike


def test_types_agree_about_the_forms_of_what_they_share() -> None:
    numbers = {"integer", "float"}
    for kind in filter(None, map(SCHEMA.resource_type, SCHEMA.names)):
        for name, attribute in kind.attributes.items():
            known = SCHEMA.declared(name) or TEXT
            assert known.enum == attribute.enum, name
            assert known.kind == attribute.kind or {known.kind, attribute.kind} == numbers, name


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(VALUES, st.sampled_from([None, TEXT, INTEGER, FLOAT, TRUTH, MOMENT, OBJECT, ARRAY, TYPE]))
def test_every_value_is_the_same_as_its_own_echo(value: JSON, attribute: Attribute | None) -> None:
    assert same(value, json.loads(json.dumps(value)), attribute)


@given(VALUES, VALUES)
def test_equal_values_are_those_with_one_text(one: JSON, other: JSON) -> None:
    texts = [json.dumps(value, sort_keys=True) for value in (one, other)]
    if texts[0] == texts[1]:
        assert equal(one, other)
    if equal(one, other):
        assert json.dumps(_whole(one), sort_keys=True) == json.dumps(_whole(other), sort_keys=True)


def _whole(value: JSON) -> JSON:
    """The value with 7 for every 7.0."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return list(map(_whole, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize(
    ("sent", "value", "is_tidied"),
    [
        (" Blue ", "Blue", True),
        ("Cafe\u0301", "Caf\u00e9", True),
        ("a\r\nb\rc", "a\nb\nc", True),
        (" Cafe\u0301\r\n", "Caf\u00e9", True),
        (" Cafe\u0301 ", "Cafe\u0301", True),  # one of these alone
        ("Anna@Example.com", "anna@example.com", True),
        ("Anna@Example.COM ", "Anna@example.com", True),  # a name may mind its case; domains do not
        ("Anna@Example.com", "anna@Example.com", False),
        ("@Retail", "retail", False),
        ("Blue", "Blue", False),  # the same text is not another form of it
        ("Blue", " Blue ", False),  # the tidier text was sent, and not taken
        ("anna@example.com", "Anna@example.com", False),
        ("Retail", "retail", False),  # a correction
        ("stra\u00dfe@x", "strasse@x", False),
        ("a  b", "a b", False),
        (7, "7", False),
        ("7", 7, False),
        ("", ABSENT, False),
    ],
)
def test_a_text_that_lost_what_apis_take_off_was_tidied(
    sent: JSON | Absent, value: JSON | Absent, is_tidied: bool
) -> None:
    assert tidied(sent, value) is is_tidied


@pytest.mark.parametrize(
    ("one", "other", "is_so"),
    [
        ("C-Blue", "c-blue", True),
        ("eur", "EUR", True),
        (" Blue  car\n", "blue car", True),
        ("Stra\u00dfe", "STRASSE", True),
        ("Cafe\u0301", "caf\u00e9", True),
        ("Blue", "Blue", True),
        ("a b", "ab", False),
        ("1.50", "150", False),
        ("-5", "5", False),
        ("Blue", "Green", False),
        (7, "7", False),
        ("", ABSENT, False),
    ],
)
def test_texts_are_the_same_words_whatever_their_capitals_and_blanks(
    one: JSON | Absent, other: JSON | Absent, is_so: bool
) -> None:
    assert same_words(one, other) is same_words(other, one) is is_so


@given(st.text("aBc \t\n.1"))
def test_capitals_and_blanks_around_words_make_no_other_words(text: str) -> None:
    assert same_words(text, f" {text.swapcase()}\t")
    assert same_words(text, f"{text}.") is False
