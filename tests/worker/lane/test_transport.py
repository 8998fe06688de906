"""The transport against aioresponses (what it sends) and raw sockets (what it makes of what comes back)."""

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from jobs.apis.auth import Permit
from jobs.apis.documents import MEDIA_TYPE
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request
from worker.lane.authority import Headers
from worker.lane.codings import BODY_LIMIT
from worker.lane.transport import Transport

ORIGIN = "https://acme.commercelayer.io"
FIELDS = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Authorization": "Bearer t0k3n"}
HEADERS = Headers(tuple(FIELDS.items()), Permit("Authorization", "Bearer t0k3n", ("t0k3n",)))
PATCH = Request("PATCH", "/api/stripe_payments/abc", b'{"data":{}}')

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def test_a_patch_carries_the_headers_and_bytes_it_was_given() -> None:
    seen: list[tuple[URL, dict[str, object]]] = []

    def answer(url: URL, **kwargs: object) -> CallbackResult:
        seen.append((url, kwargs))
        return CallbackResult(status=422, body=b"{}", headers={"X-Request-Id": "r1"})

    with aioresponses() as mocked:
        mocked.patch(f"{ORIGIN}/api/stripe_payments/abc", callback=answer)
        async with Transport(ORIGIN, timeout=5, connections=1) as transport:
            outcome = await transport.send(PATCH, HEADERS)
    (url, sent) = seen[0]
    assert str(url) == f"{ORIGIN}/api/stripe_payments/abc"
    assert sent["headers"] == {**FIELDS, "User-Agent": "rowpatch", "Accept-Encoding": "identity"}
    assert sent["data"]._value == PATCH.body  # type: ignore[attr-defined]
    assert sent["allow_redirects"] is False
    assert isinstance(outcome, Reply)
    assert outcome.headers["x-request-id"] == "r1"


async def test_a_client_that_sends_bodies_in_a_way_that_is_not_watched_is_noticed_at_its_first_success() -> None:
    with aioresponses() as mocked:  # which sends nothing, and so writes no body
        mocked.patch(f"{ORIGIN}/api/stripe_payments/abc", status=200, body=b"{}")
        mocked.get(f"{ORIGIN}/api/stripe_payments/abc", status=200, body=b"{}")
        async with Transport(ORIGIN, timeout=5, connections=1) as transport:
            assert isinstance(await transport.send(Request("GET", PATCH.target), HEADERS), Reply)
            with pytest.raises(RuntimeError, match="not watched"):
                await transport.send(PATCH, HEADERS)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ClientConnectorDNSError, "cannot resolve"),  # the name is wrong
        (aiohttp.ClientConnectorError, "cannot connect"),  # nobody listens
        (aiohttp.ClientConnectorSSLError, "no trusted TLS connection"),  # a TLS error before anything left
    ],
)
async def test_a_connection_that_never_came_about_is_not_sent(
    error: type[aiohttp.ClientConnectorError], expected: str
) -> None:
    key = connection_key()
    with aioresponses() as mocked:
        mocked.patch(f"{ORIGIN}/api/stripe_payments/abc", exception=error(key, OSError(111, "refused")))
        async with Transport(ORIGIN, timeout=5, connections=1) as transport:
            outcome = await transport.send(PATCH, HEADERS)
    assert isinstance(outcome, NotSent)
    assert outcome.detail.startswith(expected)


def connection_key() -> aiohttp.client_reqrep.ConnectionKey:
    return aiohttp.client_reqrep.ConnectionKey("acme.commercelayer.io", 443, True, True, None, None, None)


@asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """A server that does with the socket what `handler` wants; its origin."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def whole_request(reader: asyncio.StreamReader) -> bytes:
    """Read a request, and return its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, given, length = head.lower().partition(b"content-length:")
    if given:
        await reader.readexactly(int(length.split(b"\r\n")[0]))
    return head


