"""A plain client for the self-tests: it adds nothing of its own and follows nothing."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from tests.system.vendors.base import FakeVendor, Json


@dataclass(frozen=True)
class Got:
    """An answer, read to its end."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> Json:
        """Give the body, as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Client:
    """Sends one request after the other to one base URL."""

    session: aiohttp.ClientSession
    url: str

    async def __call__(self, method: str, path: str, body: Json = None, **headers: str) -> Got:
        """Send a body as JSON (text as it is); underscores in the names of headers become hyphens."""
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {} if data is None else {"data": data}
        address = URL(path if path.startswith("http") else self.url + path, encoded=True)
        async with self.session.request(method, address, headers=sent, allow_redirects=False, **options) as answer:
            return Got(answer.status, await answer.text(), answer.headers)


@asynccontextmanager
async def driving(fake: FakeVendor, **headers: str) -> AsyncIterator[Client]:
    """Serve the fake, and give a client with these headers on every request."""
    sent = {"Content-Type": "application/json"}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with fake.serving() as url, aiohttp.ClientSession(headers=sent) as session:
        yield Client(session, url)
