"""The other systems: Commerce Layer's sandbox, and a shop of two kinds that keeps items. People edit them by hand."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from aiohttp import web

from tests.system.nights.clockwork import EPOCH
from worker.sandbox import LOCK_KEY, Sandbox, SandboxSettings, serve

KINDS: Final = ("commercelayer", "conditional", "unconditional")
"""The sandbox; a described API whose updates are conditional; one whose updates are not, read by the page."""

OWNED: Final = ("reference", "metadata.batch", "metadata.note")
"""Fields that a job sets, in every world."""

OTHERS: Final = ("reference_origin", "metadata.theirs")
"""Fields that no job sets."""

LATENCY: Final = 0.02
"""Seconds that a request takes."""


@dataclass(frozen=True, slots=True)
class Put:
    """An update that took effect: the record, and what its body says, by dotted field."""

    id: str
    fields: Mapping[str, Any]
    before: Mapping[str, Any]


class World(Protocol):
    """Another system, as people see it."""

    @property
    def kind(self) -> str:
        """One of `KINDS`."""

    @property
    def ids(self) -> Sequence[str]:
        """Its records."""

    @property
    def owned(self) -> Sequence[str]:
        """Fields that a job sets."""

    def head(self) -> str:
        """Return the lines of a recipe that say where it is."""

    def description(self) -> str:
        """Return the description of the API; empty for Commerce Layer."""

    def environment(self) -> Mapping[str, str]:
        """Return the credential, as variables."""

    def record(self, key: str) -> dict[str, Any]:
        """Return all fields of a record, by dotted name."""

    def edit(self, key: str, name: str, value: Any) -> None:
        """Change a field by hand."""

    def puts(self) -> list[Put]:
        """Return the updates since the last call."""

    def poison(self, key: str) -> None:
        """Refuse every update of a record from now on."""

    def heal(self, key: str) -> None:
        """Accept updates of a record again."""

    def expire(self) -> None:
        """Take back the credential that is in use."""

    def renew(self) -> None:
        """Hand out another credential."""

    def fail(self, seconds: float) -> None:
        """Answer nothing but errors for so long."""


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a document by dotted names; what is null is left out."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif value is not None:
            found[prefix + name] = value
    return found


def changed(document: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Return a document with another value at a dotted name; None takes it away."""
    first, _, rest = name.partition(".")
    if rest:
        return {**document, first: changed(document.get(first) or {}, rest, value)}
    return {
        **{key: each for key, each in document.items() if key != first},
        **({} if value is None else {first: value}),
    }


@dataclass(slots=True)
class Shop:
    """A server that keeps items. It stores codes in a form of its own, and shows no pin.

    Attributes:
        items: the store, by id.
        token: the only one that is accepted.
        granted: the one that a job has.
        before_update: is called with the id before an update is looked at: somebody may be quicker.
        reply: makes the reply to an update, of the one that shows what is stored and of the body that was sent.
        ignored: ids of records of which no update is stored, although the reply is a success.
    """

    kind: str
    ids: Sequence[str]
    url: str = ""
    owned: Sequence[str] = (*OWNED, "code", "pin")
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    token: str = "token-1"
    granted: str = "token-1"
    before_update: Callable[[str], None] = lambda _: None
    reply: Callable[[web.Response, bytes], web.Response] = lambda shown, _: shown
    ignored: set[str] = field(default_factory=set)
    _versions: dict[str, int] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _down_until: float = -1.0
    _puts: list[Put] = field(default_factory=list)
    _tokens: int = 1

    def head(self) -> str:
        return f'api = "shop.toml"\nurl = "{self.url}"\ntype = "items"\n'

    def description(self) -> str:
        reads = (
            ['precondition = { headers = { If-Match = "{@ETag}" } }']
            if self.kind == "conditional"
            else ['read_many = { path = "/items", query = { ids = "{ids}" }, max_ids = 3, records = "/items" }']
        )
        return "\n".join(
            [
                'name = "shop"',
                f'base_url = "{self.url}"',
                'errors = { message = "/message" }',
                "",
                "[resources.items]",
                'path = "/items/{id}"',
                *reads,
                "",
                "[resources.items.fields]",
                '"*" = { type = "text" }',
                'metadata = { type = "map", of = "text" }',
                'pin = { type = "text", write_only = true }',
                "",
            ]
        )

    def environment(self) -> Mapping[str, str]:
        return {"ROWPATCH_TOKEN": self.granted}

    def record(self, key: str) -> dict[str, Any]:
        return flat(self.items[key])

    def edit(self, key: str, name: str, value: Any) -> None:
        self._store(key, changed(self.items[key], name, value))

    def puts(self) -> list[Put]:
        taken, self._puts = self._puts, []
        return taken

    def poison(self, key: str) -> None:
        self._refused.add(key)

    def heal(self, key: str) -> None:
        self._refused.discard(key)

    def expire(self) -> None:
        self._tokens += 1
        self.token = f"token-{self._tokens}"

    def renew(self) -> None:
        self.granted = self.token

    def fail(self, seconds: float) -> None:
        self._down_until = asyncio.get_running_loop().time() + seconds

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        await asyncio.sleep(LATENCY / 2)
        try:
            body = await request.content.read()
        except ConnectionError:  # the client left in the middle of its request
            return web.Response(status=400)
        answer = self._answer(request, body)
        await asyncio.sleep(LATENCY / 2)
        return answer

    def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        if asyncio.get_running_loop().time() < self._down_until:
            return _json(503, {"message": "down for maintenance"})
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _json(401, {"message": "token expired"})
        _, _, key = request.path.strip("/").partition("/")
        if not key:
            wanted = request.rel_url.query["ids"].split(",")
            return _json(200, {"items": [self._shown(each) for each in wanted if each in self.items]})
        if key not in self.items:
            return _json(404, {"message": "no such item"})
        if request.method == "PATCH":
            self.before_update(key)
            if (refused := self._refusal(key, request)) is not None:
                return refused
            if key not in self.ignored:
                self._update(key, json.loads(body))
        shown = _json(200, self._shown(key), ETag=self._tag(key))
        return self.reply(shown, body) if request.method == "PATCH" else shown

    def _refusal(self, key: str, request: web.BaseRequest) -> web.Response | None:
        if self.kind == "conditional" and request.headers.get("If-Match") != self._tag(key):
            return _json(412, {"message": "the item has changed"})
        if key in self._refused:
            return _json(422, {"message": "the item is locked by accounting"})
        return None

    def _update(self, key: str, body: Mapping[str, Any]) -> None:
        before = self.record(key)
        merged = {**self.items[key], **body}
        if merged.get("code") is not None:
            merged["code"] = str(merged["code"]).strip().casefold()
        self._store(key, {name: value for name, value in merged.items() if value is not None})
        sent = flat(body) | {name: None for name, value in body.items() if value is None}
        if "metadata" in body:  # replaced as a whole
            sent |= {name: None for name in before if name.startswith("metadata.") and name not in sent}
        self._puts.append(Put(key, sent, before))

    def _store(self, key: str, item: dict[str, Any]) -> None:
        self.items[key] = item
        self._versions[key] = self._versions.get(key, 0) + 1

    def _shown(self, key: str) -> dict[str, Any]:
        return {"id": key, **{name: value for name, value in self.items[key].items() if name != "pin"}}

    def _tag(self, key: str) -> str:
        return f'"{self._versions.get(key, 0)}"'


