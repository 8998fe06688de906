"""What the fake vendors share: a server on loopback, a log, faults, windows of time and the store that is the truth.

A vendor is a subclass of `FakeVendor`. It lists its routes, checks each request in `gate` (credentials, limits) and
answers with a `Reply`, or raises a `Refusal` that carries one. Everything that changes a record goes through `write`.
"""

import base64
import copy
import json
import math
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypedDict, TypeVar, Unpack
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict, MultiDict

Json = Any  # what came out of JSON, or goes into it
Rate = tuple[int, float] | None  # so many in so many seconds; None: no limit
Records = Mapping[str, dict[str, Json]]


class Common(TypedDict, total=False):
    """What every fake takes, beside its own: faults and the clock."""

    lose_reply_every: int  # each n-th write that succeeded: applied, then the connection is dropped
    lose_before_every: int  # each n-th write that came in: dropped before anything is looked at
    lag_s: float  # reads show a record as it was before the writes of the last so many seconds
    clock: Callable[[], float]  # seconds since the epoch


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.at += seconds


@dataclass
class Call:
    """One request, and later what became of it."""

    number: int
    at: float
    method: str
    path: str  # as sent, still percent-encoded, without the query
    query: MultiDict[str]
    headers: CIMultiDict[str]
    body: bytes
    port: int = 0
    args: dict[str, str] = field(default_factory=dict)  # the variables of the route, decoded
    route: str = ""
    status: int = 0
    fate: str = "answered"  # or "lost before", "lost after"

    def json(self) -> Json:
        """Read the body as JSON; ValueError where it is none."""
        return json.loads(self.body)

    @property
    def content_type(self) -> str:
        """Tell the media type, without parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Write:
    """One change that took effect."""

    number: int  # of the request
    at: float
    key: str
    before: Json
    after: Json


@dataclass
class Reply:
    """An answer; the body is JSON, or text as it is, or nothing."""

    status: int
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def encoded(self) -> bytes:
        """Turn the body into bytes."""
        if self.body is None:
            return b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Refusal(Exception):
    """Stops the work on a request; carries the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body}")
        self.reply = reply


class Window(Protocol):
    """Counts what happens in a span of time."""

    limit: int

    def take(self, now: float, cost: int = 1) -> bool:
        """Count it if there is room."""

    def remaining(self, now: float) -> int:
        """Tell how much room there is."""

    def resets_in(self, now: float) -> float:
        """Tell in how many seconds there is room again."""


class FixedWindow:
    """Starts with its first event, and is empty again after its span."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit, self.span = limit, span
        self._start, self._used = -math.inf, 0

    def _roll(self, now: float) -> None:
        if now >= self._start + self.span:
            self._start, self._used = now, 0

    def take(self, now: float, cost: int = 1) -> bool:
        self._roll(now)
        if self._used + cost > self.limit:
            return False
        self._used += cost
        return True

    def remaining(self, now: float) -> int:
        self._roll(now)
        return self.limit - self._used

    def resets_in(self, now: float) -> float:
        self._roll(now)
        return self._start + self.span - now


class RollingWindow:
    """Looks back over its span at any moment."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit, self.span = limit, span
        self._events: deque[tuple[float, int]] = deque()

    def _used(self, now: float) -> int:
        while self._events and self._events[0][0] <= now - self.span:
            self._events.popleft()
        return sum(cost for _, cost in self._events)

    def take(self, now: float, cost: int = 1) -> bool:
        if self._used(now) + cost > self.limit:
            return False
        self._events.append((now, cost))
        return True

    def remaining(self, now: float) -> int:
        return self.limit - self._used(now)

    def resets_in(self, now: float) -> float:
        self._used(now)
        return self._events[0][0] + self.span - now if self._events else 0.0


class TokenBucket:
    """Fills steadily up to its size."""

    def __init__(self, limit: int, per_second: float) -> None:
        self.limit, self.per_second = limit, per_second
        self._tokens, self._at = float(limit), -math.inf

    def _fill(self, now: float) -> None:
        if self._at > -math.inf:
            self._tokens = min(self.limit, self._tokens + (now - self._at) * self.per_second)
        self._at = now

    def take(self, now: float, cost: int = 1) -> bool:
        self._fill(now)
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def remaining(self, now: float) -> int:
        self._fill(now)
        return int(self._tokens)

    def resets_in(self, now: float) -> float:
        self._fill(now)
        return max(0.0, 1 - self._tokens) / self.per_second


W = TypeVar("W", bound=Window)


