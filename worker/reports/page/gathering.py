"""What the page shows, read from the journal: sums that SQLite makes, samples, and never a row by itself."""

from pathlib import Path

from jobs.apis.schema import Schema
from jobs.recipe.fields import Private
from jobs.values import valueclass
from worker.files import source
from worker.journal import History, Process
from worker.reports.page.changes import Changes, ColumnChanges, spread
from worker.reports.page.delays import Delays, delays_of, sampled
from worker.reports.page.problems import Problem, Problems
from worker.reports.page.timeline import Timeline, timeline_of, width_of, windows_of
from worker.reports.summary import Summary
from worker.settings import Settings


@valueclass(frozen=True, slots=True)
class Proof:
    """What shows that the page is about this input and this journal, and leaves no row out.

    Attributes:
        rows_read: rows of the copy of the input, as the reports were made.
        results: rows that have a result in the journal.
        sha256_now: of the copy of the input, in hexadecimal.
    """

    rows_read: int
    results: int
    sha256_now: str


@valueclass(frozen=True, slots=True)
class Told:
    """All that the page tells of a run.

    Attributes:
        directory: of the run, as the user would type it.
        facts: of the journal.
        problems: the rows that are shown. `total`: rows that need somebody.
        delays: None if no row was answered.
    """

    summary: Summary
    directory: Path
    facts: dict[str, str]
    settings: Settings
    processes: tuple[Process, ...]
    problems: tuple[Problem, ...]
    total: int
    columns: tuple[ColumnChanges, ...]
    timeline: Timeline
    delays: Delays | None
    proof: Proof


def gathered(
    summary: Summary, problems: Problems, history: History, settings: Settings, schema: Schema, hidden: Private
) -> Told:
    """Read what the page shows besides the summary and the rows that need somebody; its size is bounded.

    Args:
        summary: of the run.
        problems: gathered in the pass over the rows.
        history: the run's journal.
        settings: of the run.
        schema: of the API that the run was for.
        hidden: fields of which no value is shown.

    Raises:
        JournalDamaged: the journal holds what no journal does.
        InputRefused: the copy of the input is gone.
        OSError: the copy of the input cannot be read.
    """
    directory, processes, rows = history.path.parent, history.processes(), summary.rows
    own = settings.pacing.ceiling
    width = width_of(processes, windows_of(history.pace(), own))
    changes = Changes(schema, hidden)
    changes.count(history.shapes())
    changes.look(history.changed(sorted({*changes.first, *spread(rows)})))
    copy = source.spooled_in(directory, settings.input.format)
    proof = Proof(rows, history.settled_rows(), source.sha256(copy))
    return Told(
        summary, directory, dict(history.facts), settings, tuple(processes), tuple(problems.rows()), problems.total,
        changes.columns(), timeline_of(processes, history.activity(width), history.pace(), own, width),
        delays_of(history.delays(sampled(rows)), rows), proof,
    )  # fmt: skip
