"""What failures of described APIs say: vendors' own forms, read by pointers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.failures import errors_of, request_id_of
from jobs.apis.description.model import ErrorPlaces
from jobs.apis.errors import MOST_ERRORS, read_errors
from jobs.apis.quoting import HIDDEN, TEXT_LIMIT
from jobs.model import ApiError, Reply

SECRET = "s3cr3t-t0k3n"
JSON = {"content-type": "application/json"}

GITHUB = ErrorPlaces(items=("/errors",), message="/message", code="/code", field="/field")
ZENDESK = ErrorPlaces(items=("/details",), message="/description", code="/error")
JIRA = ErrorPlaces(items=("/errorMessages", "/errors"))
STRIPE = ErrorPlaces(message="/error/message", code="/error/code", field="/error/param")
STRIPES_OBJECT = ErrorPlaces(items=("/error",), message="/message", code="/code", field="/param")
SALESFORCE = ErrorPlaces(message="/message", code="/errorCode", field="/fields")
KUBERNETES = ErrorPlaces(items=("/details/causes",), message="/message", code="/reason", field="/field")
FASTAPI = ErrorPlaces(items=("/detail",), message="/msg", code="/type", field="/loc")
PLAIN_LIST = ErrorPlaces(items=("",), message="/message")
HEADERS = ErrorPlaces(message="@X-Error", code="@X-Error-Code")


def refusal(document: Any, status: int = 422, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {**JSON, **(headers or {})}, json.dumps(document).encode(), secrets=(SECRET,))


def told(errors: tuple[ApiError, ...]) -> list[tuple[str, str, str]]:
    return [(error.detail, error.code, error.pointer) for error in errors]


@pytest.mark.parametrize(
    ("places", "document", "expected"),
    [
        (
            GITHUB,
            {"message": "Validation Failed", "errors": [{"field": "title", "code": "missing_field"}]},
            [("Validation Failed", "", ""), ("", "missing_field", "title")],
        ),
        (GITHUB, {"message": "Not Found"}, [("Not Found", "", "")]),
        (GITHUB, {"message": "no", "errors": [{"message": "no", "field": "x"}]}, [("no", "", "x")]),  # said once
        (
            ZENDESK,
            {"error": "Bad", "description": "errors", "details": {"subject": [{"description": "blank", "error": "B"}]}},
            [("errors", "Bad", ""), ("blank", "B", "subject")],
        ),
        (
            JIRA,
            {"errorMessages": ["closed", " "], "errors": {"summary": "too long", "x": {"y": ["a", "b"]}}},
            [("closed", "", ""), ("too long", "", "summary"), ("a", "", "x.y"), ("b", "", "x.y")],
        ),
        (
            STRIPE,
            {"error": {"message": "No such price", "code": "missing", "param": "price"}},
            [("No such price", "missing", "price")],
        ),
        (
            STRIPES_OBJECT,
            {"error": {"message": "No such price", "code": "missing", "param": "price"}},
            [("No such price", "missing", "price")],
        ),
        (
            SALESFORCE,
            [{"message": "m", "errorCode": "C", "fields": ["A", "B", 7, ""]}, {"message": "n", "fields": []}],
            [("m", "C", "A"), ("m", "C", "B"), ("n", "", "")],
        ),
        (
            KUBERNETES,
            {"message": "m", "reason": "Invalid", "details": {"causes": [{"message": "c", "field": "spec.a"}]}},
            [("m", "Invalid", ""), ("c", "", "spec.a")],
        ),
        (FASTAPI, {"detail": [{"loc": ["body", "a", 0], "msg": "m", "type": "t"}]}, [("m", "t", "/a/0")]),
        (PLAIN_LIST, ["a", {"message": "b"}], [("a", "", ""), ("b", "", "")]),
        (STRIPE, {"error": {"message": "m", "code": 1234}}, [("m", "1234", "")]),
        (STRIPE, {"error": {"message": "m", "code": True, "param": None}}, [("m", "", "")]),
        (STRIPE, {"error": {"message": "m", "code": 10**20}}, [("m", "", "")]),
    ],
)
def test_errors_are_read_where_the_description_says(
    places: ErrorPlaces, document: Any, expected: list[tuple[str, str, str]]
) -> None:
    assert told(errors_of(places, refusal(document))) == expected


def test_an_error_may_stand_in_headers() -> None:
    reply = Reply(400, {"x-error": "no such thing", "x-error-code": "E1"}, b"")
    assert told(errors_of(HEADERS, reply)) == [("no such thing", "E1", "")]


@pytest.mark.parametrize(
    "reply",
    [
        refusal({"errors": [{"detail": "d", "code": "c"}]}),
        Reply(502, {"content-type": "text/html"}, b"<html><title>Bad Gateway</title>"),
        Reply(502, {}, b"", complete=False),
        refusal({"error": "rate_limited"}, 403),
        refusal(7),
    ],
)
@pytest.mark.parametrize("places", [ErrorPlaces(), STRIPE])
def test_where_the_places_show_nothing_errors_are_read_by_their_shape(places: ErrorPlaces, reply: Reply) -> None:
    assert errors_of(places, reply) == read_errors(reply)


def test_words_are_made_harmless_and_secrets_hidden() -> None:
    (error,) = errors_of(GITHUB, refusal({"message": f"you sent\n{SECRET}", "code": "x" * 999}))
    assert error.detail == f"you sent {HIDDEN}"
    assert len(error.code) == TEXT_LIMIT


def test_all_errors_are_kept_in_order_within_reason() -> None:
    items = [{"message": str(number)} for number in range(MOST_ERRORS + 5)]
    found = errors_of(GITHUB, refusal({"errors": items}))
    assert [error.detail for error in found] == [str(number) for number in range(MOST_ERRORS)]


@pytest.mark.parametrize(
    ("places", "reply", "found"),
    [
        (ErrorPlaces(), refusal({}, headers={"x-request-id": "r-1"}), "r-1"),
        (ErrorPlaces(), refusal({}), ""),
        (ErrorPlaces(request_id="@CF-Ray"), refusal({}, headers={"cf-ray": "7f\t"}), "7f"),
        (ErrorPlaces(request_id="/error/request_id"), refusal({"error": {"request_id": "req_7"}}), "req_7"),
        (ErrorPlaces(request_id="/error/request_id"), refusal({"error": {"request_id": SECRET}}), HIDDEN),
        (ErrorPlaces(request_id="/error/request_id"), refusal([]), ""),
    ],
)
def test_the_request_is_known_to_support_by_what_the_description_says(
    places: ErrorPlaces, reply: Reply, found: str
) -> None:
    assert request_id_of(places, reply) == found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["errors", "error", "message", "code", "field", "loc", "x"]), inner)
    ),
    max_leaves=30,
)
PLACES = st.builds(
    ErrorPlaces,
    items=st.lists(st.sampled_from(["", "/errors", "/errors/0", "/error/x"]), max_size=3).map(tuple),
    message=st.sampled_from(["", "/message", "/error/message", "@X"]),
    code=st.sampled_from(["", "/code", "/0/code"]),
    field=st.sampled_from(["", "/field", "/loc"]),
)


@given(PLACES, VALUES, st.sampled_from([200, 302, 400, 500]))
def test_any_document_is_read_without_a_fault_and_told_harmlessly(
    places: ErrorPlaces, document: Any, status: int
) -> None:
    reply = refusal(document, status)
    for error in errors_of(places, reply):
        for text in (error.title, error.detail, error.code, error.pointer):
            assert len(text) <= TEXT_LIMIT
            assert SECRET not in text
            assert "\n" not in text
