"""One crash run: `apply`, killed at random points, resumed, killed again, until it may finish."""

import json
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.system.crash.judge import SEEDED, Evidence
from tests.system.crash.sheet import LATE, Sheet, Style
from tests.system.e2e.program import PATIENCE, Desk, Process, Ran, ended, reference
from worker.files.run_directory import JOURNAL

CONCURRENCY: Final = 16

START: Final = 0.3
"""Seconds after a process was started that count as its start."""

REPORTING: Final = 0.06
"""Seconds that writing the reports takes, roughly."""

MAKING: Final = 0.12
"""Seconds from the making of a run directory to its first request, roughly."""

WEIGHTS: Final = (4, 3, 2, 2, 2)
"""How often each `Moment` is chosen, beside the first kill of a run: that one mostly strikes while it sends."""

STOPS: Final = 5
"""Processes of one run that a faulty server may stop."""

AGAIN: Final = 0.8
"""Probability that a process is killed after another has been, as long as there are kills left."""

OPEN_INTENTS: Final = """
    SELECT attempt.row, attempt.n FROM attempt LEFT JOIN result ON result.row = attempt.row
    WHERE attempt.outcome IS NULL AND (result.row IS NULL OR attempt.n > result.attempts)
"""
"""Row and number of every attempt that may have reached the server and is not accounted for."""


class Moment(StrEnum):
    """When a process is killed."""

    ANY = "anywhere"
    SENDING = "while it sends"
    START = "at the start"
    REPORTS = "while it writes the reports"
    MAKING = "while it makes or opens the run"


