"""What a server says of a refusal: read whatever form it has, and made harmless."""

import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.challenges import token_refused
from jobs.apis.errors import MOST_ERRORS, in_words, read_errors, said
from jobs.apis.quoting import HIDDEN, TEXT_LIMIT, harmless, shortened
from jobs.model import JSON, ApiError, Reply

JSON_TYPE = "application/json"


def refusal(document: Any, status: int = 422, kind: str = JSON_TYPE, secrets: tuple[str, ...] = ()) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, {"content-type": kind} if kind else {}, body, secrets=secrets)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        # as JSON:API has it
        ({"errors": [{"title": "no", "detail": "no digits", "source": {"pointer": "/data/attributes/name"}}]},
         "name: no digits"),
        ({"errors": [{"detail": "no digits", "source": {"parameter": "name"}}]}, "name: no digits"),
        ({"errors": [{"code": "NOT_FOUND"}]}, "NOT_FOUND"),
        ({"errors": [{"title": "no", "meta": {"debug": "x", "token": "y"}}]}, "no"),
        ({"errors": [{"meta": {"debug": ["x"]}, "links": {"about": "y"}}]}, ""),
        ({"errors": {"code": "THROTTLED", "title": "Too Many Requests"}}, "Too Many Requests"),
        # a list of no known name, of objects that say what is wrong and where, or by which code
        ({"problems": [{"code": "no", "field": "colour", "text": "not known"}], "id": 7}, "colour: not known"),
        ({"problems": [{"code": "E1", "text": "no"}, {"code": "E2", "text": "nor"}]}, "no; nor"),
        ({"records": [{"id": 1, "text": "a note"}]}, ""),
        ({"records": [{"id": 1}, "x"], "tags": []}, ""),
        # problem+json (RFC 9457), the older form of its parameters (RFC 7807) too
        ({"type": "about:blank", "title": "Invalid", "status": 422, "detail": "no digits", "errors": {"name": ["no"]}},
         "Invalid: no digits; name: no"),
        ({"title": "Invalid", "errors": [{"detail": "must be positive", "pointer": "#/profile/age"}]},
         "Invalid; must be positive"),
        ({"title": "Invalid", "errors": [{"detail": "must be positive", "pointer": "#/age"}]},
         "Invalid; age: must be positive"),
        ({"title": "Invalid", "invalid-params": [{"name": "age", "reason": "must be positive"}]},
         "Invalid; age: must be positive"),
        # OAuth (RFC 6749)
        ({"error": "invalid_client", "error_description": "Client is unknown."}, "invalid_client: Client is unknown."),
        ({"error": "invalid_client"}, "invalid_client"),
        # a message, an error
        ({"message": "no digits"}, "no digits"),
        ({"Message": "no digits", "timestamp": "now", "path": "/api/x"}, "no digits"),
        ({"error": "no digits"}, "no digits"),
        ({"error": {"message": "no digits", "code": 422, "param": "name"}}, "name: no digits"),
        ({"error": {"code": 403, "message": "slow", "errors": [{"reason": "rateLimitExceeded", "message": "slow"}]}},
         "slow"),
        ({"error": "Bad Request", "message": ["name must be a text", "age too"], "statusCode": 400},
         "Bad Request; name must be a text; age too"),
        ({"timestamp": "now", "status": 400, "error": "Bad Request", "message": "", "path": "/api/skus/1"},
         "Bad Request"),
        ({"status": "error", "code": 42}, "42"),
        # fields with their messages
        ({"name": ["no digits", "too short"]}, "name: no digits; name: too short"),
        ({"errors": {"name": ["no digits"], "base": ["is odd"]}}, "name: no digits; is odd"),
        ({"errors": {"title": ["too long"]}}, "title: too long"),
        ({"errors": {"name": "no digits"}}, "name: no digits"),
        ({"message": "The name is wrong.", "errors": {"name": ["The name is wrong."]}}, "name: The name is wrong."),
        ({"name": ["no digits"], "non_field_errors": ["is odd"]}, "name: no digits; is odd"),
        ({"profile": {"age": ["too old"]}}, "profile.age: too old"),
        ({"detail": "Not found."}, "Not found."),
        ({"errors": {"token": ["secret"], "name": ["no"]}}, "name: no"),
        # lists of texts and of objects
        ({"errors": ["no digits", "too short"]}, "no digits; too short"),
        (["no digits", "no digits"], "no digits"),
        ([{"message": "no digits", "errorCode": "FIELD_INTEGRITY", "fields": ["Name"]}], "Name: no digits"),
        ({"detail": [{"loc": ["body", "name"], "msg": "no digits", "type": "value_error"}]}, "name: no digits"),
        ({"name": "ZodError", "issues": [{"path": ["name"], "message": "no digits", "code": "custom"}]},
         "name: no digits"),
        ({"errorMessages": ["is odd"], "errors": {"name": "no digits"}}, "name: no digits; is odd"),
        ({"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}, "path": ["update"]}]}, "update: no"),
        ({"errors": [{"extensions": {"code": "FORBIDDEN"}}]}, "FORBIDDEN"),
        ("no digits", "no digits"),
        # nothing that is said
        ({}, ""),
        ([], ""),
        ({"data": {"id": "1", "attributes": {"name": "x"}}}, ""),
        ({"status": "error", "ids": "a"}, ""),
        ({"client_secret": ["x"], "meta": ["x"]}, ""),
        ({"code": True}, ""),
        ({"code": 10**40}, ""),
    ],
)  # fmt: skip
def test_the_reason_is_read_from_any_usual_form(document: JSON, words: str) -> None:
    assert said(refusal(document)) == words
    assert said(refusal(document, kind="text/plain")) == words  # whatever it says that it is


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"no digits\r\nin names", "text/plain; charset=utf-8", "no digits in names"),
        (b"gr\xf6\xdfer", "text/plain", "größer"),
        (b"\xef\xbb\xbfno digits", "text/plain", "no digits"),
        (b"no digits", "", "no digits"),
        (b"upstream connect error", JSON_TYPE, ""),  # a document that is broken
        (b'{"message": "cut', JSON_TYPE, ""),
        (b"\x00\x01\x02", "", ""),
        (b"abc\x00", "", ""),
        (b"\x89PNG", "image/png", ""),
        (b"", "text/plain", ""),
        (b"<html><body>secret</body></html>", "text/html", "an HTML page"),
        (b"<!DOCTYPE html>\n<head><title>\n 502 &amp; more </title>", "text/html", "an HTML page: 502 & more"),
        (b"<h1>Sorry</h1>", "text/html; charset=utf-8", "an HTML page"),
        (b"<?xml version='1.0'?><Error><Code>X</Code><Message>Denied</Message></Error>", "text/xml", "XML: Denied"),
        (b"<a>", "", "XML"),
    ],
)
def test_a_refusal_that_is_no_document_is_told_by_what_it_is(body: bytes, kind: str, words: str) -> None:
    assert said(refusal(body, kind=kind)) == words


