"""A socket before an API that has none: reads requests, waits as long as they travel, and sends what comes back."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from worker.sandbox.api import Answer, Call
from worker.sandbox.faults import Fault, Luck
from worker.sandbox.jsonapi import JSON, Refusal, Reply, json_reply, not_allowed, record_not_found
from worker.sandbox.ledger import Entry, Ledger

HOST: Final = "127.0.0.1"
"""The only interface that a sandbox listens on."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_SHUTDOWN_SECONDS: Final = 2.0
_INSPECTION: Final = "/_sandbox/"


class Answering(Protocol):
    """An API without a socket."""

    luck: Luck

    def answer(self, call: Call) -> tuple[Answer, Entry]:
        """Answer one request. The entry is in the ledger already."""


@dataclass(frozen=True, slots=True)
class Door:
    """Takes HTTP requests to an API.

    Attributes:
        api: that answers them.
        commit: is given each request with its answer before that leaves.
        inspected: answers targets that begin with `/_sandbox/`.
    """

    api: Answering
    commit: Callable[[Call, Answer, Entry], None]
    inspected: Callable[[str], Reply]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        if request.raw_path.startswith(_INSPECTION):
            return _response(self.inspected(request.raw_path))
        delay = self.api.luck.delay()
        if delay.there:
            await asyncio.sleep(delay.there)
        try:
            body = await request.content.read()
        except ConnectionError:  # the client left in the middle of its request: it never arrived
            return web.Response(status=web.HTTPBadRequest.status_code)
        now = asyncio.get_running_loop().time()
        call = Call(request.method, request.raw_path, request.headers, body, now)
        answer, entry = self.api.answer(call)
        self.commit(call, answer, entry)
        if delay.back:
            await asyncio.sleep(delay.back)
        return await self._delivered(request, answer)

    async def _delivered(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        """Send the answer as far as its fault lets it."""
        if answer.fault is Fault.LOST_AFTER:
            return await _cut_short(request, answer.reply, self.api.luck.cut(len(answer.reply.body)))
        if answer.fault and answer.fault.resets:
            _reset(request)
        return _response(answer.reply)


@asynccontextmanager
async def listening(listener: socket.socket, door: Door) -> AsyncIterator[None]:
    """Serve at a bound socket, on the current event loop, until the context ends."""
    runner = web.ServerRunner(web.Server(door.handle, access_log=None), shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


def inspected(target: str, ledger: Ledger, documents: Callable[[str | None], list[JSON]]) -> Reply:
    """Return the reply to a look behind the scenes.

    Args:
        target: of the request: the ledger, or the resources.
        ledger: of the API.
        documents: returns its records, of all types or of one.
    """
    path, _, text = target.partition("?")
    query = dict(parse_qsl(text))
    after = query.get("after", "0")
    if not after.isdecimal():
        return Refusal([not_allowed(f"after={after}")]).reply("")
    if path == "/_sandbox/ledger":
        shown: JSON = {"entries": [entry.document() for entry in ledger.after(int(after))]}
    elif path == "/_sandbox/resources":
        shown = {"resources": documents(query.get("type"))}
    else:
        return Refusal([record_not_found(path)]).reply("")
    return json_reply(200, shown, "application/json")


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status or web.HTTPInternalServerError.status_code,
        body=reply.body,
        headers={"Content-Type": reply.content_type, **reply.headers},
    )


def _reset(request: web.BaseRequest) -> None:
    """Reset the connection: the client sees ECONNRESET rather than an orderly end."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()


async def _cut_short(request: web.BaseRequest, reply: Reply, length: int) -> web.StreamResponse:
    """Send the head of the reply and `length` bytes of its body, then end the connection."""
    response = web.StreamResponse(
        status=reply.status,
        headers={"Content-Type": reply.content_type, "Content-Length": str(len(reply.body)), **reply.headers},
    )
    await response.prepare(request)
    await response.write(reply.body[:length])
    if request.transport is not None:
        request.transport.close()
    return response
