"""What every kind of outcome means, by the request that it is of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.api import Api
from jobs.apis.catalogue import source
from jobs.apis.description.loading import load
from jobs.apis.meanings import ABOUT_PACE, ANSWERS, REFUSALS, SERVER_ERRORS, SLOWS_DOWN, Meaning
from jobs.apis.registry import DEFAULT, build
from jobs.apis.tokens import token_meaning
from jobs.changes.diff import as_written
from jobs.model import Fields, MaybeSent, NotSent, Outcome, Reply, Request, RowRef, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER, meaning_of

JSON_API = {"content-type": "application/vnd.api+json"}
READ = Request("GET", "/api/skus/x")
UPDATE = Request("PATCH", "/api/skus/x", b"{}")
POSTED = Request("POST", "/api/search", b"x", reads=True)
TOKEN = Request("POST", "/oauth/token", b"x")

SUCCESSES = {Meaning.SERVED, Meaning.CREATED, Meaning.ACCEPTED, Meaning.NO_CONTENT}
JSON = {"content-type": "application/json"}
BARE = {"www-authenticate": "Bearer"}
AFTER = {"retry-after": "1"}
BAD_TOKEN = json.dumps({"errors": [{"code": "INVALID_TOKEN"}]}).encode()
REFUSED = {
    400: Meaning.BAD_REQUEST,
    402: Meaning.REFUSED,
    403: Meaning.NOT_AUTHORIZED,
    404: Meaning.NOT_FOUND,
    405: Meaning.NOT_UPDATABLE,
    406: Meaning.MISCONFIGURED,
    409: Meaning.NOT_UNIQUE,
    410: Meaning.NOT_FOUND,
    412: Meaning.CONFLICT,
    415: Meaning.MISCONFIGURED,
    418: Meaning.REFUSED,
    422: Meaning.VALIDATION,
    423: Meaning.LOCKED,
    428: Meaning.UNCONDITIONAL,
}
THROTTLED = b'{"error": {"code": "rateLimitExceeded"}}'


@pytest.mark.parametrize(
    ("outcome", "read", "update", "token"),
    [
        # whatever is not HTTP
        (NotSent("x"), Meaning.UNSENT, Meaning.UNSENT, Meaning.UNSENT),
        (MaybeSent("reply_lost", "x"), Meaning.UNANSWERED, Meaning.UNANSWERED, Meaning.UNANSWERED),
        # no answer at all
        (Reply(101, {}), Meaning.FOREIGN, Meaning.FOREIGN, Meaning.FOREIGN),
        (Reply(199, JSON, b"{}"), Meaning.FOREIGN, Meaning.FOREIGN, Meaning.FOREIGN),
        # successes: of a read by their document, of others by whoever reads the body
        (Reply(200, JSON, b"{}"), Meaning.SERVED, Meaning.SERVED, Meaning.SERVED),
        (Reply(200, JSON, b"{", complete=False), Meaning.SERVED, Meaning.SERVED, Meaning.SERVED),
        (Reply(200, JSON, b"{"), Meaning.FOREIGN, Meaning.SERVED, Meaning.SERVED),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), Meaning.FOREIGN, Meaning.SERVED, Meaning.SERVED),
        (Reply(201, JSON, b"{}"), Meaning.SERVED, Meaning.CREATED, Meaning.SERVED),
        (Reply(202, JSON, b"{}"), Meaning.SERVED, Meaning.ACCEPTED, Meaning.SERVED),
        (Reply(204, {}), Meaning.FOREIGN, Meaning.NO_CONTENT, Meaning.SERVED),
        (Reply(299, JSON, b"{}"), Meaning.SERVED, Meaning.SERVED, Meaning.SERVED),
        (Reply(200, JSON | AFTER, b"{}"), Meaning.SERVED, Meaning.SERVED, Meaning.SERVED),
        (Reply(202, AFTER), Meaning.FOREIGN, Meaning.ACCEPTED, Meaning.SERVED),
        # redirects
        (Reply(302, AFTER), Meaning.REDIRECTED, Meaning.REDIRECTED, Meaning.REDIRECTED),
        # refusals
        *((Reply(status, {}), each, each, each) for status, each in REFUSED.items()),
        (Reply(423, AFTER), Meaning.HELD, Meaning.HELD, Meaning.HELD),
        (Reply(429, {}), Meaning.THROTTLED, Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(403, JSON, THROTTLED), Meaning.THROTTLED, Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(408, {}), Meaning.TIMED_OUT, Meaning.TIMED_OUT, Meaning.TIMED_OUT),
        (Reply(425, {}), Meaning.TOO_EARLY, Meaning.TOO_EARLY, Meaning.TOO_EARLY),
        # the token, where one was sent; a limit that is reached comes first
        (Reply(401, {}), Meaning.NOT_AUTHORIZED, Meaning.NOT_AUTHORIZED, Meaning.NOT_AUTHORIZED),
        (Reply(401, BARE), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED, Meaning.NOT_AUTHORIZED),
        (Reply(401, JSON, BAD_TOKEN), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED, Meaning.NOT_AUTHORIZED),
        (Reply(401, JSON | AFTER, BAD_TOKEN), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED, Meaning.HELD),
        (Reply(401, AFTER), Meaning.HELD, Meaning.HELD, Meaning.HELD),
        (Reply(401, BARE, THROTTLED), Meaning.THROTTLED, Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(403, BARE, BAD_TOKEN), Meaning.NOT_AUTHORIZED, Meaning.NOT_AUTHORIZED, Meaning.NOT_AUTHORIZED),
        # the server
        (Reply(503, {}), Meaning.UNWELL, Meaning.UNWELL, Meaning.UNWELL),
        (Reply(520, {}), Meaning.FAILED, Meaning.FAILED, Meaning.FAILED),
        (Reply(503, AFTER), Meaning.UNAVAILABLE, Meaning.UNAVAILABLE, Meaning.UNAVAILABLE),
    ],
)
def test_every_class_of_outcomes(outcome: Outcome, read: Meaning, update: Meaning, token: Meaning) -> None:
    assert [meaning_of(each, outcome) for each in (READ, POSTED, UPDATE)] == [read, read, update]
    assert token_meaning(TOKEN, outcome) is token


def test_the_table_knows_every_meaning_but_those_that_only_a_description_has() -> None:
    (mark,) = test_every_class_of_outcomes.pytestmark  # type: ignore[attr-defined]  # what `parametrize` leaves
    told = {meaning for _, *meanings in mark.args[1] for meaning in meanings}
    assert set(Meaning) - told == {Meaning.BUSY, Meaning.NO_OP, Meaning.STOP}


def test_what_asks_to_wait_is_no_answer() -> None:
    assert ABOUT_PACE < SLOWS_DOWN
    assert not ANSWERS & (SLOWS_DOWN | SERVER_ERRORS)


@given(
    st.sampled_from([READ, UPDATE, TOKEN]),
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "content-type", "www-authenticate"]), st.text()),
    st.binary(),
    st.booleans(),
)
def test_every_reply_has_a_meaning_that_suits_its_class(
    request: Request, status: int, headers: dict[str, str], body: bytes, complete: bool
) -> None:
    meaning = meaning_of(request, Reply(status, headers, body, complete))
    assert (meaning in SERVER_ERRORS) == (status >= 500)
    assert meaning not in SLOWS_DOWN or status >= 400
    assert (meaning is Meaning.REDIRECTED) == (300 <= status < 400)
    assert meaning not in SUCCESSES or 200 <= status < 300
    assert (meaning in REFUSALS) <= (400 <= status < 500)


# ---- requests follow the description


COPY = source(DEFAULT)


def changed(*changes: tuple[str, str], base_url: str = "") -> Api:
    text = COPY
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return build(load(text, "copy.toml"), {}, base_url)


def test_a_copy_may_say_where_records_are_and_what_every_request_carries() -> None:
    api = changed(
        ('"/api/{type}/{id}"', '"/v2/{type}/{id}.json?a=b"'),
        ('"/api/{type}"', '"/v2/{type}"'),
        ('values = "/attributes"', 'values = "/attributes"\nheaders = { X-Type = "{type}" }'),
        ('{ format = "json_api" }', '{ format = "json_api", method = "PUT", headers = { Prefer = "x" } }'),
        ("max_ids = 25", "max_ids = 10"),
        base_url="https://proxy.example.com/cl/",
    )
    skus = api.resource("skus")
    job = UpdateJob(RowRef(1, 1, b""), "skus", "a/b", add_tags=("vip",))
    update = skus.update(job, as_written(job), None)
    assert (update.method, update.headers) == ("PUT", {"X-Type": "skus", "Prefer": "x"})
    assert update.target == "/cl/v2/skus/a%2Fb.json?a=b&include=tags&fields[tags]=name"
    assert skus.read_one("x", None).target == "/cl/v2/skus/x.json?a=b"
    assert skus.read_one("x", Fields(tags=True)).target.endswith(".json?a=b&fields[tags]=name&include=tags")
    read, find = skus.read(["x"], Fields()), skus.find(["r"])
    assert read.target.startswith("/cl/v2/skus?filter[q][id_in]=x&")
    assert find.target.startswith("/cl/v2/skus?filter[q][reference_eq]=r&")
    assert read.headers == find.headers == {"X-Type": "skus"}
    assert (api.page, api.key_page) == (10, 9)


def test_a_copy_may_say_what_replies_mean_and_where_they_name_the_request() -> None:
    rule = 'error_rules = [{ status = [200], text = "later", means = "retry" }]\n\n[auth]'
    api = changed(("[auth]", rule), ('"@X-Request-Id"', '"/meta/trace_id"'))
    update = Request("PATCH", "/api/skus/x", b"{}", about="skus")
    said = Reply(200, JSON_API, b'{"meta": {"trace_id": "t-1"}, "said": "later"}')
    assert api.meaning(update, said) is Meaning.BUSY
    assert api.meaning(update, Reply(200, JSON_API, b"{}")) is Meaning.SERVED
    assert api.resource("skus").request_id(said) == "t-1"
    assert COMMERCE_LAYER.resource("skus").request_id(Reply(200, {"x-request-id": "r"})) == "r"


def test_a_copy_may_say_where_errors_stand() -> None:
    api = changed(("errors = { request_id", 'errors = { message = "/fault", request_id'))
    (error,) = api.resource("skus").errors(Reply(422, JSON_API, b'{"fault": "no"}'), {})
    assert error.detail == "no"
