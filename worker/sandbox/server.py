"""The sandbox on a socket: loopback only, on the current event loop, with the loop's own time."""

import asyncio
import math
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from worker.sandbox.api import Answer, Api, Call
from worker.sandbox.faults import Fault
from worker.sandbox.jsonapi import JSON, Refusal, Reply, json_reply, not_allowed, record_not_found
from worker.sandbox.ledger import Entry
from worker.sandbox.resources import Resource
from worker.sandbox.seeding import seeded
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.state import State

_HOST: Final = "127.0.0.1"
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_SHUTDOWN_SECONDS: Final = 2.0
_INSPECTION: Final = "/_sandbox/"


class Sandbox:
    """A running sandbox. Made by `serve`.

    Args:
        url: its origin.
        api: what answers.
        state: where it is kept, None for memory only.
    """

    def __init__(self, url: str, api: Api, state: State | None) -> None:
        self.url = url
        self._api = api
        self._state = state

    @property
    def token(self) -> str:
        """The access token that is valid now."""
        return self._api.tokens.current(_now())

    @property
    def client_id(self) -> str:
        """The client id that the token endpoint accepts."""
        return self._api.settings.client_id

    @property
    def client_secret(self) -> str:
        """The client secret that the token endpoint accepts."""
        return self._api.settings.client_secret

    @property
    def ledger(self) -> list[Entry]:
        """Every request so far, oldest first."""
        return self._api.ledger.entries

    @property
    def resources(self) -> dict[str, dict[str, Resource]]:
        """The records as they are now, by concrete type and id."""
        self._api.landings.land(_now())
        return self._api.store.by_type

    async def settled(self) -> None:
        """Wait until every change has taken effect that has been accepted."""
        last = self._api.landings.last
        await asyncio.sleep(max(0.0, last - _now()))
        self._api.landings.land(last)

    def announcement(self) -> dict[str, str]:
        """Return what a caller needs to use the sandbox, for one line of JSON."""
        return {
            "url": self.url,
            "token": self.token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }

    def expire_token(self) -> None:
        """End the current token's life now: it gets 401 INVALID_TOKEN, and the next grant is a new token."""
        self._api.tokens.end()

    def revoke_token(self) -> None:
        """Revoke the current token, as another client of the same application might; clients see no difference."""
        self._api.tokens.end()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        if request.raw_path.startswith(_INSPECTION):
            return _response(self._inspected(request.raw_path))
        delay = self._api.luck.delay()
        if delay.there:
            await asyncio.sleep(delay.there)
        try:
            body = await request.content.read()
        except ConnectionError:  # the client left in the middle of its request: it never arrived
            return web.Response(status=web.HTTPBadRequest.status_code)
        call = Call(request.method, request.raw_path, request.headers, body, _now())
        answer, entry = self._api.answer(call)
        if self._state:
            self._state.commit(entry, answer.changed if answer.lands_at <= call.now else None)
        if delay.back:
            await asyncio.sleep(delay.back)
        return await self._delivered(request, answer)

    async def _delivered(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        """Send the answer as far as its fault lets it."""
        if answer.fault is Fault.LOST_AFTER:
            return await _cut_short(request, answer.reply, self._api.luck.cut(len(answer.reply.body)))
        if answer.fault and answer.fault.resets:
            _reset(request)
        return _response(answer.reply)

    def _inspected(self, target: str) -> Reply:
        """Show the ledger or the resources, without a token, and without counting the request."""
        path, _, text = target.partition("?")
        query = dict(parse_qsl(text))
        self._api.landings.land(_now())
        after = query.get("after", "0")
        if not after.isdecimal():
            return Refusal([not_allowed(f"after={after}")]).reply("")
        if path == "/_sandbox/ledger":
            shown: JSON = {"entries": [entry.document() for entry in self._api.ledger.after(int(after))]}
        elif path == "/_sandbox/resources":
            records = self._api.store.of_type(query["type"]) if "type" in query else self._api.store
            shown = {"resources": [record.document() for record in records]}
        else:
            return Refusal([record_not_found(path)]).reply("")
        return json_reply(200, shown, "application/json")


@asynccontextmanager
async def serve(settings: SandboxSettings, port: int = 0) -> AsyncIterator[Sandbox]:
    """Run a sandbox on the current event loop until the context ends.

    Args:
        settings: how it behaves.
        port: TCP port on 127.0.0.1; 0 takes a free one.

    Raises:
        SeedError: a seed item cannot be used.
        OSError: the port is taken.
    """
    now = _now()
    epoch = time.time() if settings.epoch is None else settings.epoch
    listener = socket.create_server((_HOST, port))
    state: State | None = None
    try:
        url = f"http://{_HOST}:{listener.getsockname()[1]}"
        api = Api(settings, url, epoch - now)
        state = State(settings.state) if settings.state else None
        _fill(api, state, epoch)
        if state:
            api.landings.on_land = state.put
        sandbox = Sandbox(url, api, state)
        runner = web.ServerRunner(web.Server(sandbox.handle, access_log=None), shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield sandbox
        finally:
            await runner.cleanup()
    finally:
        listener.close()
        if state:
            api.landings.land(math.inf)  # what was accepted is not lost
            state.close()


def _fill(api: Api, state: State | None, epoch: float) -> None:
    """Load what the state file holds, or seed what is new."""
    known = state.resources() if state else []
    fresh = () if known else tuple(seeded(api.settings.seed, api.settings.random_seed, epoch))
    for resource in (*known, *fresh):
        api.store.put(resource)
    if state:
        state.add(fresh)
        for entry in state.entries():
            api.ledger.append(entry)


def _now() -> float:
    return asyncio.get_running_loop().time()


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
