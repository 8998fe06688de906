"""A client at work on a server, in virtual time: what the server saw of it, as figures."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from jobs.model import Reply
from tests.system.pace.clients import Client
from tests.system.pace.server import Entry, Server, Service, least_time
from tests.virtual_time import run

ROUNDS = 10
"""Round trips after which a client should have found what the server bears."""


@dataclass(frozen=True, slots=True)
class Work:
    """How much is to be done, by how many at once, and how often the process is killed (seconds, 0: never)."""

    requests: int
    concurrency: int
    kill_every: float = 0.0


Watch = Callable[[Client, float, int], None]
"""Told at every success: who succeeded, the loop time, and how many attempts the row took."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it.

    Attributes:
        seconds: from the first request to the last answer.
        refusals: refused by the server, for whatever reason. `refused_429`: for pace.
        max_in_flight: at any moment. `settled_in_flight`: after the first ten round trips.
        mean_in_flight: over time.
        rate: served requests a second.
        share: of the quota over its whole windows, in per cent; without limits, of the ideal, after ten round trips.
        of_least: the time that a client needs who knows every limit, in per cent of the time taken, first windows
            included.
    """

    seconds: float
    requests: int
    refusals: int
    refused_429: int
    max_in_flight: int
    settled_in_flight: int
    mean_in_flight: float
    rate: float
    share: float
    of_least: float


def drive(
    make: Callable[[], Client], server: Server, work: Work, *, seed: int = 1, watch: Watch | None = None
) -> Figures:
    """Do the work and measure it."""
    return run(_drive(make, server, work, seed, watch))


async def _drive(make: Callable[[], Client], server: Server, work: Work, seed: int, watch: Watch | None) -> Figures:
    service = Service(server, seed)
    client, left = make(), list(range(work.requests))
    while left:
        crew = [asyncio.ensure_future(_work(client, service, left, work, watch)) for _ in range(work.concurrency)]
        done, killed = await asyncio.wait(crew, timeout=work.kill_every or None, return_when=asyncio.FIRST_EXCEPTION)
        for worker in killed:
            worker.cancel()
        await asyncio.gather(*killed, return_exceptions=True)
        for worker in done:
            worker.result()
        client = client.reborn()
    await service.idle()  # what a killed process had sent
    return _figures(service.ledger, server, work)


async def _work(client: Client, service: Service, left: list[int], work: Work, watch: Watch | None) -> None:
    now = asyncio.get_running_loop().time
    while left:
        row = left.pop()
        failures = 0
        try:
            while True:
                await client.admit()
                sent_at = now()
                outcome = await service.request()
                client.replied(outcome, sent_at)
                if isinstance(outcome, Reply) and outcome.status == 200:
                    break
                failures += 1
                await asyncio.sleep(client.wait(outcome, failures))
        except asyncio.CancelledError:
            left.append(row)
            raise
        if watch is not None:
            watch(client, now(), failures + 1)


def _figures(ledger: list[Entry], server: Server, work: Work) -> Figures:
    first, last = min(entry.sent for entry in ledger), max(entry.answered for entry in ledger)
    served = [entry for entry in ledger if entry.status == 200]
    settled = first + ROUNDS * server.latency.mean(1)
    busy = sum(entry.answered - entry.sent for entry in ledger)
    return Figures(
        seconds=last - first,
        requests=len(ledger),
        refusals=len(ledger) - len(served),
        refused_429=sum(entry.status == 429 for entry in ledger),
        max_in_flight=max(entry.in_flight for entry in ledger),
        settled_in_flight=max((entry.in_flight for entry in ledger if entry.sent > settled), default=0),
        mean_in_flight=busy / (last - first),
        rate=len(served) / (last - first),
        share=100 * (_of_quota(served, server) if server.limits else _of_ideal(served, server, work, settled)),
        of_least=100 * (least_time(server, work.requests) + server.latency.mean(1)) / (last - first),
    )


def _of_quota(served: list[Entry], server: Server) -> float:
    """Served requests as a share of the slowest limit, over its whole intervals but the first and what follows them."""
    limit = min(server.limits, key=lambda each: each.requests / each.interval)
    times = sorted(entry.stamped for entry in served)
    windows = int((times[-1] - times[0]) // limit.interval) - 1
    begin, end = times[0] + limit.interval, times[0] + limit.interval * (windows + 1)
    quota = limit.requests * windows * (1 - server.foreign)
    return sum(begin <= time < end for time in times) / quota if windows > 0 else float("nan")


def _of_ideal(served: list[Entry], server: Server, work: Work, settled: float) -> float:
    """Served requests as a share of what the server could do, after ten round trips and while there is enough to do."""
    times = sorted(entry.answered for entry in served)
    end = times[-work.concurrency] if len(times) > work.concurrency else times[-1]
    return sum(settled < time <= end for time in times) / (end - settled) / server.ideal(work.concurrency)
