"""What every kind of outcome means, by the request that it is of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.commercelayer.meaning import meaning_of
from jobs.apis.meanings import ABOUT_PACE, ANSWERS, SERVER_ERRORS, SLOWS_DOWN, Meaning
from jobs.apis.tokens import token_meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request

READ = Request("GET", "/api/skus/x")
UPDATE = Request("PATCH", "/api/skus/x", b"{}")
POSTED = Request("POST", "/api/search", b"x", reads=True)
TOKEN = Request("POST", "/oauth/token", b"x")

JSON = {"content-type": "application/json"}
BARE = {"www-authenticate": "Bearer"}
AFTER = {"retry-after": "1"}
BAD_TOKEN = json.dumps({"errors": [{"code": "INVALID_TOKEN"}]}).encode()
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
        (Reply(204, {}), Meaning.FOREIGN, Meaning.SERVED, Meaning.SERVED),
        (Reply(200, JSON | AFTER, b"{}"), Meaning.SERVED, Meaning.SERVED, Meaning.SERVED),
        (Reply(202, AFTER), Meaning.FOREIGN, Meaning.SERVED, Meaning.SERVED),
        # redirects
        (Reply(302, AFTER), Meaning.REDIRECTED, Meaning.REDIRECTED, Meaning.REDIRECTED),
        # refusals
        (Reply(404, {}), Meaning.REFUSED, Meaning.REFUSED, Meaning.REFUSED),
        (Reply(423, AFTER), Meaning.HELD, Meaning.HELD, Meaning.HELD),
        (Reply(429, {}), Meaning.THROTTLED, Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(403, JSON, THROTTLED), Meaning.THROTTLED, Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(408, {}), Meaning.TIMED_OUT, Meaning.TIMED_OUT, Meaning.TIMED_OUT),
        (Reply(425, {}), Meaning.TOO_EARLY, Meaning.TOO_EARLY, Meaning.TOO_EARLY),
        # the token, where one was sent; a limit that is reached comes first
        (Reply(401, {}), Meaning.REFUSED, Meaning.REFUSED, Meaning.REFUSED),
        (Reply(401, BARE), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED, Meaning.REFUSED),
        (Reply(401, JSON, BAD_TOKEN), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED, Meaning.REFUSED),
        (Reply(401, JSON | AFTER, BAD_TOKEN), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED, Meaning.HELD),
        (Reply(401, AFTER), Meaning.HELD, Meaning.HELD, Meaning.HELD),
        (Reply(401, BARE, THROTTLED), Meaning.THROTTLED, Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(403, BARE, BAD_TOKEN), Meaning.REFUSED, Meaning.REFUSED, Meaning.REFUSED),
        # the server
        (Reply(503, {}), Meaning.UNWELL, Meaning.UNWELL, Meaning.UNWELL),
        (Reply(520, {}), Meaning.FAILED, Meaning.FAILED, Meaning.FAILED),
        (Reply(503, AFTER), Meaning.UNAVAILABLE, Meaning.UNAVAILABLE, Meaning.UNAVAILABLE),
    ],
)
def test_every_class_of_outcomes(outcome: Outcome, read: Meaning, update: Meaning, token: Meaning) -> None:
    assert [meaning_of(each, outcome) for each in (READ, POSTED, UPDATE)] == [read, read, update]
    assert token_meaning(TOKEN, outcome) is token


def test_the_table_knows_every_meaning() -> None:
    (mark,) = test_every_class_of_outcomes.pytestmark  # type: ignore[attr-defined]  # what `parametrize` leaves
    assert {meaning for _, *meanings in mark.args[1] for meaning in meanings} == set(Meaning)


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
    assert meaning is not Meaning.SERVED or 200 <= status < 300
