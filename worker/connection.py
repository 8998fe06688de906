"""The way to the API, for one process: sockets, credential, and a gate for each method."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import structlog

from worker import pace_memory
from worker.auth import Credential, TokenEndpoint
from worker.clock import Clock
from worker.gate import Gate
from worker.journal import Counters
from worker.lookup import Lookup
from worker.pace_memory import PaceMemory
from worker.policy.pace import Pace
from worker.route import Route, route_of
from worker.settings import Secrets, Settings, prior
from worker.stop import Stop
from worker.transport import Transport

READ_CONCURRENCY: Final = 4
"""Pages read at once at most."""

REMEMBER_EVERY: Final = 1.0
"""Seconds between two saves of the pace."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("rowpatch")


@dataclass(frozen=True, slots=True)
class Way:
    """What it takes to have a connection.

    Attributes:
        state_directory: where learned limits are remembered.
        answered_since: times (seconds since the epoch) of responses to PATCHes after the given one, as far as an
            earlier process of the run wrote them down.
    """

    settings: Settings
    secrets: Secrets
    state_directory: Path
    counters: Counters
    clock: Clock
    stop: Stop
    answered_since: Callable[[float], list[float]] = lambda _: []


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to one origin. `writes` and `reads` are apart: the API counts each method for itself."""

    way: Way
    transport: Transport
    credential: Credential
    writes: Gate
    reads: Gate

    @property
    def lookup(self) -> Lookup:
        """For reading."""
        way = self.way
        return Lookup(
            self.transport, self.reads, self.credential, way.settings.attempts, way.counters, way.clock, way.stop
        )

    def remember(self) -> None:
        """Save the pace of both methods, for the next run and the next process."""
        for method, gate in (("PATCH", self.writes), ("GET", self.reads)):
            _memory(self.way, method).save(gate.pace, self.way.clock)

    async def remember_forever(self) -> None:
        """Save the pace of the writes over and over."""
        memory = _memory(self.way, "PATCH")
        while True:
            await anyio.sleep(REMEMBER_EVERY)
            memory.save(self.writes.pace, self.way.clock)


@asynccontextmanager
async def connected(way: Way) -> AsyncIterator[Connection]:
    """Connect; nothing is sent before somebody asks for it."""
    settings = way.settings
    timeout = settings.attempts.timeout
    connections = settings.pacing.concurrency + READ_CONCURRENCY
    route = route_of(settings, way.secrets)
    async with AsyncExitStack() as stack:
        transport = Transport(settings.target.url, timeout=timeout, connections=connections, route=route)
        await stack.enter_async_context(transport)
        credential = await _credential(way, stack, route)
        yield Connection(way, transport, credential, _gate(way, "PATCH"), _gate(way, "GET"))


async def _credential(way: Way, stack: AsyncExitStack, route: Route) -> Credential:
    secrets, issuer = way.secrets, None
    if secrets.renewable:
        endpoint = Transport(secrets.auth_url, timeout=way.settings.attempts.timeout, connections=1, route=route)
        issuer = TokenEndpoint(secrets, await stack.enter_async_context(endpoint), way.clock, way.stop)
        issuer.on_request = partial(_count_token, way.counters)
    return Credential(secrets.token.get_secret_value() if secrets.token else "", issuer, way.clock)


def _count_token(counters: Counters) -> None:
    counters.tokens += 1


def _gate(way: Way, method: str) -> Gate:
    """The gate of one method, with the pace as it was left by the last process."""
    pacing, writing = way.settings.pacing, method == "PATCH"
    pace = Pace(
        ceiling=pacing.ceiling if writing else (),
        headroom=pacing.headroom,
        max_in_flight=pacing.concurrency if writing else READ_CONCURRENCY,
        discover=pacing.discover,
    )
    remembered = _memory(way, method).load()
    pace.restore(prior(way.settings.target.url), ())
    later = way.answered_since(remembered.saved_at) if writing else []
    pace_memory.restore(pace, remembered, later, way.clock)
    gate = Gate(pace, way.clock, way.stop)
    gate.patience = way.settings.attempts.patience
    gate.on_news = partial(_tell, way.counters, method)
    return gate


def _tell(counters: Counters, method: str, event: str, facts: Mapping[str, object]) -> None:
    if facts.get("status") == 429:  # noqa: PLR2004  # Too Many Requests
        counters.refused += 1
    log.info(event, method=method, **facts)


def _memory(way: Way, method: str) -> PaceMemory:
    return PaceMemory(way.state_directory, way.settings.target.url, method)
