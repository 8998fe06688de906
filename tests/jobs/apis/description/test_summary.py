import pytest

from jobs.apis.description.loading import load
from jobs.apis.description.model import AuthDescription
from jobs.apis.description.summary import CREDENTIALS, limits, scheme, understood

HARD = """
name = "hard"
verified = "docs 2026-11"
base_url = "https://{sub}.example.com/{version}"
variables = { version = "v1" }
limits = [{ rate = "100/60s" }, { concurrency = 10, per = "{sub}" }, { rate = "1/1s", per = "record", on = "update" }]
[auth]
type = "oauth2_client_credentials"
token_url = "https://{tenant}.example.com/token"
[resources.tickets]
path = "/{owner}/tickets/{id}"
limits = [{ rate = "5/1s" }]
update = { method = "PUT", path = "/x/{id}", format = "json_api", send = "record" }
read_many = { path = "/{owner}/many?ids={ids}", max_ids = 100 }
find = { by = ["sku", "ean"], path = "/{owner}/find?{by}={value}" }
precondition = { headers = { If-Match = "{@ETag}" }, body = { "/version" = "{/version}" }, query = { seq = "{/s}" } }
[resources.tickets.fields]
tags = { type = "set" }
"*" = { type = "json" }
[resources.blind]
path = "/blind/{id}"
read = false
[resources.aside]
path = "/aside/{id}"
read = { path = "/beside/{id}" }
[resources.pages]
path = "/pages/{id}"
read = false
read_many = { path = "/pages", query = { ids = "{ids}" }, max_ids = 100 }
precondition = { body = { "/version" = "{/version}" } }
[resources.many]
path = "/many/{id}"
read_many = { path = "/many/{ids}" }
"""


def test_a_description_is_summed_up_in_a_few_lines() -> None:
    assert understood(load(HARD, "hard")) == [
        "hard, verified: docs 2026-11",
        "  address   https://{sub}.example.com/{version}",
        "  set       --set sub=… --set tenant=…",
        f"  auth      oauth2_client_credentials: {CREDENTIALS['oauth2_client_credentials']} in the environment",
        "  limit     100/60s per credential",
        "  limit     10 in flight per {sub}",
        "  limit     1/1s per record, counting updates only",
        "tickets",
        "  key       owner, id",
        "  updates   PUT /x/{id} with JSON:API, the whole record with the changes",
        "  reads     one by one: GET /{owner}/tickets/{id}, since no page of records shows ETag of each",
        "  finds     by sku or ean: GET /{owner}/find?{by}={value}",
        "  guard     an update counts only if the record is as it was read: If-Match, /version, seq",
        "  limit     5/1s per credential",
        "  fields    tags, *",
        "blind",
        "  key       id",
        "  updates   PATCH /blind/{id} with JSON, only what changes",
        "  reads     none: nothing is compared or merged, and nothing can be undone",
        "aside",
        "  key       id",
        "  updates   PATCH /aside/{id} with JSON, only what changes",
        "  reads     one by one: GET /beside/{id}",
        "pages",
        "  key       id",
        "  updates   PATCH /pages/{id} with JSON, only what changes",
        "  reads     100 at once: GET /pages",
        "  guard     an update counts only if the record is as it was read: /version",
        "many",
        "  key       id",
        "  updates   PATCH /many/{id} with JSON, only what changes",
        "  reads     25 at once: GET /many/{ids}",
    ]


def test_what_is_not_known_is_said() -> None:
    least = load('name = "x"\nauth = { type = "none" }\n[resources.t]\npath = "/{id}"\n', "x")
    assert understood(least)[:3] == ["x, verified: nothing yet", "  address   none: give --url", "  auth      none"]


@pytest.mark.parametrize(
    ("type_name", "words"),
    [
        ("tickets", ["100/60s", "10 in flight per {sub}", "1/1s of updates per record", "5/1s"]),
        ("blind", ["100/60s", "10 in flight per {sub}", "1/1s of updates per record"]),
        ("", ["100/60s", "10 in flight per {sub}", "1/1s of updates per record", "5/1s"]),
    ],
)
def test_the_limits_of_a_run_are_told_in_short(type_name: str, words: list[str]) -> None:
    assert limits(load(HARD, "hard"), type_name) == words


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_how_requests_are_authorised_is_told_in_words(kind: str) -> None:
    said = scheme(AuthDescription.model_validate({"type": kind, "header": "X-Key"}))
    assert ("X-Key" in said) is (kind == "api_key")
