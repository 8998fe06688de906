"""Lets a scenario happen: the real program against the real sandbox, process after process, in virtual time."""

import asyncio
import csv
import json
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final, Protocol

from tests.system.crash.trial import OPEN_INTENTS
from tests.system.scenarios.harness import EPOCH, Case, begun, secrets_of, settings_of
from tests.system.simulation.evidence import Attempt, Evidence, Record, Reports, Told, record_of
from tests.system.simulation.network import CLIENT, Client, Network, Weather
from tests.system.simulation.scenario import Act, Deed, Life, Point, Scenario
from worker.cli.executing import execute_with_signals
from worker.clock import Clock
from worker.engine.run import RunEnd
from worker.files.run_directory import JOURNAL
from worker.journal import History, JournalError
from worker.operations import opening, retry, runs
from worker.operations.opening import RunHandle
from worker.operations.runs import Access, Host, RunMode
from worker.sandbox import LOCK_KEY, Sandbox, serve
from worker.settings import Secrets, Settings

MOST: Final = 8
"""Processes after the planned ones: a run that has not finished by then is judged as it is."""

PATIENCE: Final = 600.0
"""Seconds until a run is resumed that stopped by itself."""

SHELF: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where runs are kept: in memory, since nothing here is about power loss of the machine that simulates."""

_POINTS: Final = {"PATCH": Point.PATCH, "GET": Point.GET, "reply": Point.REPLY}


def happen(plan: Scenario) -> Evidence:
    """Let it happen, and collect what is left of it."""
    with tempfile.TemporaryDirectory(dir=SHELF) as folder, asyncio.Runner(loop_factory=Network) as runner:
        return runner.run(_scene(plan, Path(folder)))


async def _scene(plan: Scenario, folder: Path) -> Evidence:
    async with serve(replace(plan.world, epoch=EPOCH)) as sandbox:
        _furnish(plan, sandbox)
        before = _records(sandbox)
        network = asyncio.get_running_loop()
        assert isinstance(network, Network)
        tale = Tale(plan, Playhouse(plan, sandbox), network, folder)
        ended = await tale.tell()
        await sandbox.settled()  # the end of time: what will take effect has
        network.set_exception_handler(lambda *_: None)  # what the server's tasks say of its end is not the program's
        return _evidence(tale, sandbox, ended, before)


class Plot(Protocol):
    """What is planned of a story, whatever API it is about."""

    @property
    def seed(self) -> int:
        """Of all its dice."""

    @property
    def case(self) -> Case:
        """The sheet, and how it is applied."""

    @property
    def lives(self) -> Sequence[Life]:
        """What befalls the first processes."""

    @property
    def retries(self) -> Sequence[bool]:
        """Whether each retry consents to send again what may have been applied."""

    @property
    def disk(self) -> float:
        """Seconds that a commit takes at most."""


class Stage(Protocol):
    """The server that a story is about, as those see it who interfere."""

    @property
    def url(self) -> str:
        """Its address."""

    def secrets(self) -> Secrets:
        """Return the credential for the next process."""

    def fail(self, seconds: float) -> None:
        """Answer nothing but errors for so long."""

    def revoke(self) -> None:
        """Take the credential back that is in use."""

    def unlock(self) -> None:
        """Let records be updated that could not be."""


@dataclass(frozen=True, slots=True)
class Playhouse:
    """The sandbox as a stage."""

    plan: Scenario
    sandbox: Sandbox

    @property
    def url(self) -> str:
        """Its address."""
        return self.sandbox.url

    def secrets(self) -> Secrets:
        """Return the credential for the next process."""
        return secrets_of(self.sandbox, renewable=self.plan.renewable)

    def fail(self, seconds: float) -> None:
        """Answer nothing but errors for so long."""
        luck = self.sandbox._api.luck
        luck._faults = 1.0
        asyncio.get_running_loop().call_later(seconds, setattr, luck, "_faults", self.plan.world.faults)

    def revoke(self) -> None:
        """Take the credential back that is in use."""
        self.sandbox.revoke_token()

    def unlock(self) -> None:
        """Let records be updated that could not be."""
        _lock(self.sandbox, self.plan, locked=False)


@dataclass(slots=True)
class Tale:
    """A scenario on its way. Every process has a directory of its own: a kill leaves a copy, and the old one is gone.

    Attributes:
        story: what happened so far.
    """

    plan: Plot
    stage: Stage
    network: Network
    folder: Path
    story: list[str] = field(default_factory=list)
    opened: list[frozenset[tuple[int, int]]] = field(default_factory=list)
    consents: Counter[int] = field(default_factory=Counter)
    number: int = 0
    shift: float = 0.0
    _known: set[tuple[int, int]] = field(default_factory=set)
    _retries: int = 0

    @property
    def home(self) -> Path:
        """Directory of the present process: its run, and the user's state directory."""
        return self.folder / str(self.number)

    def say(self, line: str) -> None:
        self.story.append(f"{self.network.time():10.3f} {line}")

    async def tell(self) -> RunEnd:
        """Run processes until the run has finished and nobody wants a retry."""
        command = "apply"
        while True:
            life = self.plan.lives[self.number] if self.number < len(self.plan.lives) else Life()
            ended = await self.process(life).live(command)
            self.number += 1
            finished = ended is not None and ended.state == "finished"
            if finished and self._retries == len(self.plan.retries):
                assert ended is not None
                return ended
            if ended is not None:
                if self.number >= len(self.plan.lives) + MOST:
                    return ended
                (self.folder / str(self.number - 1)).rename(self.home)
            command = "retry" if finished else "resume"
            await self._meanwhile(life, command, stopped=ended is not None and not finished)

    async def _meanwhile(self, life: Life, command: str, *, stopped: bool) -> None:
        """What happens between two processes."""
        self.shift += life.shift
        await asyncio.sleep(life.pause + (PATIENCE if stopped else 0.0))
        if command == "retry":
            self._retries += 1
            self.stage.unlock()

    def process(self, life: Life) -> "Process":
        """Return the next process."""
        return Process(self, life)

    def resends(self, command: str) -> bool:
        """Whether the user consents to send again what may have been applied."""
        return command == "retry" and self.plan.retries[self._retries - 1]

    def note_opened(self, history: History) -> None:
        """Take note of the attempts that the last process left open."""
        found = {(int(row), int(n)) for row, n in history._select(OPEN_INTENTS)}
        if new := frozenset(found - self._known):
            self.opened.append(new)
            self.say(f"left open: {sorted(new)}")
        self._known |= found