@pytest.mark.parametrize(
    ("document", "kind", "words"),
    [
        (b"<html><title>Log in</title>", "text/html", "an HTML page: Log in"),
        (b"", "", "an empty reply"),
        (b"access granted to tk-1", "text/plain", "no JSON (text/plain)"),  # a success may hold anything
        (b"access granted", "", "no JSON (no content type)"),
        (
            b'{"data": {"name": "n\xe9w"}}',
            "application/json; charset=latin-1",
            "no JSON (application/json, not in UTF-8)",
        ),
        ({"data": {"id": "other", "message": "x"}}, JSON_TYPE, "another record"),
        ({"message": "access_token"}, JSON_TYPE, "JSON without a record"),
        ([], JSON_TYPE, "JSON without a record"),
        ([], "", "JSON without a record"),
        ({"data": {"id": "1"}}, "text/plain", "JSON that calls itself text/plain"),
        ({"data": {"id": "1"}}, "", "JSON that calls itself nothing"),
        ({"data": None, "errors": [{"message": "no digits"}]}, JSON_TYPE, "no digits"),
    ],
)
def test_a_success_that_cannot_be_used_says_what_it_is(document: Any, kind: str, words: str) -> None:
    assert said(refusal(document, 200, kind)) == words


@pytest.mark.parametrize("document", [{"data": {"id": "1"}, "message": "x"}, ["x"], "x", b"text"])
def test_a_success_holds_data_and_no_errors(document: Any) -> None:
    assert read_errors(refusal(document, 200)) == ()


