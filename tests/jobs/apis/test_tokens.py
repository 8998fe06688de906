"""Tokens by the rules of OAuth 2.0 and of JWT, whoever issues them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.auth import Grant
from jobs.apis.meanings import Meaning
from jobs.apis.tokens import granted, payload_of, seconds, token_meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request

ASKED = Request("POST", "/oauth/token", b"x")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("document", "grant"),
    [
        ({"access_token": "t", "expires_in": 60}, Grant("t", 60.0)),
        ({"access_token": "t", "expires_in": "60"}, Grant("t", 60.0)),  # as text
        ({"access_token": "t"}, Grant("t")),
        ({"access_token": "t", "expires_in": "soon"}, Grant("t")),
        ({"access_token": "t", "expires_in": {}}, Grant("t")),
        ({"access_token": "two words"}, None),
        ({"access_token": "t\r\nX: y"}, None),  # a header that it would begin
        ({"access_token": "é"}, None),
        ({"access_token": ["t"]}, None),
        ({"error": "invalid_client"}, None),
        ({}, None),
    ],
)
def test_a_document_grants_a_token_that_a_header_can_hold_or_none(document: Any, grant: Grant | None) -> None:
    assert granted(document) == grant


@given(st.dictionaries(st.sampled_from(["access_token", "expires_in", "error"]), ANYTHING))
def test_whatever_an_endpoint_says_is_a_grant_or_none(document: Any) -> None:
    grant = granted(document)
    assert grant is None or (grant.access_token.isascii() and " " not in grant.access_token)


@pytest.mark.parametrize(
    ("outcome", "meaning"),
    [
        (NotSent("x"), Meaning.UNSENT),
        (MaybeSent("timed_out", "x"), Meaning.UNANSWERED),
        (Reply(100, {}), Meaning.FOREIGN),
        (Reply(200, {}), Meaning.SERVED),
        (Reply(302, {}), Meaning.REDIRECTED),
        (Reply(401, {"www-authenticate": "Basic"}), Meaning.NOT_AUTHORIZED),  # of the client, and not of a token
        (Reply(429, {}), Meaning.THROTTLED),
        (Reply(503, {}), Meaning.UNWELL),
    ],
)
def test_no_reply_to_a_request_for_a_token_refuses_a_token(outcome: Outcome, meaning: Meaning) -> None:
    assert token_meaning(ASKED, outcome) is meaning


def jwt(payload: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.c2ln"


@given(st.dictionaries(st.text(), ANYTHING))
def test_the_payload_of_a_jwt_is_read(claims: Any) -> None:
    text = json.dumps(claims)
    assert payload_of(jwt(text.encode())) == json.loads(text)


@given(st.text() | st.binary().map(jwt))
def test_whatever_is_no_jwt_has_no_payload(token: str) -> None:
    assert isinstance(payload_of(token), dict)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1.0), (0.5, 0.5), (True, None), ("1", None), (None, None), (float("inf"), None), (10**400, None)],
)
def test_seconds_are_a_finite_number(value: object, expected: float | None) -> None:
    assert seconds(value) == expected
