"""Where an API is and how it authorises, as far as a document says it."""

import json
from typing import Any

import pytest

from jobs.apis.openapi.access import access, address, variable
from jobs.apis.openapi.document import Document, parse
from tests.jobs.apis.openapi.kit import document

NOWHERE = "unknown: where the API is; write it here, or pass --url"


def with_servers(*urls: str, **variables: Any) -> Document:
    servers = [{"url": each, "variables": variables} for each in urls]
    return document({"/x": {}}, servers=servers)


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("http://api.example.com", "https://api.example.com"),
        ("http://localhost:3000/api", "http://localhost:3000/api"),
        ("//api.example.com/x", "https://api.example.com/x"),
        ("/api/v3", "https://{host}/api/v3"),
        ("https://api.example.com/?a=b#c", "https://api.example.com"),
        ("https://{sub-domain}.example.com", "https://{sub_domain}.example.com"),
        ("{base}/v1", "{base}/v1"),
        ("https://user:secret@example.com", ""),
        ("ftp://example.com", ""),
        ("https://a b.example.com", ""),
        ("https://[example.com", ""),
        ("https://example.com:0x", ""),
        ("https://ä.example.com", ""),
        ("https://{a.example.com", ""),
    ],
)
def test_the_address_is_one_that_a_description_can_have(url: str, base_url: str) -> None:
    found = address(with_servers(url), [])
    assert found.base_url == base_url
    assert (NOWHERE in found.remarks) is (not base_url)


def test_the_defaults_of_variables_are_kept_and_other_servers_named() -> None:
    known = with_servers(
        "https://{a-b}.example.com/{v}",
        "https://eu.example.com",
        **{"a-b": {"default": "x"}, "v": {}, "z": {"default": "z"}},
    )
    found = address(known, [])
    assert found.variables == {"a_b": "x"}
    assert found.remarks == ("other servers in the document: https://eu.example.com",)


def test_the_innermost_servers_count() -> None:
    inner = {"servers": [{"url": "https://inner.example.com"}]}
    assert address(with_servers("https://outer.example.com"), [{}, inner]).base_url == "https://inner.example.com"


@pytest.mark.parametrize("servers", [[], [{"url": 5}], "x", [7]])
def test_a_document_without_servers_says_nothing(servers: Any) -> None:
    assert address(document({"/x": {}}, servers=servers), []).remarks == (NOWHERE,)


def swagger(**more: Any) -> Document:
    return parse(json.dumps({"swagger": "2.0", "paths": {"/x": {}}, **more}).encode())


@pytest.mark.parametrize(
    ("keys", "base_url"),
    [
        ({"host": "a.example.com", "basePath": "/v1/"}, "https://a.example.com/v1"),
        ({"host": "a.example.com", "schemes": ["http"]}, "https://a.example.com"),
        ({"host": "localhost:80", "schemes": ["http"]}, "http://localhost:80"),
        ({"basePath": "/v1"}, "https://{host}/v1"),
        ({}, ""),
    ],
)
def test_the_address_of_swagger_is_put_together(keys: Any, base_url: str) -> None:
    assert address(swagger(**keys), []).base_url == base_url


@pytest.mark.parametrize(
    ("name", "plain"), [("a-b", "a_b"), ("", "key"), ("1a", "_1a"), ("fields", "fields_"), ("ä", "key"), ("id", "id")]
)
def test_the_name_of_a_variable_is_one_that_braces_may_hold(name: str, plain: str) -> None:
    assert variable(name) == plain


