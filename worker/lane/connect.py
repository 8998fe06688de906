"""One process's connection to the API: sockets, credential, and a limiter for each method."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from jobs.apis.api import Api
from jobs.apis.auth import TokenSource
from worker.clock import Clock
from worker.events import Observer, ignore
from worker.journal import Counters
from worker.lane.authority import Authority, Nobody
from worker.lane.credentials import (
    TOKEN_HEADERS,
    TOKEN_PATIENCE,
    Credential,
    TokenEndpoint,
    quota_of,
)
from worker.lane.exchange import Exchange, uncounted
from worker.lane.network import Route, refuse_in_the_clear, route_of
from worker.lane.reads import Lookup
from worker.lane.transport import Transport
from worker.pacing.limiter import UNHEARD, Limiter, News
from worker.pacing.peers import HEARTBEAT_S
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.backoff import Heard
from worker.policy.pace import Pace, as_windows
from worker.settings import Secrets, Settings, checked_origin, origin_of_url
from worker.stop import Stop

READ_CONCURRENCY: Final = 4
"""Pages read at once at most."""

JOURNAL_LAG_S: Final = 0.1
"""Seconds between a response and the moment its result is durable in the journal."""


@dataclass(frozen=True, slots=True)
class LaneSettings:
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

    lane: LaneSettings
    transport: Transport
    credential: Authority
    writes: Limiter
    reads: Limiter

    @property
    def updates(self) -> Exchange:
        """The exchange that rows use."""
        api = self.lane.api
        of_bodies = {"Content-Type": api.content_type} if api.content_type else {}
        return self._exchange(self.writes, {**api.headers, **of_bodies}, uncounted)

    @property
    def lookup(self) -> Lookup:
        """A lookup, which reads records."""
        api, count = self.lane.api, partial(_count_read, self.lane.counters)
        return Lookup(api, self._exchange(self.reads, api.headers, count))

    def _exchange(self, limiter: Limiter, headers: Mapping[str, str], on_send: Callable[[], None]) -> Exchange:
        lane = self.lane
        return Exchange(
            self.transport, limiter, self.credential, lane.api.meaning, lane.settings.attempts.retrying, lane.clock,
            lane.stop, headers, on_send,
        )  # fmt: skip

    async def send_heartbeats(self) -> None:
        """Send heartbeats to the other processes until cancelled."""
        while True:
            await anyio.sleep(HEARTBEAT_S)
            self.writes.heartbeat()
            self.reads.heartbeat()


@asynccontextmanager
async def connected(lane: LaneSettings) -> AsyncIterator[Connection]:
    """Set up a connection; nothing is sent before the first request."""
    settings = lane.settings
    timeout = settings.attempts.timeout
    connections = settings.pacing.concurrency + READ_CONCURRENCY
    route = route_of(settings, lane.secrets)
    async with AsyncExitStack() as stack:
        origin = origin_of_url(settings.target.url)
        transport = Transport(origin, timeout=timeout, connections=connections, route=route)
        await stack.enter_async_context(transport)
        shared = [_shared(lane, method) for method in ("PATCH", "GET")]
        for each in shared:
            stack.callback(each.end)
        heard = Heard()
        writes, reads = _limiter(lane, "PATCH", shared[0], heard), _limiter(lane, "GET", shared[1], heard)
        yield Connection(lane, transport, await _credential(lane, stack, route), writes, reads)


@asynccontextmanager
async def token_endpoint(
    lane: LaneSettings, tokens: TokenSource, route: Route, news: News = UNHEARD
) -> AsyncIterator[TokenEndpoint]:
    """Connect to the token endpoint, which has a quota of its own; each request is counted.

    Raises:
        ConfigError: the client's secret would travel in the clear.
    """
    secrets, limits, clock, stop = lane.secrets, lane.settings.attempts, lane.clock, lane.stop
    origin = checked_origin(secrets.auth_url or tokens.url)
    refuse_in_the_clear(origin, route.proxy)
    pace = Pace(ceiling=as_windows(tokens.windows), max_in_flight=1, discover=False)
    shared = SharedPace(
        pace, PaceMemory(lane.state_directory, origin, quota_of(lane.api, secrets, origin), "POST"), clock
    )
    shared.begin()
    try:
        async with Transport(origin, timeout=limits.timeout, connections=1, route=route) as transport:
            limiter = Limiter(pace, clock, stop, shared, news=news)
            patience = replace(TOKEN_PATIENCE, pause=limits.patience)
            exchange = Exchange(
                transport, limiter, Nobody(), tokens.meaning, patience, clock, stop,
                TOKEN_HEADERS, partial(_count_token, lane.counters),
            )  # fmt: skip
            yield TokenEndpoint(secrets, tokens, origin, exchange, news, lane.settings.target.url)
    finally:
        shared.end()


async def _credential(lane: LaneSettings, stack: AsyncExitStack, route: Route) -> Authority:
    auth, secrets, issuer = lane.api.auth, lane.secrets, None
    if not auth.needs:
        return Nobody()
    if auth.tokens is not None and secrets.renewable:
        issuer = await stack.enter_async_context(token_endpoint(lane, auth.tokens, route, _news(lane, "POST")))
    return Credential(secrets.at_hand(auth.needs), issuer, lane.clock, auth, secrets.expires_at)


def _count_read(counters: Counters) -> None:
    counters.gets += 1


def _count_token(counters: Counters) -> None:
    counters.tokens += 1


def _pace(lane: LaneSettings, method: str) -> Pace:
    """Return the pace of one method, with the windows known before the first reply."""
    pacing, writing = lane.settings.pacing, method == "PATCH"
    pace = Pace(
        ceiling=pacing.ceiling if writing else (),
        headroom=pacing.headroom,
        max_in_flight=pacing.concurrency if writing else READ_CONCURRENCY,
        discover=pacing.discover,
    )
    pace.restore(as_windows(lane.api.windows(origin_of_url(lane.settings.target.url))), ())
    return pace


def _shared(lane: LaneSettings, method: str) -> SharedPace:
    """Join the pace that other processes share; writes also count responses that only the journal knows."""
    origin = origin_of_url(lane.settings.target.url)
    memory = PaceMemory(lane.state_directory, origin, quota_of(lane.api, lane.secrets, origin), method)
    shared = SharedPace(_pace(lane, method), memory, lane.clock)
    saved_at = shared.begin()
    if method == "PATCH":
        shared.recall(lane.answered_since(saved_at + JOURNAL_LAG_S))
    return shared


def _limiter(lane: LaneSettings, method: str, shared: SharedPace, heard: Heard) -> Limiter:
    patience, news = lane.settings.attempts.retrying, _news(lane, method)
    return Limiter(shared.pace, lane.clock, lane.stop, shared, heard, patience=patience, news=news)


def _news(lane: LaneSettings, method: str) -> News:
    return News(method, lane.observer, partial(_count_refusal, lane.counters))


def _count_refusal(counters: Counters) -> None:
    counters.refused += 1
