"""One process's connection to the API: sockets, credential, and a limiter for each method."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from jobs.apis.api import Api
from worker.clock import Clock
from worker.events import Observer, ignore
from worker.journal import Counters
from worker.lane.authority import Nobody
from worker.lane.credentials import (
    TOKEN_HEADERS,
    TOKEN_PATIENCE,
    Credential,
    TokenEndpoint,
    quota_of,
)
from worker.lane.exchange import Exchange, Headers, uncounted
from worker.lane.network import Route, route_of
from worker.lane.reads import Lookup
from worker.lane.transport import Transport
from worker.pacing.limiter import UNHEARD, Limiter, News
from worker.pacing.peers import BEAT
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.backoff import Heard
from worker.policy.pace import Pace, as_windows
from worker.settings import Secrets, Settings
from worker.stop import Stop

READ_CONCURRENCY: Final = 4
"""Pages read at once at most."""

SETTLING: Final = 0.1
"""Seconds between a response and the moment its result is durable in the journal."""


@dataclass(frozen=True, slots=True)
class Way:
    """All that a connection is made from.

    Attributes:
        state_directory: where limits are stored, and shared with other processes.
        answered_since: returns the times (seconds since the epoch) at which PATCHes were answered after the given
            time, as far as an earlier process of the run recorded them.
        observer: receives the events of the limiters and the token.
    """

    api: Api
    settings: Settings
    secrets: Secrets
    state_directory: Path
    counters: Counters
    clock: Clock
    stop: Stop
    answered_since: Callable[[float], list[float]] = lambda _: []
    observer: Observer = ignore


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to one origin. `writes` and `reads` are separate: the API counts each method on its own."""

    way: Way
    transport: Transport
    credential: Credential
    writes: Limiter
    reads: Limiter

    @property
    def updates(self) -> Exchange:
        """The exchange that rows use."""
        media = self.way.api.media_type
        return self._exchange(self.writes, {"Accept": media, "Content-Type": media}, uncounted)

    @property
    def lookup(self) -> Lookup:
        """A lookup, which reads records."""
        api, count = self.way.api, partial(_count_read, self.way.counters)
        return Lookup(api, self._exchange(self.reads, {"Accept": api.media_type}, count))

    def _exchange(self, limiter: Limiter, headers: Headers, on_send: Callable[[], None]) -> Exchange:
        way = self.way
        return Exchange(
            self.transport, limiter, self.credential, way.api.meaning, way.settings.attempts.retrying, way.clock,
            way.stop, headers, on_send,
        )  # fmt: skip

    async def beat_forever(self) -> None:
        """Send heartbeats to the other processes until cancelled."""
        while True:
            await anyio.sleep(BEAT)
            self.writes.beat()
            self.reads.beat()


@asynccontextmanager
async def connected(way: Way) -> AsyncIterator[Connection]:
    """Set up a connection; nothing is sent before the first request."""
    settings = way.settings
    timeout = settings.attempts.timeout
    connections = settings.pacing.concurrency + READ_CONCURRENCY
    route = route_of(settings, way.secrets)
    async with AsyncExitStack() as stack:
        transport = Transport(settings.target.url, timeout=timeout, connections=connections, route=route)
        await stack.enter_async_context(transport)
        shared = [_shared(way, method) for method in ("PATCH", "GET")]
        for each in shared:
            stack.callback(each.end)
        heard = Heard()
        writes, reads = _limiter(way, "PATCH", shared[0], heard), _limiter(way, "GET", shared[1], heard)
        yield Connection(way, transport, await _credential(way, stack, route), writes, reads)


@asynccontextmanager
async def token_endpoint(way: Way, route: Route, news: News = UNHEARD) -> AsyncIterator[TokenEndpoint]:
    """Connect to the token endpoint, which has a quota of its own; each request is counted."""
    secrets, limits, clock, stop = way.secrets, way.settings.attempts, way.clock, way.stop
    origin = secrets.auth_url or way.api.auth.url
    pace = Pace(ceiling=as_windows(way.api.auth.windows), max_in_flight=1, discover=False)
    shared = SharedPace(
        pace, PaceMemory(way.state_directory, origin, quota_of(way.api, secrets, origin), "POST"), clock
    )
    shared.begin()
    try:
        async with Transport(origin, timeout=limits.timeout, connections=1, route=route) as transport:
            limiter = Limiter(pace, clock, stop, shared, news=news)
            patience = replace(TOKEN_PATIENCE, pause=limits.patience)
            exchange = Exchange(
                transport, limiter, Nobody(), way.api.meaning, patience, clock, stop,
                TOKEN_HEADERS, partial(_count_token, way.counters),
            )  # fmt: skip
            yield TokenEndpoint(secrets, way.api.auth, origin, exchange, news)
    finally:
        shared.end()


async def _credential(way: Way, stack: AsyncExitStack, route: Route) -> Credential:
    secrets, issuer = way.secrets, None
    if secrets.renewable:
        issuer = await stack.enter_async_context(token_endpoint(way, route, _news(way, "POST")))
    return Credential(secrets.token.get_secret_value() if secrets.token else "", issuer, way.clock, way.api.auth.claims)


def _count_read(counters: Counters) -> None:
    counters.gets += 1


def _count_token(counters: Counters) -> None:
    counters.tokens += 1


def _pace(way: Way, method: str) -> Pace:
    """Return the pace of one method, with the windows known before the first reply."""
    pacing, writing = way.settings.pacing, method == "PATCH"
    pace = Pace(
        ceiling=pacing.ceiling if writing else (),
        headroom=pacing.headroom,
        max_in_flight=pacing.concurrency if writing else READ_CONCURRENCY,
        discover=pacing.discover,
    )
    pace.restore(as_windows(way.api.windows(way.settings.target.url)), ())
    return pace


def _shared(way: Way, method: str) -> SharedPace:
    """Join the pace that other processes share; writes also count responses that only the journal knows."""
    origin = way.settings.target.url
    memory = PaceMemory(way.state_directory, origin, quota_of(way.api, way.secrets, origin), method)
    shared = SharedPace(_pace(way, method), memory, way.clock)
    saved_at = shared.begin()
    if method == "PATCH":
        shared.recall(way.answered_since(saved_at + SETTLING))
    return shared


def _limiter(way: Way, method: str, shared: SharedPace, heard: Heard) -> Limiter:
    patience, news = way.settings.attempts.retrying, _news(way, method)
    return Limiter(shared.pace, way.clock, way.stop, shared, heard, patience=patience, news=news)


def _news(way: Way, method: str) -> News:
    return News(method, way.observer, partial(_count_refusal, way.counters))


def _count_refusal(counters: Counters) -> None:
    counters.refused += 1
