"""Who asks everybody to wait, and who certainly did nothing: limits told by status, header or body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import Reply
from worker.policy.backpressure import asks_to_wait, is_about_pace, refused_before_work

USED_UP = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1372700873"}


def refusal(status: int, told: Any) -> Reply:
    return Reply(status, {"content-type": "application/json"}, json.dumps(told).encode())


def google(reason: str) -> dict[str, Any]:
    return {"error": {"errors": [{"domain": "usageLimits", "reason": reason, "message": "x"}], "code": 403}}


REFUSED = [
    Reply(429, {}),
    Reply(403, USED_UP),
    Reply(400, {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}),
    Reply(403, {"x-mashery-error-code": "ERR_403_DEVELOPER_OVER_QPS"}, b"<h1>Developer Over Qps</h1>"),
    refusal(403, google("rateLimitExceeded")),
    refusal(403, google("userRateLimitExceeded")),
    refusal(403, {"error": {"code": 403, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded"}}),
    refusal(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]),
    refusal(400, {"error": {"code": "TooManyRequests", "message": "slow"}}),
    refusal(400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "Rate exceeded"}),
    refusal(400, {"__type": "ThrottlingException"}),
    refusal(403, {"type": "https://example.com/problems/too-many-requests", "title": "Hold on"}),
    refusal(403, {"status": "error", "category": "RATE_LIMITS", "message": "You have reached your limit"}),
    refusal(409, {"errors": [{"title": "Too Many Requests", "code": "THROTTLED"}]}),
    refusal(403, {"error": "rate_limited"}),
    refusal(403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}),
    refusal(403, {"message": "You have triggered an abuse detection mechanism."}),
    refusal(403, {"message": "API rate limit exceeded for user ID 1."}),
    refusal(400, {"error": {"message": "(#17) User request limit reached", "type": "OAuthException", "code": 17}}),
    Reply(403, {"content-type": "text/plain"}, b" Rate limit exceeded\n"),
]


@pytest.mark.parametrize("reply", REFUSED, ids=range(len(REFUSED)))
def test_a_limit_is_a_refusal_before_work_wherever_it_is_named(reply: Reply) -> None:
    assert refused_before_work(reply)
    assert asks_to_wait(reply)
    assert is_about_pace(reply)


ONLY_WAIT = [
    Reply(408, {}),
    Reply(425, {}),
    *(Reply(status, {"retry-after": "2"}) for status in (401, 403, 409, 413, 420, 423, 430, 500, 502, 503, 504, 529)),
    Reply(503, {"retry-after": "Sun, 09 Sep 2001 01:46:50 GMT"}),
    Reply(503, {"backoff": "30"}),
    refusal(503, {"error": {"code": "SlowDown"}}),
]


@pytest.mark.parametrize("reply", ONLY_WAIT, ids=range(len(ONLY_WAIT)))
def test_an_announced_pause_is_for_everybody_and_no_proof_that_nothing_was_done(reply: Reply) -> None:
    assert asks_to_wait(reply)
    assert not refused_before_work(reply)


@pytest.mark.parametrize(
    ("status", "about"), [(409, True), (420, True), (430, True), (408, False), (425, False), (500, False), (503, False)]
)
def test_a_pause_asked_for_with_a_refusal_tells_of_a_limit_and_one_in_an_outage_does_not(
    status: int, about: bool
) -> None:
    assert is_about_pace(Reply(status, {"retry-after": "2"})) is about
    assert not is_about_pace(Reply(status, {}))


NEITHER = [
    Reply(200, {"retry-after": "9"}),
    Reply(202, {"retry-after": "9"}),
    Reply(302, {"retry-after": "9"}),
    Reply(500, {}),
    Reply(503, {}),
    Reply(503, {"retry-after": "soon"}),
    Reply(503, USED_UP),  # it may have processed it
    Reply(403, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1372700873"}),
    Reply(403, {"x-ratelimit-remaining": "0", "x-ratelimit-interval": "60"}),  # Commerce Layer: really forbidden
    refusal(403, {"errors": [{"code": "FORBIDDEN", "title": "Forbidden"}]}),
    refusal(422, {"errors": [{"code": "INVALID", "detail": "too many requests", "meta": {"code": "slowdown"}}]}),
    refusal(422, {"data": {"code": "throttled"}, "errors": {"code": ["throttled"]}}),
    refusal(422, {"message": "rate limit exceeded is no name"}),
    refusal(403, {"message": "the name 'rate limit exceeded' is taken"}),
    refusal(403, {"error": {"code": "RATE_PLAN_MISSING"}}),
    refusal(403, {"error": {"error": {"error": {"error": {"code": "throttled"}}}}}),  # deeper than any server puts it
    refusal(400, {"code": "x" * 300 + "#throttled"}),
    refusal(403, 7),
    Reply(403, {}, b"<html>Forbidden</html>"),
    Reply(404, {}, b"too many requests"),
    Reply(403, {}, b'{"code": "throttled"}' + b" " * 70_000),
]


@pytest.mark.parametrize("reply", NEITHER, ids=range(len(NEITHER)))
def test_what_only_looks_like_a_limit_is_none(reply: Reply) -> None:
    assert not refused_before_work(reply)
    assert not asks_to_wait(reply)


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
BODIES = st.binary() | JSON.map(lambda told: json.dumps(told).encode())
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "backoff", "x-amzn-errortype", "date"]), st.text())


@given(st.integers(100, 599), HEADERS, BODIES)
def test_whoever_did_nothing_asks_to_wait_too_and_no_reply_breaks_the_reader(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    reply = Reply(status, headers, body)
    assert asks_to_wait(reply) or not refused_before_work(reply)
    assert status >= 400 or not asks_to_wait(reply)
    assert status == 429 or 400 <= status < 500 or not refused_before_work(reply)


@given(st.text(), st.sampled_from(["code", "title", "message", "detail", "value"]))
def test_a_refusal_that_quotes_a_cell_is_no_limit(cell: str, field: str) -> None:
    quoted = {"errors": [{field: f"{cell} is not valid", "source": {"pointer": cell}, "meta": {"value": "throttled"}}]}
    assert not refused_before_work(refusal(422, quoted))
