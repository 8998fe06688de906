"""The runs that lie in a directory: what each is, how it stands, and what to do about it next."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.model import SETTLED_WELL, Status
from worker.journal import PLAN, History, JournalDamaged, JournalError
from worker.run_directory import JOURNAL, is_held
from worker.settings import ConfigError

HOME: Final = Path("runs")
"""Where runs lie that were not told to lie elsewhere."""

UNDO_OF: Final = "undo of "
"""How the input of an undo is labelled, before the name of the run that it undoes."""

_TO_RETRY: Final = frozenset({Status.FAILED, Status.REJECTED, Status.UNKNOWN, Status.CONFLICT})


@dataclass(frozen=True, slots=True)
class RunListed:
    """One run.

    Attributes:
        command: the one that began it. `source`: its input, as it was named.
        state: `working`, `finished`, `stopped`, `interrupted`, `killed`, `planned` or `damaged`.
        at: seconds since the epoch when something last happened.
        rows: of the input. `counts`: results by status.
    """

    directory: Path
    command: str
    source: str
    state: str
    at: float
    rows: int
    counts: Mapping[Status, int]

    @property
    def is_undo(self) -> bool:
        """Whether it takes another run back."""
        return self.source.startswith(UNDO_OF)

    @property
    def is_plan(self) -> bool:
        """Whether nothing was sent, and nothing is to be resumed."""
        return self.command == "plan"

    @property
    def is_open(self) -> bool:
        """Whether a `resume` would go on with it."""
        ended = self.state in {"stopped", "interrupted", "killed"} or sum(self.counts.values()) < self.rows
        return ended and not self.is_plan and self.state not in {"working", "damaged"}

    @property
    def needs_retry(self) -> bool:
        """Whether a `retry` has rows to send."""
        return not self.is_plan and any(self.counts.get(status) for status in _TO_RETRY)

    @property
    def has_written(self) -> bool:
        """Whether it may have changed something."""
        return bool(self.counts.get(Status.APPLIED) or self.counts.get(Status.UNKNOWN))

    @property
    def next(self) -> str:
        """The command to go on with; empty where nothing is to be done."""
        if self.state == "planned":
            return f"rowpatch apply --plan {self.directory}"
        if self.is_open:
            return f"rowpatch resume {self.directory}"
        if self.needs_retry:
            return f"rowpatch retry {self.directory}"
        done = self.state != "finished" or self.counts.keys() <= SETTLED_WELL
        return "" if done else f"see {self.directory}/failed.csv"


def listed(home: Path = HOME) -> list[RunListed]:
    """The runs in a directory, the newest first."""
    folders = home.iterdir() if home.is_dir() else iter(())
    found = [_looked_at(path) for path in folders if (path / JOURNAL).is_file()]
    return sorted(found, key=lambda run: run.at, reverse=True)


def newest(what: str, fits: Callable[[RunListed], bool], home: Path = HOME) -> Path:
    """The newest run that fits.

    Raises:
        ConfigError: there is none. `what` says what was looked for.
    """
    for run in listed(home):
        if fits(run):
            return run.directory
    raise ConfigError(f"There is no run in {home} {what}. Name the run directory.")


def to_undo(home: Path = HOME) -> Path:
    """The newest run with applied rows that is neither an undo nor undone.

    Raises:
        ConfigError: there is none.
    """
    undone = {run.source.removeprefix(UNDO_OF) for run in listed(home) if run.is_undo and not run.is_plan}

    def fits(run: RunListed) -> bool:
        return bool(run.counts.get(Status.APPLIED)) and not run.is_undo and run.directory.resolve().name not in undone

    return newest("that has applied rows and is not undone", fits, home)


def _looked_at(directory: Path) -> RunListed:
    try:
        with closing(History(directory / JOURNAL)) as history:
            return _read(directory, history)
    except (JournalDamaged, JournalError, KeyError, ValueError):
        at = (directory / JOURNAL).stat().st_mtime
        return RunListed(directory, "", "", "damaged", at, 0, {})


def _read(directory: Path, history: History) -> RunListed:
    processes = history.processes()
    source, rows, counts = history.facts["source"], int(history.facts["rows"]), history.counts()
    if not processes:
        at = (directory / JOURNAL).stat().st_mtime
        return RunListed(directory, "apply", source, "killed", at, rows, counts)
    last = processes[-1]
    state = last.state
    if state == "running":
        state = "working" if is_held(directory) else "killed"
    elif history.facts.get(PLAN) == "complete":
        state = "planned"
    at = max(process.last_at for process in processes)
    return RunListed(directory, processes[0].command, source, state, at, rows, counts)


def lines(runs: list[RunListed], now: float) -> Iterator[str]:
    """The runs as text: two lines each, the second with what to do next."""
    for run in runs:
        told = ", ".join(f"{count:,} {status}" for status, count in run.counts.items() if count)
        yield f"{run.directory}  {run.state}, {_age(now - run.at)} ago: {run.rows:,} rows{f', {told}' if told else ''}"
        if run.next:
            yield f"    {run.next}"


def _age(seconds: float) -> str:
    for unit, size, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < below:
            return f"{max(0.0, seconds) / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
