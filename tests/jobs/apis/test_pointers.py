import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.errors import MOST_ERRORS, read_errors
from jobs.apis.pointers import column_in_body, column_of, in_the_sheet, steps_of, value_at
from jobs.model import ABSENT, ApiError, Reply

COLUMNS = {
    ("id",): "id",
    ("reference",): "attributes.reference",
    ("metadata", "a.b"): "metadata.a.b:int",
    ("metadata", "batch"): "metadata.batch",
    ("metadata", "x/y~z"): "metadata.x/y~z",
    ("options",): "options:json",
    ("order",): "order",
    ("tags", "add"): "tags.add",
    ("_capture",): "_capture",
}


@pytest.mark.parametrize(
    ("pointer", "column"),
    [
        ("/data/attributes/reference", "attributes.reference"),  # as it stands in the header
        ("/data/attributes/metadata/a.b", "metadata.a.b:int"),  # a key with a dot
        ("/data/attributes/metadata/a/b", "metadata.a.b:int"),  # the same from a server that takes it for a path
        ("/data/attributes/metadata/batch", "metadata.batch"),
        ("/data/attributes/metadata/batch/0/x", "metadata.batch"),  # inside the key's value
        ("/data/attributes/metadata/x~1y~0z", "metadata.x/y~z"),  # escapes of RFC 6901
        ("/data/attributes/metadata/x~01", "metadata.x~1"),  # unescaped once only
        ("/data/attributes/metadata", "metadata"),  # no column is about all of it
        ("/data/attributes/options/customer/email", "options:json"),  # a whole JSON cell
        ("/data/attributes/_add_tags", "tags.add"),
        ("/data/attributes/_remove_tags", "_remove_tags"),  # no such column
        ("/data/attributes/_capture", "_capture"),
        ("/data/relationships/order", "order"),
        ("/data/relationships/order/data/id", "order"),
        ("/data/relationships/market/data/0/type", "market"),  # no such column
        ("/data/attributes/currency_code", "currency_code"),  # the API wants what the sheet does not have
        ("/data/id", "id"),
        ("/data/type", ""),  # not a column of this sheet
        ("/data/attributes", ""),
        ("/data/attributes/", ""),
        ("/data/id/x", ""),
        ("/data", ""),
        ("/", ""),
        ("", ""),
        ("data/attributes/reference", ""),  # neither a pointer nor a name
        ("#/data/attributes/reference", "attributes.reference"),  # a pointer in a fragment (RFC 9457)
        ("#/reference", "attributes.reference"),
        ("/attributes/reference", "attributes.reference"),
        ("/relationships/order/data", "order"),
        ("/metadata/batch", "metadata.batch"),
        ("/metadata/other/x", ""),  # of a document that need not be the one sent
        ("/unheard_of", "unheard_of"),
        ("reference", "attributes.reference"),  # a name
        ("metadata.batch", "metadata.batch"),
        ("metadata[batch]", "metadata.batch"),
        ("metadata.a.b", "metadata.a.b:int"),
        ("data.attributes.reference", "attributes.reference"),
        ("data[attributes][reference]", "attributes.reference"),
        ("data[relationships][order]", "order"),
        ("order", "order"),
        ("metadata.other", "metadata.other"),  # no such column
        ("...", ""),
        ("#", ""),
        ("/errors/attributes/reference", ""),
        ("/data/meta/reference", ""),
    ],
)
def test_a_pointer_leads_to_the_column_of_the_sheet(pointer: str, column: str) -> None:
    assert column_of(pointer, COLUMNS) == column


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/data/attributes/metadata/a~1b", "metadata.a/b"),
        ("/data/attributes/metadata/data", "metadata.data"),  # a key that is called like JSON:API's own member
        ("/data/relationships/order/data/id", "order"),
    ],
)
def test_without_a_sheet_a_pointer_leads_to_the_name_that_a_column_would_have(pointer: str, field: str) -> None:
    body = json.dumps({"errors": [{"source": {"pointer": pointer}}]}).encode()
    assert read_errors(Reply(422, {"content-type": "application/json"}, body)) == (
        ApiError(pointer=pointer, field=field),
    )


