"""`rowpatch runs`: the runs there are, how each stands, and what to do next."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def runs(
    *,
    in_: Annotated[Path, Parameter(name="--in", help="Where the runs lie. Default: runs.")] = Path("runs"),
) -> int:
    """List the runs, the newest first: state, age, counts, and the command to go on with. Nothing is sent."""
    import time  # noqa: PLC0415  # --help must be quick

    from worker.cli.speech import say  # noqa: PLC0415  # see above
    from worker.files.runs import lines, listed  # noqa: PLC0415  # see above

    found = listed(in_)
    say("\n".join(lines(found, time.time())) if found else f"There are no runs in {in_}.")
    return 0
