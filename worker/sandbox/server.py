"""The sandbox on a socket: loopback only, on the current event loop, with the loop's own time."""

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from worker.sandbox.api import Answer, Api, Call
from worker.sandbox.door import HOST, Door, inspected, listening
from worker.sandbox.jsonapi import JSON, Reply
from worker.sandbox.ledger import Entry
from worker.sandbox.resources import Resource
from worker.sandbox.seeding import seeded
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.state import State


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

    def commit(self, call: Call, answer: Answer, entry: Entry) -> None:
        """Keep one request in the state file, if there is one."""
        if self._state:
            self._state.commit(entry, answer.changed if answer.lands_at <= call.now else None)

    def inspected(self, target: str) -> Reply:
        """Show the ledger or the resources, without a token, and without counting the request."""
        self._api.landings.land(_now())
        return inspected(target, self._api.ledger, self._documents)

    def _documents(self, type_name: str | None) -> list[JSON]:
        records = self._api.store if type_name is None else self._api.store.of_type(type_name)
        return [record.document() for record in records]


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
    listener = socket.create_server((HOST, port))
    state: State | None = None
    try:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        api = Api(settings, url, epoch - now)
        state = State(settings.state) if settings.state else None
        _fill(api, state, epoch)
        if state:
            api.landings.on_land = state.put
        sandbox = Sandbox(url, api, state)
        async with listening(listener, Door(api, sandbox.commit, sandbox.inspected)):
            yield sandbox
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