def _json(status: int, document: Mapping[str, Any], **headers: str) -> web.Response:
    return web.Response(
        status=status, body=json.dumps(document).encode(), content_type="application/json", headers=headers
    )


@dataclass(slots=True)
class Layer:
    """Commerce Layer's sandbox: payments with a reference and metadata."""

    sandbox: Sandbox
    kind: str = "commercelayer"
    owned: Sequence[str] = OWNED
    _seen: int = 0
    _befores: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def ids(self) -> Sequence[str]:
        """The payments, in their order."""
        return list(self.sandbox.resources["stripe_payments"])

    def head(self) -> str:
        return f'api = "commercelayer"\nurl = "{self.sandbox.url}"\ntype = "stripe_payments"\n'

    def description(self) -> str:
        return ""

    def environment(self) -> Mapping[str, str]:
        return {
            "ROWPATCH_CLIENT_ID": self.sandbox.client_id,
            "ROWPATCH_CLIENT_SECRET": self.sandbox.client_secret,
            "ROWPATCH_AUTH_URL": self.sandbox.url,
        }

    def record(self, key: str) -> dict[str, Any]:
        shown = flat(self.sandbox.resources["stripe_payments"][key].attributes)
        return {name: value for name, value in shown.items() if name not in {"updated_at", "created_at"}}

    def edit(self, key: str, name: str, value: Any) -> None:
        records = self.sandbox.resources["stripe_payments"]
        attributes = changed(records[key].attributes, name, value)
        if value is None and "." not in name:
            attributes[name] = None
        records[key] = replace(records[key], attributes=attributes)
        self._befores[key] = self.record(key)

    def puts(self) -> list[Put]:
        ledger = self.sandbox.ledger
        fresh, self._seen = ledger[self._seen :], len(ledger)
        found = []
        for entry in fresh:
            if entry.method == "PATCH" and entry.applied and isinstance(entry.body, Mapping):
                body: Any = entry.body["data"]
                before = self._befores.get(entry.id, {})
                attributes = body.get("attributes", {})
                sent = flat(attributes) | {name: None for name, value in attributes.items() if value is None}
                if "metadata" in attributes:
                    sent |= {name: None for name in before if name.startswith("metadata.") and name not in sent}
                found.append(Put(entry.id, sent, before))
        self._befores = {key: self.record(key) for key in self.ids}
        return found

    def poison(self, key: str) -> None:
        self._lock(key, locked=True)

    def heal(self, key: str) -> None:
        self._lock(key, locked=None)

    def _lock(self, key: str, *, locked: bool | None) -> None:
        self.edit(key, f"metadata.{LOCK_KEY}", locked)

    def expire(self) -> None:
        self.sandbox.revoke_token()

    def renew(self) -> None:
        """It is renewed by the client itself."""

    def fail(self, seconds: float) -> None:
        luck = self.sandbox._api.luck
        luck._faults = 1.0
        asyncio.get_running_loop().call_later(seconds, setattr, luck, "_faults", 0.0)


@asynccontextmanager
async def layer(count: int, limit: tuple[int, float] | None = None) -> AsyncIterator[Layer]:
    """Give a sandbox of so many payments; `limit` as its settings have it."""
    settings = SandboxSettings(seed=(f"stripe_payments={count}",), epoch=EPOCH, latency=LATENCY, limit=limit)
    async with serve(settings) as sandbox:
        there = Layer(sandbox)
        there.puts()
        yield there


@asynccontextmanager
async def world(kind: str, count: int) -> AsyncIterator[World]:
    """Give a world of so many records."""
    if kind == "commercelayer":
        async with layer(count) as there:
            yield there
        return
    shop = Shop(kind, [f"I{n}" for n in range(1, count + 1)])
    shop.items = {key: {"name": f"Item {key}", "metadata": {"theirs": "x"}} for key in shop.ids}
    listener = socket.create_server(("127.0.0.1", 0))
    shop.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    runner = web.ServerRunner(web.Server(shop.handle, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield shop
    finally:
        await runner.cleanup()
        listener.close()
