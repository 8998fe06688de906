"""Each scheme lets its own credentials in and no others, and tokens are issued as described."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.worker.sandbox.described.fake import ORIGIN, Fake, Got

BODY = '[resources.items]\npath = "/items/{id}"\n'
TOKENS = """
[auth]
type = "oauth2_client_credentials"
token_url = "{server}/realms/{realm}/token"
"""
CLIENT = {
    "grant_type": "client_credentials",
    "client_id": "sandbox-client-id",
    "client_secret": "sandbox-client-secret",
}
FORM = "application/x-www-form-urlencoded"


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("auth", "headers", "status"),
    [
        ('type = "none"', {}, 200),
        ('type = "bearer"', {"Authorization": "Bearer sandbox-token"}, 200),
        ('type = "bearer"', {"Authorization": "bearer sandbox-token"}, 401),
        ('type = "bearer"\nprefix = "Token "', {"Authorization": "Token sandbox-token"}, 200),
        ('type = "basic"', {"Authorization": basic("sandbox-user", "sandbox-password")}, 200),
        ('type = "basic"', {"Authorization": basic("sandbox-user", "other")}, 401),
        ('type = "basic"', {"Authorization": "Bearer sandbox-token"}, 401),
        ('type = "api_key"\nheader = "X-Key"', {"X-Key": "sandbox-api-key"}, 200),
        ('type = "api_key"\nheader = "X-Key"', {"X-Key": "Zoë"}, 401),
        ('type = "api_key"\nheader = "X-Key"\nprefix = "Key "', {"X-Key": "Key sandbox-api-key"}, 200),
    ],
)
def test_a_scheme_takes_its_credential_only(auth: str, headers: dict[str, Any], status: int) -> None:
    fake = Fake(f"[auth]\n{auth}\n{BODY}")
    assert fake.send("GET", "/items/item-1", **{"Authorization": "", **headers}).status == status


def granted(fake: Fake, body: Any, form: str = FORM, **headers: Any) -> Got:
    content = urlencode(body).encode() if form == FORM else json.dumps(body).encode()
    return fake.send("POST", "/realms/demo-realm/token", content, Content_Type=form, **headers)


def test_a_token_is_issued_opens_the_api_and_ends() -> None:
    fake = Fake(TOKENS + BODY)
    got = granted(fake, CLIENT)
    assert got.status == 200
    assert got.entry.body is None
    bearer = f"Bearer {got.json['access_token']}"
    assert fake.send("GET", "/items/item-1", Authorization=bearer).status == 200
    fake.api.access.expire()
    assert fake.send("GET", "/items/item-1", Authorization=bearer).status == 401


def test_the_reply_with_a_token_brings_variables() -> None:
    fake = Fake('base_url = "{instance_url}/api"\n' + TOKENS + 'variables = { instance_url = "/where/url" }\n' + BODY)
    assert granted(fake, CLIENT).json["where"] == {"url": ORIGIN}


WITHOUT_SECRET = {"grant_type": "client_credentials"}
HEADER = basic("sandbox-client-id", "sandbox-client-secret")


@pytest.mark.parametrize(
    ("more", "body", "form", "headers", "status"),
    [
        ("", {**CLIENT, "client_secret": "other"}, FORM, {}, 401),
        ("", CLIENT, "application/json", {}, 400),
        ("", WITHOUT_SECRET, FORM, {"Authorization": HEADER}, 401),
        ('request = "json"\n', CLIENT, "application/json", {}, 200),
        ('client_auth = "basic"\n', WITHOUT_SECRET, FORM, {"Authorization": HEADER}, 200),
        ('client_auth = "basic"\n', CLIENT, FORM, {"Authorization": HEADER}, 400),
        ('client_auth = "basic"\n', WITHOUT_SECRET, FORM, {"Authorization": "Basic ?"}, 401),
        ('scopes = ["a", "b"]\n', CLIENT, FORM, {}, 400),
        ('scopes = ["a", "b"]\n', {**CLIENT, "scope": "a b"}, FORM, {}, 200),
        ('params = { audience = "{realm}" }\n', {**CLIENT, "audience": "demo-realm"}, FORM, {}, 200),
        ('params = { audience = "{realm}" }\n', CLIENT, FORM, {}, 400),
    ],
)
def test_a_token_is_asked_for_as_described(
    more: str, body: dict[str, str], form: str, headers: dict[str, str], status: int
) -> None:
    assert granted(Fake(TOKENS + more + BODY), body, form, **headers).status == status
