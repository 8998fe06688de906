"""What looks like a secret is refused, and never quoted."""

import pytest

from jobs.apis.description.loading import examine
from jobs.apis.description.summary import CREDENTIALS

SECRET = "hunter2-hunter2"


def found(top: str, resource: str = "") -> list[str]:
    read = examine(f"name = 'x'\n{top}\n[resources.t]\npath = '/t/{{id}}'\n{resource}\n")
    assert read.value is not None
    return [each.key for each in read.errors if "nothing secret stands in a description" in each.text]


@pytest.mark.parametrize(
    ("top", "key"),
    [
        (f"headers = {{ Authorization = '{SECRET}' }}", "headers.Authorization"),
        ("headers = { authorization = '' }", "headers.authorization"),
        ("headers = { Cookie = 'a' }", "headers.Cookie"),
        (f"headers = {{ X-Api-Key = '{SECRET}' }}", "headers.X-Api-Key"),
        (f"headers = {{ Private-Token = '{SECRET}' }}", "headers.Private-Token"),
        ("headers = { My-Key = 'a' }\nauth = { type = 'api_key', header = 'my-key' }", "headers.My-Key"),
        (f"variables = {{ password = '{SECRET}' }}\nheaders = {{ A = '{{password}}' }}", "variables.password"),
        ("variables = { api_key = '' }\nheaders = { A = '{api_key}' }", "variables.api_key"),  # --set would show it
        (
            f"auth = {{ type = 'oauth2_client_credentials', token_url = '', params = {{ secret = '{SECRET}' }} }}",
            "auth.params.secret",
        ),
    ],
)
def test_the_place_of_a_secret_is_refused(top: str, key: str) -> None:
    assert found(top) == [key]


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        (f"update = {{ query = {{ access_token = '{SECRET}' }} }}", "resources.t.update.query.access_token"),
        (f"update = {{ constants = {{ '/a/password' = '{SECRET}' }} }}", 'resources.t.update.constants."/a/password"'),
        (
            f"update = {{ constants = {{ '/a' = [{{ token = '{SECRET}' }}] }} }}",
            'resources.t.update.constants."/a"[0].token',
        ),
        (f"read = {{ headers = {{ X-Token = '{SECRET}' }} }}", "resources.t.read.headers.X-Token"),
        (
            f"read_many = {{ path = '/{{ids}}', query = {{ token = ['{SECRET}'] }} }}",
            "resources.t.read_many.query.token[0]",
        ),
    ],
)
def test_the_place_of_a_secret_is_refused_in_a_request(resource: str, key: str) -> None:
    assert found("", resource) == [key]


@pytest.mark.parametrize(
    "value",
    [
        "Bearer abcdef123456",
        "Basic dXNlcjpwYXNz1",
        "sk_live_abcdefgh",
        "ghp_abcdefghijklmnopqrstuvwx",
        "github_pat_abcdefghijklmnopqrstuvwx",
        "glpat-abcdefghijklmnopq",
        "xoxb-1234567890",
        "shpat_abcdefghijklmnopq",
        "AKIAABCDEFGHIJKLMNOP",
        "pat-na1-0123456789abcdef0123",
        "patAbCdEfGhIjKlMn.0123456789abcdef0123",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
        "-----BEGIN RSA PRIVATE KEY-----",
        "https://user:hunter2@example.com",
        "0123456789abcdef0123456789abcdef",
        "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE",
    ],
)
@pytest.mark.parametrize(
    "place", ["headers = {{ X-Note = '{}' }}", "variables = {{ a = '{}' }}\nbase_url = 'https://{{a}}'"]
)
def test_what_looks_like_a_secret_is_refused_anywhere_and_not_quoted(value: str, place: str) -> None:
    read = examine(f"name = 'x'\n{place.format(value)}\n[resources.t]\npath = '/t/{{id}}'\n")
    assert any("this looks like a secret" in each.text for each in read.errors)
    assert not any(value in each.said("f") for each in read.problems)


@pytest.mark.parametrize(
    "top",
    [
        "headers = { X-Atlassian-Token = 'no-check' }",
        "headers = { Notion-Version = '2026-01-01', X-Id = '123e4567-e89b-12d3-a456-426614174000' }",
        "notes = ['Basic authentication with mail/token, tokens expire', 'see 0123456789abcdef0123456789abcdef']",
        "auth = { type = 'api_key', header = 'X-Api-Key' }",
        "[[error_rules]]\nmeans = 'stop'\nheader = { X-Token = 'expired 1' }\nbody = { '/token' = 'bad 1' }",
        "[auth]\ntype = 'oauth2_client_credentials'\ntoken_url = 'https://a/t'\nvariables = { token = '/x1' }",
    ],
)
def test_what_is_no_secret_is_left_alone(top: str) -> None:
    assert found(top) == []


def test_a_precondition_may_send_back_a_token_that_was_read() -> None:
    assert found("", "precondition = { body = { '/version_token' = '{/version_token}' } }") == []


def test_every_credential_is_in_the_environment() -> None:
    assert all(names.startswith("ROWPATCH_") for kind, names in CREDENTIALS.items() if kind != "none")


NAMED = "[auth]\ntype = 'api_key'\nheader = 'X-Vendor-Pass'"
"""A header that no rule knows for a credential's but [auth]."""

PLACES = {
    "headers": ("headers = { NAME = 'a' }", ""),
    "headers of a type": ("", "headers = { NAME = 'a' }"),
    "headers of an update": ("", "update = { headers = { NAME = '{id}' } }"),
    "headers of a read": ("", "read = { headers = { NAME = 'a' } }"),
    "headers of reading many": ("", "read_many = { path = '/t/{ids}', headers = { NAME = 'a' } }"),
    "headers of a look-up": ("", "find = { by = ['a'], path = '/t/{value}', headers = { NAME = 'a' } }"),
    "headers of a condition": ("", "precondition = { headers = { NAME = '{@ETag}' } }"),
    "the header of an idempotency key": ("idempotency_key = 'NAME'", ""),
}


@pytest.mark.parametrize("name", ["X-Vendor-Pass", "x-vendor-pass", "X-VENDOR-PASS"])
@pytest.mark.parametrize("place", PLACES)
def test_no_header_takes_the_place_of_the_credential(place: str, name: str) -> None:
    top, resource = (text.replace("NAME", name) for text in PLACES[place])
    read = examine(f"name = 'x'\n{top}\n{NAMED}\n[resources.t]\npath = '/t/{{id}}'\n{resource}\n")
    (error,) = read.errors
    assert error.line == (2 if top else 8)
    assert "the credential" in error.text
    other = examine(
        f"name = 'x'\n{top.replace(name, 'X-Other')}\n{NAMED}\n[resources.t]\npath = '/t/{{id}}'\n"
        f"{resource.replace(name, 'X-Other')}\n"
    )
    assert other.errors == ()
