"""What a failure (4xx, 5xx) means by the rules of HTTP: who asks everybody to wait, and who certainly did nothing.

A 429 does both. Many servers send the same news under another status, and name it in the body or in a header: those
names are a table here, taken from the vendors' error references. A name counts only as the whole value of a field that
holds codes, so that a refusal that quotes a cell of the sheet is never one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from jobs.apis.meanings import Meaning
from jobs.apis.retry_after import read_backoff, read_retry_after
from jobs.apis.statuses import refusal
from jobs.model import Reply

_TOO_MANY: Final = 429
_FORBIDDEN: Final = 403
_WITH_SENTENCES: Final = frozenset({400, 403})
_LATER: Final = {408: Meaning.TIMED_OUT, 425: Meaning.TOO_EARLY}
"""Statuses that ask for the same request at a later time, with or without `Retry-After` (RFC 9110 15.5.9, RFC 8470)."""

_UNWELL: Final = frozenset({500, 502, 503, 504})
"""Statuses that say the server is not well: no evidence that it has recovered."""

_OVERLOADED: Final = frozenset({509, 529})
"""Statuses that no RFC has, and that mean too many requests: 509 of web hosts (cPanel's Apache) and BigCommerce, 529 of
Notion, Qualys and Anthropic. As 5xx they prove nothing about the work.
"""

_CODES: Final = frozenset(
    {
        "ratelimitexceeded", "userratelimitexceeded", "dailylimitexceeded", "resourceexhausted",  # Google 403, 429
        "requestlimitexceeded",  # Salesforce 403, AWS
        "throttling", "throttlingexception", "throttledexception", "requestthrottled",  # AWS 400
        "requestthrottledexception", "provisionedthroughputexceededexception", "toomanyrequestsexception",
        "toomanyrequests", "applicationthrottled", "activitylimitreached",  # Microsoft
        "ratelimit", "ratelimits", "ratelimiterror", "ratelimited", "ratelimitreached",  # Stripe, HubSpot, Slack
        "throttled", "slowdown", "overratelimit", "apilimitexceeded", "toomanyrequestserror",
        "errdeveloperoverqps", "errdeveloperoverrate",  # Mashery 403
    }
)  # fmt: skip
"""Names of a limit, letters only, in lower case."""

_CODE_HEADERS: Final = ("x-amzn-errortype", "x-mashery-error-code", "x-ms-error-code")
_CODE_FIELDS: Final = frozenset({"code", "errorcode", "reason", "error", "type", "status", "title", "category"})
_HOLDERS: Final = frozenset({"error", "errors", "fault", "detail", "details", "errordetails", "innererror"})

_SENTENCES: Final = (
    "you have exceeded a secondary rate limit", "you have triggered an abuse detection",  # GitHub 403
    "api rate limit exceeded", "rate limit exceeded", "too many requests",
    "(#4) application request limit reached", "(#17) user request limit reached",  # Facebook 400
    "(#613) calls to this api have exceeded the rate limit",
)  # fmt: skip
"""How a message begins that has no code, in lower case."""

_SENTENCE_FIELDS: Final = frozenset({"message", "detail", "errordescription"})

_LONGEST: Final = 65_536
"""Bytes of a body that are looked at: what names a limit is short."""

_LONGEST_CODE: Final = 200

_DEEPEST: Final = 4


def failure(reply: Reply) -> Meaning:
    """Return what a reply of 400 or above means, its token aside.

    A 4xx that names a limit, in its body or headers, was refused before any work. A pause (`Retry-After`, on whatever
    status: RFC 9110 10.2.3) is for everybody and proves nothing; with a 4xx it is probably due to how many requests
    came, with a 5xx it is an outage.
    """
    status = reply.status
    if status >= 500:
        if status in _OVERLOADED or _announces_a_pause(reply.headers) or _names_a_limit(reply):
            return Meaning.UNAVAILABLE
        return Meaning.UNWELL if status in _UNWELL else Meaning.FAILED
    if status == _TOO_MANY or _names_a_limit(reply):
        return Meaning.THROTTLED
    if status in _LATER:
        return _LATER[status]
    return Meaning.HELD if _announces_a_pause(reply.headers) else refusal(status)


def _announces_a_pause(headers: Mapping[str, str]) -> bool:
    return read_retry_after(headers, 0.0) is not None or read_backoff(headers) > 0.0


def _names_a_limit(reply: Reply) -> bool:
    return (
        _is_used_up(reply)
        or any(_is_limit(reply.headers.get(name, "")) for name in _CODE_HEADERS)
        or _body_names_a_limit(reply)
    )


def _is_used_up(reply: Reply) -> bool:
    """Say whether nothing is left of a quota until its reset: GitHub refuses with 403 then."""
    left, reset = reply.headers.get("x-ratelimit-remaining", ""), reply.headers.get("x-ratelimit-reset")
    return reply.status == _FORBIDDEN and reset is not None and left.strip() == "0"


def _body_names_a_limit(reply: Reply) -> bool:
    if not 0 < len(reply.body) <= _LONGEST:
        return False
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        return reply.status in _WITH_SENTENCES and _is_sentence(reply.body[:200].decode("ascii", "replace"))
    texts = list(_texts(told, "error", _DEEPEST))
    if any(field in _CODE_FIELDS and _is_limit(text) for field, text in texts):
        return True
    told_so = (field in _SENTENCE_FIELDS and _is_sentence(text) for field, text in texts)
    return reply.status in _WITH_SENTENCES and any(told_so)


def _texts(value: object, field: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the texts of an error document with the name of their field: of errors only, never of a record in them."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, list) and depth:
        for each in value[:20]:
            yield from _texts(each, field, depth - 1)
    elif isinstance(value, dict) and depth:
        for name, each in value.items():
            plain = _letters(name)
            if isinstance(each, str) or plain in _HOLDERS:
                yield from _texts(each, plain, depth - 1)


def _is_limit(code: str) -> bool:
    """Say whether a code names a limit, be it after a name space (`com.example#`, a URI) or before one (`:http://`)."""
    parts = re.split(r"[#/:]", code[:_LONGEST_CODE])
    return _letters(parts[0]) in _CODES or _letters(parts[-1]) in _CODES


def _is_sentence(text: str) -> bool:
    return text.strip().lower().startswith(_SENTENCES)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())