class PerKey(Generic[W]):
    """Keeps a window of its own for each key."""

    def __init__(self, make: Callable[[], W]) -> None:
        self._make = make
        self._windows: dict[str, W] = {}

    def of(self, key: str) -> W:
        """Give the window of this key."""
        return self._windows.setdefault(key, self._make())


class Every:
    """Says yes each n-th time; never for 0."""

    def __init__(self, nth: int) -> None:
        self.nth, self._count = nth, 0

    def due(self) -> bool:
        """Count, and tell whether this is an n-th one."""
        self._count += 1
        return self.nth > 0 and self._count % self.nth == 0


Handler = Callable[[Call], Awaitable[Reply]]
Route = tuple[str, str, Handler]  # method, path with {variables}, handler


def whole(seconds: float) -> int:
    """Round up to whole seconds, as the headers have them."""
    return max(0, math.ceil(seconds - 1e-6))


def stamp(at: float, timespec: str = "seconds") -> str:
    """Write a moment as ISO 8601 in UTC with a Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def basic(user: str, password: str) -> str:
    """Write the Authorization header of Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def merge_patch(target: Json, patch: Json) -> Json:
    """Apply RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


class PatchFailed(ValueError):
    """A JSON Patch that cannot be applied; RFC 6902 then changes nothing."""


def _token(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~")


def pointer(path: str) -> list[str]:
    """Split a JSON Pointer (RFC 6901)."""
    if path and not path.startswith("/"):
        raise PatchFailed(f"the path {path!r} is no JSON Pointer")
    return [_token(part) for part in path.split("/")[1:]]


def _index(items: list[Json], part: str, *, adding: bool) -> int:
    if part == "-" and adding:
        return len(items)
    if not re.fullmatch(r"0|[1-9][0-9]*", part) or int(part) >= len(items) + adding:
        raise PatchFailed(f"there is no place {part!r} in a list of {len(items)}")
    return int(part)


def _step(node: Json, part: str) -> Json:
    if isinstance(node, list):
        return node[_index(node, part, adding=False)]
    if isinstance(node, dict) and part in node:
        return node[part]
    raise PatchFailed(f"there is no {part!r}")


def _get(document: Json, path: str) -> Json:
    for part in pointer(path):
        document = _step(document, part)
    return document


def _add(document: Json, path: str, value: Json) -> Json:
    *parents, last = pointer(path) or [""]
    if path == "":
        return value
    node = document
    for part in parents:
        node = _step(node, part)
    if isinstance(node, list):
        node.insert(_index(node, last, adding=True), value)
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise PatchFailed(f"nothing can be added under {path!r}")
    return document


def _remove(document: Json, path: str) -> Json:
    _get(document, path)
    *parents, last = pointer(path)
    node = document
    for part in parents:
        node = _step(node, part)
    del node[_index(node, last, adding=False) if isinstance(node, list) else last]
    return document


def _operate(document: Json, operation: Mapping[str, Json]) -> Json:
    verb, path = operation.get("op"), str(operation.get("path", ""))
    if verb in ("add", "replace", "test") and "value" not in operation:
        raise PatchFailed(f"{verb} needs a value")
    if verb == "add":
        return _add(document, path, copy.deepcopy(operation["value"]))
    if verb == "remove":
        return _remove(document, path)
    if verb == "replace":
        return operation["value"] if path == "" else _add(_remove(document, path), path, operation["value"])
    if verb == "test":
        if _get(document, path) != operation["value"]:
            raise PatchFailed(f"the test of {path!r} failed")
        return document
    return _carry(document, verb, str(operation.get("from", "")), path)


def _carry(document: Json, verb: Json, source: str, path: str) -> Json:
    if verb not in ("move", "copy"):
        raise PatchFailed(f"there is no operation {verb!r}")
    value = copy.deepcopy(_get(document, source))
    return _add(_remove(document, source) if verb == "move" else document, path, value)


def json_patch(target: Json, operations: Json) -> Json:
    """Apply RFC 6902 to a copy: all of it, or PatchFailed."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise PatchFailed("a JSON Patch is a list of operations")
    document = copy.deepcopy(target)
    for operation in operations:
        document = _operate(document, operation)
    return document


