"""`rowpatch undo`: put back what a run replaced."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, UndoFlags


def undo(
    run: Annotated[
        Path | None,
        Parameter(help="The run directory. Default: the newest run with applied rows that is not undone."),
    ] = None,
    /,
    *,
    run_dir: Annotated[
        Path | None, Parameter(group=RUN, help="Where the undo is kept. Default: runs/undo-NAME-TIME.")
    ] = None,
    plan_only: Annotated[
        bool, Parameter(group=RUN, negative=(), help="Only show what would be restored; nothing is sent.")
    ] = False,
    flags: UndoFlags = UndoFlags(),
) -> int:
    """Restore, key by key, what RUN replaced. The undo is a run of its own: it can be resumed, and undone.

    A record is restored only if it still holds what RUN wrote last. If somebody has changed it since, it is a
    `conflict`, and is not touched. --limit N restores the first N records; to continue, resume the undo with a larger
    limit. Triggers, values of blind runs and fields that the API never shows cannot be restored: they are listed in
    cannot_undo.csv.

    Exit status: 0 if everything is restored, 1 if something is not.
    """
    from worker.cli.chosen import chosen_to_undo
    from worker.cli.guarded import guarded
    from worker.cli.undoing import undo as begin

    return guarded(lambda: begin(chosen_to_undo(run, flags, sure=plan_only), run_dir, flags, plan_only=plan_only))
