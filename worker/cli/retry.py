"""`rowpatch retry`: run the rows again that failed or were rejected."""

from contextlib import ExitStack
from dataclasses import replace
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

    Unknown rows are among them where sending them twice is safe (the others with --resend-unknown), and rows the run
    did not reach. A row is left as it is when a later row of the same id was, or may have been, applied.
    With --limit N, the next N of them are run.
    """
    from worker.cli.chosen import chosen as the_one
    from worker.cli.session import Command, guarded, open_run, refuse_plan, work
    from worker.cli.speech import complain
    from worker.engine.redo import last_of_next, rows_to_redo

    def again() -> int:
        with ExitStack() as stack:
            opened = open_run(stack, the_one("retry", run), replace(flags, limit=None))
            refuse_plan(opened)
            chosen = rows_to_redo(opened.directory, opened.journal, opened.settings, opened.rows)
            if chosen.superseded:
                complain(
                    f"{chosen.superseded:,} rows are left alone: later rows of their records have set the same,"
                    " or may have.",
                    0,
                )
            if chosen.fired:
                complain(
                    f"{chosen.fired:,} rows are left alone: their trigger was fired, only some of their tags were"
                    " discarded; --resend-unknown fires it again.",
                    0,
                )
            last = None if flags.limit is None else last_of_next(flags.limit, chosen, opened.journal, opened.rows)
            rows = tuple(row for row in chosen.rows if last is None or row <= last)
            return work(opened, Command("retry", resumed=True, redo=rows, last=last), flags)

    return guarded(again)