def _compiled(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", template)
    return re.compile("".join(f"(?P<{p[1:-1]}>[^/]+)" if p.startswith("{") else re.escape(p) for p in parts))


class FakeVendor:
    """A server with a store of its own, that keeps what came and what it changed."""

    def __init__(self, records: Records, **common: Unpack[Common]) -> None:
        self.records: dict[str, dict[str, Json]] = copy.deepcopy(dict(records))
        self.history: list[Write] = []
        self.log: list[Call] = []
        self.failures: list[str] = []  # of the fake itself: `serving` ends with an error when there are any
        self.url = ""
        self._clock = common.get("clock", time.time)
        self._lag_s = common.get("lag_s", 0.0)
        self._lose_reply = Every(common.get("lose_reply_every", 0))
        self._lose_before = Every(common.get("lose_before_every", 0))
        self._fresh: dict[str, deque[Write]] = {}
        self._routes = [(method, template, _compiled(template), handler) for method, template, handler in self.routes()]

    # What a vendor says of itself

    def routes(self) -> Sequence[Route]:
        """List the routes; the first that fits is taken."""
        raise NotImplementedError

    async def gate(self, call: Call) -> None:
        """Look at credentials and limits; raise a Refusal to stop."""

    def decorate(self, call: Call, reply: Reply) -> None:
        """Add the headers that come with every answer."""

    def is_write(self, call: Call) -> bool:
        """Tell whether the faults of writes may hit this request."""
        return call.method in ("PATCH", "PUT", "POST", "DELETE")

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        """Answer a path that is not served, or not with this method (then `allowed` is not empty)."""
        return Reply(405 if allowed else 404)

    # What a vendor works with

    def now(self) -> float:
        """Tell the time."""
        return self._clock()

    def write(self, call: Call, key: str, after: dict[str, Json]) -> None:
        """Change a record, and remember it."""
        before = copy.deepcopy(self.records.get(key))
        change = Write(call.number, self.now(), key, before, copy.deepcopy(after))
        self.records[key] = copy.deepcopy(after)
        self.history.append(change)
        self._fresh.setdefault(key, deque()).append(change)

    def shown(self, key: str) -> dict[str, Json] | None:
        """Give a record as reads see it: late, where there is a lag."""
        fresh = self._fresh.get(key, deque())
        while fresh and fresh[0].at <= self.now() - self._lag_s:
            fresh.popleft()
        seen = fresh[0].before if fresh else self.records.get(key)
        return copy.deepcopy(seen)

    # The server

    def _find(self, call: Call) -> tuple[Handler | None, list[str]]:
        allowed = []
        for method, template, pattern, handler in self._routes:
            match = pattern.fullmatch(call.path)
            if match and method == call.method:
                call.args = {name: unquote(text) for name, text in match.groupdict().items()}
                call.route = template
                return handler, []
            if match:
                allowed.append(method)
        return None, allowed

    async def _answer(self, call: Call) -> Reply:
        handler, allowed = self._find(call)
        try:
            await self.gate(call)
            reply = await handler(call) if handler else self.no_route(call, allowed)
        except Refusal as refusal:
            reply = refusal.reply
        except Exception as problem:
            self.failures.append(f"request {call.number}, {call.method} {call.path}: {problem!r}")
            raise
        self.decorate(call, reply)
        return reply

    async def _noted(self, request: web.Request) -> Call:
        body = await request.read()
        socket = request.transport.get_extra_info("sockname") if request.transport else None
        call = Call(
            number=len(self.log) + 1,
            at=self.now(),
            method=request.method,
            path=request.rel_url.raw_path,
            query=MultiDict(request.rel_url.query),
            headers=CIMultiDict(request.headers),
            body=body,
            port=socket[1] if socket else 0,
        )
        self.log.append(call)
        return call

    def _drop(self, request: web.Request, call: Call, fate: str) -> web.Response:
        call.fate = fate
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = await self._noted(request)
        writes = self.is_write(call)
        if writes and self._lose_before.due():
            return self._drop(request, call, "lost before")
        reply = await self._answer(call)
        call.status = reply.status
        if writes and reply.status < 300 and self._lose_reply.due():
            return self._drop(request, call, "lost after")
        response = web.Response(status=reply.status, body=reply.encoded(), headers=reply.headers)
        if reply.body is not None:
            response.headers["Content-Type"] = reply.content_type
        return response

    def app(self) -> web.Application:
        """Make an aiohttp application of it."""
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on a free port of loopback; gives the base URL, without a slash at its end."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            self.url = await self.listen(runner)
            yield self.url
        finally:
            await runner.cleanup()
        if self.failures:
            raise AssertionError("the judge itself failed: " + "; ".join(self.failures))

    async def listen(self, runner: web.AppRunner) -> str:
        """Open one more port; gives its URL."""
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[-1][1]}"
