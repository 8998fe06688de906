"""Both directions of the API: requests to the byte, replies from recorded shapes."""

import base64
import json
from dataclasses import field, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.api import Confirmation
from jobs.apis.auth import Claims, Grant, TokenSource
from jobs.apis.commercelayer.confirmations import read_confirmation
from jobs.apis.commercelayer.states import read_states
from jobs.apis.errors import read_errors
from jobs.apis.quoting import TEXT_LIMIT
from jobs.changes.diff import Change, as_written
from jobs.model import (
    ABSENT,
    JSON,
    UNREAD,
    Absent,
    ApiError,
    Edit,
    Fields,
    Link,
    Path,
    Reply,
    Request,
    RowRef,
    Unread,
    UpdateJob,
)
from jobs.values import valueclass
from tests.commerce_layer import COMMERCE_LAYER, record_request, states_request, update_request
from tests.samples.recorded import sample

assert COMMERCE_LAYER.auth.tokens is not None
TOKENS: TokenSource = COMMERCE_LAYER.auth.tokens
ID = "xAyBzCwDvE"
REF = RowRef(1, 2, b"")
JSON_HEADERS = {"content-type": "application/vnd.api+json"}
JOB = UpdateJob(REF, "stripe_payments", ID, attributes={"reference": "ANY-EXTERNAL-REFERENCE"})
TAGGED = UpdateJob(REF, "orders", ID, add_tags=("vip", "sale"))


def reply(document: Any, status: int = 200, kind: str = "application/vnd.api+json") -> Reply:
    return Reply(status, {"content-type": kind}, json.dumps(document).encode())


def types_in(answer: Reply) -> dict[str, str] | None:
    states = read_states(answer, "transactions", Fields())
    return None if states is None else {key: live.type for key, live in states.items()}


# requests


def test_an_update_names_type_and_id_in_path_and_body() -> None:
    assert update_request(JOB, as_written(JOB), "stripe_payments") == Request(
        "PATCH",
        f"/api/stripe_payments/{ID}",
        b'{"data":{"type":"stripe_payments","id":"xAyBzCwDvE","attributes":{"reference":"ANY-EXTERNAL-REFERENCE"}}}',
    )


def test_the_concrete_type_stands_in_path_and_body() -> None:
    job = UpdateJob(REF, "transactions", ID, attributes={"reference": "R"})
    request = update_request(job, as_written(job), "captures")
    assert request.target == f"/api/captures/{ID}"
    assert json.loads(request.body)["data"]["type"] == "captures"


@pytest.mark.parametrize(
    ("link", "linkage"),
    [
        (Link("orders", "o1"), {"type": "orders", "id": "o1"}),
        (None, None),  # unset
        ((Link("skus", "a"), Link("skus", "b")), [{"type": "skus", "id": "a"}, {"type": "skus", "id": "b"}]),
        ((), []),  # cleared
    ],
)
def test_a_relationship_is_its_linkage(link: Link | tuple[Link, ...] | None, linkage: JSON) -> None:
    body = json.loads(update_request(JOB, Change({}, {"order": link}), "stripe_payments").body)
    assert body["data"] == {
        "type": "stripe_payments",
        "id": ID,
        "attributes": {},  # the schema demands the member
        "relationships": {"order": {"data": linkage}},
    }


@pytest.mark.parametrize(
    "job",
    [TAGGED, UpdateJob(REF, "orders", ID, remove_tags=("vip",))],  # unknown tags are dropped without a word
)
def test_an_update_of_tags_asks_to_see_them(job: UpdateJob) -> None:
    target = update_request(job, as_written(job), "orders").target
    assert target == f"/api/orders/{ID}?include=tags&fields[tags]=name"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_id_never_leaves_its_segment_of_the_path(key: str) -> None:
    path = record_request("orders", key).target
    assert path.startswith("/api/orders/")
    assert path.count("/") == 3
    assert path.isascii()
    assert not set(path) & set("?# \r\n")
    assert unquote(path.rpartition("/")[2]) == key


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_values_arrive_as_they_are(attributes: dict[str, JSON]) -> None:
    body = update_request(JOB, Change(attributes), "stripe_payments").body
    assert json.loads(body)["data"]["attributes"] == attributes


def test_types_are_asked_for_in_one_page() -> None:
    request = states_request("transactions", ["aA", "b,c", "d&e"], Fields())
    assert (request.method, request.body) == ("GET", b"")
    assert request.target == (
        "/api/transactions?filter[q][id_in]=aA,b%2Cc,d%26e&fields[transactions]=type&page[size]=25&page[number]=1"
    )
    assert parse_qs(urlsplit(request.target).query)["page[size]"] == ["25"]


