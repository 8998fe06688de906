"""`make hunt NAME=ladder`: the stages of the pipeline switched on in turn, out of the real modules; CPU of each a row.

    python -m benchmarks.ladder [--rows N] [--repeat N] [--workers N] [--only STEP ...]

Each step runs in a process of its own, interleaved, and measures itself once everything is imported; threads count.
With `--only`, the figures are shown and not kept.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import anyio
from pydantic import SecretStr
from yarl import URL

from benchmarks import machine, results, rows
from benchmarks.measuring import median
from benchmarks.servers import running
from jobs.apis.documents import MEDIA_TYPE
from jobs.changes.diff import as_written
from jobs.model import Reply, Request, RowResult, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER, meaning_of, update_request
from worker.checking import check
from worker.cli.guarded import collect_seldom
from worker.clock import Clock
from worker.engine.attempt import AttemptLoop
from worker.engine.run import RunEnd
from worker.files import source
from worker.journal import Counters
from worker.lane.authority import Headers
from worker.lane.credentials import Credential
from worker.lane.exchange import Exchange
from worker.lane.transport import Transport
from worker.operations import opening, runs
from worker.operations.opening import RunHandle
from worker.operations.runs import Access, Host, RunMode
from worker.pacing.limiter import Limiter
from worker.policy.pace import Pace
from worker.policy.row import InFlightRow
from worker.policy.verdict import Sent, judge
from worker.settings import Attempts, Input, Pacing, Secrets, Settings, Stopping, Target
from worker.stop import Stop

CONTENT: Final = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
FIELDS: Final = {**CONTENT, "Authorization": "Bearer x"}
HEADERS: Final = Headers(tuple(FIELDS.items()), COMMERCE_LAYER.auth.permit("x"))


APPLY: Final = RunMode("apply")
"""The mode of the steps that execute a run."""

WARM: Final = 100
"""Rows that a step handles before it is measured: imports and caches of the first use are no part of a row's cost."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step works."""

    origin: str
    folder: Path
    rows: int
    workers: int

    @property
    def settings(self) -> Settings:
        """The settings of `apply --blind --metadata replace --rate none --canary 0`."""
        how = Input(source=str(self.folder / "sheet.csv"), format="csv", metadata="replace", blind=True)
        pacing = Pacing(concurrency=self.workers, discover=False)
        return Settings(
            target=Target(url=self.origin, type=rows.TYPE), input=how, pacing=pacing, stopping=Stopping(canary=0)
        )

    def jobs(self) -> Iterator[UpdateJob]:
        """Read the rows in the form that the pool takes."""
        with source.opened(self.folder / "sheet.csv") as stream:
            for job in source.jobs(stream, self.settings.input, rows.TYPE, COMMERCE_LAYER.schema, lambda _: True):
                assert isinstance(job, UpdateJob)
                yield job


class NoReading:
    """Stands in for reading where no record is read."""

    def is_stale(self, _row: InFlightRow) -> bool:
        """Return False: nothing was read."""
        return False

    async def freshen(self, _row: InFlightRow) -> None:
        """Do nothing: nothing is read."""

    async def again(self, _row: InFlightRow) -> None:
        """Do nothing: nothing is read."""

    async def answers(self, _row: InFlightRow) -> bool:
        """Return True: the server is up."""
        return True


