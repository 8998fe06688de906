"""A log of Prism is read as the requests that came; preparing a document leaves alone what requests may hold."""

from typing import Any

from tests.system.strangers import mock, plausible
from tests.system.strangers.mock import Arrival
from tests.system.strangers.plausible import Row

LOG = """\
[1:00:00 PM] › [CLI] ▶  start     Prism is listening on http://127.0.0.1:4010
[1:00:00 PM] › [HTTP SERVER] get /repos/o/a%2Fb/issues/7?x=1 ℹ  info      Request received
[1:00:00 PM] ›     [NEGOTIATOR] ⬤  debug     < \taccept: application/json
[1:00:00 PM] ›     [NEGOTIATOR] ⬤  debug     > Body: {"number":7}
[1:00:01 PM] › [HTTP SERVER] patch /repos/o/a%2Fb/issues/7 ℹ  info      Request received
[1:00:01 PM] ›     [NEGOTIATOR] ⬤  debug     < \tcontent-type: application/json
[1:00:01 PM] ›     [NEGOTIATOR] ⬤  debug     < Body: {"labels":null}
[1:00:01 PM] ›     [VALIDATOR] ✖  error     Request body property labels must be array
[1:00:01 PM] ›     [NEGOTIATOR] ⬤  debug     > Body: no JSON
[1:00:01 PM] ›     [VALIDATOR] ✖  error     Violation: request.body.labels Request body property labels must be array
[1:00:02 PM] › [HTTP SERVER] put /nowhere ℹ  info      Request received
[1:00:02 PM] › [HTTP SERVER] put /nowhere ✖  error     Request terminated with error: NO_PATH_MATCHED_ERROR: none
"""


def test_a_log_is_read_as_the_requests_with_what_the_mock_had_against_them() -> None:
    path = ("repos", "o", "a/b", "issues", "7")
    why = "request.body.labels Request body property labels must be array"
    assert mock.arrivals(LOG) == [
        Arrival("GET", path, {"accept": "application/json"}, reply={"number": 7}),
        Arrival("PATCH", path, {"content-type": "application/json"}, {"labels": None}, [why], "no JSON"),
        Arrival("PUT", ("nowhere",), refused=["NO_PATH_MATCHED_ERROR: none"]),
    ]


def test_null_beside_alternatives_becomes_one_of_them_and_only_replies_change_besides() -> None:
    typed = {"type": "string", "nullable": True}
    title = {"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": True}
    body = {"content": {"application/json": {"schema": {"properties": {"a": title, "b": typed}}}}}
    reply = {"content": {"application/json": {"examples": {"one": {"value": {"$ref": "#/x"}}}}}}
    patch = {"requestBody": body, "responses": {"200": reply}}
    document: dict[str, Any] = {"paths": {"/a": {"parameters": [], "patch": patch}}}
    operation = mock.prepared(document, "application/vnd.a+json")["paths"]["/a"]["patch"]
    properties = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert properties == {
        "a": {"oneOf": [{"type": "string"}, {"type": "integer"}, {"enum": [None]}]},
        "b": {"type": "string", "nullable": True},
    }
    assert list(operation["requestBody"]["content"]) == ["application/json"]
    content = operation["responses"]["200"]["content"]
    assert content["application/vnd.a+json"] == content["application/json"] == {"examples": {"one": {"$ref": "#/x"}}}


def test_a_property_is_set_to_every_alternative_and_cleared_even_where_the_schema_has_no_null() -> None:
    properties: dict[str, plausible.Schema] = {
        "state": {"type": "string", "enum": ["open", "closed"]},
        "labels": {"type": "array", "items": {"type": "string"}},
        "done": {"oneOf": [{"type": "boolean"}, {"type": "number"}], "nullable": True},
    }
    rows = plausible.rows(properties, {"labels": ["bug"]})
    assert [row.cells["state"] for row in rows if "state" in row.cells] == ["open", "closed", None]
    assert [row.cells["done"] for row in rows if "done" in row.cells] == [True, False, 1.5, None]
    assert [(row.cells, row.body) for row in rows if None in row.cells.values()] == [
        ({"state": None}, None),
        ({"labels": None}, None),
        ({"done": None}, {"done": None}),
    ]
    assert Row({"labels.remove": ["bug"]}, {"labels": []}) in rows


def test_all_together_leaves_out_what_a_sheet_may_not_hold() -> None:
    properties: dict[str, plausible.Schema] = {
        "n": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "on": {"type": "boolean"},
    }
    refused = {("n", f'"{text}"') for text in ("some text", "007", "null", "")}
    rows = plausible.together(properties, refused)
    assert [row.cells["on"] for row in rows] == [True, False]
    assert rows[1].cells["n"] == 2**31


def test_cells_are_text_as_a_spreadsheet_has_it() -> None:
    row = Row({"a": None, "b": ["x", "y"], "c": [], "d": ["x, y"], "e": True, "f": "007", "g": {"h": 1}}, None)
    assert row.in_csv == {
        "a": "<clear>", "b": "x,y", "c": "[]", "d": '["x, y"]', "e": "true", "f": "007", "g": '{"h": 1}',
    }  # fmt: skip
