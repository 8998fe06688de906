"""The two documentation pages the project was created from, argument by argument: sheet row -> bytes on the wire.

"Update a stripe payment" (PATCH /api/stripe_payments/:id) and "Update a transaction" (PATCH /api/transactions/:id).
"""

import json

import pytest

from jobs.apis.commercelayer.confirmations import read_confirmation
from jobs.apis.documents import MEDIA_TYPE
from jobs.changes.diff import as_written
from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.model import ObjectRow, Request, RowRef, SheetRow, UpdateJob
from tests.commerce_layer import update_request
from tests.samples.recorded import sample
from tests.schemas import SCHEMA

ID = "xAyBzCwDvE"
REF = RowRef(1, 2, b"")


def rules(type_name: str) -> Rules:
    return Rules(SCHEMA, type=type_name, allow_triggers=frozenset({"_refresh", "_update"}))


def sent(type_name: str, cells: dict[str, str]) -> Request:
    """The request that one row of a sheet becomes."""
    row = {"id": ID, **cells}
    job = SheetColumns(list(row), rules(type_name)).read(SheetRow(REF, list(row.values())))
    assert isinstance(job, UpdateJob), job
    return update_request(job, as_written(job), job.type)


def envelope(type_name: str, rest: str) -> bytes:
    return f'{{"data":{{"type":"{type_name}","id":"{ID}",{rest}}}}}'.encode()


@pytest.mark.parametrize(
    ("cells", "rest"),
    [
        # options: the object as one JSON cell
        ({"options": '{"customer": "cus_1"}'}, '"attributes":{"options":{"customer":"cus_1"}}'),
        # options: a member of it
        ({"options.customer": "cus_1"}, '"attributes":{"options":{"customer":"cus_1"}}'),
        # _refresh: only ever true
        ({"_refresh": "true"}, '"attributes":{"_refresh":true}'),
        # reference: text stays text
        ({"reference": "007"}, '"attributes":{"reference":"007"}'),
        ({"reference": "Zoë 🧾"}, '"attributes":{"reference":"Zoë 🧾"}'),
        ({"reference": "<clear>"}, '"attributes":{"reference":null}'),
        # reference_origin
        ({"reference_origin": "erp"}, '"attributes":{"reference_origin":"erp"}'),
        # metadata: the object as one JSON cell
        ({"metadata": '{"foo": "bar", "n": 1.50}'}, '"attributes":{"metadata":{"foo":"bar","n":1.5}}'),
        # metadata: a key of it, which may contain dots; its type on demand
        ({"metadata.batch": "B7"}, '"attributes":{"metadata":{"batch":"B7"}}'),
        ({"metadata.a.b": "1"}, '"attributes":{"metadata":{"a.b":"1"}}'),
        ({"metadata.count:int": "7"}, '"attributes":{"metadata":{"count":7}}'),
        # order: the relationship, by the order's id
        (
            {"order": "oRdErIdXyZ"},
            '"attributes":{},"relationships":{"order":{"data":{"type":"orders","id":"oRdErIdXyZ"}}}',
        ),
        ({"order": "<clear>"}, '"attributes":{},"relationships":{"order":{"data":null}}'),
        # return_url and _update: what today's page has besides
        ({"_update": "true"}, '"attributes":{"_update":true}'),
    ],
)
def test_update_a_stripe_payment(cells: dict[str, str], rest: str) -> None:
    assert sent("stripe_payments", cells) == Request(
        "PATCH", f"/api/stripe_payments/{ID}", envelope("stripe_payments", rest)
    )


@pytest.mark.parametrize(
    ("cells", "rest"),
    [
        ({"reference": "1E5"}, '"attributes":{"reference":"1E5"}'),
        ({"reference_origin": " erp "}, '"attributes":{"reference_origin":" erp "}'),
        ({"metadata": '{"foo": null}'}, '"attributes":{"metadata":{"foo":null}}'),
        ({"metadata.batch": "true"}, '"attributes":{"metadata":{"batch":"true"}}'),
        ({"metadata.batch:bool": "true"}, '"attributes":{"metadata":{"batch":true}}'),
    ],
)
def test_update_a_transaction(cells: dict[str, str], rest: str) -> None:
    assert sent("transactions", cells) == Request("PATCH", f"/api/transactions/{ID}", envelope("transactions", rest))


def test_all_arguments_of_a_stripe_payment_travel_in_one_body() -> None:
    cells = {
        "options": '{"customer": "cus_1"}',
        "reference": "R-1",
        "reference_origin": "erp",
        "metadata": '{"foo": "bar"}',
        "order": "oRdErIdXyZ",
        "_refresh": "true",
    }
    rest = (
        '"attributes":{"options":{"customer":"cus_1"},"reference":"R-1","reference_origin":"erp",'
        '"metadata":{"foo":"bar"},"_refresh":true},'
        '"relationships":{"order":{"data":{"type":"orders","id":"oRdErIdXyZ"}}}'
    )
    assert sent("stripe_payments", cells).body == envelope("stripe_payments", rest)


def test_the_pages_own_body_as_a_line_of_ndjson_goes_out_as_it_is() -> None:
    document = {
        "data": {
            "type": "stripe_payments",
            "id": ID,
            "attributes": {"options": {"customer": "cus_1"}, "reference": "R-1", "metadata": {"foo": "bar"}},
            "relationships": {"order": {"data": {"type": "orders", "id": "oRdErIdXyZ"}}},
        }
    }
    job = ObjectColumns(rules("")).read(ObjectRow(REF, document))  # type: ignore[arg-type]  # dict is invariant
    assert isinstance(job, UpdateJob), job
    request = update_request(job, as_written(job), job.type)
    assert request == Request(
        "PATCH", f"/api/stripe_payments/{ID}", json.dumps(document, separators=(",", ":")).encode()
    )


def test_both_headers_are_those_of_the_pages() -> None:
    assert MEDIA_TYPE == "application/vnd.api+json"


@pytest.mark.parametrize(
    ("type_name", "case"), [("stripe_payments", "stripe_payment"), ("transactions", "transaction")]
)
def test_the_pages_example_reply_confirms_the_update(type_name: str, case: str) -> None:
    job = UpdateJob(REF, type_name, ID, attributes={"reference": "ANY-EXTERNAL-REFERENCE", "metadata": {"foo": "bar"}})
    confirmation = read_confirmation(sample(case), job, as_written(job), type_name)
    assert confirmation is not None
    assert confirmation.differs == ()
