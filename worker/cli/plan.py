"""`rowpatch plan`: show what an apply would do."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, SOURCE, ApiFlags, Flags, SourceFlags


def plan(
    source: Annotated[str | None, Parameter(help=SOURCE)] = None,
    /,
    *,
    run_dir: Annotated[
        Path | None, Parameter(group=RUN, help="Where the run is kept. Default: runs/NAME-TIME.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, Parameter(group=RUN, negative=(), help="Exit 10 if there is something to send.")
    ] = False,
    which: ApiFlags = ApiFlags(),
    flags: Flags = Flags(),
    reading: SourceFlags = SourceFlags(),
) -> int:
    """Show what `apply` would change, value by value, and send nothing.

    The plan is kept in the run directory: `apply --plan RUN` then does exactly what it says, and refuses rows whose
    records have changed since. Columns and flags are those of `apply`.

    Exit status: 0; 1 if a row is invalid or its record cannot be read; with --detailed-exitcode, 10 if there is
    something to send.
    """
    from worker.cli.begin import begin
    from worker.cli.guarded import guarded
    from worker.operations.runs import RunMode

    mode = RunMode("plan", plan="make")
    return guarded(lambda: begin(source, run_dir, mode, flags, reading, which, detailed=detailed_exitcode))
