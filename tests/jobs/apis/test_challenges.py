"""Tokens that are refused, told by codes and by challenges."""

import json
from typing import Any

import pytest

from jobs.apis.challenges import token_refused
from jobs.model import Reply

INVALID = 'Bearer realm="api", error="invalid_token", error_description="The access token expired"'


@pytest.mark.parametrize(
    ("challenge", "document", "refused"),
    [
        ("", {"errors": [{"code": "INVALID_TOKEN"}]}, True),
        ("", {"errors": [{"code": "invalid_token"}]}, True),
        ("", {"error": "invalid_token", "error_description": "expired"}, True),
        ("", {"error": {"code": "TokenExpired"}}, True),
        ("", {"errors": [{"code": "UNAUTHORIZED"}]}, False),
        ("", {}, False),
        (INVALID, {"errors": [{"code": "not_authenticated"}]}, True),
        (INVALID.upper(), b"<html>", True),
        ("bearer error=invalid_token", {}, True),
        ("Bearer error='invalid_token'", {}, True),
        ('Basic realm="x", Bearer realm="y",error="invalid_token"', {}, True),
        ("Bearer", {"message": "The incoming token has expired"}, True),  # a token was sent, and it is asked for one
        ('Bearer realm="api"', {}, True),
        ('Bearer error_description="x"', {}, True),
        ('Bearer error="insufficient_scope"', {}, False),
        ('Bearer error="invalid_request"', {}, False),
        ('Basic realm="x"', {}, False),
        ('Digest realm="bearers"', {}, False),
    ],
)
def test_a_refused_token_is_known_by_its_code_or_its_challenge(challenge: str, document: Any, refused: bool) -> None:
    headers = {"content-type": "application/json", "www-authenticate": challenge}
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert token_refused(Reply(401, headers, body)) is refused
    assert token_refused(Reply(403, headers, body)) is False
