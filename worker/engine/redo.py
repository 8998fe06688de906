"""Which rows a `retry` runs again, so that the last value of every field still wins."""

from heapq import merge
from itertools import islice
from pathlib import Path

from jobs.apis.schema import Schema
from jobs.changes.overtaking import left_of
from jobs.model import UpdateJob
from jobs.values import valueclass
from worker.files import source
from worker.files.refeed import outrun
from worker.journal import Journal
from worker.settings import Settings


@valueclass(frozen=True, slots=True)
class Redo:
    """The rows to run again, and how many are left alone.

    Attributes:
        superseded: because later rows of their record have set, or may have set, all that they set, or a part without
            which the rest cannot be sent.
        fired: because their trigger was fired; only some of their tags were not taken.
    """

    rows: list[int]
    superseded: int
    fired: int


def last_of_next(limit: int, chosen: Redo, journal: Journal, rows: int) -> int:
    """Return the number of the last of the next `limit` rows: of those chosen, and of those never reached."""
    histories = journal.histories(rows)
    unreached = (row for row in range(1, rows + 1) if not histories.of(row).settled)
    return max(islice(merge(chosen.rows, unreached), limit), default=0)


def rows_to_redo(directory: Path, journal: Journal, settings: Settings, rows: int, schema: Schema) -> Redo:
    """Choose among the rows that have a result; memory grows with the rows that need to be run again only."""
    how = settings.input
    copy, terms = source.spooled_in(directory, how.format), source.terms(how, schema)
    found = outrun(copy, settings, journal, rows, schema)
    left: set[int] = set()
    if found.taken:
        with source.opened(copy) as stream:
            for job in source.jobs(stream, how, settings.target.type, schema, found.taken.__contains__):
                lost = found.taken[job.ref.row]
                if isinstance(job, UpdateJob) and isinstance(left_of(job, lost, terms), UpdateJob):
                    left.add(job.ref.row)
    chosen = [row for row in found.rows if row in left or row not in found.taken]
    return Redo(chosen, len(found.rows) - len(chosen), found.fired)
