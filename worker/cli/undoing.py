"""Run an undo: refuse flags that do not apply to it, begin its run, execute it."""

from functools import partial
from pathlib import Path

from worker.cli.flags import Flags, overridden
from worker.cli.phases import Phases
from worker.cli.session import work
from worker.cli.speech import say
from worker.exit_statuses import DONE
from worker.files.run_directory import journal_in
from worker.operations import undo as operation
from worker.operations.runs import RunMode
from worker.settings import ConfigError


def undo(run: Path, run_dir: Path | None, flags: Flags, *, plan_only: bool) -> int:
    """Undo `run`, or plan to; return the exit status.

    Raises:
        ConfigError: nothing was sent, and no directory is left behind.
        Busy: another process holds the run.
        JournalDamaged: the run's journal cannot be used.
    """
    journal_in(run)
    if given := [flag for flag in flags.of_sheets if flag != "--limit"]:
        raise ConfigError(f"An undo puts back all that the run wrote: leave out {', '.join(given)}.")
    mode = RunMode("plan", plan="make") if plan_only else RunMode("undo", plan="keep")
    try:
        observer = Phases(shown=not flags.no_progress)
        with operation.begun(run, run_dir, partial(overridden, flags=flags), observer=observer) as handle:
            for warning in operation.warnings(handle):
                say(warning)
            return work(handle, mode, flags)
    except operation.NothingToUndo as error:
        say(str(error))
        return DONE
