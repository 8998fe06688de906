"""What outcomes mean where an API is described: by its rules, and by HTTP where no rule says more."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.backpressure import failure
from jobs.apis.described import meaning as module
from jobs.apis.described.meaning import (
    MEANINGS,
    Rules,
    compiled,
    least_wait,
    meaning_of,
    scope_of,
)
from jobs.apis.description.model import ErrorPlaces, ErrorRule, Meant
from jobs.apis.meanings import REFUSALS, SERVER_ERRORS, Meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request

READ = Request("GET", "/tickets/7")
SEARCH = Request("POST", "/tickets/search", b"{}", reads=True)
UPDATE = Request("PUT", "/tickets/7", b"{}")
POSTED = Request("POST", "/customers/7", b"a=b")

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
BARE = {"www-authenticate": "Bearer"}
AFTER = {"retry-after": "1"}
PLACES = ErrorPlaces(items=("/errors",), message="/message", code="/code")


def rules(*own: ErrorRule, conditional: bool = False, places: ErrorPlaces = PLACES) -> Rules:
    return compiled(own, (), places, conditional=conditional)


def told(status: int, document: Any, headers: dict[str, str] | None = None, *, complete: bool = True) -> Reply:
    return Reply(status, {**JSON, **(headers or {})}, json.dumps(document).encode(), complete)


def rule(**given: Any) -> ErrorRule:
    return ErrorRule(**{"means": "locked", **given, "status": tuple(given.get("status", ()))})


NONE = rules()


@pytest.mark.parametrize(
    ("outcome", "read", "update"),
    [
        (NotSent("x"), Meaning.UNSENT, Meaning.UNSENT),
        (MaybeSent("reply_lost", "x"), Meaning.UNANSWERED, Meaning.UNANSWERED),
        (Reply(101, {}), Meaning.FOREIGN, Meaning.FOREIGN),
        (Reply(302, {}), Meaning.REDIRECTED, Meaning.REDIRECTED),
        # a read is served by JSON, as far as it says so; an update by any success
        (Reply(200, JSON, b"[]"), Meaning.SERVED, Meaning.SERVED),
        (Reply(200, JSON, b"{"), Meaning.SERVED, Meaning.SERVED),
        (Reply(200, HTML, b"<html>"), Meaning.FOREIGN, Meaning.SERVED),
        (Reply(200, HTML, b"<ht", complete=False), Meaning.SERVED, Meaning.SERVED),
        (Reply(200, JSON, b"", complete=False), Meaning.SERVED, Meaning.SERVED),
        # a success that shows nothing
        (Reply(200, JSON), Meaning.FOREIGN, Meaning.NO_CONTENT),
        (Reply(204, {}), Meaning.FOREIGN, Meaning.NO_CONTENT),
        (Reply(201, JSON, b"{}"), Meaning.SERVED, Meaning.CREATED),
        (Reply(201, {}), Meaning.FOREIGN, Meaning.CREATED),
        (Reply(202, {}), Meaning.FOREIGN, Meaning.ACCEPTED),
        # failures, by HTTP
        (Reply(400, {}), Meaning.BAD_REQUEST, Meaning.BAD_REQUEST),
        (Reply(404, {}), Meaning.NOT_FOUND, Meaning.NOT_FOUND),
        (Reply(409, {}), Meaning.NOT_UNIQUE, Meaning.NOT_UNIQUE),
        (Reply(412, {}), Meaning.CONFLICT, Meaning.CONFLICT),
        (Reply(428, {}), Meaning.UNCONDITIONAL, Meaning.UNCONDITIONAL),
        (Reply(429, {}), Meaning.THROTTLED, Meaning.THROTTLED),
        (Reply(409, AFTER), Meaning.HELD, Meaning.HELD),
        (Reply(529, {}), Meaning.UNAVAILABLE, Meaning.UNAVAILABLE),
        (Reply(500, {}), Meaning.UNWELL, Meaning.UNWELL),
        # the token
        (Reply(401, {}), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED),
        (Reply(401, BARE), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED),
        (Reply(401, BARE | AFTER), Meaning.TOKEN_REFUSED, Meaning.TOKEN_REFUSED),
        (Reply(403, BARE), Meaning.NOT_AUTHORIZED, Meaning.NOT_AUTHORIZED),
    ],
)
def test_without_a_rule_http_says_what_an_outcome_means(outcome: Outcome, read: Meaning, update: Meaning) -> None:
    assert [meaning_of(NONE, each, outcome) for each in (READ, SEARCH)] == [read] * 2
    assert [meaning_of(NONE, each, outcome) for each in (UPDATE, POSTED)] == [update] * 2


def test_where_updates_have_a_precondition_a_409_is_a_conflict() -> None:
    assert meaning_of(rules(conditional=True), UPDATE, Reply(409, {})) is Meaning.CONFLICT
    assert meaning_of(rules(conditional=True), UPDATE, Reply(412, {})) is Meaning.CONFLICT
    assert meaning_of(rules(conditional=True), UPDATE, Reply(422, {})) is Meaning.VALIDATION
    by_rule = rules(rule(status=[409], means="not_unique"), conditional=True)
    assert meaning_of(by_rule, UPDATE, Reply(409, {})) is Meaning.NOT_UNIQUE


def test_every_word_of_a_description_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) == set(get_args(Meant))
    assert len(set(MEANINGS.values())) == len(MEANINGS)


@pytest.mark.parametrize("means", get_args(Meant))
def test_a_rule_says_what_its_reply_means(means: Meant) -> None:
    for request in (READ, UPDATE):
        assert meaning_of(rules(rule(status=[418], means=means)), request, Reply(418, {})) is MEANINGS[means]
    assert meaning_of(rules(rule(status=[418], means=means)), UPDATE, Reply(403, {})) is Meaning.NOT_AUTHORIZED


LIMIT = {"code": "REQUEST_LIMIT_EXCEEDED", "message": 'Slow down, "Zoë"'}


@pytest.mark.parametrize(
    ("given", "reply", "matches"),
    [
        # the status
        ({"status": [403, 429]}, Reply(429, {}), True),
        ({"status": [403, 429]}, Reply(400, {}), False),
        ({}, Reply(404, {}), True),  # without conditions: every failure
        ({}, Reply(503, {}), True),
        ({}, told(200, {}), False),
        ({}, Reply(302, {}), False),
        ({"status": [304]}, Reply(304, {}), True),  # whatever is named
        ({"status": [207]}, told(207, {}), True),
        # a code of the document, or of any item; a number is one, too
        ({"code": "E1"}, told(400, {"code": "E1"}), True),
        ({"code": "E1"}, told(400, {"code": "E0", "errors": [{"code": "E7"}, {"code": "E1"}]}), True),
        ({"code": "E1"}, told(400, {"code": "E10"}), False),
        ({"code": "E1"}, told(400, {"errors": [{"message": "E1"}]}), False),
        ({"code": "10000"}, told(400, {"errors": [{"code": 10000}]}), True),
        ({"code": "E1"}, told(400, {"code": "E1"}, complete=False), False),  # nobody knows what else it said
        ({"code": "E1"}, told(200, {"code": "E1"}), False),  # of a record, perhaps
        ({"code": "E1", "status": [200]}, told(200, {"code": "E1"}), True),
        # a part of the body, in any case, whatever is escaped
        ({"text": "slow DOWN"}, told(403, LIMIT), True),
        ({"text": "zoë"}, told(403, LIMIT), True),
        ({"text": "faster"}, told(403, LIMIT), False),
        ({"text": "overload"}, Reply(403, HTML, b"<h1>Overloaded"), True),
        ({"text": "\\"}, Reply(403, HTML, b"a \\ b"), True),
        ({"text": "overload"}, Reply(403, HTML, b"<h1>Overloaded", complete=False), True),
        ({"text": "nothing"}, told(200, {"note": "nothing"}), False),
        # headers, by name and value in any case
        ({"header": {"RateLimit-Reason": "*"}}, Reply(403, {"ratelimit-reason": ""}), True),
        ({"header": {"RateLimit-Reason": "*"}}, Reply(403, {}), False),
        ({"header": {"RateLimit-Reason": "Jira-Burst"}}, Reply(403, {"ratelimit-reason": " jira-burst "}), True),
        ({"header": {"RateLimit-Reason": "jira-burst"}}, Reply(403, {"ratelimit-reason": "jira-quota"}), False),
        ({"header": {"A": "1", "B": "2"}}, Reply(403, {"a": "1"}), False),
        # values of the body, of the same type, in a success as well
        ({"body": {"/success": False}}, told(200, {"success": False}), True),
        ({"body": {"/success": False}}, told(200, {"success": True}), False),
        ({"body": {"/success": False}}, told(200, {"success": 0}), False),
        ({"body": {"/count": 1}}, told(200, {"count": True}), False),
        ({"body": {"/count": 1}}, told(200, {"count": 1.0}), True),
        ({"body": {"/success": False}}, told(200, {}), False),
        ({"body": {"/success": False}}, told(200, {"success": False}, complete=False), False),
        ({"body": {"/success": False}}, told(422, {"success": False}), True),
        ({"body": {"/success": False}}, Reply(200, HTML, b"<html>"), False),
        ({"body": {"/success": False}}, told(302, {"success": False}), False),
        ({"body": {"/0/errorCode": "LOCKED"}}, told(400, [{"errorCode": "LOCKED"}]), True),
        ({"body": {"/a~1b/c": "x"}}, told(400, {"a/b": {"c": "x"}}), True),
        # all that is given
        ({"status": [400], "code": "E1", "text": "no"}, told(400, {"code": "E1", "message": "No!"}), True),
        ({"status": [400], "code": "E1", "text": "no"}, told(409, {"code": "E1", "message": "No!"}), False),
        ({"status": [400], "code": "E1", "text": "no"}, told(400, {"code": "E2", "message": "No!"}), False),
        ({"status": [400], "code": "E1", "text": "no"}, told(400, {"code": "E1", "message": "Yes"}), False),
        ({"status": [200], "body": {"/result": "noop"}}, told(200, {"result": "noop"}), True),
        ({"status": [400], "body": {"/result": "noop"}}, told(200, {"result": "noop"}), False),
    ],
)
def test_a_rule_counts_if_all_its_conditions_hold(given: dict[str, Any], reply: Reply, matches: bool) -> None:
    of_rule = meaning_of(rules(rule(**given)), UPDATE, reply) is Meaning.LOCKED
    assert of_rule is matches
    assert scope_of(rules(rule(**given, scope="record")), reply) == ("record" if matches else "credential")
    assert least_wait(rules(rule(**given, wait_s=30)), reply) == (30 if matches else 0)


def test_the_rules_of_a_type_go_first_and_the_first_match_counts() -> None:
    own = [rule(status=[409], code="E1", means="retry"), rule(status=[409], means="conflict")]
    shared = [rule(status=[409], means="not_unique"), rule(status=[403], means="slow_down")]
    both = compiled(own, shared, PLACES)
    assert meaning_of(both, UPDATE, told(409, {"code": "E1"})) is Meaning.BUSY
    assert meaning_of(both, UPDATE, told(409, {"code": "E2"})) is Meaning.CONFLICT
    assert meaning_of(both, UPDATE, Reply(403, {})) is Meaning.THROTTLED
    assert meaning_of(both, UPDATE, Reply(404, {})) is Meaning.NOT_FOUND


@pytest.mark.parametrize("scope", ["credential", "record", "{base}"])
def test_a_pause_is_kept_by_whom_the_rule_names(scope: str) -> None:
    assert scope_of(rules(rule(scope=scope)), Reply(429, {})) == scope


@pytest.mark.parametrize("reply", [told(200, {"id": 7}), told(200, {"code": "E1", "errors": [1]}), Reply(204, {})])
@pytest.mark.parametrize("given", [{}, {"status": [400]}, {"code": "E1"}, {"text": "x"}, {"header": {"X": "*"}}])
def test_an_ordinary_success_is_not_read(given: Any, reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "parsed_anyway", None)
    monkeypatch.setattr(module, "errors_of", None)
    assert meaning_of(rules(rule(**given)), UPDATE, reply) in {Meaning.SERVED, Meaning.NO_CONTENT}


RULES = st.builds(
    ErrorRule,
    status=st.lists(st.sampled_from([200, 400, 409, 503]), max_size=2).map(tuple),
    code=st.sampled_from(["", "E1"]),
    text=st.sampled_from(["", "NO"]),
    header=st.sampled_from([{}, {"X-Reason": "*"}, {"X-Reason": "a"}]),
    body=st.sampled_from([{}, {"/success": False}]),
    means=st.sampled_from(get_args(Meant)),
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "success": st.booleans(),
        "code": st.sampled_from(["E1", 7]),
        "message": st.sampled_from(["no", "yes"]),
        "errors": st.lists(st.fixed_dictionaries({"code": st.sampled_from(["E1", "E2"])}), max_size=2),
    },
)
REPLIES = st.builds(
    told,
    st.sampled_from([200, 202, 302, 400, 409, 500, 503]),
    DOCUMENTS,
    st.sampled_from([{}, {"x-reason": "A"}, {"x-reason": "b"}, AFTER]),
    complete=st.booleans(),
)


def plainly(each: ErrorRule, reply: Reply) -> bool:
    """Whether a rule matches, as its documentation says it, condition by condition."""
    document = json.loads(reply.body) if reply.complete else {}
    codes = {str(document.get("code")), *(str(item.get("code")) for item in document.get("errors", ()))}
    reason = reply.headers.get("x-reason")
    return all(
        [
            reply.status in each.status if each.status else reply.status >= 400 or (each.body and reply.status < 300),
            not each.code or each.code in codes,
            each.text.lower() in reply.body.decode().lower(),
            all(reason is not None and value in {"*", reason.lower()} for value in each.header.values()),
            all(document.get(pointer[1:]) is value for pointer, value in each.body.items()),
        ]
    )


@given(st.lists(RULES, max_size=4), st.lists(RULES, max_size=2), REPLIES)
def test_the_first_rule_that_matches_plainly_is_the_one_that_counts(
    own: list[ErrorRule], shared: list[ErrorRule], reply: Reply
) -> None:
    both = compiled(own, shared, PLACES)
    first = next((each for each in own + shared if plainly(each, reply)), None)
    expected = MEANINGS[first.means] if first else meaning_of(NONE, UPDATE, reply)
    assert meaning_of(both, UPDATE, reply) is expected


BODIES = st.binary() | st.text().map(str.encode) | DOCUMENTS.map(lambda told: json.dumps(told).encode())


@given(st.sampled_from([READ, UPDATE, POSTED]), st.integers(100, 599), BODIES, st.booleans(), st.booleans())
def test_without_a_rule_every_reply_has_a_meaning_that_suits_its_class(
    request: Request, status: int, body: bytes, complete: bool, conditional: bool
) -> None:
    reply = Reply(status, JSON, body, complete)
    meaning = meaning_of(rules(conditional=conditional), request, reply)
    assert (meaning in REFUSALS) <= (400 <= status < 500)
    assert (meaning in SERVER_ERRORS) == (status >= 500)
    if status >= 400 and status not in {401, 409}:
        assert meaning is failure(reply)