@dataclass(slots=True)
class Process:
    """One process of the program, and what befalls it."""

    tale: Tale
    life: Life
    client: Client = field(init=False)
    _counts: Counter[Point] = field(default_factory=Counter)
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)
    _task: "asyncio.Task[RunEnd] | None" = None

    def __post_init__(self) -> None:
        self.client = Client(self.tale.number)

    async def live(self, command: str) -> RunEnd | None:
        """Run the program until it ends; None when it was killed."""
        network, tale = self.tale.network, self.tale
        network.on_event = self._event
        context = copy_context()
        context.run(CLIENT.set, self.client)
        tale.say(f"process {tale.number}: {command}")
        self._task = network.create_task(self._work(command), context=context)
        for act in self.life.acts:
            if act.point is Point.SECONDS:
                self._timers.append(network.call_later(act.n, self._strike, act))
        await asyncio.wait({self._task})
        for timer in self._timers:
            timer.cancel()
        if self.client.dead:
            with suppress(BaseException):  # whatever a dead process still thinks
                self._task.result()
            return None
        ended = self._task.result()
        tale.say(f"ended: {ended.state} {ended.exit_status} {ended.message}".replace(tale.stage.url, "URL"))
        return ended

    async def _work(self, command: str) -> RunEnd:
        """What `rowpatch apply`, `resume` and `retry` do, but for their words on the terminal."""
        tale = self.tale
        clock = Clock(
            wall=lambda: EPOCH + tale.network.time() + tale.shift,
            sample=Random(f"jitter:{tale.plan.seed}:{tale.number}").random,
        )
        with self._held(command) as handle:
            access = await self._access(handle, clock)
            tale.note_opened(handle.journal)
            mode = self._mode(command, handle)
            runs.register(handle, mode, access, clock)
            host = Host(tale.home / "state", clock, commit=self._commit)
            ended = runs.without_token(access)
            if not access.lost:
                ended = await execute_with_signals(runs.run_of(handle, mode, access, host))
            self._tick(Point.WORKED)
            if self.client.dead:
                return ended
            runs.record_end(handle, ended, clock)
            self._tick(Point.RECORDED)
            return ended if self.client.dead else runs.write_reports(handle, mode, ended)

    async def _access(self, handle: RunHandle, clock: Clock) -> Access:
        """Return the credential that the process begins with."""
        return Access(self.tale.stage.secrets())

    def _held(self, command: str) -> AbstractContextManager[RunHandle]:
        tale = self.tale
        place, consent = tale.home / "run", tale.resends(command)

        def adjust(settings: Settings) -> Settings:
            how = settings.input.model_copy(update={"resend_unknown": consent})
            return settings.model_copy(update={"input": how})

        if command == "apply":
            return begun(tale.plan.case, place, settings_of(tale.plan.case, tale.stage.url))
        return opening.opened_to_resume(place, adjust)

    def _mode(self, command: str, handle: RunHandle) -> RunMode:
        """What the process is to do; rows that the user lets it send twice are noted."""
        mode = RunMode(command, resumed=command != "apply")
        if command == "retry":
            mode = retry.prepare(handle).mode
        journal, consents = handle.journal, self.tale.consents
        if self.tale.resends(command):
            consents.update({*mode.redo, *(doubt.row for doubt in journal.doubts())})
        elif mode.redo:  # what the API applied but for a tag may be sent again: that was no doubt
            partly = {each.ref.row for each in journal.results() if each.reason == "tags_discarded"}
            consents.update(partly.intersection(mode.redo))
        return mode

    async def _commit(self, write: Callable[[], None]) -> None:
        """A commit on a disk that takes its time."""
        dice = Random(f"disk:{self.tale.plan.seed}:{self.tale.number}:{self._counts[Point.COMMITTING]}")
        self._tick(Point.COMMITTING)
        if self.tale.plan.disk:
            await asyncio.sleep(self.tale.plan.disk * dice.random())
        if self.client.dead:
            raise JournalError("killed")
        write()
        self._tick(Point.COMMITTED)
        if self.tale.plan.disk:
            await asyncio.sleep(self.tale.plan.disk * dice.random())

    def _event(self, name: str) -> None:
        if name in _POINTS:
            self._tick(_POINTS[name])

    def _tick(self, point: Point) -> None:
        self._counts[point] += 1
        for act in self.life.acts:
            if act.point is point and act.n == self._counts[point]:
                self._strike(act)

    def _strike(self, act: Act) -> None:
        if self.client.dead:
            return
        self.tale.say(f"{act.deed} ({act.n:g} {act.point})")
        network = self.tale.network
        match act.deed:
            case Deed.KILL | Deed.VANISH:
                self._kill(silently=act.deed is Deed.VANISH)
            case Deed.STOP:
                self._signal()
            case Deed.ABANDON:
                self._signal()
                self._timers.append(network.call_later(min(act.duration, 1.0), self._signal))
            case Deed.WEATHER:
                self.tale.say(f"the network {act.weather} for {act.duration:.3f} s")
                network.turn(act.weather)
                network.call_later(act.duration, network.turn, Weather.FAIR)
            case Deed.ERRORS:
                self.tale.stage.fail(act.duration)
            case Deed.REVOKE:
                self.tale.stage.revoke()

    def _kill(self, *, silently: bool) -> None:
        """Leave the directory as it lies on disk this very moment, and take everything else away."""
        shutil.copytree(self.tale.home, self.tale.folder / str(self.tale.number + 1))
        self.tale.network.kill(self.client, silently=silently)
        assert self._task is not None
        self._task.cancel()

    def _signal(self) -> None:
        """SIGINT, at the instant that the story wants; a process that does not listen yet, or any more, is spared."""
        if not self.client.dead and signal.SIGINT in self.tale.network._signal_handlers:  # type: ignore[attr-defined]
            self.tale.network._handle_signal(signal.SIGINT)  # type: ignore[attr-defined]