class NoJournal:
    """A journal that stores nothing."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.counters = Counters()
        self.backlog = 0
        self._ended = anyio.Event()

    def set_fact(self, name: str, value: str) -> None:
        """Keep the fact in memory."""
        self.facts[name] = value

    def begin(self, *_: object) -> None:
        """Do nothing."""

    def follow(self, **_: object) -> None:
        """Do nothing: no row ever becomes durable."""

    async def intend(self, *_: object) -> None:
        """Do nothing."""

    def settle(self, _: RowResult) -> None:
        """Do nothing."""

    def learn(self, name: str, value: str) -> None:
        """Keep the fact in memory."""
        self.facts[name] = value

    async def flush(self) -> None:
        """Do nothing."""

    async def commit_forever(self, *_: object) -> None:
        """Wait for `stop_committing`."""
        await self._ended.wait()

    def counts(self) -> dict[str, int]:
        """Return no counts."""
        return {}

    def doubts(self) -> Iterator[None]:
        """Yield no open attempts."""
        return iter(())

    def stop_committing(self) -> None:
        """End `commit_forever`."""
        self._ended.set()


async def _sending(place: Place, work: Callable[[Transport], Awaitable[None]]) -> None:
    async with Transport(place.origin, timeout=30, connections=place.workers) as transport:
        await asyncio.gather(*(work(transport) for _ in range(place.workers)))


async def bare(place: Place) -> None:
    """Run the yardstick in this process."""
    numbers = iter(range(place.rows))
    connector, timeout = aiohttp.TCPConnector(limit=place.workers), aiohttp.ClientTimeout(total=None)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=timeout, headers=FIELDS) as session:

        async def work() -> None:
            for number in numbers:
                url = URL(place.origin + rows.path(number), encoded=True)
                async with session.patch(url, data=rows.body(number), allow_redirects=False) as response:
                    await response.read()

        await asyncio.gather(*(work() for _ in range(place.workers)))


async def transport(place: Place) -> None:
    """Send the yardstick's bodies with our transport."""
    numbers = iter(range(place.rows))

    async def work(transport: Transport) -> None:
        for number in numbers:
            reply = await transport.send(Request("PATCH", rows.path(number), rows.body(number)), HEADERS)
            assert isinstance(reply, Reply)

    await _sending(place, work)


async def checked(place: Place) -> None:
    """Make the first pass, as `apply` does."""
    check(place.folder / "sheet.csv", place.settings.input, rows.TYPE, COMMERCE_LAYER.schema)


async def columns(place: Place) -> None:
    """Turn bytes into jobs."""
    for _ in place.jobs():
        pass


async def build(place: Place) -> None:
    """Turn bytes into requests."""
    for job in place.jobs():
        update_request(job, as_written(job), job.type)


async def built(place: Place) -> None:
    """Turn bytes into requests, and send them."""
    jobs = place.jobs()

    async def work(transport: Transport) -> None:
        for job in jobs:
            await transport.send(update_request(job, as_written(job), job.type), HEADERS)

    await _sending(place, work)


async def judged(place: Place) -> None:
    """Send requests, and check every reply against its request."""
    jobs = place.jobs()

    async def work(transport: Transport) -> None:
        for job in jobs:
            change = as_written(job)
            request = update_request(job, change, job.type)
            reply = await transport.send(request, HEADERS)
            judge(reply, meaning_of(request, reply), Sent(job, change, COMMERCE_LAYER.resource(job.type), 4, 4))

    await _sending(place, work)


async def attempts(place: Place) -> None:
    """Add the attempt loop with its limiter, without a journal."""
    jobs, stop, clock = place.jobs(), Stop(), Clock().bound()
    limiter = Limiter(Pace(max_in_flight=place.workers, discover=False), clock, stop)
    nothing: Any = NoJournal()

    async def work(transport: Transport) -> None:
        patience, credential = Attempts().retrying, Credential(("x",), None, clock, COMMERCE_LAYER.auth)
        exchange = Exchange(transport, limiter, credential, meaning_of, patience, clock, stop, CONTENT)
        loop = AttemptLoop(COMMERCE_LAYER, exchange, nothing, NoReading())
        for job in jobs:
            row = InFlightRow(job, job.type)
            row.take(as_written(job))
            await loop.run(row)

    await _sending(place, work)


async def pool(place: Place) -> None:
    """Add the pool with its queue and the order of ids, guards and progress; without a journal."""
    nothing: Any = NoJournal()
    with _begun(place) as handle:
        await _executed(replace(handle, journal=nothing), place)


