"""Commerce Layer as a value: its records, its tokens, and what is known of its hosts."""

import json

import pytest

from jobs.apis.api import Confirmation, Matches
from jobs.apis.auth import Claims, Grant, Permit
from jobs.apis.documents import MEDIA_TYPE
from jobs.apis.meanings import Meaning
from jobs.changes.diff import as_written
from jobs.model import Fields, Live, NotSent, Reply, RowRef, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER


@pytest.mark.parametrize(
    ("origin", "windows"),
    [
        ("https://acme.commercelayer.io", ((100, 60.0), (25, 10.0))),
        ("https://commercelayer.io.evil.example", ()),
        ("http://127.0.0.1:1", ()),
    ],
)
def test_a_limit_and_a_shared_quota_are_assumed_of_its_own_hosts_only(
    origin: str, windows: tuple[tuple[int, float], ...]
) -> None:
    assert COMMERCE_LAYER.windows(origin, reads=True) == windows
    assert COMMERCE_LAYER.windows(origin, reads=False) == windows
    assert COMMERCE_LAYER.counts_by_address(origin) is bool(windows)


def test_a_type_is_updated_by_its_own_name_unless_it_is_abstract() -> None:
    assert COMMERCE_LAYER.resource("orders").variants == ()
    assert "captures" in COMMERCE_LAYER.resource("transactions").variants
    assert COMMERCE_LAYER.resource("of_no_schema").variants == ()


JOB = UpdateJob(RowRef(1, 1, b""), "skus", "a", {"name": "new"})
NAME = Fields(frozenset({"name"}))
JSON = {"content-type": MEDIA_TYPE}
SKU = COMMERCE_LAYER.resource("skus")


def reply(document: object) -> Reply:
    return Reply(200, JSON, json.dumps(document).encode())


def sku(name: str = "new") -> dict[str, object]:
    return {"type": "skus", "id": "a", "attributes": {"name": name, "reference": "r"}}


def test_a_record_is_updated_and_its_reply_confirms_it() -> None:
    change = as_written(JOB)
    request = SKU.update(JOB, change, None)
    assert (SKU.name, request.method, request.target) == ("skus", "PATCH", "/api/skus/a")
    assert SKU.confirm(reply({"data": sku()}), JOB, change) == Confirmation(change.edits)
    assert SKU.confirm(reply({"data": {**sku(), "id": "b"}}), JOB, change) is None


def test_records_are_read_in_pages_and_one_by_one() -> None:
    page = reply({"data": [sku("old")], "meta": {"record_count": 2, "page_count": 1}})
    assert "filter[q][id_in]=a,b" in SKU.read(["a", "b"], NAME).target
    assert SKU.states(page, ["a", "b"], NAME) == {"a": Live("skus", {"name": "old"}, fields=NAME)}
    assert SKU.may_show_more(page, ["a", "b"])
    assert SKU.read_one("a", None).target == "/api/skus/a"
    single = reply({"data": sku("old")})
    assert SKU.read_one("a", NAME).target.startswith("/api/skus/a")
    assert SKU.state(single, "a", NAME) == Live("skus", {"name": "old"}, fields=NAME)
    assert SKU.attributes(single, "a") == {"name": "old", "reference": "r"}


def test_records_are_found_by_their_references() -> None:
    assert COMMERCE_LAYER.key_pages(["r", "s,t"], 24) == [["s,t"], ["r"]]
    assert "filter[q][reference_eq]=r" in SKU.find(["r"]).target
    assert SKU.matches(reply({"data": [sku()]}), ["r"]) == Matches({"r": ("a",)}, complete=True)


def test_a_token_is_asked_for_and_read() -> None:
    auth = COMMERCE_LAYER.auth
    tokens = auth.tokens
    assert tokens is not None
    request, answer = tokens.request("me", "secret"), reply({"access_token": "t", "expires_in": 7})
    assert request.target == "/oauth/token"
    assert tokens.grant(answer) == Grant("t", 7.0)
    assert tokens.meaning(request, answer) is Meaning.SERVED
    assert auth.permit("t") == Permit("Authorization", "Bearer t", ("t",))
    assert auth.claims("opaque") == Claims()


def test_an_outcome_means_what_the_api_says_and_the_schema_is_its_own() -> None:
    assert COMMERCE_LAYER.meaning(SKU.find(["r"]), NotSent("refused")) is Meaning.UNSENT
    assert COMMERCE_LAYER.schema.resource_type("skus") is not None


def test_an_update_needs_the_fields_and_nothing_else() -> None:
    assert SKU.lag_s(NAME) == 0.0
    assert SKU.can_be_read
    assert SKU.can_be_blind


def test_pauses_are_everybodys_and_limits_have_no_gates() -> None:
    assert SKU.scope_of(Reply(429, {})) == "credential"
    assert COMMERCE_LAYER.scopes("skus", "a", reads=True) == ()


def test_a_reply_names_its_request_and_a_reference_its_value() -> None:
    assert SKU.request_id(Reply(200, {"x-request-id": "r-1"})) == "r-1"
    assert SKU.sought("a=b") == ("reference", "a=b")
