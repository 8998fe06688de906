"""How described APIs authorise requests: what they need, what requests carry, and what a token endpoint says."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.auth import Auth, Claims, Grant, Permit, TokenSource
from jobs.apis.described.auth import auth_of
from jobs.apis.description.model import AuthDescription
from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request

TOKEN_URL = "https://auth.example.com/oauth/token"
ISSUED = {"access_token": "t", "expires_in": 3600}


def auth(constants: Mapping[str, str] = {}, base_url: str = "", **described: Any) -> Auth:
    return auth_of(AuthDescription(**described), constants, base_url)


def tokens(constants: Mapping[str, str] = {}, base_url: str = "", **described: Any) -> TokenSource:
    described = {"token_url": TOKEN_URL, **described}
    source = auth(constants, base_url, type="oauth2_client_credentials", **described).tokens
    assert source is not None
    return source


def reply(document: Any, status: int = 200, kind: str = "application/json") -> Reply:
    return Reply(status, {"content-type": kind}, json.dumps(document).encode())


# what requests carry


@pytest.mark.parametrize(
    ("described", "secrets", "permit"),
    [
        ({}, ("t",), Permit("Authorization", "Bearer t", ("t",))),
        ({"prefix": "Token "}, ("t",), Permit("Authorization", "Token t", ("t",))),
        ({"header": "X-Auth-Token", "prefix": ""}, ("t",), Permit("X-Auth-Token", "t", ("t",))),
        ({"type": "api_key", "header": "X-Api-Key"}, ("k",), Permit("X-Api-Key", "k", ("k",))),
        ({"type": "api_key", "prefix": "GenieKey "}, ("k",), Permit("Authorization", "GenieKey k", ("k",))),
        (
            {"type": "basic"},
            ("Aladdin", "open sesame"),  # the example of RFC 7617
            Permit(
                "Authorization",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                ("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "open sesame", "Aladdin"),
            ),
        ),
        (
            {"type": "basic"},
            ("test", "123£"),  # the other one, in UTF-8
            Permit("Authorization", "Basic dGVzdDoxMjPCow==", ("dGVzdDoxMjPCow==", "123£", "test")),
        ),
        (
            {"type": "basic"},
            ("k3y-of-mine", "X"),  # a key for a user name: to hide each X would garble what is quoted
            Permit("Authorization", "Basic azN5LW9mLW1pbmU6WA==", ("azN5LW9mLW1pbmU6WA==", "k3y-of-mine")),
        ),
        (
            {"type": "oauth2_client_credentials", "token_url": TOKEN_URL},
            ("t",),
            Permit("Authorization", "Bearer t", ("t",)),
        ),
        ({"type": "none"}, (), Permit()),
    ],
)
def test_requests_carry_what_the_scheme_makes_of_the_secrets(
    described: dict[str, Any], secrets: tuple[str, ...], permit: Permit
) -> None:
    assert auth(**described).permit(*secrets) == permit


@pytest.mark.parametrize(
    ("kind", "needs"),
    [
        ("bearer", (("token",),)),
        ("basic", (("username", "password"),)),
        ("api_key", (("api_key",),)),
        ("oauth2_client_credentials", (("token",), ("client_id", "client_secret"))),
        ("none", ()),
    ],
)
def test_each_scheme_needs_its_own_secrets_and_one_of_them_issues_tokens(kind: str, needs: Any) -> None:
    found = auth(type=kind, token_url=TOKEN_URL)
    assert found.needs == needs
    assert (found.tokens is not None) is (kind == "oauth2_client_credentials")


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_basic_can_be_taken_apart_again(user: str, password: str) -> None:
    value = auth(type="basic").permit(user, password).value
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == f"{user}:{password}"


def test_a_jwt_says_when_it_ends_and_any_other_token_nothing() -> None:
    payload = base64.urlsafe_b64encode(b'{"exp": 1750000000, "test": true}').decode().rstrip("=")
    assert auth().claims(f"e30.{payload}.c2ln") == Claims(expires_at=1_750_000_000.0)
    assert auth().claims("opaque") == Claims()


@pytest.mark.parametrize(
    "described",
    [
        {"header": "X-Key\r\nX"},
        {"prefix": "Bearer\n"},
        {"header": "Host"},
        {"type": "basic", "header": "content-length"},
    ],
)
def test_no_credential_goes_into_a_header_that_would_break_the_request(described: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^auth\.header and auth\.prefix: "):
        auth(**described)


# asking for a token


def test_a_token_is_asked_for_in_a_form_with_the_client_in_the_body() -> None:
    request = tokens(scopes=("read", "write"), params={"audience": "https://api.example.com/"}).request("me", "s&c=r+t")
    assert (request.method, request.target) == ("POST", "/oauth/token")
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert request.body == (
        b"grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Fapi.example.com%2F"
        b"&client_id=me&client_secret=s%26c%3Dr%2Bt"
    )


def test_a_token_is_asked_for_in_json() -> None:
    request = tokens(request="json").request("me", 's"3cret')
    assert request.headers == {"Content-Type": "application/json"}
    assert json.loads(request.body) == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": 's"3cret',
    }


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_the_client_in_a_header_is_encoded_as_the_standard_says(client_id: str, client_secret: str) -> None:
    """RFC 6749, 2.3.1: each is encoded as in a form, so that a colon in the id ends nothing."""
    request = tokens(client_auth="basic").request(client_id, client_secret)
    pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert [unquote_plus(each) for each in pair.split(":")] == [client_id, client_secret]
    assert parse_qs(request.body.decode()) == {"grant_type": ["client_credentials"]}


def test_a_parameter_may_name_another_grant() -> None:
    request = tokens(params={"grant_type": "account_credentials"}).request("me", "s")
    assert request.body.startswith(b"grant_type=account_credentials&")


@pytest.mark.parametrize(
    ("token_url", "constants", "origin", "target"),
    [
        (TOKEN_URL, {}, "https://auth.example.com", "/oauth/token"),
        ("https://a.example", {}, "https://a.example", "/"),
        ("https://a.example/t?v=2", {}, "https://a.example", "/t?v=2"),
        ("http://127.0.0.1:8080/t", {}, "http://127.0.0.1:8080", "/t"),
        ("https://{domain}.auth.example/t", {"domain": "acme"}, "https://acme.auth.example", "/t"),
        ("https://login.example/{tenant}/t", {"tenant": "1-a"}, "https://login.example", "/1-a/t"),
        ("https://{host}/t", {"host": "a.example:444"}, "https://a.example:444", "/t"),
        ("{issuer}/t", {"issuer": "https://a.example/realms/x/"}, "https://a.example", "/realms/x/t"),
    ],
)
def test_the_endpoint_has_an_origin_and_a_path_of_its_own(
    token_url: str, constants: dict[str, str], origin: str, target: str
) -> None:
    source = tokens(constants, token_url=token_url)
    assert (source.url, source.request("a", "b").target) == (origin, target)
    assert (source.windows, source.are_shared) == ((), False)


@pytest.mark.parametrize(
    ("described", "constants", "says"),
    [
        ({"token_url": ""}, {}, "auth.token_url is missing"),
        ({"token_url": "/oauth/token"}, {}, "auth.token_url: write an address like https://"),
        ({"token_url": "ftp://a.example/t"}, {}, "auth.token_url: write an address"),
        ({"token_url": "https://me@a.example/t"}, {}, "auth.token_url: write an address"),
        ({"token_url": "https://a.example/t#x"}, {}, "auth.token_url: write an address"),
        ({"token_url": "https://a.example/a b"}, {}, "auth.token_url: write an address"),
        ({"token_url": "https://a.example/\r\nX: y"}, {}, "auth.token_url: write an address"),
        ({"token_url": "https://{d}.example"}, {}, r"auth.token_url: \{d\} has no value .*--set d=VALUE"),
        ({"token_url": "https://{d}.example"}, {"d": ""}, "auth.token_url: "),
        ({"token_url": "https://{d}.example"}, {"d": "evil.example/"}, "auth.token_url: "),
        ({"token_url": "https://{d}.example"}, {"d": "evil.example#"}, "auth.token_url: "),
        ({"token_url": "https://{d}.example"}, {"d": "me@evil"}, "auth.token_url: "),
        ({"token_url": "https://a.example/{d}/t"}, {"d": ".."}, "auth.token_url: "),
        ({"scopes": ("{d}",)}, {}, r"auth.scopes: \{d\} has no value"),
        ({"params": {"audience": "{d}"}}, {}, r"auth.params.audience: \{d\} has no value"),
    ],
)
def test_what_is_missing_or_leads_elsewhere_is_refused_with_its_key(
    described: dict[str, Any], constants: dict[str, str], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        tokens(constants, **described)


def test_variables_are_filled_from_constants() -> None:
    source = tokens({"org": "a b"}, scopes=("{org}:write",), params={"audience": "urn:{org}"})
    assert parse_qs(source.request("me", "s").body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b:write"],
        "audience": ["urn:a b"],
        "client_id": ["me"],
        "client_secret": ["s"],
    }


# what the endpoint says


@pytest.mark.parametrize(
    ("answer", "grant"),
    [
        (reply(ISSUED), Grant("t", 3600.0)),
        (reply(ISSUED, 201), Grant("t", 3600.0)),
        (reply(ISSUED, kind="text/plain"), Grant("t", 3600.0)),
        (reply({"access_token": "t"}), Grant("t")),  # nothing said of its life
        (reply({"access_token": "t", "expires_in": "3600"}), Grant("t", 3600.0)),  # as text
        (reply({"access_token": "t", "expires_in": 0}), Grant("t")),  # some mean by that: for ever
        (reply({"access_token": "t", "expires_in": -1}), Grant("t")),
        (reply({"access_token": "t", "expires_in": "never"}), Grant("t")),
        (reply({"error": "invalid_client"}), None),  # with 200
        (reply([ISSUED]), None),  # an array
        (reply("t"), None),
        (reply(None), None),
        (reply({"access_token": None}), None),
        (reply(ISSUED, 401), None),
        (Reply(200, {}, b'{"access_token": "t"', complete=False), None),
        (Reply(200, {}, b"access_token=t"), None),
        (Reply(200, {}, b"<html>"), None),
        (Reply(204, {}), None),
    ],
)
def test_a_token_is_read_from_a_success_that_holds_one(answer: Reply, grant: Grant | None) -> None:
    assert tokens().grant(answer) == grant


@pytest.mark.parametrize(
    ("outcome", "meaning"),
    [
        (reply(ISSUED), Meaning.SERVED),
        (reply({"error": "invalid_client"}), Meaning.REFUSED),  # with 200: a second request would not change that
        (reply({"error": "", "access_token": None}), Meaning.SERVED),
        (reply({**ISSUED, "error": "none"}), Meaning.SERVED),
        (Reply(200, {}, b"<html>"), Meaning.SERVED),  # a portal, perhaps: worth another try
        (reply([]), Meaning.SERVED),
        (reply({"error": "invalid_client"}, 401), Meaning.NOT_AUTHORIZED),
        (Reply(429, {}), Meaning.THROTTLED),
        (NotSent("x"), Meaning.UNSENT),
        (MaybeSent("timed_out", "x"), Meaning.UNANSWERED),
    ],
)
def test_an_outcome_of_the_endpoint_means(outcome: Outcome, meaning: Meaning) -> None:
    assert tokens().meaning(Request("POST", "/t"), outcome) is meaning


INSTANCE = {"instance_url": "/instance_url"}


@pytest.mark.parametrize(
    ("base_url", "variables", "said", "url", "lacks"),
    [
        ("{instance_url}/v1", INSTANCE, {"instance_url": "https://eu1.example.com"}, "https://eu1.example.com/v1", ()),
        ("{instance_url}/v1", INSTANCE, {"instance_url": "https://eu1.example.com/"}, "https://eu1.example.com/v1", ()),
        ("{instance_url}/v1", INSTANCE, {}, "", ("instance_url",)),
        ("{instance_url}/v1", INSTANCE, {"instance_url": 7}, "", ("instance_url",)),
        ("https://{dc}.example.com", {"dc": "/meta/0"}, {"meta": {"0": "us6"}}, "https://us6.example.com", ()),
        ("https://{dc}.example.com", {"dc": "/a~1b/~0"}, {"a/b": {"~": "us6"}}, "https://us6.example.com", ()),
        ("https://{dc}.example.com", {"dc": "/dc"}, {"dc": "evil.example/"}, "", ("dc",)),
        ("https://{dc}.example.com", {"dc": "/dc/x"}, {"dc": "us6"}, "", ("dc",)),
        ("https://api.example.com", INSTANCE, {"instance_url": "https://evil.example"}, "", ()),  # nobody asks for it
        ("", {}, {}, "", ()),
    ],
)
def test_a_reply_names_the_base_url_where_that_waits_for_it(
    base_url: str, variables: dict[str, str], said: dict[str, Any], url: str, lacks: tuple[str, ...]
) -> None:
    grant = tokens({}, base_url, variables=variables).grant(reply({**ISSUED, **said}))
    assert grant == Grant("t", 3600.0, url, lacks)


def test_constants_stand_beside_what_a_token_brings_and_never_for_it() -> None:
    constants = {"instance_url": "https://evil.example", "version": "v60.0"}
    source = tokens(constants, "{instance_url}/{version}", variables=INSTANCE)
    grant = source.grant(reply({**ISSUED, "instance_url": "https://eu1.example.com"}))
    assert grant is not None
    assert grant.url == "https://eu1.example.com/v60.0"
    with pytest.raises(ValueError, match=r"base_url: \{version\} has no value"):
        tokens({}, "{instance_url}/{version}", variables=INSTANCE)


@given(st.text(st.characters(codec="utf-8")))
def test_no_variable_within_a_host_leads_to_another_one(said: str) -> None:
    grant = tokens({}, "https://{dc}.example.com/v1", variables={"dc": "/dc"}).grant(reply({**ISSUED, "dc": said}))
    assert grant is not None
    host = grant.url.removeprefix("https://").partition("/")[0]
    assert host == "" or host.endswith(".example.com")


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_an_endpoint_says_is_read_without_an_error(document: Any) -> None:
    source = tokens({}, "{instance_url}", variables={"instance_url": "/a/b"})
    assert source.grant(reply(document)) is None or document["access_token"]
    assert source.meaning(Request("POST", "/t"), reply(document)) in {Meaning.SERVED, Meaning.REFUSED}


def test_limits_on_tokens_and_a_token_that_all_share_are_those_of_the_endpoint() -> None:
    told = AuthDescription(type="oauth2_client_credentials", token_url=TOKEN_URL, shared_token=True)
    tokens = auth_of(told, {}, "", ((30, 60.0),)).tokens
    assert tokens is not None
    assert (tokens.windows, tokens.are_shared) == (((30, 60.0),), True)


def test_code_may_read_more_of_a_token_and_then_it_tells_its_mode() -> None:
    found = auth_of(AuthDescription(), {}, claims=lambda token: Claims(mode=token))
    assert (found.tells_mode, found.claims("test")) == (True, Claims(mode="test"))
    assert not auth().tells_mode
