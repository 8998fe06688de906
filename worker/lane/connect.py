"""One process's connection to the API: sockets, credential, limiters and gates."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from jobs.apis.api import Api
from jobs.apis.auth import TokenSource
from jobs.apis.limits import CREDENTIAL, PATH, DeclaredLimit
from jobs.model import Reply, Request
from jobs.values import valueclass
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
from worker.pacing.gates import Gates, RememberedWindows, Rules, Windows
from worker.pacing.limiter import UNHEARD, Host, Limiter, News
from worker.pacing.peers import HEARTBEAT_S
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.backoff import Heard
from worker.policy.pace import Pace, as_windows
from worker.policy.ratelimit import reader_of
from worker.policy.scopes import ScopedWindows
from worker.settings import Secrets, Settings, checked_origin, origin_of_url
from worker.stop import Stop

READ_CONCURRENCY: Final = 4
"""Pages of many records read at once at most."""


def reads_at_once(api: Api, settings: Settings) -> int:
    """Return how many pages are read at once at most: as many as updates are sent where a page has a single record."""
    kind = settings.target.type
    page = api.resource(kind).page if api.schema.resource_type(kind) else api.page
    return settings.pacing.concurrency if page == 1 else READ_CONCURRENCY


UPDATES: Final = "PATCH"
"""Name of the quota of updates, whatever their method; one that runs share by its name in a file."""

READS: Final = "GET"
"""Name of the quota of reads."""

ALL: Final = "ALL"
"""Name of the quota where both count together."""

JOURNAL_LAG_S: Final = 0.1
"""Seconds between a response and the moment its result is durable in the journal."""


@valueclass(frozen=True, slots=True)
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


@valueclass(frozen=True, slots=True)
class Connection:
    """An open connection to one origin.

    Attributes:
        writes, reads: one limiter if the API counts reads and updates together, else two.
        gates: of limits on some requests alone, None for an API that has none.
    """

    lane: LaneSettings
    transport: Transport
    credential: Authority
    writes: Limiter
    reads: Limiter
    gates: Gates | None = None

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
            lane.stop, headers, on_send, self.gates, self.writes is self.reads, self._least_wait,
        )  # fmt: skip

    def _least_wait(self, request: Request, reply: Reply) -> float:
        return self.lane.api.resource(request.about).least_wait(reply)

    async def send_heartbeats(self) -> None:
        """Send heartbeats to the other processes until cancelled."""
        while True:
            await anyio.sleep(HEARTBEAT_S)
            for each in {self.writes, self.reads}:
                each.heartbeat()
            if self.gates is not None:
                self.gates.heartbeat()


@asynccontextmanager
async def connected(lane: LaneSettings) -> AsyncIterator[Connection]:
    """Set up a connection; nothing is sent before the first request."""
    settings = lane.settings
    timeout = settings.attempts.timeout
    connections = settings.pacing.concurrency + reads_at_once(lane.api, settings)
    route = route_of(settings, lane.secrets)
    async with AsyncExitStack() as stack:
        origin = origin_of_url(settings.target.url)
        is_quotable = not settings.input.has_private
        transport = Transport(origin, timeout=timeout, connections=connections, route=route, is_quotable=is_quotable)
        await stack.enter_async_context(transport)
        host = Host(Heard(), reader_of(lane.api.limits.headers))
        names = (ALL,) if lane.api.limits.together else (UPDATES, READS)
        limiters = [_limiter(lane, name, host, stack) for name in names]
        gates = _gates(lane, stack)
        credential = await _credential(lane, stack, route)
        yield Connection(lane, transport, credential, limiters[0], limiters[-1], gates)


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


def _pace(lane: LaneSettings, name: str) -> Pace:
    """Return the pace of one quota, with the windows known before the first reply."""
    pacing, writing, limits = lane.settings.pacing, name != READS, lane.api.limits
    declared = limits.updates if writing else limits.reads
    pace = Pace(
        ceiling=pacing.ceiling if writing else (),
        declared=as_windows(declared.rates) if pacing.discover else (),
        headroom=pacing.headroom,
        max_in_flight=_most(pacing.concurrency if writing else reads_at_once(lane.api, lane.settings), declared),
        discover=pacing.discover,
    )
    pace.restore(as_windows(lane.api.windows(origin_of_url(lane.settings.target.url), reads=not writing)), ())
    return pace


def _most(in_flight: int, declared: DeclaredLimit) -> int:
    return min(in_flight, declared.in_flight or in_flight)


def _shared(lane: LaneSettings, name: str, pace: Pace, *, writing: bool) -> SharedPace:
    """Join the pace that other processes share; updates also count responses that only the journal knows."""
    origin = origin_of_url(lane.settings.target.url)
    memory = PaceMemory(lane.state_directory, origin, quota_of(lane.api, lane.secrets, origin), name)
    shared = SharedPace(pace, memory, lane.clock)
    saved_at = shared.begin()
    if writing:
        shared.recall(lane.answered_since(saved_at + JOURNAL_LAG_S))
    return shared


def _limiter(lane: LaneSettings, name: str, host: Host, stack: AsyncExitStack) -> Limiter:
    shared = _shared(lane, name, _pace(lane, name), writing=name != READS)
    stack.callback(shared.end)
    patience, news = lane.settings.attempts.retrying, _news(lane, name)
    return Limiter(shared.pace, lane.clock, lane.stop, shared, host, patience=patience, news=news)


def _gates(lane: LaneSettings, stack: AsyncExitStack) -> Gates | None:
    """Return the gates of the API, None if it has none."""
    api = lane.api
    if not api.limits.gates:
        return None
    rules = Rules(api.limits.gates, api.scopes, lambda request, reply: api.resource(request.about).scope_of(reply))
    gates = Gates(rules, list(_windows(lane)), lane.clock, lane.stop)
    stack.callback(gates.end)
    return gates


def _windows(lane: LaneSettings) -> Iterator[Windows]:
    """Yield the windows of each gate. What has few values is kept in files, and shared; the rest in memory.

    A user who wants no windows (`--rate none`) gets none here either; pauses stay.
    """
    pacing = lane.settings.pacing
    for gate in lane.api.limits.gates:
        limits = gate if pacing.discover else DeclaredLimit(gate.per)
        if limits.rates and gate.per in (CREDENTIAL, PATH):
            yield RememberedWindows(partial(_begin, lane, limits))
        else:
            windows = (window.less(pacing.headroom) for window in as_windows(limits.rates))
            yield ScopedWindows(windows, limits.in_flight)


def _begin(lane: LaneSettings, gate: DeclaredLimit, value: str) -> SharedPace:
    """Join the processes that pass a gate with this value."""
    concurrency = lane.settings.pacing.concurrency + reads_at_once(lane.api, lane.settings)
    pace = Pace(
        ceiling=as_windows(gate.rates),
        headroom=lane.settings.pacing.headroom,
        max_in_flight=_most(concurrency, gate),
        discover=False,
    )
    writing = gate.per == CREDENTIAL and gate.on == "update" and not gate.type
    return _shared(lane, f"{gate.per} {gate.on} {gate.type} {value}", pace, writing=writing)


def _news(lane: LaneSettings, method: str) -> News:
    return News(method, lane.observer, partial(_count_refusal, lane.counters))


def _count_refusal(counters: Counters) -> None:
    counters.refused += 1