def test_errors_beside_the_data_of_a_success_are_read() -> None:
    document = {"data": {"id": "1"}, "errors": [{"code": "PARTIAL", "detail": "one was left out"}]}
    assert read_errors(refusal(document, 200)) == (ApiError(detail="one was left out", code="PARTIAL"),)


def test_a_reply_that_broke_off_is_not_read() -> None:
    reply = Reply(422, {"content-type": "text/plain"}, b"the na", complete=False)
    assert (read_errors(reply), said(reply)) == ((), "a reply that broke off")
    coded = Reply(200, {"content-encoding": "br"}, b"", complete=False)
    assert said(coded) == "a reply that cannot be decoded, or broke off (br)"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://login.example/start?token=abc&x=1#y", "a redirect to https://login.example/start"),
        ("https://user:word@login.example:8443/a", "a redirect to https://login.example:8443/a"),
        ("/login?next=secret", "a redirect to /login"),
        ("//other.example/x", "a redirect to //other.example/x"),
        ("https://[::1", "a redirect"),
        ("?x=1", "a redirect"),
        ("", "a redirect"),
        ("/a/tk%2Done/b", f"a redirect to /a/{HIDDEN}/b"),
    ],
)
def test_a_redirect_says_where_it_leads_to(location: str, words: str) -> None:
    reply = Reply(302, {"location": location}, b"Moved to <secret>", secrets=("tk-one",))
    assert (said(reply), read_errors(reply)) == (words, ())


# harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb\u2028c\u00a0d", "a b c d"),
        ("\x1b[31mred\x1b]0;title\x07", "[31mred]0;title"),
        ("abc\u202edcb\u2066x\u200f", "abcdcbx"),
        ("soft\u00adhyphen\ufeff\u200bend", "softhyphenend"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("half \ud83d pair", "half ? pair"),
        ("x" * 1000, "x" * TEXT_LIMIT),
    ],
)
def test_words_of_a_server_are_made_harmless(text: str, shown: str) -> None:
    assert harmless(text) == shown


SECRET = "a/b+c=.eyJ-~_Z"  # made up


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        SECRET.replace("/", r"\/"),
        SECRET.replace("/", r"\\\/"),
        "".join(f"\\u{ord(each):04X}" for each in SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower().replace("eyj", "eyJ").replace("z", "Z"),
        SECRET.replace("+", "&#43;").replace("=", "&#x3D;"),
        SECRET[:3] + "\u200b" + SECRET[3:],
        SECRET[:3] + "\x00" + SECRET[3:],
    ],
)
def test_a_secret_is_hidden_however_it_is_spelled(spelling: str) -> None:
    assert harmless(f"the token {spelling} is no good", (SECRET, "")) == f"the token {HIDDEN} is no good"


def test_a_secret_as_short_as_our_own_words_is_hidden_once() -> None:
    assert harmless("a ticket", ("t", "se")) == f"a {HIDDEN}icke{HIDDEN}"
    assert harmless("sesame", ("t", "se")) == f"{HIDDEN}same"


def test_a_secret_that_json_escapes_spell_is_hidden_in_every_part_of_an_error() -> None:
    escaped = "".join(f"\\u{ord(each):04x}" for each in SECRET)
    member = f'"{escaped}"'
    body = f'{{"errors":[{{"title":{member},"detail":{member},"code":{member},"source":{{"pointer":{member}}}}}]}}'
    reply = refusal(body.encode(), secrets=(SECRET,))
    assert SECRET not in repr(read_errors(reply)) + said(reply)
    assert HIDDEN in said(reply)


