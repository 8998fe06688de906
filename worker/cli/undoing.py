"""How `undo` begins its run: made from the journal of the run to be undone, and left without a trace if refused."""

import time
from contextlib import ExitStack, closing
from pathlib import Path

from worker.cli.flags import Flags, overridden
from worker.cli.session import Command, Opened, made_with, work
from worker.cli.speech import say
from worker.engine import undo
from worker.engine.undo import CANNOT, Prepared
from worker.files import run_directory
from worker.files.run_directory import JOURNAL
from worker.files.runs import label_of_undo
from worker.journal import History, Journal, JournalDamaged, JournalError
from worker.settings import ConfigError


def take_back(run: Path, run_dir: Path | None, flags: Flags, *, plan_only: bool) -> int:
    """Undo `run`, or plan to; the exit status.

    Raises:
        ConfigError: nothing was sent, and nothing is left behind.
        Busy: another process holds the run.
        JournalDamaged: the run's journal cannot be used.
    """
    if not (run / JOURNAL).is_file():
        raise ConfigError(f"{run} is not a run directory: it has no {JOURNAL}.")
    if given := [flag for flag in flags.of_sheets if flag != "--limit"]:
        raise ConfigError(f"An undo puts back all that the run wrote: leave out {', '.join(given)}.")
    directory = run_dir or run_directory.default(f"undo-{run.resolve().name}", time.time())
    if (directory / JOURNAL).exists():
        raise ConfigError(f"{directory} holds a run already: choose another --run-dir.")
    with ExitStack() as stack:
        stack.enter_context(run_directory.locked(run))
        history = stack.enter_context(closing(History(run / JOURNAL)))
        settings = overridden(made_with(history)[0], flags)
        new = run_directory.make(directory)
        stack.enter_context(run_directory.locked(directory))
        run_directory.clear(directory)
        try:
            prepared = undo.prepare(history, settings, directory, label_of_undo(run), flags.limit)
            if prepared.rows:
                run_directory.persist(directory)
                return _carry_out(directory, prepared, flags, plan_only=plan_only)
        except BaseException as error:
            if _has_begun(directory):
                raise
            run_directory.remove(directory, itself=new)
            if isinstance(error, JournalError | OSError) and not isinstance(error, JournalDamaged):
                raise ConfigError(f"Cannot write to {directory}: {error}; nothing was sent.") from None
            raise
        run_directory.remove(directory, itself=new)
        if prepared.lost:
            raise ConfigError(f"Nothing of {run} can be undone: it was blind, or fired triggers only.")
        say(f"{run} changed nothing: there is nothing to undo.")
        return 0


def _carry_out(directory: Path, prepared: Prepared, flags: Flags, *, plan_only: bool) -> int:
    if prepared.lost:
        values = "1 value" if prepared.lost == 1 else f"{prepared.lost:,} values"
        say(f"{values} cannot be restored: see {directory / CANNOT}")
    command = Command("plan", plan="make") if plan_only else Command("undo", plan="keep")
    with closing(Journal(directory / JOURNAL)) as journal:
        opened = Opened(directory, journal, prepared.settings, prepared.rows, prepared.settings)
        return work(opened, command, flags) or int(prepared.lost > 0)


def _has_begun(directory: Path) -> bool:
    """Whether a process registered itself in the journal: from then on the run is the user's to keep."""
    if not (directory / JOURNAL).exists():
        return False
    with closing(History(directory / JOURNAL)) as history:
        return bool(history.processes())