def test_a_token_is_asked_for_in_a_form() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert TOKENS.request("id", "s&c=r+t") == Request(
        "POST", "/oauth/token", b"grant_type=client_credentials&client_id=id&client_secret=s%26c%3Dr%2Bt", form
    )
    assert (TOKENS.url, TOKENS.windows, TOKENS.are_shared) == ("https://auth.commercelayer.io", ((30, 60.0),), True)


# confirmations


def confirmed(job: UpdateJob, **parts: Any) -> Confirmation:
    return Confirmation(as_written(job).edits, **parts)


def test_a_reply_about_the_record_confirms_and_tells_the_mode() -> None:
    assert read_confirmation(sample("stripe_payment"), JOB, as_written(JOB), JOB.type) == confirmed(JOB, mode="test")


@pytest.mark.parametrize("meta", [None, [], {}, {"mode": None}, {"mode": "TEST"}, {"mode": ["test"]}, {"mode": {}}])
def test_a_mode_that_is_none_is_none(meta: JSON) -> None:
    answer = reply({"data": {**DATA, "meta": meta}})
    assert read_confirmation(answer, JOB, as_written(JOB), JOB.type) == confirmed(JOB)


DATA = {"type": "stripe_payments", "id": ID, "attributes": {"reference": "ANY-EXTERNAL-REFERENCE"}}


@pytest.mark.parametrize(
    "answer",
    [
        sample("captive_portal"),  # HTML with 200
        replace(sample("stripe_payment"), complete=False),  # cut off
        replace(sample("stripe_payment"), body=sample("stripe_payment").body[:-2]),  # cut off, and nobody noticed
        replace(sample("stripe_payment"), headers={}),  # no content type
        reply({"data": DATA}, kind="text/plain"),
        reply({"data": DATA}, kind="text/vnd.api+json"),
        reply({"data": {**DATA, "id": "xaybzcwdve"}}),  # another record: case matters
        reply({"data": {**DATA, "id": 7}}),
        reply({"data": {**DATA, "type": "orders"}}),
        reply({"data": [DATA]}),
        reply({"data": None}),
        reply([DATA]),
        reply({}),
        reply("OK"),
        Reply(200, JSON_HEADERS, b""),
        Reply(200, JSON_HEADERS, b"\xff"),
        Reply(200, JSON_HEADERS, b"[" * 100_000),
    ],
)
def test_nothing_else_confirms(answer: Reply) -> None:
    assert read_confirmation(answer, JOB, as_written(JOB), JOB.type) is None


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/Vnd.Api+JSON", "application/hal+json"]
)
def test_every_json_media_type_will_do(kind: str) -> None:
    answer = reply({"data": DATA}, kind=kind)
    assert read_confirmation(answer, JOB, as_written(JOB), JOB.type) == confirmed(JOB)


LINKED = Link("orders", "o")
ORDER: Path = ("relationships", "order")


def path_of(name: str) -> Path:
    return ("attributes", *name.split("."))


def change_of(sent: dict[str, JSON], **edits: tuple[JSON | Absent | Unread, JSON | Absent]) -> Change:
    return Change(sent, edits=tuple(Edit(path_of(name.replace("__", ".")), *each) for name, each in edits.items()))


@valueclass(frozen=True, slots=True)
class Says:
    """What an echo says; `stored` by column."""

    differs: tuple[str, ...] = ()
    untaken: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    stored: dict[str, JSON | Absent] = field(default_factory=dict)


B = change_of({"reference": "b"}, reference=("a", "b"))
LATER = replace(B, edits=tuple(replace(edit, past=("z",)) for edit in B.edits))
KEYS: dict[str, JSON] = {"k": " b ", "l": "x", "m": 1}


