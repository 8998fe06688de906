"""`rowpatch resume`: go on with a run that stopped, was interrupted or was killed."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import Flags


def resume(
    run: Annotated[Path | None, Parameter(help="The run directory. Default: the newest one to be resumed.")] = None,
    /,
    *,
    from_copy: Annotated[
        bool, Parameter(negative=(), help="Go on with the run's copy of the sheet although the file has changed since.")
    ] = False,
    flags: Flags = Flags(),
) -> int:
    """Go on with RUN: rows that are settled are not sent again.

    The settings are those of the run; flags override them. Rows whose request had left when the run was killed are
    sent again where that is safe, and are marked; the others become `unknown`.
    """
    from worker.cli.chosen import chosen
    from worker.cli.session import Command, guarded, open_run, refuse_changed, refuse_plan, work

    def go_on() -> int:
        with ExitStack() as stack:
            opened = open_run(stack, chosen("resume", run), flags)
            refuse_plan(opened)
            if not from_copy:
                refuse_changed(opened)
            return work(opened, Command("resume", resumed=True), flags)

    return guarded(go_on)
