"""An undo is a run of its own: its input is made from the journal of another, and so is the plan that it keeps to."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from jobs.apis.schema import Schema
from jobs.changes.inverse import NotRestorable, Restoring, Written, restoring
from jobs.formats.quoting import quoted
from jobs.model import Status
from jobs.values import valueclass
from worker.events import Observer, advancing, ignore
from worker.files import source
from worker.files.atomic import replacing
from worker.files.run_directory import JOURNAL
from worker.journal import PLAN, History, Image, Journal, Planned, create
from worker.reports.formats import csv_head, csv_text, json_lines
from worker.reports.keys import KeyNames, names_of
from worker.settings import Settings

CANNOT: Final = "cannot_undo.csv"
"""Name of the report on what cannot be restored."""

_HEADER: Final = ("row", "type", "id", "column", "why")


@valueclass(frozen=True, slots=True)
class Prepared:
    """An undo that is ready to be carried out.

    Attributes:
        rows: records to restore. `lost`: values that cannot be.
    """

    settings: Settings
    rows: int
    lost: int


def prepare(
    history: History,
    made_with: Settings,
    schema: Schema,
    directory: Path,
    label: str,
    described: Mapping[str, str],
    observer: Observer = ignore,
) -> Prepared:
    """Write the input and the journal of the undo of a run; nothing is read from the API, and nothing sent.

    Args:
        history: of the run to be undone.
        made_with: the settings it was made with, but for a limit: that is the number of records to be restored for now.
            A resume of the undo with a larger one goes on.
        schema: of the API that the run was for.
        directory: the new run's, locked by the caller.
        label: what to call the input.
        described: facts about the copies of what describes the API, and of the recipe.
        observer: hears how far it is.

    Raises:
        JournalError: the new journal cannot be written.
        OSError: the new input cannot be.
    """
    count, limit = history.records(), made_with.input.limit
    with TemporaryFile(dir=directory) as text:
        records = advancing(_records(history, schema), observer, "undo", count)
        rows, lost = _write(records, directory, text, names_of(schema, made_with.target.type))
        text.seek(0)
        spooled = source.spool(text, directory, "ndjson")
    how = source.made(label, made_with, schema).model_copy(update={"limit": limit})
    target = made_with.target.model_copy(update={"type": ""})
    settings = made_with.model_copy(update={"input": how, "target": target})
    facts = {
        "source": label,
        "sha256": spooled.sha256,
        "rows": str(rows),
        "settings": settings.recorded(),
        PLAN: "complete",
        **described,
    }
    if rows:
        create(directory / JOURNAL, facts)
        with closing(Journal(directory / JOURNAL)) as journal:
            journal.adopt(_plans(advancing(_records(history, schema), observer, "plan", count)))
    return Prepared(settings, rows, lost)


def _write(
    records: Iterator[tuple[Image, Restoring]], directory: Path, text: IO[bytes], names: KeyNames | None
) -> tuple[int, int]:
    """Write the restoring rows, and what cannot be restored; how many there are of each."""
    rows = lost = 0
    with replacing(directory, (CANNOT,)) as (report,):
        report.write(csv_head((*_HEADER, *(names.columns if names else ()))))
        for image, way in records:
            if way.members:
                rows += 1
                text.write(json_lines([way.members]).encode("utf-8", "surrogatepass"))
            lost += len(way.lost)
            report.write(csv_text(_cells(image, each, names) for each in way.lost))
    return rows, lost


def _records(history: History, schema: Schema) -> Iterator[tuple[Image, Restoring]]:
    """Yield the records that the run wrote, each with the way back, one at a time in memory."""
    for _, group in groupby(history.written(), key=lambda entry: (entry[0].type, entry[0].id)):
        entries = list(group)
        image = entries[0][0]
        rows = [Written(each.row, each.edits, each.unread, not uncertain) for each, uncertain in entries]
        yield image, restoring(image.type, image.id, rows, schema)


def _plans(records: Iterator[tuple[Image, Restoring]]) -> Iterator[Planned]:
    number = 0
    for image, way in records:
        if way.members:
            number += 1
            yield Planned(number, image.type, image.id, Status.PENDING, edits=way.edits)


def _cells(image: Image, lost: NotRestorable, names: KeyNames | None) -> list[str]:
    parts = names.cells(image.type, image.id) if names else ()
    return [
        str(lost.row), quoted(image.type), quoted(image.id), quoted(lost.column), lost.why, *map(quoted, parts),
    ]  # fmt: skip
