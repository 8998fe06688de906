"""All reports of a run in one pass over its input and its journal."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import compress, islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from jobs.apis.schema import Schema
from jobs.columns import keys_of
from jobs.formats import Keys, ObjectFormat
from jobs.recipe.view import own_keys
from worker.events import Observer, advancing, ignore
from worker.files.atomic import replacing
from worker.files.source import format_of, opened, options_of, private, sheet_name, spooled_in
from worker.journal import History
from worker.journal.schema import JournalDamaged
from worker.reports.concealing import concealing
from worker.reports.formats import csv_head, csv_line, encode
from worker.reports.keys import names_of
from worker.reports.merge import Record, Row, merge
from worker.reports.outcome import errors, needs_action, render
from worker.reports.page import Problems, gathered, page_of
from worker.reports.summary import Causes, Summary, Tally, summarise
from worker.reports.views import ObjectView, SheetView, View
from worker.settings import Settings

_CHUNK: Final = 500
"""Rows that are formatted together."""

T = TypeVar("T")


def write(
    directory: Path, history: History, settings: Settings, schema: Schema, rows: int, observer: Observer = ignore
) -> Summary:
    """Make `results.csv`, `failed.csv` or `failed.ndjson`, `results.ndjson`, `report.html` and `summary.json` anew.

    They appear together and complete, or the old ones stand. Memory does not grow with the number of rows.

    Args:
        directory: of the run, with the copy of the input in it; the caller holds its lock.
        history: the run's journal.
        settings: of the run.
        schema: of the API that the run was for.
        rows: of the input, as its first pass counted them.
        observer: hears how far it is.

    Raises:
        JournalDamaged: journal and input do not belong together.
        InputRefused: the copy of the input is gone or cannot be read any more.
        OSError: a report cannot be written.
    """
    view_of = ObjectView if isinstance(format_of(settings.input), ObjectFormat) else SheetView
    names = ("results.csv", view_of.failed_name, "results.ndjson", "report.html", "summary.json")
    tally, causes = Tally(), Causes()
    with opened(spooled_in(directory, settings.input.format)) as stream, replacing(directory, names) as files:
        view, records = _read(stream, settings, schema)
        hidden = private(settings.input, settings.target.type, schema)
        conceal = concealing(hidden, getattr(records, "header", ())).row if hidden else None
        results, failed, lines, page, digest = files
        problems = Problems(view, _keys(settings, schema))
        results.write(csv_head(view.header))
        failed.write(view.failed_head)
        merged = merge(records, history.settled(), history.doubts(), settings.input.limit)
        for chunk in _chunks(advancing(merged, observer, "reports", rows)):
            view.targets = history.targets(chunk[0][0].ref.row, chunk[-1][0].ref.row)
            table, objects = lines_of(view, map(conceal, chunk) if conceal else chunk)
            results.writelines(table)
            lines.writelines(objects)
            marks = [needs_action(fate) for _, fate, _, _ in chunk]
            open_rows = list(compress(chunk, marks))
            mendable = lines_of(view, open_rows)[0] if conceal else compress(table, marks)
            failed.write(view.failed(open_rows, mendable))
            tally.add(Counter(map(itemgetter(1), chunk)))
            for row in open_rows:
                if problems.wants(cause := causes.add(row[0].ref, row[1])):
                    problems.add(cause, conceal(row) if conceal else row)
        if tally.rows != rows:
            raise JournalDamaged(f"the copy of the input has {tally.rows} rows; the journal was made for {rows}.")
        summary = summarise(history, settings, schema, causes.groups(view.place), tally, view.failed_name)
        page.write(page_of(gathered(summary, problems, history, settings, schema, hidden)))
        digest.write(encode(summary.document()) + "\n")
    return summary


def lines_of(view: View, rows: Iterable[Row[Record]]) -> tuple[list[str], list[str]]:
    """Return the lines of `results.csv` and of `results.ndjson`, one of each a row."""
    table, objects = [], []
    for record, fate, request_id, at in rows:
        ref = record.ref
        cells, members = render(ref, fate, request_id, at)
        own, source, key = view.render(record)
        table.append(csv_line(cells + own))
        said = errors(ref, fate, view.place) if fate.errors else "[]"
        objects.append(f'{{{members},{source},"errors":{said}{key}}}\n')
    return table, objects


@contextmanager
def records_of(directory: Path, settings: Settings, schema: Schema) -> Iterator[Iterable[Record]]:
    """Open a run's copy of the input; return its records, in order."""
    with opened(spooled_in(directory, settings.input.format)) as stream:
        yield _read(stream, settings, schema)[1]


def _read(stream: BinaryIO, settings: Settings, schema: Schema) -> tuple[View, Iterable[Record]]:
    how, type_name = settings.input, settings.target.type
    form, options, names = format_of(how), options_of(how, keys_of(type_name, schema)), names_of(schema, type_name)
    if isinstance(form, ObjectFormat):
        return ObjectView(type_name, names), form.read(stream, options)
    sheet = form.read(stream, options)
    return SheetView(sheet.header, type_name, sheet_name(how), names), sheet


def _keys(settings: Settings, schema: Schema) -> Keys:
    """Return what the input calls the columns that say which record a row is about."""
    keys, recipe = keys_of(settings.target.type, schema), settings.input.view
    return own_keys(recipe, keys) if recipe else keys


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