@pytest.mark.parametrize(
    ("change", "echo", "says"),
    [
        (B, {"reference": "b"}, Says()),
        # a third value is the form in which the API stores it, whatever was asked for
        (B, {"reference": "B"}, Says(("reference",), stored={"reference": "B"})),
        (B, {"reference": None}, Says(("reference",), stored={"reference": None})),
        (
            change_of({"reference": "b"}, reference=(UNREAD, "b")),
            {"reference": "a"},
            Says(("reference",), stored={"reference": "a"}),
        ),
        # the old value: nothing came of it
        (B, {"reference": "a"}, Says(untaken=("reference",))),
        (change_of({"reference": "b"}, reference=(None, "b")), {"reference": None}, Says(untaken=("reference",))),
        # so was one that the record held before an earlier row, and that row may land late
        (LATER, {"reference": "z"}, Says(untaken=("reference",))),
        (LATER, {"reference": "y"}, Says(("reference",), stored={"reference": "y"})),
        # forms that the schema declares are the same
        (
            change_of({"expires_at": "2018-01-01"}, expires_at=(None, "2018-01-01")),
            {"expires_at": "2018-01-01T00:00:00.000Z"},
            Says(),
        ),
        # not shown, or in a form that cannot be stored: nothing is known
        (B, {}, Says(unseen=("reference",))),
        (B, None, Says(unseen=("reference",))),
        (B, {"reference": float("inf")}, Says(unseen=("reference",))),
        (
            change_of({"a": 1, "b": 2, "c": 3}, a=(0, 1), b=(0, 2), c=(0, 3)),
            {"a": 9, "c": 0},
            Says(("a",), ("c",), ("b",), {"a": 9}),
        ),
        # what never comes back is not missed
        (Change({"password": "x", "_refresh": True}), {"other": 1}, Says()),
        (Change({"hidden": "x"}, unread=("hidden",)), {"other": 1}, Says()),
        (Change({"token": "x"}), {"token": "y"}, Says()),  # a secret: not even looked at
        # keys of an object, one by one
        (
            change_of({"metadata": KEYS}, metadata__k=("a", " b "), metadata__l=("w", "x")),
            {"metadata": {"k": "b", "l": "w", "m": 1}},
            Says(("metadata.k",), ("metadata.l",), stored={"metadata.k": "b"}),
        ),
        (
            change_of({"metadata": {"k": ""}}, metadata__k=("a", "")),
            {"metadata": {}},
            Says(("metadata.k",), stored={"metadata.k": ABSENT}),
        ),
        (
            change_of({"metadata": {}}, metadata__k=("a", ABSENT)),
            {"metadata": {"k": "a"}},
            Says(untaken=("metadata.k",)),
        ),
        # what the row does not name came back otherwise: the object was not replaced
        (
            change_of({"metadata": {"k": "b"}}, metadata__k=("a", "b")),
            {"metadata": {"k": "b", "l": 1}},
            Says(("metadata",)),
        ),
    ],
)
def test_an_echo_says_what_came_of_each_value(change: Change, echo: JSON, says: Says) -> None:
    answer = reply({"data": {**DATA, "attributes": echo}})
    kept = {path_of(name): value for name, value in says.stored.items()}
    edits = tuple(replace(edit, stored=kept.get(edit.path, UNREAD)) for edit in change.edits)
    expected = Confirmation(edits, says.differs, says.untaken, says.unseen)
    assert read_confirmation(answer, JOB, change, JOB.type) == expected


def identifier(key: str) -> dict[str, str]:
    return {"type": "orders", "id": key}


@pytest.mark.parametrize(
    ("attributes", "shown", "outcome"),
    [
        ({"reference": "a"}, None, {}),  # links that nobody asked for are not shown, and not missed
        ({}, None, {"unseen": ("order",)}),  # a reply that shows nothing shows no link either
        ({}, {"data": identifier("o")}, {}),
        ({"reference": "a"}, {"data": identifier("o")}, {}),
        ({"reference": "a"}, {"data": None}, {"untaken": ("order",)}),
        ({"reference": "a"}, {"data": identifier("p")}, {"differs": ("order",)}),
        ({"reference": "a"}, {"data": "o"}, {}),  # no linkage
    ],
)
def test_links_count_where_a_reply_shows_them(attributes: JSON, shown: JSON, outcome: dict[str, Any]) -> None:
    edit = Edit(ORDER, None, {"type": "orders", "id": "o"})
    data = {**DATA, "attributes": attributes, **({"relationships": {"order": shown}} if shown else {})}
    stored = identifier("p") if "differs" in outcome else UNREAD
    expected = Confirmation((replace(edit, stored=stored),), **outcome)
    assert read_confirmation(reply({"data": data}), JOB, Change({}, {"order": LINKED}, (edit,)), JOB.type) == expected
    unread = Change({}, {"order": LINKED}, unread=("order",))
    assert read_confirmation(reply({"data": DATA}), JOB, unread, JOB.type) == Confirmation()


