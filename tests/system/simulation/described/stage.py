"""The imaginary API on the network in memory, and somebody else who writes, too."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, Final

from aiohttp import web
from pydantic import SecretStr

from tests.system.simulation.described.scenario import Scenario
from tests.system.simulation.described.server import Answer, Api, Entry
from tests.system.simulation.described.world import STATES
from tests.system.simulation.network import Network
from worker.settings import Secrets

_CHANGES: Final = 300
"""What somebody else changes at most."""

_BUSY: Final = 20.0
"""Seconds until somebody else takes his time."""


class Server:
    """What runs describe, and what interferes with."""

    def __init__(self, plan: Scenario, network: Network, url: str) -> None:
        self.url = url
        self.api = Api(plan.world, plan.sheet.records, Random(f"described server:{plan.seed}"))
        self.api.lock(sorted(plan.locked), locked=True)
        self._plan, self._network = plan, network
        self._linked: set[int] = set()

    def secrets(self) -> Secrets:
        """Return the credential for the next process."""
        number = self.api.credentials.number
        match self._plan.world.auth:
            case "basic":
                return Secrets(username=SecretStr("user"), password=SecretStr(f"password-{number}"))
            case "api_key":
                return Secrets(api_key=SecretStr(f"secret-{number}"))
            case "oauth2":
                return Secrets(client_id=SecretStr("client"), client_secret=SecretStr("hush"))
            case "bearer":
                return Secrets(token=SecretStr(f"secret-{number}"))
            case _:
                return Secrets()

    def fail(self, seconds: float) -> None:
        """Answer nothing but errors for so long."""
        self.api.failing_until = self._network.time() + seconds

    def revoke(self) -> None:
        """Take the credential back that is in use."""
        self.api.credentials.number += 1
        self.api.credentials.ends = None

    def unlock(self) -> None:
        """Let records be updated that could not be."""
        self.api.lock(sorted(self._plan.locked), locked=False)

    async def meddle(self) -> None:
        """Change records as somebody else does, until nobody does any more."""
        dice, keys = Random(f"meddler:{self._plan.seed}"), sorted(self._plan.sheet.records)
        for number in range(1, _CHANGES + 1 if self._plan.races else 0):
            pause = dice.expovariate(1 / self._plan.races)
            await asyncio.sleep(pause if self._network.time() < _BUSY else pause * 20)
            if self.api.is_calm:
                return
            key = dice.choice(keys)
            self.api.land(self._network.time())
            values = dict(self.api.records[key].values)
            values.update(_meddled(dice, values, number, lists=self._plan.world.variants["meta"] == "lists"))
            self.api.write(key, values, self._network.time())

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        latency = self._plan.world.latency
        process = request.transport._wire.client.number  # type: ignore[union-attr]
        arrived = self._network.time()
        try:
            body = await request.content.read()
        except ConnectionError:
            return web.Response(status=400)
        entry = Entry(0, arrived, request.method, request.raw_path, process)
        entry.flight = self._flight(entry)
        await asyncio.sleep(latency / 2)
        answer = self.api.answer(entry, request.headers, body, self._network.time())
        await asyncio.sleep(latency / 2)
        entry.done = self._network.time()
        return await _delivered(request, answer)

    def _flight(self, entry: Entry) -> int | None:
        """Return which of the updates on the wire has arrived."""
        flights = self._network.flights
        for position in range(len(flights) - 1, -1, -1):
            if position not in self._linked and flights[position].target == entry.target:
                if not self._network.is_update(entry.method, entry.target):
                    return None
                self._linked.add(position)
                return position
        return None


def _meddled(dice: Random, values: dict[str, Any], number: int, *, lists: bool) -> dict[str, Any]:
    """Return the fields that somebody else sets."""
    text = f"other {number}"
    match dice.choice(("title", "note", "state", "address", "labels", "props", "meta", "owner")):
        case "state":
            return {"state": dice.choice(STATES)}
        case "address":
            member = dice.choice(("city", "street", "floor"))
            return {"address": {**(values["address"] or {}), member: text}}
        case "labels":
            held = values["labels"] or []
            return {"labels": [each for each in held if each != "kept"] if dice.random() < 0.3 else [*held, text]}
        case "props":
            key = dice.choice(("7", "8", "5"))
            return {"props": {**(values["props"] or {}), key: {"value": text, "hint": text}}}
        case "meta":
            key = dice.choice(("old", "batch", "theirs"))
            return {"meta": {**(values["meta"] or {}), key: [text] if lists else text}}
        case name:
            return {name: text}


async def _delivered(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    content = answer.content()
    kind = "text/html" if answer.text is not None else "application/json"
    headers = {**answer.headers, **({"Content-Type": kind} if content else {})}
    if answer.reset or (answer.cut and not content):
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if not answer.cut:
        return web.Response(status=answer.status, body=content or None, headers=headers)
    response = web.StreamResponse(status=answer.status, headers={**headers, "Content-Length": str(len(content))})
    with suppress(ConnectionError):
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


@asynccontextmanager
async def serving(plan: Scenario, network: Network) -> AsyncIterator[Server]:
    """Serve a world until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(plan, network, f"http://127.0.0.1:{listener.getsockname()[1]}")
    runner = web.ServerRunner(web.Server(server.handle, access_log=None))
    await runner.setup()
    meddler = asyncio.create_task(server.meddle())
    try:
        await web.SockSite(runner, listener).start()
        yield server
    finally:
        meddler.cancel()
        await runner.cleanup()
        listener.close()
