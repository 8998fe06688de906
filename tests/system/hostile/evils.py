"""The table: every evil a server commits, sorted by the pattern in which the row that meets it must end."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.system.hostile import acts
from tests.system.hostile import patterns as P  # noqa: N812  # a column of the table
from tests.system.hostile.acts import (
    CHUNKED,
    HTML,
    STALE,
    afterwards,
    answers,
    bomb,
    chunk,
    chunked,
    cut,
    drip,
    endless,
    framed,
    headed,
    honest,
    moved,
    raw,
    refuses,
    says,
    swapped,
    tells,
    text,
    unchanged,
    until,
)
from tests.system.hostile.patterns import Line, Mode, Pattern
from tests.system.hostile.server import JSON_API, Act, Crime, Stage, http, refusal

_HTML: Final = b"Content-Type: text/html"
_PLAIN_JSON: Final = b"Content-Type: application/json"
_OVER: Final = b'WWW-Authenticate: Bearer realm="api", error="invalid_token"'
_OVER_TOO: Final = b"www-authenticate: bearer ERROR=invalid_token"
_ENDLESS: Final = b"HTTP/1.1 200 OK\r\n%s\r\n" % JSON_API
_INTERIM: Final = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
_SWITCH: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
_WITH_BODY: Final = b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nabcd"


@dataclass(frozen=True, slots=True)
class Evil:
    """One line of the table.

    Attributes:
        reason: the evil's own reason code, where its pattern leaves it open.
        late: seconds after the request at which the server carries it out, when it does.
        hunted: whether the hunt commits it too, at random. `reads`: at reads as well.
    """

    name: str
    act: Act
    pattern: Pattern
    reason: str = ""
    stage: Stage = Stage.BODY
    late: float = 0.0
    hunted: bool = True
    reads: bool = True

    def crime(self, *, applies: bool) -> Crime:
        """The evil as the server commits it."""
        return Crime(self.name, self.act, self.stage, applies, self.late)

    @property
    def modes(self) -> Mapping[Mode, Line]:
        """What is expected where; a server that has not read the body cannot have carried it out."""
        lines = self.pattern.lines
        if self.stage is not Stage.BODY:
            lines = {mode: line for mode, line in lines.items() if not mode.done}
        return {mode: Line(line.always.of(self.reason), line.once.of(self.reason)) for mode, line in lines.items()}


def _each(
    pattern: Pattern,
    reason: str,
    acts_by_name: Mapping[str, Act],
    *,
    stage: Stage = Stage.BODY,
    late: float = 0.0,
    hunted: bool = True,
    reads: bool = True,
) -> Iterator[Evil]:
    """Evils that end alike."""
    for name, act in acts_by_name.items():
        yield Evil(name, act, pattern, reason, stage, late, hunted, reads)


def _identity(document: dict[str, Any]) -> dict[str, Any]:
    """Return type and id of the record, and nothing else of it."""
    return {name: document["data"][name] for name in ("type", "id")}


_UNREAD: Final[dict[str, Act]] = {  # the connection ends before the server has read the body
    "reset after the headers": acts.resets,
    "close after the headers": acts.closes,
}
_BROKEN: Final[dict[str, Act]] = {  # ... after that, before a whole head has come back
    **{f"{how} after the body": cut("nothing", how) for how in ("reset", "close")},
    **{f"{how} in the status line": cut("status line", how) for how in ("reset", "close")},
    **{f"{how} in the headers": cut("headers", how) for how in ("reset", "close")},
    "199 and no more": raw(b"HTTP/1.1 199 Misc\r\n\r\n", close=True),
}
_GARBLED: Final[dict[str, Act]] = {  # what is no HTTP, or contradicts itself
    "garbage": raw(b"\x00\xff\xfe garbage \x80\r\n\r\n"),
    "a TLS alert": raw(b"\x15\x03\x01\x00\x02\x02\x46", close=True),
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "a preface of HTTP/2": raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18),
    "HTTP/0.9": says(lambda exchange: exchange.body, close=True),
    "HTTP/3.7": swapped(b"HTTP/1.1", b"HTTP/3.7"),
    "a status of four digits": swapped(b"200 ", b"2000 "),
    "a bad chunk size": chunked(size=b"zz"),
    "a negative chunk size": chunked(size=b"-5"),
    "a chunk longer than it says": chunked(size=b"5"),
    "two lengths": headed(b"Content-Length: 5\r\n"),
    "length and chunks": headed(b"Transfer-Encoding: chunked\r\n"),
    "a header of 100 kB": headed(b"X-Long: " + b"y" * 100_000 + b"\r\n"),
    "ten thousand headers": headed(b"X-A: b\r\n" * 10_000),
    "a header with NUL": headed(b"X-A: \x00\r\n"),
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 100),
    "a negative length": framed(lambda body: b"Content-Length: -1\r\n\r\n" + body),
    "a length that is a word": framed(lambda body: b"Content-Length: many\r\n\r\n" + body),
    "a length too short": framed(lambda body: b"Content-Length: %d\r\n\r\n" % (len(body) - 9) + body),
    "a 204 with a body": raw(_WITH_BODY),
    "101 to a protocol nobody asked for": raw(_SWITCH),
}
_NO_ANSWER: Final[dict[str, Act]] = {  # in time
    "silence": acts.silent,
    "half a head, then silence": raw(b"HTTP/1.1 200 OK\r\nContent-Le", hold=True),
    "a byte now and then, beyond the timeout": drip(0.1),
    "a flood of 1xx, then nothing": raw(_INTERIM * 500, hold=True),
    "an endless flood of 1xx": endless(b"", _INTERIM * 10, pause=0.01),
}
_CUT: Final[dict[str, Act]] = {  # a 200 whose body breaks off, does not end, or cannot be decoded
    **{f"{how} before the body": cut("before the body", how) for how in ("reset", "close")},
    **{f"{how} in the body": cut("body", how) for how in ("reset", "close")},
    "a body that drips beyond the timeout": drip(0.1, from_the="body"),
    "no last chunk": chunked(last=b"", close=True),
    "a chunk shorter than it says": chunked(size=b"ffff", close=True),
    "a length too long": framed(lambda body: b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body, close=True),
    "a length too long, and silence": framed(lambda body: b"Content-Length: 9999\r\n\r\n" + body, hold=True),
    "an endless body": endless(_ENDLESS + b"\r\n", b"x" * 65536),
    "endless chunks": endless(_ENDLESS + CHUNKED, chunk(b"x" * 65536)),
    "a gzip bomb": bomb("gzip"),
    "a deflate bomb": bomb("deflate"),
    "an unknown coding": honest(b"Content-Encoding: zebra"),
    "two codings": honest(b"Content-Encoding: gzip, br"),
}
_FAULT: Final = {"title": "No", "code": "X"}
_JOB: Final = {"data": {"type": "queue_jobs", "id": "5", "attributes": {"status": "pending"}}}
_ELSEWHERE: Final[dict[str, Act]] = {  # a 200 that says nothing about a record
    "HTML (a captive portal)": answers(200, HTML, _HTML),
    "HTML that says it is JSON": answers(200, HTML, JSON_API),
    "an empty 200": answers(200, b"", JSON_API),
    "no data": tells(lambda _: {"meta": {}}),
    "data is null": tells(lambda _: {"data": None}),
    "errors in a 200": tells(lambda _: {"errors": [_FAULT]}),
    "nested 100,000 deep": answers(200, b"[" * 100_000, JSON_API),
    "truncated JSON of the right length": text(lambda body: body[: len(body) // 2]),
    "bytes that are no UTF-8": answers(200, b'{"data": "\xff\xfe"}', JSON_API),
}
_ANOTHER: Final[dict[str, Act]] = {  # a 200 that is about another record, or does not say that it is JSON
    "another id": tells(lambda document: {"data": {**document["data"], "id": "Q" * 10}}),
    "the id in other case": tells(lambda document: {"data": {**document["data"], "id": "aaaaaaaaaa"}}),
    "another type": tells(lambda document: {"data": {**document["data"], "type": "skus"}}),
    "no id": tells(lambda document: {"data": {"type": document["data"]["type"]}}),
    "data is a list": tells(lambda document: {"data": [document["data"]]}),
    "a list instead of a document": tells(lambda document: [document]),
    "two ids, the last is another": text(lambda body: body.replace('"attributes"', '"id": "x", "attributes"', 1)),
    "JSON that says it is HTML": honest(media=_HTML),
    "no content type": says(lambda exchange: http(200, exchange.body)),
}
_UNFINISHED: Final[dict[str, Act]] = {  # a success that is not finished, or does not say of what
    "202 without content": answers(202),
    "202 with a job": answers(202, json.dumps(_JOB).encode(), JSON_API),
    "202 with the old values": unchanged(202),
    "202 with the new values": honest(status=202),
    "errors beside data": tells(lambda document: {**document, "errors": [_FAULT]}),
    "207, errors beside data": tells(lambda document: {**document, "errors": [_FAULT]}, status=207),
    "201 with the record": honest(status=201),  # created? it was to be updated
}
_BARE: Final[dict[str, Act]] = {  # a success that shows nothing
    "id and type without attributes": tells(lambda document: {"data": _identity(document)}),
    "id, type and empty attributes": tells(lambda document: {"data": {**_identity(document), "attributes": {}}}),
}
_ODD: Final[dict[str, Act]] = {  # a confirmation all the same; what comes after it is not the next row's reply
    "a byte now and then, in time": drip(0.0005),
    "a flood of 1xx, then the reply": says(lambda exchange: _INTERIM * 500 + exchange.reply),
    "not the gzip it says, and readable": honest(b"Content-Encoding: gzip"),
    "plain application/json": honest(media=b"Content-Type: application/json; charset=utf-8"),
    "the idle connection closes": acts.then_closes(0.02),
    "a second reply in the same piece": says(lambda exchange: exchange.reply + STALE),
}
_UNASKED: Final[dict[str, Act]] = {  # told apart from the next reply only as long as nothing else has been asked
    "a second reply a moment later": afterwards(lambda _: STALE),
    "half a reply a moment later": afterwards(lambda _: STALE[:40]),
    "its own reply again a moment later": afterwards(lambda exchange: exchange.reply),
    "408 a moment later (an idle balancer)": afterwards(lambda _: refusal(408)),
    "garbage a moment later": afterwards(lambda _: b"\r\n\r\n\x00garbage"),
}
_ODD_WRITES: Final[dict[str, Act]] = {
    "299 with the record": honest(status=299),
    "two ids, the last is the right one": text(lambda body: body.replace('"id": ', '"id": "x", "id": ', 1)),
}
_REFUSALS: Final[dict[str, tuple[Act, str]]] = {  # of the row, finally
    **{f"{status} to another origin": (moved(status), "redirected") for status in (300, 301, 302, 303, 304, 307, 308)},
    "400": (refuses(400), "bad_request"),
    "400 in HTML": (answers(400, HTML, _HTML), "bad_request"),
    "401, no permission": (refuses(401, "UNAUTHORIZED"), "not_authorized"),
    "401 without a word": (answers(401), "not_authorized"),
    "403": (refuses(403), "not_authorized"),
    "404": (refuses(404), "not_found"),
    "410": (refuses(410), "not_found"),
    "409": (refuses(409), "not_unique"),
    "422": (refuses(422), "validation"),
    "422 whose body breaks off": (raw(STALE[:-20], close=True), "validation"),
    "423": (refuses(423), "locked"),
    **{str(status): (refuses(status), "refused") for status in (402, 407, 418, 451, 499)},
}
_FAILURES: Final[dict[str, Act]] = {  # of the server, which may have carried the update out
    **{str(status): refuses(status) for status in (500, 501, 502, 503, 505, 507, *range(520, 529), 530, 600, 999)},
    "502 in HTML": answers(502, HTML, _HTML),
}
_RETRY_AFTER: Final = (b"0", b"-5", b"0.25", b"", b"soon", b"NaN", b"inf", b"1e400", b"1, 2", b"\xff")
_IN_BODY: Final = {  # limits told in the body: nothing was done
    "403 rateLimitExceeded": (403, b'{"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}}'),
    "403 userRateLimitExceeded": (403, b'{"error": {"code": 403, "errors": [{"reason": "userRateLimitExceeded"}]}}'),
    "403 REQUEST_LIMIT_EXCEEDED": (403, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]'),
    "400 TooManyRequests": (400, b'{"error": {"code": "TooManyRequests", "message": "slow down"}}'),
}
_SLOWER: Final[dict[str, Act]] = {
    "429": refuses(429),
    "429 in HTML": answers(429, HTML, _HTML),
    **{f"429, Retry-After {text!r}": refuses(429, "THROTTLED", b"Retry-After: " + text) for text in _RETRY_AFTER},
    "429, Retry-After is a moment in seconds": until(429, 3.0),
    "429, Retry-After is a moment in milliseconds": until(429, 3.0, unit=1000),
    **{name: answers(status, body, _PLAIN_JSON) for name, (status, body) in _IN_BODY.items()},
}
_PAUSES: Final[dict[str, Act]] = {  # other refusals that ask for a pause
    "425": refuses(425),
    **{f"{status} with Retry-After": refuses(status, "X", b"Retry-After: 1") for status in (409, 420, 423, 425, 430)},
    "430, Retry-After is a moment": until(430, 3.0),
}
_EARLY: Final = (500, 502, 503, 504, 524, 529)
_AFTER_ALL: Final[dict[str, Act]] = {  # seen after the work was done
    **{str(status): refuses(status) for status in (408, 509, 529)},
    "408 with Retry-After": refuses(408, "X", b"Retry-After: 1"),
    **{
        f"{status} with Retry-After": refuses(status, "X", b"Retry-After: 1")
        for status in (500, 502, 503, 504, 524, 529)
    },
    "503, Retry-After in 1970": refuses(503, "X", b"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"),
    "503, Retry-After is a moment": until(503, 3.0),
}
_TOKEN_OVER: Final[dict[str, Act]] = {
    "401, token refused": refuses(401, "INVALID_TOKEN"),
    "401 by RFC 6750": refuses(401, "X", _OVER),
    "401 by RFC 6750, without a word": answers(401, b"", _OVER_TOO),
}
_YEAR: Final = b"Retry-After: 31536000"
_FAR: Final = b"Retry-After: Fri, 01 Jan 2999 00:00:00 GMT"
_VALUES: Final = tells(lambda document: {"data": {**document["data"], "attributes": {"reference": "other"}}})

EVILS: Final[tuple[Evil, ...]] = (
    *_each(P.LOST, "reply_lost", _UNREAD, stage=Stage.HEAD),
    *_each(P.LOST, "reply_lost", _BROKEN),
    *_each(P.LOST, "reply_garbled", _GARBLED),
    *_each(P.LOST, "server_error", _FAILURES),
    *_each(P.LOST, "timed_out", _NO_ANSWER),
    *_each(P.LOST, "server_error", {"504": refuses(504)}),
    *_each(P.LATE, "timed_out", {"silence, and applied after the timeout": acts.silent}, late=1.5, reads=False),
    *_each(P.UNCONFIRMED, "reply_garbled", _CUT),
    *_each(P.UNCONFIRMED, "reply_mismatch", _ELSEWHERE),
    *_each(P.UNCONFIRMED, "reply_mismatch", _ANOTHER, reads=False),
    *_each(P.UNCONFIRMED, "", _UNFINISHED, reads=False),
    *_each(P.BARE, "", _BARE, reads=False),
    *_each(P.NOT_TAKEN, "", {"200 with the old values": unchanged(200)}, reads=False),
    *_each(P.EMPTY, "", {"204": raw(b"HTTP/1.1 204 No Content\r\n\r\n")}, reads=False),
    *_each(P.CONFIRMED, "", _ODD),
    *_each(P.CONFIRMED, "", _UNASKED, hunted=False),
    *_each(P.CONFIRMED, "", _ODD_WRITES, reads=False),
    *_each(P.DIFFERS, "", {"other values than were sent": _VALUES}, reads=False),
    *(Evil(name, act, P.REFUSED, reason) for name, (act, reason) in _REFUSALS.items()),
    *_each(P.CONFLICTING, "precondition_failed", {"412": refuses(412)}),
    *_each(P.THROTTLED, "", _SLOWER),
    *_each(P.ASKED_TO_WAIT, "", _PAUSES),
    *_each(P.BUSY, "", _AFTER_ALL),
    *_each(P.PARKED, "", {"429, Retry-After a year": refuses(429, "X", _YEAR)}, hunted=False),
    *_each(P.PARKED_IN_DOUBT, "", {"503, Retry-After in the year 2999": refuses(503, "X", _FAR)}, hunted=False),
    *_each(P.HALTED, "not_updatable", {"405": refuses(405)}, hunted=False),
    *_each(P.HALTED, "refused", {"406": refuses(406), "415": refuses(415)}, hunted=False),
    *_each(P.LOCKED_OUT, "", _TOKEN_OVER, hunted=False),
)