def answering(data: bytes, *, hold: float = 0.0) -> Handler:
    """Read the request, answer with these bytes, keep the line open for a while, close."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(data)
        await writer.drain()
        if hold:
            await asyncio.sleep(hold)

    return handler


async def closes_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole_request(reader)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await whole_request(reader)
    await asyncio.sleep(3)


async def send_to(handler: Handler, *, patience: float = 5.0) -> Outcome:
    async with raw_server(handler) as origin, Transport(origin, timeout=patience, connections=1) as transport:
        return await transport.send(PATCH, HEADERS)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\n"


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (closes_at_once, "reply_lost"),  # indistinguishable from a server that read everything
        (answering(b""), "reply_lost"),  # read everything, closed
        (resets_after_the_request, "reply_lost"),
        (answering(b"\x16\x03\x01 garbage\r\n\r\n"), "reply_garbled"),  # not HTTP at all
        (answering(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "reply_garbled"),  # two lengths
        (answering(OK + b"X: " + b"y" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}"), "reply_garbled"),  # huge header
        (answering(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"), "reply_garbled"),  # both
        (answering(b'{"data":{}}'), "reply_garbled"),  # HTTP/0.9
        (answering(OK + b"Content-Le"), "reply_lost"),  # broke off in the headers
        (answering(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n"), "reply_garbled"),  # a bad chunk
    ],
)
async def test_a_request_that_left_without_a_trustworthy_reply_is_maybe_sent(handler: Handler, reason: str) -> None:
    outcome = await send_to(handler)
    assert isinstance(outcome, MaybeSent), outcome
    assert outcome.reason == reason


@pytest.mark.parametrize("is_quotable", [True, False])
async def test_a_reply_knows_whether_its_words_may_be_shown(is_quotable: bool) -> None:
    async with (
        raw_server(answering(OK + b"Content-Length: 2\r\n\r\n{}")) as origin,
        Transport(origin, timeout=5, connections=1, is_quotable=is_quotable) as transport,
    ):
        reply = await transport.send(PATCH, HEADERS)
    assert isinstance(reply, Reply)
    assert reply.is_quotable == is_quotable


async def test_silence_is_maybe_sent_after_the_timeout() -> None:
    outcome = await send_to(says_nothing, patience=0.2)
    assert outcome == MaybeSent("timed_out", "no reply in time")


async def test_nobody_listening_is_not_sent() -> None:
    async with raw_server(closes_at_once) as origin:
        pass
    async with Transport(origin, timeout=5, connections=1) as transport:
        outcome = await transport.send(PATCH, HEADERS)
    assert isinstance(outcome, NotSent)
    assert outcome.detail.startswith("cannot connect to 127.0.0.1")


async def test_tls_to_a_plain_port_is_not_sent() -> None:
    async with (
        raw_server(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as origin,
        Transport(origin.replace("http:", "https:"), timeout=5, connections=1) as transport,
    ):
        outcome = await transport.send(PATCH, HEADERS)
    assert isinstance(outcome, NotSent), outcome


@pytest.mark.parametrize(
    ("rest", "body"),
    [
        (b'Content-Length: 100\r\n\r\n{"data":', b'{"data":'),  # shorter than announced
        (b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", b""),  # not gzip
        (b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", b""),  # a coding nobody asked for
    ],
)
async def test_a_body_that_broke_off_is_marked_incomplete(rest: bytes, body: bytes) -> None:
    outcome = await send_to(answering(OK + rest))
    assert isinstance(outcome, Reply), outcome
    assert (outcome.status, outcome.body, outcome.complete) == (200, body, False)


async def test_a_body_that_drips_past_the_timeout_is_marked_incomplete() -> None:
    outcome = await send_to(answering(OK + b"Content-Length: 9\r\n\r\n{", hold=3), patience=0.3)
    assert isinstance(outcome, Reply)
    assert not outcome.complete


async def test_who_is_cancelled_in_the_middle_of_a_body_keeps_no_connection() -> None:
    drips = answering(OK + b"Content-Length: 9\r\n\r\n{", hold=3)
    async with raw_server(drips) as origin, Transport(origin, timeout=5, connections=1) as transport:
        task = asyncio.create_task(transport.send(PATCH, HEADERS))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):  # the only connection there may be is free for somebody else
            assert isinstance(await transport.send(PATCH, HEADERS, 0.5), Reply)


def bare(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


def zipped(data: bytes) -> bytes:
    """The data as gzip, the same at any time: processes that run tests side by side have to agree about their names."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("coding", "sent", "body", "complete"),
    [
        ("gzip", zipped(b"{1") + zipped(b"23}"), b"{123}", True),  # two members
        ("gzip", zipped(b"{1") + zipped(b"23}")[:-9], b"{123}", False),
        ("gzip", zipped(b"{}") + b"\0\0", b"{}", True),  # padded
        ("gzip", b"{}", b"{}", True),  # a proxy unpacked it and left the header
        ("gzip", b"[]", b"[]", True),
        ("x-gzip", zipped(b"{}"), b"{}", True),
        ("gzip", b"abc", b"", False),
        ("gzip", zipped(b"") * 100, b"", False),
        ("deflate", bare(b"{}"), b"{}", True),
        ("deflate", zlib.compress(b"{}"), b"{}", True),
        ("deflate", b"\xff\xff", b"", False),
        ("gzip, identity", zipped(b"{}"), b"{}", True),
        ("deflate, gzip", zipped(zlib.compress(b"{}")), b"{}", True),
        ("deflate, gzip", zipped(zlib.compress(b"{}"))[:-1], zlib.compress(b"{}"), False),
        ("none", b"{}", b"{}", True),
        ("UTF-8", b"{}", b"{}", True),
        ("br", b"{}", b"", False),
        ("zstd, gzip", zipped(b"{}"), b"", False),
    ],
)
async def test_a_body_is_decoded_as_its_codings_say_or_not_trusted(
    coding: str, sent: bytes, body: bytes, *, complete: bool
) -> None:
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(sent))
    outcome = await send_to(answering(head + sent))
    assert isinstance(outcome, Reply)
    assert (outcome.body, outcome.complete) == (body, complete)


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
async def test_a_compressed_body_is_decoded(encode: Callable[[bytes], bytes]) -> None:
    coding = b"gzip" if encode is gzip.compress else b"deflate"
    data = encode(b'{"data":1}')
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(data))
    outcome = await send_to(answering(head + data))
    assert isinstance(outcome, Reply)
    assert (outcome.body, outcome.complete) == (b'{"data":1}', True)


