"""`rowpatch resume`: go on with a run that stopped, was interrupted or was killed."""

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import Flags


def resume(
    run: Annotated[Path | None, Parameter(help="The run directory. Default: the newest one to be resumed.")] = None,
    /,
    *,
    from_copy: Annotated[
        bool, Parameter(negative=(), help="Use the run's own copy of the sheet, although the file has changed.")
    ] = False,
    flags: Flags = Flags(),
) -> int:
    """Continue RUN: rows that have a result are not sent again.

    The settings are those of the run; flags override them. Rows whose request had left when the run was killed are
    sent again where that is safe, and marked; the others become `unknown`.
    """
    from worker.cli.chosen import chosen
    from worker.cli.flags import overridden
    from worker.cli.guarded import guarded
    from worker.cli.session import work
    from worker.operations.opening import opened_to_resume
    from worker.operations.runs import RunMode

    def go_on() -> int:
        with opened_to_resume(chosen("resume", run), partial(overridden, flags=flags), from_copy=from_copy) as handle:
            return work(handle, RunMode("resume", resumed=True), flags)

    return guarded(go_on)
