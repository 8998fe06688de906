"""Lets a story about a described API happen: the real program, process after process, in virtual time."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jobs.apis.registry import build
from tests.system.scenarios.harness import begun, settings_of
from tests.system.simulation.described.scenario import Scenario
from tests.system.simulation.described.server import Entry, Key, Landing, State
from tests.system.simulation.described.stage import Server, serving
from tests.system.simulation.described.world import World, description
from tests.system.simulation.evidence import Attempt, Reports, Told
from tests.system.simulation.network import Flight, Network
from tests.system.simulation.run import SHELF, Process, Tale, read_reports
from tests.system.simulation.scenario import Life
from worker.clock import Clock
from worker.engine.run import RunEnd
from worker.files.run_directory import JOURNAL
from worker.journal import History
from worker.operations import runs, undo
from worker.operations.opening import RunHandle
from worker.operations.runs import Access, Host, RunMode
from worker.settings import ConfigError

_OPEN = "SELECT row, n FROM attempt WHERE outcome IS NULL ORDER BY process DESC, at DESC"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a story leaves for the judge.

    Attributes:
        senders: row and attempt of each flight of the run itself, None where no intent of its record was open.
        ledger, landings, past: all that the server saw, stored, and showed.
        entries: how many requests the run itself made; those after it are of the second run and the undo.
        after: what records hold when the run ends; `again` after the second, `undone` after the undo.
        told_again, told_undone: what became of the rows of the second run, and of those of the undo; None for no such.
    """

    reports: Reports
    attempts: Sequence[Attempt]
    senders: Sequence[tuple[int, int] | None]
    flights: Sequence[Flight]
    ledger: Sequence[Entry]
    landings: Sequence[Landing]
    past: Mapping[Key, Sequence[tuple[float, State]]]
    entries: int
    after: Mapping[Key, Mapping[str, Any]]
    ended: tuple[str, int]
    opened: Sequence[frozenset[tuple[int, int]]]
    consents: Mapping[int, int]
    story: Sequence[str]
    told_again: Sequence[Told] | None = None
    again: Mapping[Key, Mapping[str, Any]] | None = None
    entries_again: int = 0
    told_undone: Sequence[Told] | None = None
    undone: Mapping[Key, Mapping[str, Any]] | None = None
    raw: Mapping[str, bytes] = field(default_factory=dict)


def key_of(world: World, target: str) -> Key:
    """Return the record that an update is about."""
    parts = [unquote(step) for step in target.partition("?")[0].removeprefix("/edit").split("/")[1:]]
    return (parts[1], parts[3]) if "space" in world.key else (parts[1],)


def happen(plan: Scenario) -> Evidence:
    """Let it happen, and collect what is left of it."""
    with tempfile.TemporaryDirectory(dir=SHELF) as folder, asyncio.Runner(loop_factory=Network) as runner:
        return runner.run(_scene(plan, Path(folder)))


async def _scene(plan: Scenario, folder: Path) -> Evidence:
    network = asyncio.get_running_loop()
    assert isinstance(network, Network)
    world = plan.world

    def is_update(method: str, target: str) -> bool:
        path = target.partition("?")[0]
        return method == world.method and path != "/token" and not path.endswith("/batch")

    network.is_update = is_update
    async with serving(plan, network) as server:
        case = replace(plan.case, api=build(description(world, server.url), {}))
        tale = DescribedTale(replace(plan, case=case), server, network, folder)
        evidence = await _told(tale, server, await tale.tell())
        network.set_exception_handler(lambda *_: None)
        return evidence


async def _told(tale: "DescribedTale", server: Server, ended: RunEnd) -> Evidence:
    """Return the evidence of a run, and of what is done once it is over."""
    await asyncio.sleep(60)  # what is to land has landed
    place = tale.folder / str(tale.number if tale.home.exists() else tale.number - 1)
    evidence = _evidence(tale, server, ended, place / "run")
    return await _epilogue(tale, server, evidence, place) if ended.state == "finished" else evidence