async def test_a_bomb_is_cut_off_at_the_limit() -> None:
    data = gzip.compress(b" " * (200 * BODY_LIMIT))
    outcome = await send_to(answering(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data))
    assert isinstance(outcome, Reply)
    assert len(outcome.body) <= BODY_LIMIT
    assert not outcome.complete


async def test_an_endless_body_is_cut_off_at_the_limit() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(OK + b"\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            pass

    outcome = await send_to(endless)
    assert isinstance(outcome, Reply)
    assert len(outcome.body) < BODY_LIMIT + (1 << 20)
    assert not outcome.complete


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_reported_and_not_followed(status: int) -> None:
    asked: list[str] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append("elsewhere")
        await answering(OK + b"Content-Length: 2\r\n\r\n{}")(reader, writer)

    async with raw_server(elsewhere) as other:
        outcome = await send_to(
            answering(b"HTTP/1.1 %d Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n" % (status, other.encode()))
        )
    assert isinstance(outcome, Reply)
    assert outcome.status == status
    assert asked == []


async def test_interim_replies_are_skipped() -> None:
    outcome = await send_to(answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + OK + b"Content-Length: 2\r\n\r\n{}"))
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.body) == (200, b"{}")


async def test_connections_are_kept_and_reused() -> None:
    opened = 0

    async def keeps(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        for _ in range(5):
            await whole_request(reader)
            writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
            await writer.drain()

    async with raw_server(keeps) as origin, Transport(origin, timeout=5, connections=1) as transport:
        for _ in range(5):
            assert isinstance(await transport.send(PATCH, HEADERS), Reply)
    assert opened == 1


@pytest.mark.parametrize(
    "request_",
    [
        PATCH,
        Request("GET", "/api/stripe_payments/abc"),
        Request("PUT", PATCH.target, PATCH.body),  # a method that the client takes for harmless
        Request("PUT", PATCH.target),
        Request("POST", PATCH.target, PATCH.body, reads=True),
    ],
)
async def test_a_request_whose_kept_connection_breaks_is_not_sent_again_by_the_client(request_: Request) -> None:
    asked = 0

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await whole_request(reader)
        asked += 1
        if asked == 1:
            writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
            await whole_request(reader)
            asked += 1

    async with raw_server(breaks) as origin, Transport(origin, timeout=5, connections=1) as transport:
        assert isinstance(await transport.send(request_, HEADERS), Reply)
        assert await transport.send(request_, HEADERS) == MaybeSent(
            "reply_lost", "the connection broke before a reply came"
        )
    assert asked == 2


@pytest.mark.parametrize("seen_by_the_loop", [True, False])  # or still in the system's buffer
@pytest.mark.parametrize(
    "stray",
    [
        b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 2\r\n\r\n{}",  # a second reply, which would be the next row's
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",  # an idle balancer's
        b"garbage",
        b"",  # the end of the connection: whatever is sent on it is lost
    ],
)
async def test_what_comes_on_an_idle_connection_is_not_the_reply_to_the_next_request(
    stray: bytes, seen_by_the_loop: bool
) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for _ in range(2):
            await whole_request(reader)
            writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
            await writer.drain()

    async with raw_server(twice) as origin, Transport(origin, timeout=5, connections=1) as transport:
        first = await transport.send(PATCH, HEADERS)
        if stray:
            writers[0].write(stray)
        else:
            writers[0].transport.abort()
        await asyncio.sleep(0.05 if seen_by_the_loop else 0)
        second = await transport.send(PATCH, HEADERS)
    assert isinstance(first, Reply)
    assert second == first
    assert len(writers) == 2


async def test_repeated_headers_are_joined_and_names_are_lower_case() -> None:
    outcome = await send_to(answering(OK + b"X-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"))
    assert isinstance(outcome, Reply)
    assert outcome.headers["x-a"] == "1, 2"


async def test_no_outcome_shows_the_token_or_the_body() -> None:
    for handler in (closes_at_once, answering(b"garbage t0k3n\r\n\r\n")):
        assert "t0k3n" not in repr(await send_to(handler))


# headers of one request

PUT = replace(PATCH, method="PUT")


@asynccontextmanager
async def taking_heads() -> AsyncIterator[tuple[list[bytes], str]]:
    """A server that says yes to everything, and the heads of the requests that it got."""
    heads: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                heads.append(await whole_request(reader))
                writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
        writer.close()

    async with raw_server(handler) as origin:
        yield heads, origin


def fields(head: bytes) -> list[str]:
    """The header lines, without the host."""
    return [line for line in head.decode("latin-1").split("\r\n")[1:-2] if not line.startswith("Host:")]


async def test_headers_of_a_request_go_with_that_request_alone() -> None:
    matching = replace(PATCH, headers={"If-Match": 'W/"7"', "Idempotency-Key": "k-1"})
    async with taking_heads() as (heads, origin), Transport(origin, timeout=5, connections=1) as transport:
        for request in (PATCH, matching, PATCH):
            assert isinstance(await transport.send(request, HEADERS), Reply)
        assert len(transport._sessions) == 1  # a session for each row would be dear
    common = [f"{name}: {value}" for name, value in FIELDS.items()]
    plain = ["User-Agent: rowpatch", "Accept-Encoding: identity", *common, "Content-Length: 11"]
    assert fields(heads[0]) == fields(heads[2]) == plain
    assert fields(heads[1]) == [*plain[:-1], 'If-Match: W/"7"', "Idempotency-Key: k-1", "Content-Length: 11"]


@pytest.mark.parametrize(
    ("own", "common", "sent"),
    [
        ({}, {"Content-Type": "application/json"}, "Content-Type: application/json"),
        ({"content-type": "text/x"}, {"Content-Type": "application/json"}, "content-type: text/x"),
        ({"Content-Type": "text/x"}, {}, "Content-Type: text/x"),
        ({}, {}, "Content-Type: application/octet-stream"),
    ],
)
async def test_the_content_type_is_the_requests_own_or_the_common_one(
    own: dict[str, str], common: dict[str, str], sent: str
) -> None:
    async with taking_heads() as (heads, origin), Transport(origin, timeout=5, connections=1) as transport:
        await transport.send(replace(PATCH, headers=own), Headers(tuple(common.items())))
    assert [line for line in fields(heads[0]) if line.lower().startswith("content-type:")] == [sent]


async def test_a_header_beyond_ascii_leaves_as_it_came() -> None:
    """A version that a server wrote in UTF-8 goes back in UTF-8."""
    async with taking_heads() as (heads, origin), Transport(origin, timeout=5, connections=1) as transport:
        await transport.send(replace(PATCH, headers={"If-Match": '"é"'}), HEADERS)
    assert 'If-Match: "é"'.encode() in heads[0]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("If-Match", "x\r\nX-Admin: 1", "the header If-Match cannot hold its value"),
        ("If-Match", "x\n\nDELETE / HTTP/1.1", "the header If-Match cannot hold its value"),
        ("If-Match", "日", "the header If-Match cannot hold its value"),
        ("If-Match\r\nX", "1", "is no name of a header"),
        ("Content-Length", "0", "it belongs to the connection"),
        ("Authorization", "Bearer mine", "it holds the credential"),
        ("AUTHORIZATION", "Bearer mine", "it holds the credential"),
    ],
)
async def test_a_header_that_would_break_out_or_replace_the_credential_is_not_sent(
    name: str, value: str, says: str
) -> None:
    async with taking_heads() as (heads, origin), Transport(origin, timeout=5, connections=1) as transport:
        outcome = await transport.send(replace(PATCH, headers={name: value}), HEADERS)
    assert isinstance(outcome, NotSent)
    assert says in outcome.detail
    assert heads == []