@pytest.mark.parametrize("before", [True, UNREAD])
def test_a_tag_that_is_still_there_was_not_removed(before: Any) -> None:
    job = UpdateJob(REF, "orders", ID, remove_tags=("vip", "gone"))
    edits = tuple(Edit(("tags", name), before, ABSENT) for name in job.remove_tags)
    change = Change({"_remove_tags": "vip,gone"}, edits=edits)
    confirmation = read_confirmation(sample("tags_added"), job, change, "orders")
    assert confirmation == Confirmation(edits, untaken=("tags.remove",), mode="test")


def test_errors_beside_the_record_are_told() -> None:
    answer = reply({"data": DATA, "errors": [{"code": "LOCKED", "title": "was not saved"}]}, 207)
    errors = (ApiError(title="was not saved", code="LOCKED"),)
    assert read_confirmation(answer, JOB, as_written(JOB), JOB.type) == confirmed(JOB, errors=errors)


@pytest.mark.parametrize(
    ("case", "discarded"),
    [
        ("tags_added", ()),
        ("tags_partly_discarded", ("vip",)),
        ("tags_all_discarded", ("vip", "sale")),  # nothing linked, and so nothing included
    ],
)
def test_tags_that_were_silently_discarded_are_found(case: str, discarded: tuple[str, ...]) -> None:
    confirmation = read_confirmation(sample(case), TAGGED, as_written(TAGGED), "orders")
    assert confirmation == confirmed(TAGGED, discarded_tags=discarded, mode="test")


@pytest.mark.parametrize(
    ("relationships", "included", "discarded"),
    [
        ({"tags": {"data": [{"type": "tags", "id": "t"}]}}, None, None),  # linked and not shown: no evidence
        ({}, None, None),
        ({"tags": {"data": []}}, [], ("vip", "sale")),
        ({"tags": {"data": [7]}}, [7], ("vip", "sale")),  # no tags at all
        ({}, [], None),  # no linkage: no evidence
    ],
)
def test_only_evidence_counts_against_tags(
    relationships: JSON, included: JSON, discarded: tuple[str, ...] | None
) -> None:
    document: dict[str, Any] = {"data": {"type": "orders", "id": ID, "relationships": relationships}}
    if included is not None:
        document["included"] = included
    confirmation = read_confirmation(reply(document), TAGGED, as_written(TAGGED), "orders")
    expected: dict[str, Any] = {"unseen": ("tags.add",)} if discarded is None else {"discarded_tags": discarded}
    assert confirmation == confirmed(TAGGED, **expected)


# errors


@pytest.mark.parametrize(
    ("case", "errors"),
    [
        (
            "validation",
            [
                ("is not a number", "VALIDATION_ERROR", "quantity"),
                ("must exist", "VALIDATION_ERROR", "order"),
                ("is too long", "VALIDATION_ERROR", "metadata.batch"),
            ],
        ),
        ("key_mismatch", [("URL key does not match record key", "KEY_NOT_INCLUDED_IN_URL", "")]),
        ("invalid_token", [("Invalid token", "INVALID_TOKEN", "")]),
        ("record_not_found", [("Record not found", "RECORD_NOT_FOUND", "")]),
        ("not_unique", [("has already been taken", "CONFLICT", "code")]),
        ("throttled", [("Too Many Requests", "THROTTLED", "")]),  # an object, not a list
        ("server_error", [("an HTML page: Error", "", "")]),
        ("bad_gateway", []),  # nothing
        ("invalid_client", [("invalid_client", "invalid_client", "")]),  # an OAuth error
    ],
)
def test_errors_are_read_from_every_recorded_refusal(case: str, errors: list[tuple[str, str, str]]) -> None:
    assert [(error.title, error.code, error.field) for error in read_errors(sample(case))] == errors


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/data/attributes/reference", "reference"),
        ("/data/attributes/metadata/a/b", "metadata.a.b"),
        ("/data/relationships/order", "order"),
        ("/data/relationships/order/data", "order"),
        ("/data/id", ""),
        ("/data/meta/reference", ""),
        ("/errors/attributes/reference", ""),
        ("reference", "reference"),
    ],
)
def test_a_pointer_leads_to_the_column(pointer: str, field: str) -> None:
    assert read_errors(reply({"errors": [{"source": {"pointer": pointer}}]}, 422)) == (
        ApiError(pointer=pointer, field=field),
    )


@pytest.mark.parametrize("errors", [None, 7, " ", "", [], [[]], [None], {}, {"source": {"pointer": ""}}], ids=repr)
def test_errors_of_no_known_shape_are_none(errors: JSON) -> None:
    assert read_errors(reply({"errors": errors}, 400)) == ()


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ({"title": 7, "detail": None, "code": "x", "source": "here"}, ApiError(code="x")),
        ({"title": "x" * 5000}, ApiError(title="x" * TEXT_LIMIT)),
        ({"detail": "half \ud800 a pair"}, ApiError(detail="half ? a pair")),
    ],
)
def test_what_a_server_writes_is_kept_short_and_storable(raw: JSON, error: ApiError) -> None:
    assert read_errors(reply({"errors": [raw]}, 400)) == (error,)


