"""`rowpatch runs`: list the runs, the state of each, and the next command."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def runs(
    recipe: Annotated[Path | None, Parameter(help="Recipe of a job: list its nights only. Default: all runs.")] = None,
    /,
    *,
    in_: Annotated[Path, Parameter(name="--in", help="Directory of the runs. Default: runs.")] = Path("runs"),
) -> int:
    """List the runs, the newest first: state, age, counts, and the next command. Nothing is sent.

    With RECIPE, list the nights of its job: the outcome of each, and how many were ok.
    """
    import time

    from worker.cli.guarded import guarded
    from worker.cli.speech import say
    from worker.files.runs import lines, listed, nights
    from worker.operations.recipes import chosen

    def list_them() -> int:
        job = None if recipe is None else chosen(recipe).name
        found, now = listed(in_, job), time.time()
        if found:
            say("\n".join(lines(found, now) if job is None else nights(job, found, now)))
        else:
            say(f"There are no runs{'' if job is None else f' of {job}'} in {in_}.")
        return 0

    return guarded(list_them)