def test_all_errors_of_a_refusal_are_kept_in_order_within_reason() -> None:
    errors = [{"title": str(n)} for n in range(MOST_ERRORS + 5)]
    found = read_errors(Reply(422, {"content-type": "application/json"}, json.dumps({"errors": errors}).encode()))
    assert [error.title for error in found] == [str(n) for n in range(MOST_ERRORS)]


BODY = {
    ("id",): "id",
    ("subject",): "subject",
    ("priority.level",): "priority.level:int",
    ("/a.b",): "/a.b",
    ("custom_fields", "360"): "custom_fields.360",
    ("metadata", "x.y"): "metadata.x.y",
    ("tags", "add"): "tags.add",
    ("options",): "options:json",
    ("due",): "due",
}
WRAP = ("data", "ticket")
MOVED: dict[tuple[str, ...], tuple[str, ...]] = {("schedule", "due_at"): ("due",)}


@pytest.mark.parametrize(
    ("place", "column"),
    [
        ("/data/ticket/subject", "subject"),  # from the body
        ("#/data/ticket/subject", "subject"),
        ("/ticket/subject", "subject"),  # from a part of the wrap
        ("/subject", "subject"),  # from the fields
        ("subject", "subject"),
        ("ticket.subject", "subject"),
        ("ticket[subject]", "subject"),
        ("data[ticket][subject]", "subject"),
        ("$.subject", "subject"),
        ("$.ticket.subject", "subject"),
        ("id", "id"),
        ("priority.level", "priority.level:int"),
        ("/data/ticket/priority/level", "priority.level:int"),
        ("/ticket/a.b", "/a.b"),
        ("custom_fields.360", "custom_fields.360"),
        ("custom_fields[360]", "custom_fields.360"),
        ("/ticket/metadata/x/y", "metadata.x.y"),
        ("/ticket/metadata/x.y", "metadata.x.y"),
        ("tags", "tags.add"),
        ("tags[0].name", "tags.add"),
        ("/ticket/options/a/0/b", "options:json"),  # within a whole cell
        ("schedule.due_at", "due"),  # where an update takes it
        ("/schedule/due_at/0", "due"),
        # no such column: the name it would have
        ("/ticket/brand/id", "brand.id"),
        ("brand.id", "brand.id"),
        ("brand", "brand"),
        ("/brand", "brand"),
        ("/schedule/due_at", "due"),
        # no place of the update
        ("/details/causes", ""),
        ("", ""),
        ("/", ""),
        ("...", ""),
        ("a/b", ""),
        ("/" + "/".join("x" * 400), ""),
    ],
)
def test_a_place_in_any_body_leads_to_the_column_of_the_sheet(place: str, column: str) -> None:
    assert column_in_body(place, BODY, WRAP, MOVED) == column


def test_a_field_may_be_called_like_its_wrap() -> None:
    columns: dict[tuple[str, ...], str] = {("ticket",): "ticket", ("subject",): "subject"}
    assert [column_in_body(place, columns, WRAP) for place in ("ticket", "/ticket", "/ticket/subject")] == [
        "ticket", "ticket", "subject",
    ]  # fmt: skip


def test_a_field_that_was_moved_has_the_name_of_the_field() -> None:
    assert column_in_body("schedule.due_at", {}, WRAP, MOVED) == "due"


def test_errors_come_into_the_sheet_by_whatever_leads_there() -> None:
    errors = (ApiError("a", pointer="/ticket/subject"), ApiError("b", pointer="other"))
    there = in_the_sheet(errors, lambda place: column_in_body(place, BODY, WRAP))
    assert [error.field for error in there] == ["subject", "other"]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"a/b": [{"c": None}], "~": 1}),
        ("/a~1b/0/c", None),
        ("/~0", 1),
        ("/a~1b/1", ABSENT),
        ("/a~1b/-1", ABSENT),
        ("/a~1b/x", ABSENT),
        ("/nothing", ABSENT),
        ("/~0/x", ABSENT),
    ],
)
def test_a_pointer_leads_into_a_document(pointer: str, value: object) -> None:
    document = {"a/b": [{"c": None}], "~": 1}
    found = value_at(document, steps_of(pointer))
    assert found is value or found == value


@given(st.text(max_size=300), st.lists(st.sampled_from(["data", "ticket", ""]), max_size=3))
def test_any_place_leads_somewhere_or_nowhere(place: str, wrap: list[str]) -> None:
    assert isinstance(column_in_body(place, BODY, tuple(wrap)), str)
