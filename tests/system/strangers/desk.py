"""The program as a user starts it, on one stranger, with a sheet, runs and a state directory of its own."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

ROWPATCH: Final = Path(sys.executable).with_name("rowpatch")


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended; `status` is -9 for one that was killed, and -1 for one that took too long."""

    command: str
    status: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The line that says most: why the run was stopped, or else the last one of standard error or output."""
        lines = [line for line in (self.out + "\n" + self.err).splitlines() if line.strip()]
        stops = [line for line in lines if "stopped" in line]
        return (stops or lines or ["nothing"])[-1]


def last_part(key: str, known: Container[str]) -> str:
    """Return the id that a key in a report ends with, where other parts stand before it."""
    return key if key in known else unquote(key.rsplit("/", 1)[-1])


@dataclass(slots=True)
class Desk:
    """Where one sheet of one stranger is worked on.

    Attributes:
        folder: a fresh one.
        url: of the API.
        environment: credentials, and whatever else the program is told by its environment.
        flags: of every command that makes a run.
        patience: seconds that one command may take.
        ran: every command so far.
    """

    folder: Path
    url: str
    environment: Mapping[str, str]
    type_name: str
    flags: Sequence[str] = ()
    patience: float = 60.0
    ran: list[Ran] = field(default_factory=list)

    @property
    def sheet(self) -> Path:
        """The sheet."""
        return self.folder / "sheet.csv"

    def path(self, run: str) -> Path:
        """Return the directory of a run."""
        return self.folder / run

    def write(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write the sheet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.sheet.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])

    def new(self, command: str, run: str) -> list[str]:
        """Return the arguments of a command that makes a run of the sheet."""
        where = ("--type", self.type_name, "--url", self.url, "--run-dir", str(self.path(run)))
        return [command, str(self.sheet), *where, "--no-progress", *self.flags]

    def old(self, command: str, run: str, *flags: str) -> list[str]:
        """Return the arguments of a command that works on a run."""
        return [command, str(self.path(run)), *flags]

    def do(self, arguments: Sequence[str]) -> Ran:
        """Run a command to its end."""
        began = time.monotonic()
        return self._ended(self._start(arguments), arguments, began)

    def kill_when(self, reached: Callable[[], bool], arguments: Sequence[str]) -> Ran:
        """Run a command, and end it by SIGKILL as soon as the condition holds."""
        process, began = self._start(arguments), time.monotonic()
        deadline = began + self.patience
        while process.poll() is None and time.monotonic() < deadline and not reached():
            time.sleep(0.02)
        process.kill()
        return self._ended(process, arguments, began)

    def results(self, run: str) -> list[dict[str, str]]:
        """Return `results.csv` of a run."""
        return self._csv(run, "results.csv")

    def findings(self, run: str) -> list[dict[str, str]]:
        """Return `verify.csv` of a run, with the last part of the ids where other parts stand before it."""
        ids = {row["id"] for row in self.results(run) if "id" in row}
        found = self._csv(run, "verify.csv")
        if not ids:  # the sheet names its records otherwise
            return found
        return [row | {"id": last_part(row["id"], ids)} for row in found]

    def spared(self, run: str) -> frozenset[str]:
        """Return the ids that `cannot_undo.csv` of an undo names."""
        return frozenset(row["id"] for row in self._csv(run, "cannot_undo.csv"))

    def summary(self, run: str) -> dict[str, Any]:
        """Return `summary.json` of a run, or nothing where there is none."""
        path = self.path(run) / "summary.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return found

    def _csv(self, run: str, name: str) -> list[dict[str, str]]:
        path = self.path(run) / name
        if not path.exists():
            return []
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        world = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        return subprocess.Popen(
            [ROWPATCH, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**world, **self.environment},
        )

    def _ended(self, process: subprocess.Popen[str], arguments: Sequence[str], began: float) -> Ran:
        try:
            out, err = process.communicate(timeout=self.patience)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            status = -1
        self.ran.append(Ran(arguments[0], status, out, err))
        took = time.monotonic() - began
        with (self.folder / "commands.log").open("a", encoding="utf-8") as log:
            log.write(f"$ rowpatch {' '.join(arguments)}\n{out}{err}exit status {status} after {took:.1f} s\n\n")
        return self.ran[-1]