# abstract types


@pytest.mark.parametrize(
    ("case", "types"),
    [
        ("transaction_types", {"aUtHoRiZaA": "authorizations", "cApTuReSbB": "captures", "rEfUnDsScC": "refunds"}),
        # the resources themselves; one does not tell
        ("transaction_types_concrete", {"vOiDsVoIdD": "voids", "nOtToLdEeE": "transactions"}),
    ],
)
def test_concrete_types_are_read_from_a_page(case: str, types: dict[str, str]) -> None:
    assert types_in(sample(case)) == types


@pytest.mark.parametrize(
    ("answer", "types"),
    [
        (reply({"data": []}), {}),  # none of them is there
        (reply({"data": [7, {"id": 7, "type": "voids"}, {"id": "x"}]}), {}),
        (reply({"data": DATA}), None),
        (reply({"data": []}, 206), None),
        (sample("forbidden"), None),
        (sample("captive_portal"), None),
    ],
)
def test_a_page_that_cannot_be_used_is_none(answer: Reply, types: dict[str, str] | None) -> None:
    assert types_in(answer) == types


# tokens


def test_a_grant_tells_the_remaining_life_and_hides_the_token() -> None:
    grant = TOKENS.grant(sample("token"))
    assert grant == Grant("made.up.token", 2468.0)
    assert "made" not in repr(grant)


@pytest.mark.parametrize(
    ("life", "seconds"),
    [(7200, 7200.0), (7200.5, 7200.5), ("7200", 7200.0), (None, None), ("soon", None), ("-1", None), (True, None),
     ("9" * 400, None), (10**400, None), ([], None), (float("nan"), None)],
)  # fmt: skip
def test_the_life_of_a_token_may_be_told_in_any_form_or_not_at_all(life: JSON, seconds: float | None) -> None:
    assert TOKENS.grant(reply({"access_token": "a", "expires_in": life})) == Grant("a", seconds)
    assert TOKENS.grant(reply({"access_token": "a"})) == Grant("a")


@pytest.mark.parametrize(
    "answer",
    [
        sample("invalid_client"),
        sample("captive_portal"),
        reply({"access_token": "", "expires_in": 7200}),
        reply({"access_token": 7, "expires_in": 7200}),
    ],
)
def test_only_a_token_is_a_grant(answer: Reply) -> None:
    assert TOKENS.grant(answer) is None


def jwt(payload: Any) -> str:
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return f"e30.{base64.urlsafe_b64encode(text).rstrip(b'=').decode()}.c2ln"


FULL = {
    "organization": {"slug": "your-domain"},
    "application": {"kind": "integration"},
    "test": True,
    "exp": 1_750_007_200,
}


DOMAIN = "https://your-domain.commercelayer.io"


@pytest.mark.parametrize(
    ("payload", "claims"),
    [
        (FULL, Claims("your-domain integration", "test", 1_750_007_200.0, DOMAIN)),
        ({**FULL, "test": False}, Claims("your-domain integration", "live", 1_750_007_200.0, DOMAIN)),
        ({**FULL, "test": 1}, Claims("your-domain integration", "", 1_750_007_200.0, DOMAIN)),
        # a slug that could lead to another host
        ({"organization": {"slug": "evil.example/"}}, Claims()),
        ({"organization": {"slug": "ünicode"}}, Claims()),
        ({"organization": {"slug": "your-domain"}}, Claims("your-domain ", url=DOMAIN)),
        ({"organization": {"slug": 7}, "application": {"kind": 7}}, Claims()),
        ({"organization": "x", "exp": "soon"}, Claims()),
        ({"exp": True}, Claims()),
        ({"exp": 10**400}, Claims()),
        ([], Claims()),
        (b"not JSON", Claims()),
        (b"\xff", Claims()),
        (b"[" * 100_000, Claims()),
    ],
)
def test_a_token_says_what_it_is_for(payload: Any, claims: Claims) -> None:
    assert COMMERCE_LAYER.auth.claims(jwt(payload)) == claims


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.%%%.c", "a.é.c"])
def test_a_token_that_is_no_jwt_says_nothing(token: str) -> None:
    assert COMMERCE_LAYER.auth.claims(token) == Claims()