@pytest.mark.parametrize("count", range(1, 400, 7))
def test_no_part_of_a_secret_is_left_where_a_long_text_is_cut(count: int) -> None:
    secret = "".join(string.ascii_letters[n * 7 % 52] for n in range(800))
    shown = harmless("x" * count + secret * 40, (secret,))
    assert secret[:6] not in shown
    assert len(shown) <= TEXT_LIMIT


def test_many_errors_are_bounded_and_their_words_short() -> None:
    reply = refusal({"errors": [{"detail": f"{n} " + "x" * 50} for n in range(1000)]})
    assert len(read_errors(reply)) == MOST_ERRORS
    assert len(said(reply)) == TEXT_LIMIT
    assert said(reply).endswith("…")


def test_what_is_short_enough_is_not_shortened() -> None:
    assert (shortened("abc", 3), shortened("abcd", 3)) == ("abc", "ab…")


def test_an_error_is_told_with_its_field_and_not_twice() -> None:
    errors = [ApiError(title="Bad", detail="bad value", field="f"), ApiError(title="x", detail="x"), ApiError()]
    assert in_words(errors) == "f: bad value; x"


MEMBERS = ("errors", "error", "detail", "message", "code", "source", "pointer", "loc", "path", "fields", "title", "x",
           "invalid-params", "name", "extensions", "non_field_errors", "data", "token")  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


def assert_harmless(reply: Reply) -> None:
    words, errors = said(reply), read_errors(reply)
    texts = [words, *(each for error in errors for each in (error.title, error.detail, error.code, error.pointer))]
    for text in texts:
        assert len(text) <= TEXT_LIMIT
        assert "".join(each for each in text if each not in "\u200c\u200d").isprintable()
        assert SECRET not in text
    assert isinstance(token_refused(reply), bool)


@given(json_values, st.sampled_from([200, 302, 401, 422, 500]))
def test_any_document_is_read_without_a_fault_and_told_harmlessly(document: JSON, status: int) -> None:
    assert_harmless(refusal(document, status, secrets=(SECRET,)))


@given(
    st.binary(max_size=300)
    | st.text(max_size=100).map(lambda text: f"{text}{SECRET}{text}".encode("utf-8", "replace")),
    st.sampled_from([200, 307, 401, 403, 503]),
    st.sampled_from(["", "text/plain", "text/html", JSON_TYPE, "image/png", "\udcff", ";;"]),
    st.text(max_size=60),
)
def test_any_bytes_are_read_without_a_fault_and_told_harmlessly(
    body: bytes, status: int, kind: str, header: str
) -> None:
    headers = {"content-type": kind, "location": header + SECRET, "www-authenticate": header}
    assert_harmless(Reply(status, headers, body, secrets=(SECRET,)))


@pytest.mark.parametrize("opening", ['{"errors":', '{"x":', "[", '{"error":{"message":'])
def test_a_document_of_any_depth_is_read(opening: str) -> None:
    for depth in (3, 6, 90, 900, 100_000):
        assert_harmless(refusal(opening.encode() * depth + b'"x"' + b"}" * depth))
        closing = "]" if opening == "[" else "}" * opening.count("{")
        assert_harmless(refusal((opening * depth + '"x"' + closing * depth).encode()))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"errors": [{"title": "no s3cret", "detail": "s3cret is bad", "code": "X", "field": "note"}]}, "note: X"),
        ({"error": "s3cret is bad"}, ""),
        ({"message": "s3cret", "reason": "s3cret is bad", "field": "note"}, "note"),
        ({"note": ["s3cret is bad"]}, "note"),
        (["s3cret"], ""),
    ],
)
def test_of_a_reply_that_is_not_to_be_quoted_codes_and_places_are_told(document: JSON, words: str) -> None:
    reply = Reply(422, {}, json.dumps(document).encode(), is_quotable=False)
    assert said(reply) == words
    assert "s3cret" not in repr(read_errors(reply))


@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize("body", [b"s3cret is bad", b"<html><title>s3cret</title></html>"])
def test_neither_text_nor_a_title_of_a_page_is_quoted_then(status: int, body: bytes) -> None:
    assert "s3cret" not in said(Reply(status, {"content-type": "text/html"}, body, is_quotable=False))
