"""The run directories of a job: the name of the next one, and which ones may go."""

import math
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from jobs.values import valueclass
from worker.files.run_directory import JOURNAL, locked
from worker.settings import ConfigError


@valueclass(frozen=True, slots=True)
class KeptRun:
    """A run of a job, as the job's memory knows it.

    Attributes:
        serial: number of the night: later ones are larger. A dry run has that of the night before it.
        is_accepted: the night counts: later ones are compared with it.
        is_finished: nothing is left to resume.
        is_folded: the memory has taken all of it in, or it has nothing for the memory.
        is_in_doubt: it has rows of which nobody knows whether they were applied.
        is_night: it is one of those that are counted; not an undo, a partial sheet, a clearing or a dry run.
    """

    directory: Path
    serial: int
    is_accepted: bool
    is_finished: bool = True
    is_folded: bool = True
    is_in_doubt: bool = False
    is_night: bool = True


def is_of_job(directory: Path, job: str) -> bool:
    """Return whether a run directory has the name of a night of the job."""
    return _number(directory.name, job) is not None


def directory_of_night(home: Path, job: str, day: date) -> Path:
    """Return the directory of the next night of a job: `prices-2026-12-01`, then `prices-2026-12-01-2`.

    Args:
        home: where the runs lie.
        job: name of the recipe.
        day: local date on which the night begins.
    """
    name = f"{job}-{day.isoformat()}"
    there = home.iterdir() if home.is_dir() else ()
    used = [number for path in there if path.name.startswith(name) and (number := _number(path.name, job)) is not None]
    return home / (f"{name}-{max(used) + 1}" if used else name)


def _number(name: str, job: str) -> int | None:
    """Return which night of its date a run directory is, from 1 on; None if it is none of this job's."""
    found = re.fullmatch(re.escape(job) + r"-\d{4}-\d{2}-\d{2}(?:-([1-9]\d{0,8}))?", name)
    return int(found[1] or 1) if found else None


def removable(runs: Sequence[KeptRun], keep: int) -> tuple[KeptRun, ...]:
    """Return the runs that may go, oldest first, so that the `keep` newest nights are left, with what came between.

    Also kept, whatever their age: the newest accepted one, and every run that is not finished, not in the memory yet,
    or in doubt.
    """
    by_age = sorted(runs, key=lambda run: run.serial)
    base = next((run for run in reversed(by_age) if run.is_accepted), None)
    nights = [run.serial for run in by_age if run.is_night]
    since = nights[-keep] if 0 < keep <= len(nights) else math.inf if not keep else 0
    old = [run for run in by_age if run.serial < since]
    return tuple(run for run in old if run.is_finished and run.is_folded and not run.is_in_doubt and run is not base)


def remove(directory: Path) -> None:
    """Delete a run directory. The journal goes last: after a kill, what is left is still found, and deleted next time.

    Raises:
        Busy: a process works on it.
        ConfigError: it is no plain run directory, or not ours to delete.
        OSError: a file cannot be deleted.
    """
    if directory.is_symlink() or any(path.is_dir() for path in directory.iterdir()):
        raise ConfigError(f"{directory} holds more than a run: it is kept. Delete it by hand, or move it away.")
    with locked(directory):
        last = {JOURNAL: 1, "lock": 2}
        for path in sorted(directory.iterdir(), key=lambda path: last.get(path.name, 0)):
            path.unlink()
    directory.rmdir()
