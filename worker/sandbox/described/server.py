"""A described API on a socket: loopback only, on the current event loop, with the loop's own time."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from shlex import quote
from typing import Any

from jobs.apis.description.model import Description
from worker.sandbox.described.api import DescribedApi
from worker.sandbox.described.places import base_path, told_variables, values_of
from worker.sandbox.described.records import key_of
from worker.sandbox.described.types import with_types
from worker.sandbox.door import HOST, Door, inspected, listening
from worker.sandbox.jsonapi import JSON
from worker.sandbox.ledger import Entry
from worker.sandbox.settings import SandboxSettings

_EXAMPLES = 3


class DescribedSandbox:
    """A running sandbox of a described API. Made by `serve_described`.

    Args:
        url: base URL of the API.
        api: what answers.
        variables: that its user has to set, with their values.
    """

    def __init__(self, url: str, api: DescribedApi, variables: Mapping[str, str]) -> None:
        self.url = url
        self.variables = variables
        self._api = api

    @property
    def ledger(self) -> list[Entry]:
        """Every request so far, oldest first."""
        return self._api.ledger.entries

    @property
    def credentials(self) -> dict[str, str]:
        """The credentials of its scheme, by the names of the environment in small letters."""
        return self._api.access.announcement()

    def records(self, type_name: str) -> dict[str, Any]:
        """Return the records of a type as they are now, by the last variable of their address."""
        kind = self._api.records.kinds[type_name]
        return {key_of(record, kind): record.document for record in self._api.records.of(kind)}

    def expire_token(self) -> None:
        """End the life of the current token of client credentials."""
        self._api.access.expire()

    def announcement(self) -> dict[str, JSON]:
        """Return what a caller needs to use the sandbox, for one line of JSON."""
        kinds = self._api.records.kinds.items()
        examples: dict[str, JSON] = {
            name: [key_of(record, kind) for record in self._api.records.of(kind)[:_EXAMPLES]] for name, kind in kinds
        }
        return {"url": self.url, **self.credentials, "variables": dict(self.variables), "examples": examples}

    def trial(self, api: str) -> str:
        """Return what to type in another terminal: a first sheet, and its update.

        Args:
            api: name or file of the description, as the user gave it.
        """
        name, kind = next(iter(self._api.records.kinds.items()))
        credentials = {f"ROWPATCH_{key.upper()}": value for key, value in self.credentials.items()}
        exports = {"ROWPATCH_API": api, "ROWPATCH_URL": self.url, **credentials}
        exports |= {f"ROWPATCH_SET_{key.upper()}": value for key, value in self.variables.items()}
        key = next((key_of(record, kind) for record in self._api.records.of(kind)), "…")
        return "\n".join(
            [
                *(f"export {variable}={quote(value)}" for variable, value in exports.items()),
                "",
                f"rowpatch template {name} --output {name}.csv",
                f"# a row for each record, such as {kind.variables[-1]} {key}; an empty cell changes nothing",
                f"rowpatch apply {name}.csv --type {name}",
            ]
        )


@asynccontextmanager
async def serve_described(
    description: Description,
    settings: SandboxSettings,
    *,
    port: int = 0,
    given: Mapping[str, str] | None = None,
    share: float | None = 1.0,
) -> AsyncIterator[DescribedSandbox]:
    """Run a sandbox of a described API on the current event loop until the context ends.

    Args:
        description: of the API.
        settings: how it behaves; of `limit`, None stands for the limits that the description declares.
        port: TCP port on 127.0.0.1; 0 takes a free one.
        given: values of variables; for the others there are made-up ones.
        share: what part of the declared limits is enforced: 0.5 for half of the requests, None for nothing.

    Raises:
        SeedError: a seed item cannot be used.
        OSError: the port is taken.
    """
    description = with_types(description, settings.seed)
    now = asyncio.get_running_loop().time()
    epoch = time.time() if settings.epoch is None else settings.epoch
    listener = socket.create_server((HOST, port))
    try:
        origin = f"http://{HOST}:{listener.getsockname()[1]}"
        values = values_of(description, {**description.variables, **(given or {})}, origin)
        api = DescribedApi(description, replace(settings, epoch=epoch), values, origin, epoch - now, share)
        url = origin + base_path(description, values)
        door = Door(api, lambda *_: None, lambda target: inspected(target, api.ledger, api.documents))
        async with listening(listener, door):
            yield DescribedSandbox(url, api, told_variables(description, values))
    finally:
        listener.close()
