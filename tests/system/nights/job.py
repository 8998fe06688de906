"""A job of the story: its recipe, its sheets, and its nights, run by `rowpatch.reconcile`."""

import asyncio
import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jobs.formats import InputRefused
from tests.system.nights.clockwork import DAY, Machine, Outcome, clock, loop, wall
from tests.system.nights.worlds import Put, World
from worker.exit_statuses import BUSY, REFUSED
from worker.files.run_directory import Busy
from worker.notices.report import NightReport
from worker.operations import reconcile as operation
from worker.operations import undo as undoing
from worker.operations.opening import unchanged
from worker.operations.prepared import Held, prepared
from worker.operations.runs import Host, RunMode
from worker.settings import ConfigError, read_secrets

HEADERS: Final[Mapping[str, str]] = {
    "reference": "Ref",
    "metadata.batch": "Batch",
    "metadata.note": "Note",
    "code": "Code",
    "pin": "Pin",
}
"""Columns of the export, by field."""

Line = tuple[str, Mapping[str, str]]
"""A row of a sheet: the key, and the cells by field."""


@dataclass(frozen=True, slots=True)
class Night:
    """How a night ended.

    Attributes:
        report: None for a process that was killed or refused to begin.
        error: why it refused.
        killed_at: the point at which it was killed.
        puts: updates that took effect.
    """

    report: NightReport | None = None
    error: BaseException | None = None
    killed_at: str = ""
    puts: Sequence[Put] = ()

    @property
    def exit_status(self) -> int | None:
        """The exit status that the command would have; None for a killed process."""
        if self.report is not None:
            return self.report.exit_status
        if self.error is None:
            return None
        return BUSY if isinstance(self.error, Busy) else REFUSED

    @property
    def is_finished(self) -> bool:
        """Whether the night came to its end."""
        return self.report is not None and self.report.state == "finished"

    def told(self) -> str:
        """Say it in a line."""
        if self.report is not None:
            return self.report.line()
        return f"killed at {self.killed_at}" if self.killed_at else f"{type(self.error).__name__}: {self.error}"


@dataclass(slots=True)
class Job:
    """A recipe that sends exports to a world.

    Attributes:
        columns: of the recipe, by field: the whole value in TOML; without, the header's name.
        more: further tables of the recipe.
        headers: columns of the next export, by field.
        program: stands in for `rowpatch.reconcile`.
    """

    world: World
    machine: Machine
    seed: object
    columns: Mapping[str, str] = field(default_factory=dict)
    more: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: dict(HEADERS))
    name: str = "items"
    program: Callable[..., Any] | None = None
    _exports: int = 0

    @property
    def recipe(self) -> Path:
        """The file of the recipe."""
        return self.machine.home / f"{self.name}.toml"

    def write_recipe(self) -> None:
        """Write the recipe, and the description of the API beside it."""
        lines = [f'source = "exports/*.csv"\n{self.world.head()}key = "id"\n', "[columns]", 'id = "Key"']
        lines += [f'"{name}" = {self.columns.get(name, toml(HEADERS[name]))}' for name in self.world.owned]
        self.recipe.write_text("\n".join([*lines, "", self.more, ""]), encoding="utf-8")
        if text := self.world.description():
            self.recipe.with_name("shop.toml").write_text(text, encoding="utf-8")

    def export(self, lines: Iterable[Line], *, age: float = 3600.0) -> Path:
        """Write the export of the day, `age` seconds ago; the one of yesterday stays."""
        self._exports += 1
        folder = self.machine.home / "exports"
        folder.mkdir(exist_ok=True)
        path = folder / f"{self._exports:03}.csv"
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["Key", *(self.headers[name] for name in self.world.owned)])
        writer.writerows([key, *(cells.get(name, "") for name in self.world.owned)] for key, cells in lines)
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        os.utime(path, (wall() - age,) * 2)
        return path

    async def night(self, *, kill_at: int = 0, kill_on: str = "", **options: Any) -> Night:
        """Run a night to its end, or to the point at which it is killed. `options`: of `Asked`."""
        self.world.puts()
        outcome = await self.machine.process(lambda: self.call(**options), kill_at=kill_at, kill_on=kill_on)
        return self.ended(outcome)

    def call(self, **options: Any) -> Any:
        """Return the coroutine of a night. `options`: of `Asked`."""
        environment = {**self.world.environment(), "HOME": str(self.machine.home)}
        if self.program is not None:
            return self.program(self.recipe)
        return operation.reconcile(self.recipe, operation.Asked(**options), environment, self._host())

    def _host(self) -> Host:
        return Host(self.machine.home / "user-state", clock((self.seed, self.world.kind, self.machine.number)))

    def ended(self, outcome: Outcome) -> Night:
        """Return the night of a process."""
        if outcome.error is not None and not isinstance(outcome.error, (ConfigError, InputRefused, Busy)):
            raise outcome.error
        return Night(outcome.value, outcome.error, outcome.killed_at, self.world.puts())

    async def undo(self, run: Path) -> Outcome:
        """Undo a run, as `rowpatch undo RUN` does."""
        secrets = read_secrets(self.world.environment())

        def hold(stack: ExitStack) -> Held:
            handle = stack.enter_context(undoing.begun(run, None, unchanged, None))
            return Held(handle, RunMode("undo", plan="keep"))

        async def work() -> Any:
            async with prepared(hold, secrets, self._host()) as undo:
                return await undo.execute()

        return await self.machine.process(work)

    def results(self, night: Night) -> list[dict[str, str]]:
        """Return the rows of a night's results.csv; none if it wrote none."""
        if night.report is None or night.report.run is None:
            return []
        with (
            suppress(FileNotFoundError),
            (night.report.run / "results.csv").open(encoding="utf-8-sig", newline="") as stream,
        ):
            return list(csv.DictReader(stream))
        return []


async def next_day() -> None:
    """Let the time pass until 02:00 of the next day."""
    now = loop().time()
    loop().dusk(2 * DAY)
    await asyncio.sleep((now // DAY + 1) * DAY - now)


def toml(text: str) -> str:
    """Write a text as TOML does."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