async def journal(place: Place) -> None:
    """Add the journal: make intents and results durable."""
    with _begun(place) as handle:
        await _executed(handle, place)


async def whole(place: Place) -> None:
    """Add the reports: everything but the start of the program."""
    with _begun(place) as handle:
        end = await _executed(handle, place)
        runs.finish(handle, APPLY, end, Clock())


def _begun(place: Place) -> AbstractContextManager[RunHandle]:
    return opening.begun(place.folder / "run", place.settings, lambda _: None)


async def _executed(handle: RunHandle, place: Place) -> RunEnd:
    access, host = Access(Secrets(token=SecretStr("x"))), Host(place.folder / "state")
    runs.register(handle, APPLY, access, host.clock)
    end = await runs.run_of(handle, APPLY, access, host).execute()
    assert end.state == "finished", end
    return end


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `on` names the step it adds to, empty for a step of its own."""

    title: str
    run: Callable[[Place], Awaitable[None]]
    on: str = ""


STEPS: Final = {
    "bare": Step("the yardstick: a bare tuned aiohttp loop", bare),
    "checked": Step("the check of the whole input, before anything is sent", checked),
    "columns": Step("read rows, cells to jobs", columns),
    "build": Step("jobs to requests", build, "columns"),
    "transport": Step("our transport alone, ready bodies", transport, "bare"),
    "built": Step("transport + rows read and built", built, "transport"),
    "judged": Step("+ replies checked against what was sent", judged, "built"),
    "attempts": Step("+ attempt loop and gate", attempts, "judged"),
    "pool": Step("+ pool, order of ids, guards, progress", pool, "attempts"),
    "journal": Step("+ journal: intents, images, results durable", journal, "pool"),
    "whole": Step("+ reports", whole, "journal"),
}


def _measured(name: str, options: argparse.Namespace, origin: str) -> float:
    """Measure one step in a process of its own; return microseconds of CPU per row."""
    with tempfile.TemporaryDirectory() as folder:
        rows.write_sheet(Path(folder) / "sheet.csv", options.rows)
        command = [sys.executable, "-m", "benchmarks.ladder", "--step", name, "--origin", origin, "--folder", folder]
        command += ["--rows", str(options.rows), "--workers", str(options.workers)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout)


def _step(options: argparse.Namespace) -> None:
    folder = Path(options.folder)
    place = Place(options.origin, folder, options.rows, options.workers)
    place.settings.recorded()
    collect_seldom()  # as the program does
    warm = folder / "warm"
    warm.mkdir()
    rows.write_sheet(warm / "sheet.csv", WARM)
    step = STEPS[options.step].run
    asyncio.run(step(Place(options.origin, warm, WARM, options.workers)))  # type: ignore[arg-type]  # a coroutine
    began = time.process_time()
    asyncio.run(step(place))  # type: ignore[arg-type]  # a coroutine
    print((time.process_time() - began) / options.rows * 1e6)


def main() -> None:
    """Measure all steps, in turn, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--only", nargs="+", choices=STEPS, default=[], metavar="STEP")
    for hidden in ("--step", "--origin", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _step(options)
        return
    facts = machine.facts()
    figures: dict[str, list[float]] = {name: [] for name in options.only or STEPS}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), tls=False) as server:
        for _ in range(options.repeat):
            for name, found in figures.items():
                found.append(_measured(name, options, server.origin))
                print(f"  {name}: {found[-1]:.1f}", file=sys.stderr, flush=True)
    middle = {name: median(each) for name, each in figures.items()}
    if options.only:
        print("\n".join(f"{name}: {min(each):.1f} at least, {middle[name]:.1f}" for name, each in figures.items()))
        return
    steps = [
        [step.title, middle[name] - middle.get(step.on, 0.0), middle[name], middle[name] / middle["bare"]]
        for name, step in STEPS.items()
    ]
    results.keep("ladder", {"machine": facts, "rows": options.rows, "steps": steps, "raw": figures})


if __name__ == "__main__":
    main()
