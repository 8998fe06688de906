"""Ways to read many records at once are suggested where a document seems to have them."""

from typing import Any

import pytest

from jobs.apis.openapi.many import suggestions
from jobs.apis.openapi.schemas import Shapes
from tests.jobs.apis.openapi.kit import TEXT, document, found, obj, operation

RECORD = obj(id=TEXT)
PAGE = obj(total=TEXT, tickets={"type": "array", "items": RECORD})


def listing(name: str, place: str = "query", reply: Any = PAGE) -> dict[str, Any]:
    return {"get": {**operation(reply=reply), "parameters": [{"name": name, "in": place}]}}


def suggested(path: str, **others: Any) -> list[str]:
    paths = {path: {"patch": operation(RECORD)}, **others}
    return list(suggestions(Shapes(document(paths)), found(paths)[0], path, "tickets"))


def test_a_list_by_ids_is_suggested() -> None:
    assert suggested("/v2/tickets/{id}.json", **{"/v2/tickets/show_many.json": listing("ids")}) == [
        "[resources.tickets.read_many]",
        'path = "/v2/tickets/show_many.json"',
        'query = { ids = "{ids}" }',
        'records = "/tickets"',
        "max_ids = 100",
    ]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("ids", 'query = { ids = "{ids}" }'),
        ("ids[]", 'query = { "ids[]" = ["{ids}"] }'),
        ("ticketIds", 'query = { ticketIds = "{ids}" }'),
        ("ticket_ids", 'query = { ticket_ids = "{ids}" }'),
        ("filter[id]", 'query = { "filter[id]" = "{ids}" }'),
        ("id[in]", 'query = { "id[in]" = "{ids}" }'),
        ("team_ids", None),
        ("ticket", None),
        ("q", None),
    ],
)
def test_the_parameter_is_known_by_its_name(name: str, query: str | None) -> None:
    found_lines = suggested("/tickets/{id}", **{"/tickets": listing(name)})
    assert (query in found_lines) if query else found_lines == []


@pytest.mark.parametrize(
    "others",
    [
        {"/tickets": listing("ids", "header")},
        {"/users": listing("ids")},
        {"/tickets/{id}/comments": listing("ids")},
        {"/tickets": {"post": operation(RECORD)}},
        {"/tickets/ä": listing("ids")},
        {"/tickets/batch/read": {"post": operation(obj(inputs={"type": "array", "items": TEXT}))}},
        {"/tickets/batch/read": {"post": operation()}},
    ],
)
def test_what_is_something_else_is_not_suggested(others: dict[str, Any]) -> None:
    assert suggested("/tickets/{id}", **others) == []


def test_a_list_at_the_root_is_none() -> None:
    assert suggested("/{id}", **{"/all": listing("ids")}) == []


def test_a_list_may_be_the_whole_reply() -> None:
    reply = {"type": "array", "items": RECORD}
    assert 'records = ""' in suggested("/tickets/{id}", **{"/tickets": listing("ids", reply=reply)})


@pytest.mark.parametrize(
    ("more", "body"),
    [
        ({}, 'body = { inputs = [{ id = "{ids}" }] }'),
        ({"properties": {"type": "array"}}, 'body = { inputs = [{ id = "{ids}" }], properties = ["{fields}"] }'),
    ],
)
def test_a_batch_of_reads_is_suggested(more: dict[str, Any], body: str) -> None:
    asked = obj(inputs={"type": "array", "items": RECORD}, **more)
    batch = {"post": operation(asked, obj(results={"type": "array", "items": RECORD}))}
    assert suggested("/tickets/{id}", **{"/tickets/batch/read": batch}) == [
        "[resources.tickets.read_many]",
        'method = "POST"',
        'path = "/tickets/batch/read"',
        body,
        'records = "/results"',
        "max_ids = 100",
    ]
