"""What a hostile server can do to one exchange: the building blocks of `evils.py`."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any, Final

from tests.system.hostile.server import JSON_API, Act, Exchange, http, refusal
from tests.system.scenarios.harness import EPOCH

Bytes = Callable[[Exchange], bytes]

HUGE: Final = 64 << 20
"""Bytes of what a bomb grows to, and after which an endless reply ends after all."""

HTML: Final = b"<html><body>Welcome to the airport. Please log in.</body></html>"

STALE: Final = refusal(422, "VALIDATION_ERROR")
"""A reply that must not be taken for another request's."""

CHUNKED: Final = b"Transfer-Encoding: chunked\r\n\r\n"

BOMBS: Final = {
    "gzip": gzip.compress(b" " * HUGE, 9),
    "deflate": zlib.compress(b" " * HUGE, 9),
}


def cut(where: str, how: str) -> Act:
    """The honest reply up to a point, then the end of the connection by `reset` or `close`."""

    async def act(exchange: Exchange) -> None:
        head, body = exchange.reply.split(b"\r\n\r\n", 1)
        parts = {
            "nothing": b"",
            "status line": b"HTTP/1.1 20",
            "headers": head[:30],
            "before the body": head + b"\r\n\r\n",
            "body": head + b"\r\n\r\n" + body[:20],
        }
        await exchange.write(parts[where])
        if how == "reset":
            await asyncio.sleep(0.01)  # RST overtakes what has not been read
            exchange.reset()
        else:
            exchange.close()

    return act


def says(reply: Bytes, *, close: bool = False, hold: bool = False) -> Act:
    """Exactly these bytes in one piece; then `close`, `hold` the line without a word, or go on."""

    async def act(exchange: Exchange) -> None:
        await exchange.write(reply(exchange))
        if hold:
            await exchange.gone()
        elif close:
            exchange.close()

    return act


def raw(data: bytes, *, close: bool = False, hold: bool = False) -> Act:
    """The same bytes whatever was asked."""
    return says(lambda _: data, close=close, hold=hold)


def answers(status: int, body: bytes = b"", *headers: bytes) -> Act:
    """A well-formed reply."""
    return raw(http(status, body, *headers))


def refuses(status: int, code: str = "REFUSED", *headers: bytes) -> Act:
    """A well-formed refusal of JSON:API."""
    return raw(refusal(status, code, *headers))


def honest(*headers: bytes, status: int = 200, media: bytes = JSON_API) -> Act:
    """The honest body under other headers, or another status."""
    return says(lambda exchange: http(status, exchange.body, media, *headers))


def tells(change: Callable[[dict[str, Any]], object], *, status: int = 200) -> Act:
    """A success with another document."""
    return says(lambda exchange: http(status, json.dumps(change(exchange.document)).encode(), JSON_API))


def unchanged(status: int) -> Act:
    """A success that shows the record as it was before."""
    return says(lambda exchange: http(status, json.dumps(exchange.stale).encode(), JSON_API))


def until(status: int, seconds: float, *, unit: int = 1) -> Act:
    """A refusal whose Retry-After is a moment that lies so many seconds ahead: since 1970, in 1/`unit` seconds."""

    def reply(_: Exchange) -> bytes:
        moment = EPOCH + asyncio.get_running_loop().time() + seconds
        return refusal(status, "X", b"Retry-After: %d" % (moment * unit))

    return says(reply)


def text(change: Callable[[str], str]) -> Act:
    """A 200 whose text was tampered with."""
    return says(lambda exchange: http(200, change(exchange.body.decode()).encode(), JSON_API))


def framed(frame: Callable[[bytes], bytes], *, close: bool = False, hold: bool = False) -> Act:
    """A 200 whose headers and body `frame` makes of the honest body."""
    return says(
        lambda exchange: b"HTTP/1.1 200 OK\r\n%s\r\n%s" % (JSON_API, frame(exchange.body)), close=close, hold=hold
    )


def chunk(data: bytes, size: bytes | None = None) -> bytes:
    """One chunk; `size` is what it says of itself."""
    return b"%s\r\n%s\r\n" % (size if size is not None else b"%x" % len(data), data)


def chunked(*, size: bytes | None = None, last: bytes = b"0\r\n\r\n", close: bool = False) -> Act:
    """The honest body in one chunk that says `size` of itself, and `last` behind it."""
    return framed(lambda body: CHUNKED + chunk(body, size) + last, close=close)


def headed(headers: bytes) -> Act:
    """A 200 with the honest body, its length, and further headers."""
    return framed(lambda body: headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def swapped(old: bytes, new: bytes) -> Act:
    """The honest reply with something else in the place of `old`."""
    return says(lambda exchange: exchange.reply.replace(old, new, 1))


async def silent(exchange: Exchange) -> None:
    """Never a word."""
    await exchange.gone()


def drip(every: float, *, from_the: str = "start") -> Act:
    """The honest reply a byte at a time, `every` so many seconds; the head at once when it is `from_the` body."""

    async def act(exchange: Exchange) -> None:
        reply = exchange.reply
        at = reply.index(b"\r\n\r\n") + 4 if from_the == "body" else 0
        await exchange.write(reply[:at])
        for position in range(at, len(reply)):
            if not await exchange.pause(every):
                return
            await exchange.write(reply[position : position + 1])

    return act


def endless(head: bytes, piece: bytes, *, pause: float = 0.001) -> Act:
    """A reply that does not end as long as the client listens."""

    async def act(exchange: Exchange) -> None:
        await exchange.write(head)
        while exchange.poured < HUGE and await exchange.pause(pause):
            await exchange.write(piece)
        exchange.close()

    return act


def bomb(coding: str) -> Act:
    """A small body that grows to 64 MiB."""
    data = BOMBS[coding]
    return raw(http(200, data, JSON_API, b"Content-Encoding: " + coding.encode()))


def moved(status: int) -> Act:
    """A redirect to another origin."""
    return says(lambda exchange: http(status, b"", b"Location: %s/api/x" % exchange.elsewhere.encode()))


def afterwards(extra: Bytes) -> Act:
    """The honest reply; a moment later, if the connection is idle still, bytes that nobody asked for.

    No client can tell them from its reply once it has asked again: HTTP/1.1 replies carry no number.
    """

    async def act(exchange: Exchange) -> None:
        await exchange.write(exchange.reply)
        exchange.answered()
        await asyncio.sleep(0.005)
        if not (exchange.writer.is_closing() or exchange.is_asked_again()):
            await exchange.write(extra(exchange))

    return act


def then_closes(after: float, *, turns: int = 0) -> Act:
    """The honest reply; so many seconds, and turns of the event loop, later the connection ends without a word."""

    async def act(exchange: Exchange) -> None:
        await exchange.write(exchange.reply)
        exchange.answered()
        await asyncio.sleep(after)
        for _ in range(turns):
            await asyncio.sleep(0)
        exchange.close()

    return act


async def resets(exchange: Exchange) -> None:
    """The connection ends at once, whatever has been read."""
    exchange.reset()


async def closes(exchange: Exchange) -> None:
    """The connection ends at once, whatever has been read."""
    exchange.close()
