"""A plan in numbers and as files: what would change, value by value."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from jobs.apis.schema import Schema
from jobs.changes.edits import column_of, in_columns
from jobs.model import Absent, Edit, RowRef, Status, Unread
from jobs.recipe.fields import Private
from worker.events import Observer, advancing, ignore
from worker.exit_statuses import STOPPED
from worker.files import night_facts
from worker.files.atomic import replacing
from worker.files.source import private
from worker.journal import History, Planned, RowOutcome
from worker.journal.schema import JournalDamaged
from worker.reports.formats import csv_head, csv_text, json_lines
from worker.reports.keys import KeyNames, names_of
from worker.reports.merge import Record
from worker.reports.plan_files import (
    HEADER,
    NOT_REACHED,
    Note,
    fitted,
    is_sent,
    members,
    note_of,
    sides,
    table_lines,
    type_name,
)
from worker.reports.summary import Causes, Group
from worker.reports.writing import records_of
from worker.settings import Settings

MAX_COLUMNS: Final = 200
"""Columns that are told apart; the others are counted together. Likewise names that are always sent."""

SHOWN_ROWS: Final = 10
"""Rows that are kept for showing value by value."""

OTHERS: Final = "(other columns)"

_EXAMPLE: Final = 400
"""Terminal cells of an example: no line is as wide."""

_CHUNK: Final = 500


@dataclass(slots=True)
class Flip:
    """Values that become another type. `before`, `after`: the first of them."""

    before: str
    after: str
    rows: int = 0


@dataclass(slots=True)
class ColumnTally:
    """What happens to one column. A row has one value of a column; only of `tags` it may have several.

    Attributes:
        rows: that change something in it.
        notes: values by what happens to them.
        gone: of those that are cleared, how many are a `value`, a `key` of an object that goes, a `tag`, or an
            `element` of a set.
        flips: by the types before and after.
        examples: the first value of each note, before and after.
    """

    rows: int = 0
    notes: Counter[Note] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    flips: dict[tuple[str, str], Flip] = field(default_factory=dict)
    examples: dict[Note, tuple[str, str]] = field(default_factory=dict)

    @property
    def cleared(self) -> int:
        """Values that will not be there any more."""
        return self.notes["clear"]

    @property
    def changed(self) -> int:
        """Values that take the place of others."""
        return self.notes["change"] + self.notes["type changes"]

    def add(self, edit: Edit) -> None:
        """Count one value."""
        note = note_of(edit)
        self.notes[note] += 1
        if note not in self.examples:
            self.examples[note] = _example(edit)
        if note == "clear":
            key = len(edit.path) > 2 and isinstance(edit.after, Absent)  # (kind, name, key)
            kinds = {"tags": "tag", "elements": "element"}
            self.gone[kinds.get(edit.path[0], "key" if key else "value")] += 1
        if note == "type changes":
            types = type_name(edit.before), type_name(edit.after)
            if types not in self.flips:
                self.flips[types] = Flip(*_example(edit))
            self.flips[types].rows += 1


@dataclass(slots=True)
class PlanSummary:
    """A plan in numbers; its size does not grow with the number of rows.

    Attributes:
        replace: keys that the sheet does not name are wiped.
        reads: requests that the plan cost.
        rows: of the input. `to_send`, `unchanged`, `refused`, `not_reached` and `skipped` sum up to it.
        refused: rows that cannot be sent as they are.
        not_reached: rows that an incomplete plan says nothing of.
        unseen: of `to_send`, rows with nothing that could be compared.
        repeated: records that more than one row is sent for, and these rows.
        overwritten: rows that replace an object nobody read.
        skipped: rows by reason.
        columns: by name, as a sheet has it.
        unread: rows that send a name nobody can compare, by name.
        actions: those of these names that make something happen.
        first: the first rows that would be sent.
        types: rows that would be sent, by type.
        gone: records whose rows are gone that a night would clear, and the number of their fields.
        job: command that goes on with the job, of a dry run or of a night that nobody has to approve; else empty.
        is_action: tells whether a name makes something happen.
    """

    replace: bool = False
    reads: int = 0
    rows: int = 0
    to_send: int = 0
    unchanged: int = 0
    refused: int = 0
    not_reached: int = 0
    unseen: int = 0
    repeated: tuple[int, int] = (0, 0)
    overwritten: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    columns: dict[str, ColumnTally] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    actions: set[str] = field(default_factory=set)
    first: list[Planned] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    gone: tuple[int, int] = (0, 0)
    job: str = ""
    is_action: Callable[[str], bool] = lambda _: False
    _causes: Causes = field(default_factory=Causes)

    @property
    def problems(self) -> tuple[Group, ...]:
        """Why rows cannot be sent, the most frequent cause first."""
        return self._causes.groups()

    def add(self, ref: RowRef, planned: Planned) -> None:
        """Count one row."""
        self.rows += 1
        if is_sent(planned):
            self._send(planned)
        elif planned.status is Status.UNCHANGED:
            self.unchanged += 1
        elif planned.status is Status.SKIPPED:
            self.skipped[planned.reason] += 1
        elif planned.reason == NOT_REACHED:
            self.not_reached += 1
        else:
            self.refused += 1
            self._causes.add(ref, RowOutcome(planned.status, planned.reason, planned.message, planned.fields))

    def _send(self, planned: Planned) -> None:
        self.to_send += 1
        self.types[planned.type] += 1
        self.unseen += not planned.edits
        edits = planned.edits
        self.overwritten += any(isinstance(each.before, Unread) and isinstance(each.after, Mapping) for each in edits)
        if len(self.first) < SHOWN_ROWS:
            self.first.append(planned)
        for name in planned.unread:
            told = name if name in self.unread or len(self.unread) < MAX_COLUMNS else OTHERS
            self.unread[told] += 1
            if self.is_action(told):
                self.actions.add(told)
        touched: dict[str, ColumnTally] = {}
        for edit in edits:
            name = self._told_apart(column_of(edit))
            touched[name] = tally = self.columns.setdefault(name, ColumnTally())
            tally.add(edit)
        for tally in touched.values():
            tally.rows += 1

    def _told_apart(self, name: str) -> str:
        return name if name in self.columns or len(self.columns) < MAX_COLUMNS else OTHERS


def write_plan(
    directory: Path, history: History, settings: Settings, schema: Schema, rows: int, observer: Observer = ignore
) -> PlanSummary:
    """Make `plan.csv` (a line a value that changes) and `plan.ndjson` (a line a row); memory does not grow with them.

    Args:
        directory: of the run, with the copy of the input in it; the caller holds its lock.
        history: the run's journal.
        settings: of the run.
        schema: of the API that the run is for.
        rows: of the input, as its first pass counted them.
        observer: hears how far it is.

    Raises:
        JournalDamaged: journal and input do not belong together.
        InputRefused: the copy of the input is gone or cannot be read any more.
        OSError: a file cannot be written.
    """
    processes = history.processes()
    reads = sum(each.gets for each in processes)
    summary = PlanSummary(settings.input.metadata == "replace", reads, is_action=schema.is_trigger)
    summary.repeated = history.repeated()
    summary.gone = night_facts.to_clear(history.facts)
    is_tripped = bool(processes) and processes[-1].exit_status == STOPPED  # to be approved by `apply --plan`
    if not is_tripped or night_facts.DRY_RUN in history.facts:
        summary.job = night_facts.command_of_job(history.facts)
    pair, names = ("plan.csv", "plan.ndjson"), names_of(schema, settings.target.type)
    with records_of(directory, settings, schema) as records, replacing(directory, pair) as files:
        table, lines = files
        pairs = _paired(records, history.planned(), settings.input.limit)
        hidden = private(settings.input, settings.target.type, schema)
        pairs = _discreet(pairs, hidden) if hidden else pairs
        pairs = advancing(pairs, observer, "reports", rows)
        _write(pairs, table, lines, summary, schema, names)
        if summary.rows != rows:
            raise JournalDamaged(f"the copy of the input has {summary.rows} rows; the journal was made for {rows}.")
    return summary


def _example(edit: Edit) -> tuple[str, str]:
    return fitted(*sides(edit), _EXAMPLE)


def _write(
    pairs: Iterator[tuple[RowRef, Planned]],
    table: TextIO,
    lines: TextIO,
    summary: PlanSummary,
    schema: Schema,
    names: KeyNames | None,
) -> None:
    table.write(csv_head([*HEADER, *(names.columns if names else ())]))
    while chunk := list(islice(pairs, _CHUNK)):
        written = [(ref, _as_written(planned, schema)) for ref, planned in chunk]
        table.write(csv_text([cells for ref, planned in written for cells in table_lines(ref, planned, names)]))
        lines.write(json_lines(members(ref, planned, schema, names) for ref, planned in chunk))
        for ref, planned in written:
            summary.add(ref, planned)


def _discreet(pairs: Iterable[tuple[RowRef, Planned]], hidden: Private) -> Iterator[tuple[RowRef, Planned]]:
    """Yield every row without the values that nobody is to be shown."""
    for ref, planned in pairs:
        yield ref, replace(planned, edits=tuple(map(hidden.concealed, planned.edits)))


def _as_written(planned: Planned, schema: Schema) -> Planned:
    """Return a planned row with its edits as the columns of a sheet say them."""
    if schema.grammar == "attributes":
        return planned
    return replace(planned, edits=tuple(in_columns(edit, planned.type, schema) for edit in planned.edits))


def _paired(records: Iterable[Record], plan: Iterable[Planned], limit: int | None) -> Iterator[tuple[RowRef, Planned]]:
    """Yield every row with its plan; an unplanned row is beyond the limit, or was not reached."""
    waiting = iter(plan)
    planned = next(waiting, None)
    for record in records:
        ref = record.ref
        if planned is not None and planned.row == ref.row:
            yield ref, planned
            planned = next(waiting, None)
        elif limit is not None and ref.row > limit:
            yield ref, Planned(ref.row, "", "", Status.SKIPPED, "beyond_limit")
        else:
            yield ref, Planned(ref.row, "", "", Status.PENDING, NOT_REACHED)
    if planned is not None:
        raise JournalDamaged(f"the journal has a row {planned.row} that the copy of the input does not have.")