@dataclass(slots=True)
class Trial:
    """A run on its way.

    Attributes:
        duration: seconds that the run takes from its beginning when nobody kills it.
        moments: of the kills so far.
        opened: rows whose intent each kill left open.
    """

    desk: Desk
    sheet: Sheet
    dice: Random
    duration: float
    moments: list[Moment] = field(default_factory=list)
    opened: list[frozenset[int]] = field(default_factory=list)
    _known: set[tuple[int, int]] = field(default_factory=set)

    def run(self, kills: int) -> Evidence:
        """Kill up to `kills` processes, then let one finish.

        Raises:
            AssertionError: a process ended in a way that nobody can resume from.
        """
        self.write()
        stops = 0
        while True:
            process = self.next_process()
            wanted = len(self.moments) < kills and (not self.moments or self.dice.random() < AGAIN)
            if wanted and self._killed(process):
                continue
            ran = ended(process)
            assert "Traceback" not in ran.err, ran.err
            if ran.status == 3 and (self.sheet.variant.faulty or self.sheet.variant.strange) and stops < STOPS:
                stops += 1
                continue
            assert ran.status in {0, 1}, ran
            return self.evidence(ran)

    def write(self) -> None:
        """Write the sheet."""
        (self.desk.folder / self.sheet.name).write_text(self.sheet.text(), encoding="utf-8", newline="")

    def arguments(self) -> list[str]:
        """How to begin the run, or to go on with it."""
        run, url = str(self.desk.run), self.desk.server.url
        if (self.desk.run / JOURNAL).exists():
            return ["resume", run, "--no-progress", "--url", url]
        variant = self.sheet.variant
        common = ("--run-dir", run, "--rate", "none", "--no-progress", "--concurrency", str(CONCURRENCY))
        return ["apply", str(self.desk.folder / self.sheet.name), "--type", variant.type, *common, *variant.flags]

    def next_process(self) -> Process:
        """Begin the run, or go on with it."""
        return self.desk.start(*self.arguments())

    def _killed(self, process: Process) -> bool:
        """Kill the process at a random point; False when it was quicker."""
        first = self.dice.choices([Moment.SENDING, Moment.MAKING], (4, 1))[0]
        moment = self.dice.choices(list(Moment), WEIGHTS)[0] if self.moments else first
        if not self.reaches(process, moment):
            return False
        process.kill()
        process.communicate()
        self.moments.append(moment)
        self.note_open_intents()
        return True

    def reaches(self, process: Process, moment: Moment) -> bool:
        """Wait for a random point of that kind; False when the process ends before."""
        match moment:
            case Moment.START:
                return _lives(process, self.dice.uniform(0, START))
            case Moment.REPORTS:
                directory = self.desk.run
                return lives_until(process, lambda: any(directory.glob(".*.new"))) and _lives(
                    process, self.dice.uniform(0, REPORTING)
                )
            case Moment.MAKING:
                closed = _stamps(self.desk.run)
                return lives_until(process, lambda: _stamps(self.desk.run) != closed) and _lives(
                    process, self.dice.uniform(0, MAKING)
                )
            case Moment.SENDING:
                place = len(self.desk.server.ledger()) + int(self._left() * self.dice.uniform(0.05, 0.95))
                return lives_until(process, lambda: self.desk.server.ledger(place))
            case Moment.ANY:
                return _lives(process, self.dice.uniform(0, START + self.duration * self._left() / len(self.sheet.ids)))

    def _left(self) -> int:
        """Rows that are still to reach the server."""
        arrived = {reference(entry) for entry in self.desk.server.writes()}
        return sum(map(self.sheet.sendable, self.sheet.ids)) - len(arrived)

    def note_open_intents(self) -> None:
        """Take note of what the process that ended last has left open."""
        found = open_intents(self.desk.run / JOURNAL)
        self.opened.append(frozenset(row for row, _ in found - self._known))
        self._known |= found

    def evidence(self, ran: Ran) -> Evidence:
        """Return what the run has left at the end of time: when everything has taken effect that ever will."""
        if self.sheet.variant.strange:
            time.sleep(LATE)
        writes = self.desk.server.writes()
        stored = self.desk.server.attributes(self.sheet.variant.type)
        others = [entry for entry in writes if not entry["applied"] and (entry["fault"] or self._is_reroute(entry))]
        return Evidence(
            exit_status=ran.status,
            results=self._results(),
            summary=self.desk.summary(),
            sent=[reference(entry) for entry in writes if entry["applied"]],
            refused=sum(not entry["applied"] for entry in writes) - len(others),
            stored={key: str(each["reference"]) for key, each in stored.items()},
            opened=self.opened,
            spoiled=[reference(entry) for entry in writes if entry["fault"]],
            unheard=[reference(entry) for entry in writes if entry["fault"] and entry["applied"]],
            others=len(others),
            metadata={key: each["metadata"] for key, each in stored.items()},
            wiped=sum(map(_wipes, writes)),
        )

    def _is_reroute(self, entry: dict[str, Any]) -> bool:
        abstract = self.sheet.variant.style is Style.ABSTRACT
        return abstract and entry["type"] == self.sheet.variant.type and entry["status"] == 404

    def _results(self) -> list[dict[str, str]]:
        """`results.csv`; for NDJSON, which has no columns of the user's there, with what `results.ndjson` adds."""
        results = self.desk.results()
        if self.sheet.variant.style is Style.NDJSON:
            lines = (self.desk.run / "results.ndjson").read_text(encoding="utf-8").splitlines()
            for result, line in zip(results, map(json.loads, lines), strict=True):
                result["reference"] = line["input"]["reference"] if str(line["row"]) == result["__row"] else ""
        return results


def open_intents(journal: Path) -> set[tuple[int, int]]:
    """Row and attempt of every intent without an outcome, read from a copy: SQLite repairs a journal that is opened."""
    if not journal.exists():
        return set()
    with tempfile.TemporaryDirectory() as folder:
        for path in journal.parent.glob(journal.name + "*"):
            shutil.copy(path, folder)
        with closing(sqlite3.connect(Path(folder) / journal.name)) as db:
            return set(db.execute(OPEN_INTENTS))


def _stamps(directory: Path) -> list[int]:
    """What changes as soon as a process has made, or opened, the run."""
    paths = (directory / "lock", directory / f"{JOURNAL}-shm")
    return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]


def _wipes(entry: dict[str, Any]) -> bool:
    """Whether a PATCH would take away what was there before the run."""
    metadata = entry["body"]["data"]["attributes"].get("metadata", SEEDED)
    return not SEEDED.items() <= metadata.items()


def lives_until(process: Process, condition: Callable[[], object]) -> bool:
    """Wait for something that the process does; False when it ends before, or hangs."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.001)
    return False


def _lives(process: Process, seconds: float) -> bool:
    """Wait so long; False when the process ends before."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False
