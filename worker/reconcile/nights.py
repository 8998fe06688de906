"""The nights of a job, and the other runs that its memory knows: partial ones, and undos."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from jobs.values import valueclass
from worker.journal.schema import transaction

State = Literal["running", "tripped", "accepted", "interrupted", "superseded", "partial", "undo"]
"""How a run stands. Only an accepted night counts for guards; `partial` and `undo` never ask who is gone."""

BASE: Final = 7
"""Accepted nights with which the guards compare the next one."""

_BITS: Final = 62
"""Nights that a field of bits remembers: SQLite's integers have 64, and a sign."""

_COLUMNS: Final = "serial, run, state, started, source, source_at, source_sha, recipe_sha, counts, exit, folded"
_ALL: Final = f"SELECT {_COLUMNS} FROM night"  # noqa: S608  # a constant
_INSERT: Final = f"INSERT INTO night ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # a constant

_CUT: Final = """
    SELECT serial FROM night WHERE state IN ('interrupted', 'superseded')
        AND serial > (SELECT coalesce(max(serial), 0) FROM night WHERE state = 'accepted') ORDER BY serial
"""


@valueclass(frozen=True, slots=True)
class Night:
    """One run of the job.

    Attributes:
        run: its name. `serial`: its number among the job's, 0 for one that has not begun.
        started: seconds since the epoch. `source_at`: when the source was last written, None if nobody knows.
        source_sha, recipe_sha: hashes of the bytes of the source and of the recipe.
        counts: numbers by name, those that guards compare among them.
        folded: seal of the journal when the memory took it in; empty if it did not, or the journal had none.
    """

    run: str
    started: float
    source: str = ""
    state: State = "running"
    source_at: float | None = None
    source_sha: bytes = b""
    recipe_sha: bytes = b""
    counts: Mapping[str, int] = field(default_factory=dict)
    exit: int | None = None
    folded: bytes = b""
    serial: int = 0


@valueclass(frozen=True, slots=True)
class Nights:
    """The table of the nights."""

    db: sqlite3.Connection
    path: Path

    def begin(self, night: Night) -> int:
        """Write down a run that begins, and return its serial number; one that goes on keeps its own."""
        with transaction(self.db, self.path):
            (known,) = self.db.execute("SELECT max(serial) FROM night WHERE run = ?", (night.run,)).fetchone()
            if known is not None:
                return int(known)
            (last,) = self.db.execute("SELECT value FROM fact WHERE name = 'serial'").fetchone()
            serial = int(last) + 1
            self.db.execute("UPDATE fact SET value = ? WHERE name = 'serial'", (str(serial),))
            self.db.execute(_INSERT, (serial, *_columns(night)))
        return serial

    def end(self, serial: int, state: State, counts: Mapping[str, int], exit_status: int) -> None:
        """Write down how a night ended."""
        with transaction(self.db, self.path):
            self.db.execute(
                "UPDATE night SET state = ?, counts = ?, exit = ? WHERE serial = ?",
                (state, json.dumps(dict(counts)), exit_status, serial),
            )

    def get(self, serial: int) -> Night:
        """Return a night.

        Raises:
            KeyError: there is none of that number.
        """
        row = self.db.execute(f"{_ALL} WHERE serial = ?", (serial,)).fetchone()
        if row is None:
            raise KeyError(serial)
        return _night(row)

    def all(self) -> list[Night]:
        """Return the nights, oldest first."""
        return [_night(row) for row in self.db.execute(f"{_ALL} ORDER BY serial")]

    def accepted(self, count: int = BASE) -> list[Night]:
        """Return the latest nights that were accepted, newest first."""
        query = f"{_ALL} WHERE state = 'accepted' ORDER BY serial DESC LIMIT ?"
        return [_night(row) for row in self.db.execute(query, (count,))]

    def cut(self) -> list[int]:
        """Return the serial numbers of the nights that ended early since the last accepted one, oldest first."""
        return [serial for (serial,) in self.db.execute(_CUT)]

    def calendar(self, serial: int) -> "Calendar":
        """Return the dates of the nights, as `serial` counts them."""
        query = "SELECT serial, started FROM night WHERE state = 'accepted' OR serial = ?"
        dates = {number: datetime.fromtimestamp(at).date() for number, at in self.db.execute(query, (serial,))}  # noqa: DTZ006  # local dates are meant
        return Calendar(serial, {number: date.toordinal() for number, date in dates.items()})


@valueclass(frozen=True, slots=True)
class Calendar:
    """How many nights lie between two runs: local dates with an accepted one, however often a job runs on a day.

    Attributes:
        serial: of the run that counts. `dates`: by serial number, as days.
    """

    serial: int
    dates: Mapping[int, int]
    _steps: dict[int, int] = field(default_factory=dict)

    def noted(self, nights: int, last: int) -> int:
        """Return bits of nights, of which `last` was the lowest, with one for the night that counts.

        They are as they were if that is older than `last`.
        """
        return (nights << self.steps(last) | 1) & ((1 << _BITS) - 1)

    def steps(self, last: int) -> int:
        """Return how many dates came since an earlier run."""
        steps = self._steps.get(last)
        if steps is None:
            then = self.dates.get(last, 0)  # a clock that was set back is no night
            since = {date for number, date in self.dates.items() if last < number <= self.serial and date > then}
            steps = self._steps[last] = len(since)
        return steps


def _columns(night: Night) -> tuple[object, ...]:
    return (
        night.run, night.state, night.started, night.source, night.source_at, night.source_sha, night.recipe_sha,
        json.dumps(dict(night.counts)), night.exit, night.folded or None,
    )  # fmt: skip


def _night(row: tuple[object, ...]) -> Night:
    serial, run, state, started, source, source_at, source_sha, recipe_sha, counts, exit_status, folded = row
    return Night(
        run, started, source, state, source_at, source_sha, recipe_sha, json.loads(counts), exit_status,  # type: ignore[arg-type]  # as the table has them
        folded or b"", serial,  # type: ignore[arg-type]  # as the table has them
    )  # fmt: skip
