"""Edits as the journal keeps them, and on which side of them a record is."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.changes.edits import (
    Held,
    as_kept,
    as_shown,
    column_of,
    decode,
    encode,
    encode_shape,
    fires_twice,
    in_columns,
    is_hidden,
    keeps_words,
    merged,
    sides,
    without_tags,
)
from jobs.model import ABSENT, UNREAD, Edit, Fields, Link, Live
from tests.schemas import DESK, SCHEMA

REFERENCE = ("attributes", "reference")
BATCH = ("attributes", "metadata", "batch")
ORDER = ("relationships", "order")
TAG = ("tags", "vip")


def live(reference: Any = "a", metadata: Any = None, tags: frozenset[str] | None = frozenset()) -> Live:
    attributes = {"reference": reference, "metadata": {} if metadata is None else metadata}
    return Live("orders", attributes, {"order": Link("orders", "x")}, tags, Fields())


@pytest.mark.parametrize(
    "edit",
    [
        Edit(REFERENCE, "a", None),
        Edit(BATCH, ABSENT, {"deep": [1, 2.5, None]}),
        Edit(BATCH, 7, ABSENT),
        Edit(ORDER, None, {"type": "orders", "id": "x"}),
        Edit(TAG, UNREAD, True),
        Edit(REFERENCE, "a", " b ", "b"),
        Edit(REFERENCE, UNREAD, " b ", None),
        Edit(BATCH, 7, "", ABSENT),
        Edit(BATCH, 7, ABSENT, ""),
    ],
)
def test_edits_survive_the_journal(edit: Edit) -> None:
    shape, values = encode([edit, edit])
    assert decode(encode_shape(shape), values) == (edit, edit)


def test_edits_of_one_shape_differ_in_their_values_alone() -> None:
    (shape, values), (alike, others) = encode([Edit(BATCH, "a", ABSENT)]), encode([Edit(BATCH, "b", ABSENT)])
    assert (shape, values, others) == (alike, '["a"]', '["b"]')
    assert shape != encode([Edit(BATCH, UNREAD, "a")])[0] != encode([Edit(TAG, UNREAD, "a")])[0]


SHAPE = '[["a"],null,"absent"]'


@pytest.mark.parametrize("shape", ["7", "[7]", '[["a"],null]', '[["a"],null,7]', "[7,null,null]", "{", None])
def test_other_text_is_no_shape_of_edits(shape: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        decode(shape, '["x"]')


@pytest.mark.parametrize("values", ["7", "[]", '["x","y"]', "[", None])
def test_other_text_is_no_values_of_edits(values: Any) -> None:
    assert decode(SHAPE, '["x"]') == (Edit(("a",), "x", ABSENT),)
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        decode(SHAPE, values)


@pytest.mark.parametrize(("path", "column"), [(REFERENCE, "reference"), (BATCH, "metadata.batch"), (TAG, "tags")])
def test_an_edit_is_about_a_column(path: tuple[str, ...], column: str) -> None:
    assert column_of(Edit(path, ABSENT, 1)) == column


@pytest.mark.parametrize(
    ("edit", "column", "values"),
    [
        (Edit(("attributes", "tags", "vip"), ABSENT, True), "tags.add", (ABSENT, True)),
        (Edit(("attributes", "tags", "vip"), True, ABSENT), "tags.remove", (True, ABSENT)),
        (Edit(("attributes", "address.marks", "a.b"), ABSENT, True), "address.marks.add", (ABSENT, True)),
        (Edit(("attributes", "tags"), {"a": True}, None), "tags", (["a"], None)),
        (Edit(("attributes", "address", "marks"), UNREAD, {"a": True}), "address.marks", (UNREAD, ["a"])),
        (Edit(("attributes", "address", "zip"), "1", {"a": True}), "address.zip", ("1", {"a": True})),
        (Edit(("attributes", "custom_fields", "7"), ABSENT, "x"), "custom_fields.7", (ABSENT, "x")),
        (Edit(TAG, ABSENT, True), "tags", (ABSENT, True)),
    ],
)
def test_a_sheet_says_sets_as_lists_and_their_elements_by_two_columns(
    edit: Edit, column: str, values: tuple[object, object]
) -> None:
    said = in_columns(edit, "tickets", DESK)
    assert (column_of(said), (said.before, said.after)) == (column, values)
    assert in_columns(edit, "orders", SCHEMA) is edit


@pytest.mark.parametrize(
    ("edits", "record", "held"),
    [
        ((), live(), set()),
        ((Edit(("attributes", "password"), UNREAD, "x"),), live(), set()),  # never shown
        ((Edit(TAG, ABSENT, True),), live(tags=None), set()),
        ((Edit(REFERENCE, "a", "b"),), live("b"), {"after"}),
        ((Edit(REFERENCE, "a", "b"),), live("a"), {"before"}),
        ((Edit(REFERENCE, "a", "b"),), live("c"), {"neither"}),
        ((Edit(REFERENCE, "a", "b"),), live("B"), {"neither"}),  # only equal is equal
        ((Edit(REFERENCE, "a", " b ", "b"),), live("b"), {"after"}),  # but for a form that the API told us of
        ((Edit(REFERENCE, "a", " b ", "b"),), live(" b "), {"after"}),
        ((Edit(REFERENCE, "a", " b ", "b"),), live("a"), {"before"}),
        ((Edit(REFERENCE, "a", " b ", "b"),), live("c"), {"neither"}),
        ((Edit(REFERENCE, "b", " b "),), live("b"), {"neither"}),  # the old value, or the new one without its blanks
        ((Edit(REFERENCE, " b ", "b"),), live(" b "), {"before"}),
        ((Edit(REFERENCE, "a", "b", past=("c",)),), live("c"), {"before"}),  # an earlier row has not landed yet
        ((Edit(REFERENCE, "a", "b", past=("c",)),), live("d"), {"neither"}),
        ((Edit(REFERENCE, UNREAD, "b"),), live("c"), {"before"}),  # at any rate not what was sent
        ((Edit(REFERENCE, "a", "b"), Edit(BATCH, ABSENT, 1)), live("b"), {"after", "before"}),  # half of it
        ((Edit(TAG, ABSENT, True),), live(tags=frozenset({"vip"})), {"after"}),
        ((Edit(ORDER, {"type": "orders", "id": "x"}, None),), live(), {"before"}),
        ((Edit(BATCH, 1, ABSENT),), live(metadata="no object"), {"after"}),
    ],
)
def test_a_record_is_on_one_side_of_each_edit(edits: tuple[Edit, ...], record: Live, held: set[Held]) -> None:
    assert sides(edits, record, SCHEMA) == held


@pytest.mark.parametrize(
    ("path", "hidden"), [(REFERENCE, False), (BATCH, False), (("attributes", "password"), True), (TAG, True)]
)
def test_an_edit_is_hidden_if_the_record_does_not_show_what_it_is_about(path: tuple[str, ...], hidden: bool) -> None:
    edits = (Edit(REFERENCE, "a", "b"), Edit(path, UNREAD, "b"))
    assert is_hidden(edits, live(tags=None)) is hidden


@pytest.mark.parametrize(
    ("edit", "record", "kept"),
    [
        (Edit(REFERENCE, "a", "B"), live("B"), "B"),
        (Edit(REFERENCE, "a", "B"), live("b"), "b"),
        (Edit(REFERENCE, "a", "B", "x"), live("b"), "b"),
        (Edit(REFERENCE, "a", "B"), live("a"), "a"),
        (Edit(BATCH, "a", "B"), live(), ABSENT),
        (Edit(TAG, ABSENT, True), live(), True),  # a tag has no form
        (Edit(("attributes", "password"), UNREAD, "x"), live(), "x"),  # never shown
    ],
)
def test_what_a_record_holds_is_the_form_of_what_was_sent(edit: Edit, record: Live, kept: Any) -> None:
    (found,) = as_kept((edit,), record, SCHEMA)
    assert found.left == kept
    assert replace(found, stored=edit.stored) == edit


@pytest.mark.parametrize(
    ("edits", "record", "is_so"),
    [
        ((Edit(REFERENCE, "blue", "Blue"),), live("blue"), True),
        ((Edit(REFERENCE, "green", "Blue"),), live("green"), False),
        ((Edit(REFERENCE, "green", "Blue"),), live("third"), False),
        ((Edit(REFERENCE, "blue", "Blue"), Edit(BATCH, 1, 2)), live("blue", {"batch": 2}), True),
        ((Edit(REFERENCE, "blue", "Blue"), Edit(BATCH, 1, 2)), live("blue", {"batch": 1}), False),
    ],
)
def test_old_values_may_be_the_words_that_were_sent(edits: tuple[Edit, ...], record: Live, is_so: bool) -> None:
    assert keeps_words(edits, record, SCHEMA) is is_so


def test_the_first_image_of_a_value_stands() -> None:
    first, again, other = Edit(REFERENCE, "a", "b"), Edit(REFERENCE, "c", "b"), Edit(BATCH, 1, 2)
    assert merged((first, other), (again,)) == (first, other)
    assert merged((first,), (other,)) == (first, other)
    assert merged((replace(first, past=("z",)),), (again,))[0].past == ("z",)


def test_a_discarded_tag_was_not_added() -> None:
    other, removed = Edit(("tags", "sale"), ABSENT, True), Edit(TAG, True, ABSENT)
    edits = (Edit(REFERENCE, "a", "b"), Edit(TAG, ABSENT, True), other, removed)
    assert without_tags(edits, {"vip"}) == (edits[0], other, removed)


def test_triggers_and_tags_have_effects_that_a_second_sending_has_again() -> None:
    set_ = (Edit(REFERENCE, "a", "b"),)
    assert fires_twice(set_, ("_capture",), SCHEMA)
    assert fires_twice((*set_, Edit(TAG, ABSENT, True)), (), SCHEMA)
    assert not fires_twice(set_, ("_refresh", "password"), SCHEMA)


@pytest.mark.parametrize(
    ("edit", "record", "stored"),
    [
        (Edit(REFERENCE, "a", " b "), live("b"), "b"),  # as APIs tidy texts
        (Edit(REFERENCE, "a", " b "), live("c"), UNREAD),
        (Edit(REFERENCE, "b", " b "), live("b"), UNREAD),  # it was there before
        (Edit(REFERENCE, "a", " b ", past=("b",)), live("b"), UNREAD),
        (Edit(REFERENCE, UNREAD, " b "), live("b"), UNREAD),  # nobody looked
        (Edit(("attributes", "password"), "a", " b "), live("b"), UNREAD),  # never shown
    ],
)
def test_a_record_may_show_in_which_form_a_text_is_stored(edit: Edit, record: Live, stored: Any) -> None:
    assert as_shown((edit,), record, SCHEMA)[0].stored == stored
