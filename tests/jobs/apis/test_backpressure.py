"""What failures mean: who asks everybody to wait, and who certainly did nothing, told by status, header or body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.backpressure import failure
from jobs.apis.meanings import REFUSALS, SLOWS_DOWN, Meaning
from jobs.apis.statuses import refusal as refusal_of
from jobs.model import Reply

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
    assert failure(reply) is Meaning.THROTTLED


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (Reply(408, {}), Meaning.TIMED_OUT),
        (Reply(408, {"retry-after": "2"}), Meaning.TIMED_OUT),
        (Reply(425, {}), Meaning.TOO_EARLY),
        (Reply(425, {"retry-after": "2"}), Meaning.TOO_EARLY),
        *((Reply(status, {"retry-after": "2"}), Meaning.HELD) for status in (401, 403, 409, 413, 420, 423, 430)),
        (Reply(409, {"backoff": "30"}), Meaning.HELD),
        *((Reply(status, {"retry-after": "2"}), Meaning.UNAVAILABLE) for status in (500, 502, 503, 504, 529)),
        (Reply(503, {"retry-after": "Sun, 09 Sep 2001 01:46:50 GMT"}), Meaning.UNAVAILABLE),
        (Reply(503, {"backoff": "30"}), Meaning.UNAVAILABLE),
        (refusal(503, {"error": {"code": "SlowDown"}}), Meaning.UNAVAILABLE),
        (Reply(509, {}), Meaning.UNAVAILABLE),  # bandwidth limit exceeded: web hosts, BigCommerce
        (Reply(529, {}), Meaning.UNAVAILABLE),  # overloaded: Notion
    ],
)
def test_an_announced_pause_or_an_overload_is_for_everybody_and_no_proof_that_nothing_was_done(
    reply: Reply, meaning: Meaning
) -> None:
    assert failure(reply) is meaning
    assert meaning in SLOWS_DOWN


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *((status, Meaning.UNWELL) for status in (500, 502, 503, 504)),
        *((status, Meaning.FAILED) for status in (501, 505, 508, 520, 530, 599)),
        *((status, refusal_of(status)) for status in (400, 401, 404, 405, 409, 412, 420, 422, 423, 430)),
    ],
)
def test_a_failure_that_announces_nothing_is_one_of_the_request_or_of_the_server(status: int, meaning: Meaning) -> None:
    assert failure(Reply(status, {})) is meaning


NEITHER = [
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
    assert failure(reply) in REFUSALS | {Meaning.UNWELL}


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
BODIES = st.binary() | JSON.map(lambda told: json.dumps(told).encode())
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "backoff", "x-amzn-errortype", "date"]), st.text())


@given(st.integers(400, 599), HEADERS, BODIES)
def test_no_reply_breaks_the_reader_and_only_a_4xx_was_refused_before_work(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    meaning = failure(Reply(status, headers, body))
    assert status < 500 or meaning in {Meaning.UNAVAILABLE, Meaning.UNWELL, Meaning.FAILED}
    assert status != 429 or meaning is Meaning.THROTTLED


@given(st.text(), st.sampled_from(["code", "title", "message", "detail", "value"]))
def test_a_refusal_that_quotes_a_cell_is_no_limit(cell: str, field: str) -> None:
    quoted = {"errors": [{field: f"{cell} is not valid", "source": {"pointer": cell}, "meta": {"value": "throttled"}}]}
    assert failure(refusal(422, quoted)) is Meaning.VALIDATION