def _furnish(plan: Scenario, sandbox: Sandbox) -> None:
    """Give records what the sheet says they hold already, and lock some."""
    for records in sandbox.resources.values():
        for key, record in records.items():
            if key in plan.sheet.held:
                records[key] = replace(record, attributes={**record.attributes, "reference": plan.sheet.held[key]})
    _lock(sandbox, plan, locked=True)


def _lock(sandbox: Sandbox, plan: Scenario, *, locked: bool) -> None:
    for records in sandbox.resources.values():
        for key in plan.locked & records.keys():
            metadata = records[key].attributes["metadata"]
            assert isinstance(metadata, Mapping)
            changed = {**records[key].attributes, "metadata": {**metadata, LOCK_KEY: locked}}
            records[key] = replace(records[key], attributes=changed)


def _records(sandbox: Sandbox) -> dict[str, Record]:
    tags = {key: str(tag.attributes["name"]) for key, tag in sandbox.resources["tags"].items()}
    return {
        key: record_of(record, tags)
        for type_name, records in sandbox.resources.items()
        if type_name != "tags"
        for key, record in records.items()
    }


def _evidence(tale: Tale, sandbox: Sandbox, ended: RunEnd, before: Mapping[str, Record]) -> Evidence:
    place = (tale.folder / str(tale.number if tale.home.exists() else tale.number - 1)) / "run"
    with closing(History(place / JOURNAL)) as history:
        tale.note_opened(history)
        attempts = [Attempt(*row) for row in history._select("SELECT row, n, process, outcome FROM attempt")]
    names = sorted(path.name for path in place.iterdir() if path.name.startswith(("results.", "failed.", "summary.")))
    origin = tale.stage.url.removeprefix("http://").encode()
    return Evidence(
        reports=read_reports(place),
        attempts=attempts,
        ledger=list(sandbox.ledger),
        flights=list(tale.network.flights),
        before=before,
        after=_records(sandbox),
        ended=(ended.state, ended.exit_status),
        opened=tale.opened,
        consents=tale.consents,
        story=tale.story,
        raw={name: (place / name).read_bytes().replace(origin, b"ORIGIN") for name in names},
    )


