"""`rowpatch undo`: put back what a run replaced."""

import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, Flags


def undo(
    run: Annotated[Path, Parameter(help="The run directory of the run to be undone.")],
    /,
    *,
    run_dir: Annotated[
        Path | None, Parameter(group=RUN, help="Where the undo is kept. Default: runs/undo-NAME-TIME.")
    ] = None,
    plan_only: Annotated[
        bool, Parameter(group=RUN, negative=(), help="Only show what would be restored; nothing is sent.")
    ] = False,
    flags: Flags = Flags(),  # noqa: B008  # frozen
) -> int:
    """Restore, key by key, what RUN replaced. The undo is a run of its own: it can be resumed, and undone.

    A record is restored only if it still holds what RUN wrote last; one that somebody has changed since is a
    `conflict`, and nothing of it is touched. Triggers, values of blind runs and fields that the API never shows cannot
    be restored: they are listed in cannot_undo.csv.

    Exit status: 0 when everything is restored, 1 when something is not.
    """
    from worker.cli.session import guarded  # noqa: PLC0415  # --help must be quick

    return guarded(lambda: _undo(run, run_dir, flags, plan_only=plan_only))


def _undo(run: Path, run_dir: Path | None, flags: Flags, *, plan_only: bool) -> int:
    from worker import run_directory, undo  # noqa: PLC0415  # see above
    from worker.cli.flags import overridden  # noqa: PLC0415  # see above
    from worker.cli.planned import finish_plan  # noqa: PLC0415  # see above
    from worker.cli.session import Command, Opened, made_with, work  # noqa: PLC0415  # see above
    from worker.cli.speech import say  # noqa: PLC0415  # see above
    from worker.journal import History, Journal  # noqa: PLC0415  # see above
    from worker.run import Ended  # noqa: PLC0415  # see above
    from worker.settings import ConfigError  # noqa: PLC0415  # see above

    if not (run / run_directory.JOURNAL).is_file():
        raise ConfigError(f"{run} is not a run directory: it has no {run_directory.JOURNAL}.")
    directory = run_dir or run_directory.default(f"undo-{run.resolve().name}", time.time())
    if (directory / run_directory.JOURNAL).exists():
        raise ConfigError(f"{directory} holds a run already: choose another --run-dir.")
    with ExitStack() as stack:
        stack.enter_context(run_directory.locked(run))
        history = stack.enter_context(closing(History(run / run_directory.JOURNAL)))
        settings = overridden(made_with(history)[0], flags)
        new = run_directory.make(directory)
        stack.enter_context(run_directory.locked(directory))
        run_directory.clear(directory)
        prepared = undo.prepare(history, settings, directory, f"undo of {run.resolve().name}")
        if not prepared.rows:
            run_directory.remove(directory, itself=new)
            if prepared.lost:
                raise ConfigError(f"Nothing of {run} can be undone: it was blind, or fired triggers only.")
            say(f"{run} wrote nothing: there is nothing to undo.")
            return 0
        journal = stack.enter_context(closing(Journal(directory / run_directory.JOURNAL)))
        if prepared.lost:
            say(f"{prepared.lost:,} values cannot be restored: see {directory / undo.CANNOT}")
        if plan_only:
            journal.begin("plan", time.time())
            journal.end("planned", 0, "", time.time())
            planned = Ended("planned", 0)
            return finish_plan(directory, journal, prepared.settings, prepared.rows, planned, detailed=False)
        opened = Opened(directory, journal, prepared.settings, prepared.rows, prepared.settings)
        return work(opened, Command("undo", plan="keep"), flags) or int(prepared.lost > 0)
