"""`rowpatch retry`: run the rows again that failed or were rejected."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import Flags


def retry(
    run: Annotated[Path | None, Parameter(help="The run directory. Default: the newest one to be retried.")] = None,
    /,
    *,
    flags: Flags = Flags(),
) -> int:
    """Run the failed and rejected rows of RUN again, as a new attempt in the same run.

    So are rows that the run did not reach, and unknown rows where it is safe to send them twice (the others with
    --resend-unknown). A row keeps its result if a later row of the same id was, or may have been, applied.
    With --limit N, the next N of them are run.
    """
    from worker.cli.chosen import chosen
    from worker.cli.flags import overridden
    from worker.cli.guarded import guarded
    from worker.cli.session import work
    from worker.cli.speech import complain
    from worker.exit_statuses import DONE
    from worker.operations.opening import opened
    from worker.operations.retry import prepare

    def again() -> int:
        with opened(chosen("retry", run), partial(overridden, flags=replace(flags, limit=None))) as handle:
            prepared = prepare(handle, flags.limit)
            for warning in prepared.warnings:
                complain(warning, DONE)
            return work(handle, prepared.mode, flags)

    return guarded(again)