def _evidence(tale: "DescribedTale", server: Server, ended: RunEnd, place: Path) -> Evidence:
    """Return what the run itself leaves."""
    api = server.api
    api.land(tale.network.time())
    api.is_calm = True
    with closing(History(place / JOURNAL)) as history:
        tale.note_opened(history)
        attempts = [Attempt(*row) for row in history._select("SELECT row, n, process, outcome FROM attempt")]
    names = sorted(path.name for path in place.iterdir() if path.name.startswith(("results.", "failed.", "summary.")))
    origin = tale.stage.url.removeprefix("http://").encode()
    return Evidence(
        reports=read_reports(place, ids=False),
        attempts=attempts,
        senders=tale.senders,
        flights=tale.network.flights,
        ledger=api.ledger,
        landings=api.landings,
        past=api.past,
        entries=len(api.ledger),
        after=_values(server),
        ended=(ended.state, ended.exit_status),
        opened=tale.opened,
        consents=tale.consents,
        story=tale.story,
        raw={name: (place / name).read_bytes().replace(origin, b"ORIGIN") for name in names},
    )


async def _epilogue(tale: "DescribedTale", server: Server, evidence: Evidence, home: Path) -> Evidence:
    """Apply the sheet once more, and undo the run, in a world where all is well."""
    server.unlock()
    plan = tale.plan
    assert isinstance(plan, Scenario)
    if any(life.shift for life in plan.lives):
        await asyncio.sleep(12_000)  # what is remembered by a clock that was set back has passed
    tale.move(home)
    if plan.again:
        await tale.process(Life()).live("again")
        told = read_reports(tale.home / "again", ids=False).csv
        evidence = replace(evidence, told_again=told, again=_values(server), entries_again=len(server.api.ledger))
    tale.number += 1  # each process has dice of its own
    tale.move(tale.folder / str(tale.number - 1))
    if plan.undone and plan.world.readable:
        with suppress(ConfigError, undo.NothingToUndo):  # nothing that a read shows was written
            await tale.process(Life()).live("undo")
            told = read_reports(tale.home / "undo", ids=False).csv
            evidence = replace(evidence, told_undone=told, undone=_values(server))
    return evidence


def _values(server: Server) -> dict[Key, Mapping[str, Any]]:
    return {key: state.values for key, state in server.api.records.items()}


@dataclass(slots=True)
class DescribedTale(Tale):
    """A story of a described API; it knows which row each update on the wire is from."""

    senders: list[tuple[int, int] | None] = field(default_factory=list)

    def move(self, home: Path) -> None:
        """Make a directory that of the present process."""
        if home != self.home:
            home.rename(self.home)

    def process(self, life: Life) -> Process:
        """Return the next process."""
        return DescribedProcess(self, life)


@dataclass(slots=True)
class DescribedProcess(Process):
    """A process on a run of a described API."""

    _command: str = ""

    async def _access(self, handle: RunHandle, clock: Clock) -> Access:
        secrets = self.tale.stage.secrets()
        at_hand = runs.token_at_hand(handle.api, handle.settings, secrets)
        host = Host(self.tale.home / "state", clock)
        return at_hand or await runs.first_token(handle.api, handle.settings, secrets, host)

    def _held(self, command: str) -> AbstractContextManager[RunHandle]:
        self._command = command
        tale = self.tale
        if command == "again":
            return begun(tale.plan.case, tale.home / "again", settings_of(tale.plan.case, tale.stage.url))
        if command == "undo":
            return undo.begun(tale.home / "run", tale.home / "undo")
        return Process._held(self, command)

    def _mode(self, command: str, handle: RunHandle) -> RunMode:
        if command == "again":
            return RunMode("apply")
        return RunMode("undo", plan="keep") if command == "undo" else Process._mode(self, command, handle)

    def _event(self, name: str) -> None:
        if name == "PATCH" and self._command not in {"again", "undo"}:
            assert isinstance(self.tale, DescribedTale)
            self.tale.senders.append(self._sender(self.tale.network.flights[-1]))
        Process._event(self, name)

    def _sender(self, flight: Flight) -> tuple[int, int] | None:
        """Return the row that an update is from: the one of its record with an open intent."""
        plan = self.tale.plan
        assert isinstance(plan, Scenario)
        assert isinstance(self.tale, DescribedTale)
        key = key_of(plan.world, flight.target)
        path = self.tale.home / "run" / JOURNAL
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as journal:
            found = [(int(row), int(n)) for row, n in journal.execute(_OPEN)]
        used = self.tale.senders  # an intent is for one request
        return next((each for each in found if plan.sheet.rows[each[0] - 1].key == key and each not in used), None)
