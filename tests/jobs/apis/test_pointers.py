import json

import pytest

from jobs.apis.errors import MOST_ERRORS, read_errors
from jobs.apis.pointers import column_of
from jobs.model import ApiError, Reply

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
