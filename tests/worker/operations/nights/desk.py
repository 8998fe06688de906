"""A job with a sandbox of its own, and a calendar that the test turns: nights, as a timer would start them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import anyio
from pydantic import SecretStr

from tests.worker.reconcile.kit import QUICK
from worker.clock import Clock
from worker.engine.run import Run, RunEnd
from worker.events import Event
from worker.exit_statuses import INTERRUPTED
from worker.notices.report import NightReport
from worker.operations import undo
from worker.operations.prepared import Held, prepared
from worker.operations.reconcile import Asked, reconcile
from worker.operations.runs import Host, RunMode
from worker.reconcile import Memory
from worker.sandbox import Sandbox, SandboxSettings, seeded_id, serve
from worker.settings import Secrets

__all__ = ["QUICK", "TYPE", "Desk", "desk"]

TYPE: Final = "stripe_payments"
EVENING: Final = datetime(2026, 12, 1, 1, 30)  # noqa: DTZ001  # local, as the calendar of nights

RECIPE: Final = f"""\
source = "exports/art_*.csv"
type = "{TYPE}"
[columns]
id = "SHOP_ID"
reference = "REF"
"metadata.note" = "NOTE"
"""

Cells = Iterable[tuple[int | str, ...]]


@dataclass(slots=True)
class Desk:
    """A recipe with its exports, and the shop that it is about.

    Attributes:
        day: nights since the first.
        heard: events of all nights.
    """

    folder: Path
    sandbox: Sandbox
    day: int = 0
    heard: list[Event] = field(default_factory=list)
    also: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    @property
    def recipe(self) -> Path:
        return self.folder / "prices.toml"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def ordered(self, more: str = "", recipe: str = RECIPE) -> None:
        """Write the recipe, with further tables at its end."""
        self.folder.mkdir(exist_ok=True)
        self.recipe.write_text(recipe + more)

    def export(self, rows: Cells, header: str = "SHOP_ID,REF,NOTE") -> Path:
        """Write tonight's export; a number in the first cell is that of a seeded record."""
        lines = [header]
        for first, *cells in rows:
            lines.append(",".join([record(first), *map(str, cells)]))
        folder = self.folder / "exports"
        folder.mkdir(exist_ok=True)
        path = folder / f"art_{self.day:03}.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    def of(self, count: int, mark: str = "a", but: Mapping[int, str] | None = None) -> list[tuple[int, str, str]]:
        """Rows of the first records; the reference of some may be another."""
        return [(n, (but or {}).get(n, f"{mark}-{n}"), f"n{n}") for n in range(count)]

    def at(self, days: int, hours: float) -> float:
        """Return the time `days` and `hours` after the start of the last night, in seconds since the epoch."""
        return (EVENING + timedelta(days=self.day + days, hours=hours)).timestamp()

    async def night(self, *, days: int = 1, hours: float = 0.0, **asked: Any) -> NightReport:
        """Do a night, `days` after the last one; `Asked` takes the rest.

        With `late_after`, an hour passes once the shop has got so many updates.
        """
        at = self.at(days, hours)
        self.day += days
        execute = asked.pop("execute", Run.execute)
        late = asked.pop("late_after", None)
        limit = None if late is None else self.sent() + late
        self.clock = clock = Clock(wall=lambda: at if limit is None or self.sent() < limit else at + 3600)
        host = Host(self.folder / "home", clock, self.heard.append, execute=execute)
        environment = {"ROWPATCH_URL": self.sandbox.url, "ROWPATCH_TOKEN": self.sandbox.token, **self.also}
        return await reconcile(self.recipe, Asked(**asked), environment, host, self.runs)

    async def undo(self, run: Path | None, name: str = "undone") -> RunEnd:
        """Undo a night, at the time of the last one."""
        assert run is not None

        def hold(stack: ExitStack) -> Held:
            return Held(stack.enter_context(undo.begun(run, self.runs / name)), RunMode("undo", plan="keep"))

        host = Host(self.folder / "home", self.clock)
        async with prepared(hold, Secrets(token=SecretStr(self.sandbox.token)), host) as undoing:
            return await undoing.execute()

    def attributes(self, number: int) -> dict[str, Any]:
        return cast("dict[str, Any]", self.sandbox.resources[TYPE][seeded_id(TYPE, number)].attributes)

    def edit(self, number: int, **values: Any) -> None:
        """Change a record by hand."""
        self.attributes(number).update(values)

    def sent(self) -> int:
        """Updates that the shop got, in all nights."""
        return sum(each.method == "PATCH" for each in self.sandbox.ledger)

    def read(self) -> int:
        """Reads that the shop got, in all nights."""
        return sum(each.method == "GET" for each in self.sandbox.ledger)

    def memory(self) -> list[Any]:
        """All that the memory holds but for the nights."""
        with closing(Memory(self.folder / "prices.state")) as memory:
            tables = ("target", "shape", "record", "exception", "trouble")
            return [list(memory.select(f"SELECT * FROM {name} ORDER BY 1, 2, 3")) for name in tables[2:]]

    def names(self) -> list[str]:
        """Names of the runs that are kept."""
        return sorted(path.name for path in self.runs.iterdir())

    def nights(self) -> list[str]:
        with closing(Memory(self.folder / "prices.state")) as memory:
            return [night.state for night in memory.nights.all()]

    def results(self, run: Path | None) -> list[tuple[str, str]]:
        """Status and reason of every row of a run."""
        assert run is not None
        lines = (run / "results.ndjson").read_text().splitlines()
        return [(each["status"], each["reason"]) for each in map(json.loads, lines)]


def record(first: int | str) -> str:
    return seeded_id(TYPE, first) if isinstance(first, int) else first


@asynccontextmanager
async def desk(folder: Path, count: int = 40, **world: Any) -> AsyncIterator[Desk]:
    quick = {"limit": (4000, 2.0), **world}
    async with serve(SandboxSettings(seed=(f"{TYPE}={count}",), **quick)) as sandbox:
        own = Desk(folder, sandbox)
        own.ordered()
        yield own


def interrupting(own: Desk, after: int) -> Callable[[Run], Awaitable[RunEnd]]:
    """Return what executes a run and interrupts it once the shop has got so many updates more than by now."""
    limit = own.sent() + after

    async def execute(run: Run) -> RunEnd:
        async def watch() -> None:
            while own.sent() < limit:  # noqa: ASYNC110  # the sandbox has no event for it
                await anyio.sleep(0.001)
            run.interrupt(INTERRUPTED)

        async with anyio.create_task_group() as beside:
            beside.start_soon(watch)
            end = await run.execute()
            beside.cancel_scope.cancel()
        return end

    return execute