def flow(url: str, **scopes: str) -> dict[str, Any]:
    return {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": url, "scopes": scopes}}}


BEARER = {"type": "http", "scheme": "Bearer"}
SSWS = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Write `SSWS {API token}`."}
CODE = {"type": "oauth2", "flows": {"authorizationCode": {}}}


@pytest.mark.parametrize(
    ("scheme", "keys"),
    [
        (BEARER, {"type": "bearer"}),
        ({"type": "http", "scheme": "basic"}, {"type": "basic"}),
        ({"type": "basic"}, {"type": "basic"}),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"type": "api_key", "header": "X-Key"}),
        (SSWS, {"type": "api_key", "header": "Authorization", "prefix": "SSWS "}),
        (
            {**SSWS, "description": "`Token token=<API_KEY>`"},
            {"type": "api_key", "header": "Authorization", "prefix": "Token token="},
        ),
        ({**SSWS, "description": "Bearer {token}"}, {"type": "bearer"}),
        ({**SSWS, "description": "a key"}, {"type": "api_key", "header": "Authorization"}),
        ({**SSWS, "name": "X Key"}, {"type": "bearer"}),  # what no header can be called is none
        ({"type": "apiKey", "in": "query", "name": "key"}, {"type": "bearer"}),
        ({"type": "openIdConnect"}, {"type": "bearer"}),
        (CODE, {"type": "bearer"}),
        (
            flow("https://id.example.com/token"),
            {"type": "oauth2_client_credentials", "token_url": "https://id.example.com/token", "scopes": []},
        ),
        (
            flow("/oauth/token"),
            {"type": "oauth2_client_credentials", "token_url": "https://api.example.com/oauth/token", "scopes": []},
        ),
        (
            flow(""),
            {"type": "oauth2_client_credentials", "token_url": "https://{token_host}/oauth/token", "scopes": []},
        ),
        (
            {"type": "oauth2", "flow": "application", "tokenUrl": "https://x.example.com/t"},
            {"type": "oauth2_client_credentials", "token_url": "https://x.example.com/t", "scopes": []},
        ),
        ({"type": "mutualTLS"}, {"type": "bearer"}),
    ],
)
def test_a_scheme_becomes_a_table(scheme: Any, keys: Any) -> None:
    known = document({"/x": {}}, components={"securitySchemes": {"one": scheme}})
    assert access(known, [], "https://api.example.com/v1").keys == keys


def test_the_simplest_of_several_ways_is_taken_and_the_others_are_named() -> None:
    schemes = {"code": CODE, "query": {"type": "apiKey", "in": "query", "name": "k"}, "token": BEARER}
    found = access(document({"/x": {}}, components={"securitySchemes": schemes}), [], "")
    assert found.keys == {"type": "bearer"}
    assert found.remarks == (
        "the document also knows query, which a description cannot say",
        "other ways in the document: code (oauth2)",
    )


def test_only_the_schemes_that_operations_ask_for_count() -> None:
    schemes = {"basic": {"type": "http", "scheme": "basic"}, "app": flow("https://id.example.com/t", a="", b="")}
    known = document({"/x": {}}, components={"securitySchemes": schemes}, security=[{"basic": []}])
    assert access(known, [{}], "").keys == {"type": "basic"}
    scoped = access(known, [{"security": [{"app": ["a", "a b", "{x}", 5]}, 7]}, {"security": [{"app": ["b"]}]}], "")
    assert scoped.keys["scopes"] == ["a", "b"]
    assert access(known, [{"security": [{"gone": []}]}], "").keys["type"] == "oauth2_client_credentials"


def test_scopes_that_are_only_listed_are_to_be_chosen() -> None:
    known = document({"/x": {}}, components={"securitySchemes": {"app": flow("/t", a="")}})
    found = access(known, [], "{base}/v1")
    assert found.keys["token_url"] == "https://{base}/t"
    assert "unknown: which scopes are needed; the document lists some" in found.remarks


def test_a_document_that_says_nothing_leaves_it_open() -> None:
    found = access(document({"/x": {}}), [], "")
    assert found.remarks == ("unknown: how requests are authorised; the document does not say it",)


def test_swagger_has_its_schemes_elsewhere() -> None:
    assert access(swagger(securityDefinitions={"x": {"type": "basic"}}), [], "").keys == {"type": "basic"}
