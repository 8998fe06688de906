"""Headers are filled where the document knows the value, and named where it does not."""

from typing import Any

import pytest

from jobs.apis.openapi.headers import Headers, headers
from tests.jobs.apis.openapi.kit import TEXT, document, found, obj, operation


def told(parameters: list[Any], taken: str = "", replies: Any = None) -> Headers:
    item = {"parameters": parameters, "patch": {**operation(obj(a=TEXT)), "responses": replies or {}}}
    return headers(document({"/x": {}}), found({"/x/{id}": item}), [taken])


def header(name: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": schema}


@pytest.mark.parametrize(
    ("parameter", "fixed", "needed"),
    [
        (header("X-Version", default="2"), {"X-Version": "2"}, []),
        (header("X-Thing", default="2"), {}, []),
        (header("X-Thing", required=True, default="2"), {"X-Thing": "2"}, []),
        (header("X-Thing", required=True), {}, ["X-Thing"]),
        (header("X-Auth-Version", required=True, default="2"), {}, ["X-Auth-Version"]),
        (header("X-Version", default="{v}"), {}, []),
        (header("X-Version", default="ä"), {}, []),
        (header("Accept", required=True, default="x"), {}, []),
        (header("X-Key", required=True), {}, []),
        (header("X Y", required=True), {}, []),
        ({**header("X-Version", default="2"), "in": "query"}, {}, []),
    ],
)
def test_a_header_of_requests(parameter: Any, fixed: dict[str, str], needed: list[str]) -> None:
    said = told([parameter], "X-Key")
    assert (said.fixed, list(said.needed)) == (fixed, needed)


def test_headers_with_a_meaning_are_known() -> None:
    said = told([header("If-Match"), header("X-Idempotency-Key", required=True)])
    assert (said.is_conditional, said.idempotency_key, list(said.needed)) == (True, "X-Idempotency-Key", [])


def test_headers_of_limits_are_told() -> None:
    said = told([], replies={"200": {"headers": {"X-Rate-Limit-Left": {}, "ETag": {}}}, "429": {}})
    assert (list(said.limits), said.is_throttled) == (["X-Rate-Limit-Left"], True)
    assert not told([], replies={"200": {}}).is_throttled
