"""Bodies, replies and parameters are found wherever a version of OpenAPI keeps them."""

import json
from typing import Any

import pytest

from jobs.apis.openapi.document import Document, parse
from jobs.apis.openapi.messages import Parameter, body_of, headers_of, parameters, schema_of_reply, success_of
from tests.jobs.apis.openapi.kit import TEXT, content, document

OPEN = document({"/x": {}}, components={"requestBodies": {"B": content(TEXT)}, "responses": {"R": content(TEXT)}})


def swagger(**more: Any) -> Document:
    return parse(json.dumps({"swagger": "2.0", "paths": {"/x": {}}, **more}).encode())


@pytest.mark.parametrize(
    ("media", "taken", "form"),
    [
        (["application/json"], "application/json", "json"),
        (["application/json; charset=utf-8"], "application/json; charset=utf-8", "json"),
        (
            ["text/plain", "application/json", "application/merge-patch+json"],
            "application/merge-patch+json",
            "merge_patch",
        ),
        (["application/x-www-form-urlencoded", "application/json"], "application/json", "json"),
        (["application/x-www-form-urlencoded"], "application/x-www-form-urlencoded", "form"),
        (["application/json-patch+json"], "application/json-patch+json", "json_patch"),
        (["application/vnd.api+json"], "application/vnd.api+json", "json_api"),
        (["application/vnd.example.v2+json"], "application/vnd.example.v2+json", "json"),
        (["*/*"], "*/*", "json"),
    ],
)
def test_the_most_useful_content_type_is_taken(media: list[str], taken: str, form: str) -> None:
    for known, operation in (
        (OPEN, {"requestBody": {"content": {each: {"schema": TEXT} for each in media}}}),
        (swagger(consumes=media), {"parameters": [{"in": "body", "name": "b", "schema": TEXT}]}),
    ):
        body = body_of(known, {}, operation)
        assert body is not None
        assert (body.content_type, body.format, body.schema) == (taken, form, TEXT)
        assert taken not in body.others


@pytest.mark.parametrize("media", [["multipart/form-data"], ["application/xml", "text/csv"], []])
def test_a_body_that_no_update_can_have_is_none(media: list[str]) -> None:
    assert body_of(OPEN, {}, {"requestBody": {"content": {each: {} for each in media}}}) is None


def test_a_body_may_be_referred_to() -> None:
    body = body_of(OPEN, {}, {"requestBody": {"$ref": "#/components/requestBodies/B"}})
    assert body is not None
    assert body.schema == TEXT


def test_the_form_of_swagger_is_an_object() -> None:
    given = [
        {"in": "formData", "name": "a", "type": "string", "required": True},
        {"in": "formData", "name": "b", "type": "integer"},
    ]
    body = body_of(swagger(), {}, {"parameters": given})
    assert body is not None
    assert body.format == "form"
    assert body.schema == {
        "type": "object",
        "properties": {"a": {"in": "formData", "name": "a", "type": "string"}, "b": given[1]},
        "required": ["a"],
    }


def test_swagger_without_a_body_has_none() -> None:
    assert body_of(swagger(), {}, {"parameters": [{"in": "query", "name": "a"}]}) is None


@pytest.mark.parametrize(
    ("replies", "status", "schema"),
    [
        ({"200": content(TEXT)}, "200", TEXT),
        ({"201": content({}), "200": content(TEXT)}, "200", TEXT),
        ({"204": {}, "202": content(TEXT)}, "202", TEXT),
        ({"2XX": content(TEXT)}, "2XX", TEXT),
        ({"204": {}, "400": content(TEXT)}, "204", None),
        ({"default": content(TEXT)}, "default", TEXT),
        ({"200": {"$ref": "#/components/responses/R"}}, "200", TEXT),
        ({"200": {"content": {"text/html": {"schema": TEXT}}}}, "200", None),
        ({"200": {"content": {"*/*": {"schema": TEXT}}}}, "200", TEXT),
        ({"400": content(TEXT)}, "", None),
        ({}, "", None),
        (None, "", None),
    ],
)
def test_the_success_of_an_operation(replies: Any, status: str, schema: Any) -> None:
    assert success_of(OPEN, {"responses": replies}) == (status, schema)


def test_the_reply_of_swagger_has_its_schema_at_once() -> None:
    assert schema_of_reply(swagger(), {"schema": TEXT}) == TEXT


def test_the_headers_of_all_replies_are_told() -> None:
    replies = {"200": {"headers": {"ETag": {}}}, "429": {"headers": {"Retry-After": {}}}, "500": 1}
    assert list(headers_of(OPEN, {"responses": replies})) == ["ETag", "Retry-After"]


@pytest.mark.parametrize(
    ("schema", "fixed"),
    [
        ({"enum": ["v2"]}, "v2"),
        ({"enum": ["v1", "v2"], "default": "v2"}, "v2"),
        ({"enum": ["v1", "v2"]}, ""),
        ({"const": 3}, "3"),
        ({"default": True}, ""),
        ({"type": "string"}, ""),
    ],
)
def test_a_parameter_with_one_value_has_it(schema: Any, fixed: str) -> None:
    item = {"parameters": [{"name": "V", "in": "header", "schema": {"default": "old"}}, {"in": "header"}, 5]}
    operation = {"parameters": [{"name": "V", "in": "header", "required": True, "schema": schema}]}
    assert parameters(OPEN, item, operation) == (Parameter("V", "header", is_required=True, fixed=fixed),)