def read_reports(place: Path, *, ids: bool = True) -> Reports:
    """The reports in a run directory; `ids`: the sheet names its records in a column `id`."""
    with (place / "results.csv").open(encoding="utf-8-sig", newline="") as stream:
        sheet = [
            Told(int(row["__row"]), row["id"] if ids else "", row["__status"], row["__reason"], int(row["__attempts"]))
            for row in csv.DictReader(stream)
        ]
    lines = [json.loads(line) for line in (place / "results.ndjson").read_text(encoding="utf-8").splitlines()]
    told = [
        Told(line["row"], (line["id"] or "") if ids else "", line["status"], line["reason"], line["attempts"])
        for line in lines
    ]
    summary = json.loads((place / "summary.json").read_text(encoding="utf-8"))
    counts = {status: count for status, count in summary["counts"].items() if count}
    return Reports(
        sheet, told, _failed(place), counts, summary["requests"]["patch"], summary["state"], summary["exit_status"]
    )


def _failed(place: Path) -> list[int]:
    """The rows of `failed.csv` or `failed.ndjson`."""
    if (place / "failed.csv").exists():
        with (place / "failed.csv").open(encoding="utf-8-sig", newline="") as stream:
            return [int(row["__row"]) for row in csv.DictReader(stream)]
    return [json.loads(line)["__row"] for line in (place / "failed.ndjson").read_text(encoding="utf-8").splitlines()]
