"""The runs that lie in a directory: what each is, how it stands, and what to do about it next."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

from jobs.model import SETTLED_WELL, Status
from jobs.printable import printable
from jobs.values import valueclass
from worker.exit_statuses import DONE, NOT_ALL, STOPPED
from worker.files import night_facts
from worker.files.retention import is_of_job
from worker.files.run_directory import JOURNAL, is_held
from worker.journal import PLAN, History, JournalError
from worker.journal.reader import Process
from worker.journal.schema import is_still
from worker.policy.guards import VALUES_LOST
from worker.settings import ConfigError, Settings

HOME: Final = Path("runs")
"""Where runs lie that were not told to lie elsewhere."""

_UNDO_OF: Final = "undo of "
"""How the input of an undo is labelled, before the name of the run that it undoes."""

Part = Literal["", "night", "dry run", "clearing"]
"""What a run is of a job; the empty text for one that is of none."""

_TO_RETRY: Final = frozenset({Status.FAILED, Status.REJECTED, Status.UNKNOWN, Status.CONFLICT})


@valueclass(frozen=True, slots=True)
class RunListed:
    """One run.

    Attributes:
        command: the first that sent, or `plan` where none did. `source`: its input, as it was named.
        state: `working`, `finished`, `stopped`, `interrupted`, `killed`, `planned` or `damaged`.
        at: seconds since the epoch when something last happened.
        rows: of the input. `counts`: results by status. `limit`: rows that are looked at for now; None for all.
        reach: rows that a resume can get to: a plan may end before the input does.
        exit_status: of the last process, or of all of a night; None if it did not end by itself.
        job: command that goes on with the job whose night it is; empty for any other run.
        part: what it is of that job: a `night`, a `dry run`, or `clearing` what is gone since one.
        has_lost: it stopped since its updates took values that no cell sets: to go on would take more.
    """

    directory: Path
    command: str
    source: str
    state: str
    at: float
    rows: int
    counts: Mapping[Status, int]
    limit: int | None = None
    reach: int = 0
    exit_status: int | None = None
    has_lost: bool = False
    job: str = ""
    part: Part = ""

    @property
    def outcome(self) -> str:
        """How it ended, in one word: `ok`, `partial` or `guard`, and its state where that says more."""
        if self.state == "finished" and self.exit_status is not None:
            return {DONE: "ok", NOT_ALL: "partial"}.get(self.exit_status, "stopped")
        is_tripped = self.state == "planned" and self.exit_status == STOPPED  # a whole plan that may not be sent
        return "guard" if is_tripped else self.state

    @property
    def is_undo(self) -> bool:
        """Whether it takes another run back."""
        return says_undo(self.source)

    @property
    def is_plan(self) -> bool:
        """Whether nothing was sent, and nothing is to be resumed."""
        return self.command == "plan" or self.state == "planned"

    @property
    def is_probe(self) -> bool:
        """Whether it tests a description: what it wrote it has put back, or an undo does."""
        return self.command == "probe"

    @property
    def is_open(self) -> bool:
        """Whether a `resume` would go on with it."""
        if self.job or self.is_plan or self.is_probe or self.has_lost or self.state in {"working", "damaged"}:
            return False
        return self.state != "finished" or sum(self.counts.values()) < self.reach

    @property
    def is_short(self) -> bool:
        """Whether rows that were asked for have no result."""
        return sum(self.counts.values()) < (self.rows if self.limit is None else min(self.rows, self.limit))

    @property
    def needs_retry(self) -> bool:
        """Whether a `retry` has rows to send."""
        failed = any(self.counts.get(status) for status in _TO_RETRY)
        if self.job or self.is_plan or self.is_probe or self.has_lost:
            return False
        return failed or (self.is_open and self.is_short)

    @property
    def has_written(self) -> bool:
        """Whether it may have changed something."""
        return bool(self.counts.get(Status.APPLIED) or self.counts.get(Status.UNKNOWN))

    @property
    def next(self) -> str:
        """The command to go on with; empty where nothing is to be done."""
        run = shlex.quote(str(self.directory))
        if self.has_lost or (self.is_probe and self.state not in {"finished", "working"}):
            return f"rowpatch undo {run}"
        if self.job or self.is_probe:
            return self._next_of_job(run) if self.job else ""
        if self.state == "planned":
            return f"rowpatch apply --plan {run}"
        if self.is_open:
            return f"rowpatch resume {run}" + (
                f" --limit {self.rows}" if self.limit is not None and not self.is_short else ""
            )
        if self.needs_retry:
            return f"rowpatch retry {run}"
        done = self.state != "finished" or self.counts.keys() <= SETTLED_WELL
        return "" if done else f"see {run}/failed.*"

    def _next_of_job(self, run: str) -> str:
        if self.part == "dry run" or self.state == "working":
            return ""
        if self.outcome == "guard":
            return f"rowpatch apply --plan {run}"
        if self.state != "finished" or any(self.counts.get(status) for status in _TO_RETRY):
            return self.job
        table = "results.csv" if self.counts.keys() <= SETTLED_WELL else "failed.*"  # who is set aside did not fail
        return "" if self.exit_status == DONE else f"see {run}/{table}"


def label_of_undo(run: Path) -> str:
    """Return how the input of an undo of this run is called; a name that is no UTF-8 could not be recorded."""
    return _UNDO_OF + printable(run.resolve().name)


def says_undo(label: str) -> bool:
    """Return whether the input of a run is that of an undo, by what it is called."""
    return label.startswith(_UNDO_OF)


def listed(home: Path = HOME, job: str | None = None) -> list[RunListed]:
    """Return the runs in a directory, or the nights of one job, newest first."""
    folders = home.iterdir() if home.is_dir() else ()
    wanted = (folder for folder in folders if job is None or is_of_job(folder, job))
    return sorted(filter(None, map(_looked_at, wanted)), key=lambda run: run.at, reverse=True)


def newest(what: str, fits: Callable[[RunListed], bool], home: Path = HOME) -> Path:
    """Return the directory of the newest run that fits.

    Raises:
        ConfigError: there is none. `what` says what was looked for, after the word "run".
    """
    for run in listed(home):
        if fits(run):
            return run.directory
    raise ConfigError(f"In {home} there is no run{what}. Name the run directory.")


def to_undo(home: Path = HOME) -> Path:
    """Return the directory of the newest run with applied rows that is neither an undo nor undone.

    Raises:
        ConfigError: there is none.
    """
    undone = {run.source for run in listed(home) if run.is_undo and not run.is_plan}

    def fits(run: RunListed) -> bool:
        if run.is_probe and run.state == "finished":
            return False  # it has put everything back
        return bool(run.counts.get(Status.APPLIED)) and not run.is_undo and label_of_undo(run.directory) not in undone

    return newest(" that has applied rows and is not undone", fits, home)


def _looked_at(directory: Path) -> RunListed | None:
    """Return how the run in a directory stands; None where there is none, or none that the user may look at.

    A look leaves no trace in the directory of a run that nobody works on: its time says when that last changed.
    """
    path = directory / JOURNAL
    try:
        changed = path.stat().st_mtime
        if is_still(path):
            with suppress(JournalError, KeyError, ValueError), closing(History(path, still=True)) as history:
                found = _read(directory, history, changed)
                if is_still(path):
                    return found
        with closing(History(path)) as history:  # somebody works on it, was killed, or began meanwhile
            return _read(directory, history, changed)
    except (JournalError, KeyError, ValueError):
        return RunListed(directory, "", "", "damaged", changed, 0, {})
    except OSError:
        return None


def _read(directory: Path, history: History, changed: float) -> RunListed:
    processes, facts = history.processes(), history.facts
    at = max((process.last_at for process in processes), default=changed)
    sent = [process.command for process in processes if process.command != "plan"]
    command = next(iter(sent), "plan" if processes else "apply")
    rows, limit = int(facts["rows"]), Settings.model_validate_json(facts["settings"]).input.limit
    reach = limit if limit is not None and history.is_bound_to(limit) else rows
    state = _state(directory, history, processes)
    told = facts.get(night_facts.EXIT_STATUS)
    status = int(told) if told else processes[-1].exit_status if processes else None
    has_lost = bool(processes) and processes[-1].message.startswith(f"{VALUES_LOST}: ")
    counts = history.counts()
    source, job = facts["source"], night_facts.command_of_job(facts)
    part: Part = "dry run" if night_facts.DRY_RUN in facts else "clearing" if night_facts.GONE in facts else "night"
    return RunListed(
        directory, command, source, state, at, rows, counts, limit, reach, status, has_lost, job, part if job else ""
    )


def _state(directory: Path, history: History, processes: list[Process]) -> str:
    if history.facts.get(PLAN) == "complete":
        return "planned"
    if processes and processes[-1].state != "running":
        return processes[-1].state
    return "working" if is_held(directory) else "killed"


def lines(runs: list[RunListed], now: float) -> Iterator[str]:
    """Yield the runs as text: two lines each, the second with what to do next; of nights, only the newest of a job."""
    over = set[str]()
    for run in runs:
        yield _line(run, run.state, now)
        if run.next and run.job not in over:
            yield f"    {run.next}"
        if run.part == "night":
            over.add(run.job)


def nights(job: str, runs: list[RunListed], now: float) -> Iterator[str]:
    """Yield the nights of a job as text, newest first: how many were ok, how each ended, and the next command.

    Dry runs are no nights. Only the newest night has a next command: the job does not go on with one that a later night
    superseded.
    """
    real = [run for run in runs if run.part != "dry run"]
    good = [run for run in real if run.outcome == "ok"]
    last = f"the last one {_age(now - good[0].at)} ago" if good else "look at the newest"
    yield f"{job}: {len(good):,} of {len(real):,} nights ok, {last}."
    for run in runs:
        yield _line(run, run.outcome if run.part != "dry run" else _dry(run), now)
        if run.next and run is real[0]:
            yield f"    {run.next}"


def _dry(run: RunListed) -> str:
    return f"dry run{'' if run.state == 'planned' and run.outcome != 'guard' else f' ({run.outcome})'}"


def _line(run: RunListed, word: str, now: float) -> str:
    told = ", ".join(f"{count:,} {status}" for status, count in run.counts.items() if count)
    return f"{run.directory}  {word}, {_age(now - run.at)} ago: {run.rows:,} rows{f', {told}' if told else ''}"


def _age(seconds: float) -> str:
    for unit, size, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < below:
            return f"{max(0.0, seconds) / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