async def test_a_credential_may_stand_in_any_header_and_only_there_it_is_the_credentials() -> None:
    headers = Headers((("X-Api-Key", "k3y"),), Permit("X-Api-Key", "k3y", ("k3y",)))
    async with taking_heads() as (heads, origin), Transport(origin, timeout=5, connections=1) as transport:
        refused = await transport.send(replace(PATCH, headers={"x-api-key": "other"}), headers)
        taken = await transport.send(replace(PATCH, headers={"Authorization": "Bearer other"}), headers)
    assert refused == NotSent("the header X-Api-Key cannot be set: it holds the credential")
    assert isinstance(taken, Reply)
    assert taken.secrets == ("k3y",)
    assert len(heads) == 1


async def test_a_secret_that_comes_back_as_a_request_id_is_hidden() -> None:
    echo = OK + b"X-Request-Id: of t0k3n\r\nContent-Length: 2\r\n\r\n{}"
    outcome = await send_to(answering(echo))
    assert isinstance(outcome, Reply)
    assert outcome.headers["x-request-id"] == "of <secret>"


# what may have left


@pytest.mark.parametrize(
    "request_", [PUT, replace(PUT, body=b""), replace(PATCH, body=b""), Request("POST", "/x", b"{}", reads=True)]
)
async def test_whatever_may_have_left_is_in_doubt_with_or_without_a_body(request_: Request) -> None:
    async with (
        raw_server(resets_after_the_request) as origin,
        Transport(origin, timeout=5, connections=1) as transport,
    ):
        assert await transport.send(request_, HEADERS) == MaybeSent(
            "reply_lost", "the connection broke before a reply came"
        )


@pytest.mark.parametrize(
    "target", ["//evil.example/x", "//evil.example/x?q=1", "@evil.example/", "/@evil.example", "/a#b"]
)
async def test_no_target_leads_to_another_origin(target: str) -> None:
    async with taking_heads() as (heads, origin), Transport(origin, timeout=5, connections=1) as transport:
        assert isinstance(await transport.send(Request("GET", target), HEADERS), Reply)
    assert f"Host: {origin.removeprefix('http://')}\r\n".encode() in heads[0]
