"""A whole run in virtual time: the real `Run`, over real sockets, against the sandbox or a scripted server."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import SecretStr

from jobs.apis.api import Api
from jobs.model import RowResult, Status
from tests.commerce_layer import COMMERCE_LAYER
from tests.virtual_time import run
from worker.clock import Clock
from worker.engine.progress import Watch
from worker.engine.run import RunEnd
from worker.journal import inline
from worker.operations import opening, runs
from worker.operations.opening import RunHandle
from worker.operations.runs import Access, Host, RunMode
from worker.reports import Summary
from worker.sandbox import Entry, Resource, Sandbox, SandboxSettings, seeded_id, serve
from worker.settings import Attempts, Input, Pacing, Secrets, Settings, Stopping, Target

EPOCH = 1_750_000_000.0
"""Wall-clock seconds at virtual time 0."""


@dataclass(frozen=True, slots=True)
class Case:
    """A sheet and how it is applied. `seed` makes the dice of the run, `name` its directory.

    Blind unless it says otherwise, without canaries: most scenarios are about the PATCHes alone.
    """

    sheet: str
    type: str = "stripe_payments"
    pacing: Pacing = field(default_factory=Pacing)
    attempts: Attempts = field(default_factory=Attempts)
    stopping: Stopping = field(default_factory=lambda: Stopping(canary=0))
    blind: bool = True
    metadata: Literal["merge", "replace"] = "replace"
    allow_triggers: tuple[str, ...] = ()
    seed: int = 1
    name: str = "run"
    form: Literal["csv", "ndjson"] = "csv"
    api: Api = COMMERCE_LAYER


@dataclass(frozen=True, slots=True)
class Story:
    """What a run said, and what the sandbox saw."""

    ended: RunEnd
    summary: Summary
    results: Sequence[RowResult]
    ledger: Sequence[Entry] = ()
    resources: Mapping[str, Mapping[str, Resource]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[Status, int]:
        return {status: count for status, count in self.summary.counts.items() if count}

    @property
    def patches(self) -> list[Entry]:
        return [entry for entry in self.ledger if entry.method == "PATCH"]

    @property
    def refusals(self) -> list[Entry]:
        return [entry for entry in self.ledger if entry.status == 429]


def sheet(rows: Iterable[Mapping[str, str]]) -> str:
    """CSV text; the first row's keys are the header."""
    listed = list(rows)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, listed[0])
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def references(count: int, type_name: str = "stripe_payments") -> str:
    """A sheet with a new reference for each of the first `count` seeded records."""
    return sheet({"id": seeded_id(type_name, index), "reference": f"R-{index + 1}"} for index in range(count))


def settings_of(case: Case, url: str) -> Settings:
    """The settings that the command line would make of it."""
    how = Input(
        source=f"sheet.{case.form}",
        format=case.form,
        metadata=case.metadata,
        blind=case.blind,
        allow_triggers=case.allow_triggers,
    )
    target = Target(url=url, type=case.type)
    return Settings(target=target, input=how, pacing=case.pacing, attempts=case.attempts, stopping=case.stopping)


def begun(case: Case, place: Path, settings: Settings) -> AbstractContextManager[RunHandle]:
    """Hold a new run of the case's sheet, as `rowpatch apply` does."""
    return opening.begun(place, settings, lambda _: None, io.BytesIO(case.sheet.encode()), api=case.api)


def clock_of(seed: int, shift: float = 0.0) -> Clock:
    """The clock of a process: virtual time, and dice of its own."""
    return Clock(wall=lambda: EPOCH + shift + asyncio.get_running_loop().time(), sample=Random(seed).random)


async def execute(handle: RunHandle, mode: RunMode, secrets: Secrets, host: Host) -> Story:
    """Work until the run ends, write the reports."""
    access = Access(secrets)
    runs.register(handle, mode, access, host.clock)
    ended = runs.finish(handle, mode, await runs.run_of(handle, mode, access, host).execute(), host.clock)
    assert ended.summary is not None, ended
    return Story(ended, ended.summary, list(handle.journal.results()))


async def work(case: Case, directory: Path, url: str, secrets: Secrets, watch: Watch | None = None) -> Story:
    """Make a run directory, work until the run ends, write the reports."""
    host = Host(directory / "state", clock_of(case.seed), watch=watch, commit=inline)
    with begun(case, directory / case.name, settings_of(case, url)) as handle:
        return await execute(handle, RunMode("apply"), secrets, host)


Meanwhile = Callable[[Sandbox], Awaitable[None]]


async def _nothing(_: Sandbox) -> None:
    """The sandbox is left alone."""


def play(
    case: Case,
    directory: Path,
    world: SandboxSettings,
    *,
    renewable: bool = False,
    meanwhile: Meanwhile = _nothing,
    watch: Watch | None = None,
) -> Story:
    """Apply a sheet to a sandbox in virtual time; `renewable` brings client credentials besides the token."""

    async def scene() -> Story:
        async with serve(replace(world, epoch=EPOCH)) as sandbox, asyncio.TaskGroup() as beside:
            task = beside.create_task(_alongside(meanwhile, sandbox))
            story = await work(case, directory, sandbox.url, secrets_of(sandbox, renewable=renewable), watch)
            task.cancel()
            return replace(story, ledger=sandbox.ledger, resources=sandbox.resources)

    return run(scene())


async def _alongside(meanwhile: Meanwhile, sandbox: Sandbox) -> None:
    await meanwhile(sandbox)


def secrets_of(sandbox: Sandbox, *, renewable: bool = False) -> Secrets:
    """The sandbox's token; with `renewable` also its client id and secret."""
    token = SecretStr(sandbox.token)
    if not renewable:
        return Secrets(token=token)
    client_id, client_secret = SecretStr(sandbox.client_id), SecretStr(sandbox.client_secret)
    return Secrets(token=token, client_id=client_id, client_secret=client_secret, auth_url=sandbox.url)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a scripted server: loop times of its arrival and of its answer, and the record it is about."""

    came: float
    left: float
    id: str
    type: str
    status: int


@dataclass(frozen=True, slots=True)
class Said:
    """A scripted answer: a status and a JSON document, None for the confirmation of the very record."""

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[float, Mapping[str, Any]], Said]
"""What to answer at a loop time to the `data` of a PATCH."""


def rehearse(case: Case, directory: Path, script: Script, *, latency: float = 0.02) -> tuple[Story, list[Visit]]:
    """Apply a sheet to a server that answers by the script, in virtual time."""
    visits: list[Visit] = []

    async def scene() -> Story:
        async with _scripted(script, latency, visits) as url:
            return await work(case, directory, url, Secrets(token=SecretStr("made-up")))

    return run(scene()), visits


@asynccontextmanager
async def _scripted(script: Script, latency: float, visits: list[Visit]) -> AsyncIterator[str]:
    now = asyncio.get_running_loop().time

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await _patch(reader):
            came = now()
            await asyncio.sleep(latency)
            said = script(now(), data)
            visits.append(Visit(came, now(), data["id"], data["type"], said.status))
            writer.write(_wire(said, data))
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.sleep(1)  # for the connections to end


async def _patch(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The `data` of the next PATCH, None when the client is gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        data: dict[str, Any] = json.loads(await reader.readexactly(int(length)))["data"]
    except asyncio.IncompleteReadError:
        return None
    return data


def _wire(said: Said, data: Mapping[str, Any]) -> bytes:
    document = {"data": data} if said.document is None else said.document  # an echo of all that was sent
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/vnd.api+json", "Content-Length": len(body), **said.headers}
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {said.status} Said\r\n{''.join(lines)}\r\n".encode() + body
