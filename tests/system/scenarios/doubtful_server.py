"""A server with a store of its own, whose updates land when, and are answered as, a script says; in virtual time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from pydantic import SecretStr

from tests.system.scenarios.harness import Case, Story, clock_of, execute, work
from tests.virtual_time import run
from worker.journal import inline
from worker.operations import opening
from worker.operations.runs import Host, RunMode
from worker.settings import Secrets

MEDIA: Final = "application/vnd.api+json"
CUT: Final = "cut"
"""Body of a reply that never comes: the connection breaks."""


@dataclass(frozen=True, slots=True)
class Act:
    """What becomes of one PATCH.

    Attributes:
        body: the reply's; None for the record with the values of the moment, `CUT` for none at all.
        lands: seconds after the reply until the update is in the store; None for never.
        takes: seconds until the reply.
    """

    status: int = 200
    body: bytes | str | None = None
    lands: float | None = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: float = 0.02


Script = Callable[[int, Mapping[str, Any]], Act]
"""What becomes of the n-th PATCH of a record (from 1), whose attributes are given."""


@dataclass(slots=True)
class World:
    """The server's truth.

    Attributes:
        fired: how often each record's action was carried out.
        patches, reads: loop times, by id, and of all reads.
        resumed_at: loop time at which a later process took over.
    """

    script: Script
    store: dict[str, dict[str, Any]]
    type: str = "stripe_payments"
    fired: dict[str, int] = field(default_factory=dict)
    patches: dict[str, list[float]] = field(default_factory=dict)
    reads: list[float] = field(default_factory=list)

    def resource(self, key: str) -> dict[str, Any]:
        return {"type": self.type, "id": key, "attributes": dict(self.store[key])}

    def land(self, key: str, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            if name.startswith("_"):
                self.fired[key] = self.fired.get(key, 0) + 1
            else:
                self.store[key][name] = value

    async def patch(self, request: web.Request) -> web.Response:
        key, loop = request.match_info["id"], asyncio.get_running_loop()
        attributes = (await request.json())["data"]["attributes"]
        sent = self.patches.setdefault(key, [])
        sent.append(loop.time())
        act = self.script(len(sent), attributes)
        await asyncio.sleep(act.takes)
        if act.lands == 0:
            self.land(key, attributes)
        elif act.lands is not None:
            loop.call_later(act.lands, self.land, key, attributes)
        if act.body == CUT:
            assert request.transport is not None
            request.transport.close()
            return web.Response(status=500)
        body = act.body if isinstance(act.body, bytes) else json.dumps({"data": self.resource(key)}).encode()
        kind = {"Content-Type": MEDIA} if act.status != 204 else {}
        return web.Response(status=act.status, body=body if kind else None, headers={**kind, **act.headers})

    async def listed(self, request: web.Request) -> web.Response:
        self.reads.append(asyncio.get_running_loop().time())
        keys = [key for key in request.query["filter[q][id_in]"].split(",") if key in self.store]
        return _document({"data": [self.resource(key) for key in keys], "meta": {"record_count": len(keys)}})

    async def one(self, request: web.Request) -> web.Response:
        self.reads.append(asyncio.get_running_loop().time())
        key = request.match_info["id"]
        return _document({"data": self.resource(key)}) if key in self.store else web.Response(status=404)


def _document(document: Mapping[str, Any]) -> web.Response:
    return web.Response(body=json.dumps(document).encode(), headers={"Content-Type": MEDIA})


@asynccontextmanager
async def serve(world: World) -> AsyncIterator[str]:
    """Serve a world on loopback until the block ends; its address."""
    app = web.Application()
    app.router.add_patch("/api/{type}/{id}", world.patch)
    app.router.add_get("/api/{type}", world.listed)
    app.router.add_get("/api/{type}/{id}", world.one)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


def play(case: Case, directory: Path, world: World) -> Story:
    """Apply a sheet to the world in virtual time, reads first."""

    async def scene() -> Story:
        async with serve(world) as url:
            return await work(replace(case, blind=False, metadata="merge"), directory, url, SECRETS)

    return run(scene())


def play_and_resume(case: Case, directory: Path, world: World, *, resend_unknown: bool = False) -> tuple[Story, Story]:
    """Apply a sheet to the world as `play` does, then resume the run once, whatever stopped it."""

    async def scene() -> tuple[Story, Story]:
        async with serve(world) as url:
            first = await work(replace(case, blind=False, metadata="merge"), directory, url, SECRETS)
            with opening.opened(directory / case.name) as handle:
                how = handle.settings.input.model_copy(update={"resend_unknown": resend_unknown})
                again = replace(handle, settings=handle.settings.model_copy(update={"input": how}))
                host = Host(directory / "state", clock_of(case.seed), commit=inline)
                return first, await execute(again, RunMode("resume", resumed=True), SECRETS, host)

    return run(scene())


SECRETS: Final = Secrets(token=SecretStr("made-up"))
