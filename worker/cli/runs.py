"""`rowpatch runs`: list the runs, the state of each, and the next command."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def runs(
    *,
    in_: Annotated[Path, Parameter(name="--in", help="Directory of the runs. Default: runs.")] = Path("runs"),
) -> int:
    """List the runs, the newest first: state, age, counts, and the next command. Nothing is sent."""
    import time

    from worker.cli.speech import say
    from worker.files.runs import lines, listed

    found = listed(in_)
    say("\n".join(lines(found, time.time())) if found else f"There are no runs in {in_}.")
    return 0
