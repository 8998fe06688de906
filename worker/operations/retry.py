"""What a retry runs again."""

from collections.abc import Iterator

from jobs.values import valueclass
from worker.engine.redo import Redo, last_of_next, rows_to_redo
from worker.operations.opening import RunHandle, refuse_night, refuse_plan
from worker.operations.runs import RunMode


@valueclass(frozen=True, slots=True)
class Retry:
    """A retry that is ready to be carried out.

    Attributes:
        warnings: which rows are left alone, and why.
    """

    mode: RunMode
    warnings: tuple[str, ...]


def prepare(handle: RunHandle, limit: int | None = None) -> Retry:
    """Choose the rows that a retry runs again: `limit` of them at most, with those that the run did not reach.

    Raises:
        ConfigError: the run is a plan, or a night of a job.
    """
    refuse_night(handle)
    refuse_plan(handle)
    journal, rows = handle.journal, handle.rows
    chosen = rows_to_redo(handle.directory, journal, handle.settings, rows, handle.api.schema)
    last = None if limit is None else last_of_next(limit, chosen, journal, rows)
    redo = tuple(row for row in chosen.rows if last is None or row <= last)
    return Retry(RunMode("retry", resumed=True, redo=redo, last=last), tuple(_left_alone(chosen)))


def _left_alone(chosen: Redo) -> Iterator[str]:
    if chosen.superseded:
        yield (
            f"{chosen.superseded:,} rows are left alone: later rows of their records have set the same, or may have."
        )
    if chosen.fired:
        yield (
            f"{chosen.fired:,} rows are left alone: their trigger was fired, only some of their tags were discarded;"
            " --resend-unknown fires it again."
        )
