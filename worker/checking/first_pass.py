"""The first pass of a check: every row is read once, by the code that `apply` uses, and looked at for damage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jobs.apis.schema import Schema
from jobs.columns import keys_of
from jobs.damage import BATCH, Examination, fault_of
from jobs.formats import InputRefused, WorkbookRow
from jobs.model import ABSENT, ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.recipe.columns import Sheets
from jobs.recipe.fields import Private
from worker.checking.findings import SPOTS, Checked, Group, Spot, fault_at
from worker.checking.records import HeaderRefused, Judged, Record, Records, opened
from worker.events import Advanced, Observer, ignore
from worker.files.source import private, refuse_lines_above, sheet_name
from worker.settings import Input

_BATCH_SIZE: Final = 1 << 22
"""Bytes, roughly, after which a batch ends before it is full: one row can be as large as thousands of others."""

_CELL: Final = 8
"""Bytes of a cell without text."""

_MEMBER: Final = 64
"""Bytes, at least, of a member of an object besides its name and its text."""

_MOST_GROUPS: Final = 10_000
"""Groups that are told apart; the names of objects' members have no bound."""


def check(path: Path, how: Input, type_name: str, schema: Schema, observer: Observer = ignore) -> Checked:
    """Read the whole input, and say what is wrong with it. Memory does not grow with its rows.

    Args:
        path: of the input, compressed or not.
        how: it is read.
        type_name: resource type of rows that do not name one.
        schema: of the API that the rows are for.
        observer: hears how far it is.

    Raises:
        ConfigError: no room for the ids, which are kept on disk.
    """
    checked = Checked(sheet=sheet_name(how))
    try:
        with opened(path, how, type_name, schema) as records:
            checked.header, checked.line = records.header, records.line
            one = _Pass(records, checked, schema, observer)
            try:
                for record in records.rows:
                    one.take(record)
            finally:
                one.finish()
                _conceal(checked, private(how, type_name, schema))
    except HeaderRefused as error:
        checked.header, checked.line = error.header, error.header_line
        checked.refusals = error.faults
    except InputRefused as error:
        checked.refusals.append(error)
    if checked.refusals and not checked.rows:
        try:
            refuse_lines_above(path, how, keys_of(type_name, schema))
        except InputRefused as error:
            checked.refusals = [error]
    if not checked.rows and not checked.refusals:
        checked.refusals.append(InputRefused("the input has no rows: there is nothing under its header"))
    return checked


def _conceal(checked: Checked, hidden: Private) -> None:
    for group in (*checked.errors.values(), *checked.warnings):
        if hidden.covers(group.column):
            group.conceal()


class _Pass:
    """One pass over one input. Rows are taken in one by one, and looked at together."""

    def __init__(self, records: Records, checked: Checked, schema: Schema, observer: Observer) -> None:
        self._records = records
        self._checked = checked
        self._observer = observer
        self._positions = {column.label: column.position for column in records.columns}
        self._examination = Examination(records.columns, records.clear, ten_letter_ids=schema.ten_letter_ids)
        self._rows: list[SheetRow] = []
        self._refs: list[RowRef] = []
        self._texts: list[Mapping[str, str]] = []
        self._ids: list[str] = []
        self._named: list[RowRef] = []
        self._size = 0

    def take(self, record: Record) -> None:
        """Take in a row of a sheet, or an object."""
        if isinstance(record, SheetRow):
            self._rows.append(record)
            self._size += len("".join(record.cells)) + _CELL * len(record.cells)
        else:
            judged = self._judged(record)
            if isinstance(judged, UpdateJob):
                self._ids.append(judged.key)
                self._named.append(record.ref)
                if cleared := _cleared(judged):
                    self._clears(cleared)
            if isinstance(record, ObjectRow) and not isinstance(judged, str):
                self._keep(record)
        if len(self._rows) >= BATCH or len(self._refs) >= BATCH or self._size > _BATCH_SIZE:
            self._look()

    def finish(self) -> None:
        """Look at what is left, and at everything as a whole."""
        self._look()
        checked = self._checked
        checked.signs = self._examination.signs()
        checked.shifted = self._examination.shifted
        for sign in checked.signs:
            spots = [Spot(each.ref, sign.column.position, each.cell) for each in sign.examples]
            group = Group("warning", sign.code, sign.column.label, sign.evidence, sign.count, spots)
            group.way_back = sign.action
            checked.warnings.append(group)
        if origin := self._records.origin:
            checked.warnings += origin.groups.values()
        if unseen := self._records.unseen:
            checked.warnings += unseen.groups(checked.sendable)
            checked.merged = unseen.merged
        self._look_at_header()
        self._look_at_ids()

    def _keep(self, row: ObjectRow) -> None:
        texts = self._records.texts(row)
        self._refs.append(row.ref)
        self._texts.append(texts)
        self._size += len("".join(texts)) + len("".join(texts.values())) + _MEMBER * len(texts)

    def _look(self) -> None:
        if isinstance(self._records.meaning, Sheets) and self._rows:
            self._look_at_rows(self._rows, self._records.meaning)
        self._examination.see_objects(self._refs, self._texts)
        self._checked.duplicates.add(self._ids, self._named)
        for waiting in (self._rows, self._refs, self._texts, self._ids, self._named):
            waiting.clear()
        self._size = 0
        self._observer(Advanced("check", self._checked.rows, *self._records.position()))

    def _look_at_rows(self, rows: Sequence[SheetRow], columns: Sheets) -> None:
        doubtful = columns.doubtful(rows)
        if left_out := self._records.left_out(rows):
            doubtful = sorted({*doubtful, *left_out})
        certain = len(rows) - len(doubtful)
        self._checked.rows += certain
        self._checked.sendable += certain
        cells = [row.cells for row in rows]
        unsent = set()
        for index in doubtful:
            judged = self._judged(rows[index])
            cells[index] = self._records.cells(rows[index], judged)
            if not isinstance(judged, UpdateJob):
                unsent.add(index)
            if origin := self._records.origin:
                origin.see(rows[index].ref, cells[index])
        if unseen := self._records.unseen:
            unseen.see([row for row in rows if isinstance(row, WorkbookRow)], unsent)
        sent = [index for index in range(len(rows)) if index not in unsent]
        self._ids += columns.records([cells[index] for index in sent])
        self._named += [rows[index].ref for index in sent]
        seen = [(row, each) for row, each in zip(rows, cells, strict=True) if each]
        stored = [row.stored for row, _ in seen if isinstance(row, WorkbookRow)]
        before = self._examination.cleared
        self._examination.see_rows([row.ref for row, _ in seen], [each for _, each in seen], stored)
        if self._examination.cleared > before:
            for index in sent:
                if cleared := sum(cells[index][at] == self._records.clear for at in self._positions.values()):
                    self._clears(cleared)

    def _clears(self, fields: int) -> None:
        """Count the fields that a row clears."""
        self._checked.cleared += fields
        self._checked.clearing += 1

    def _judged(self, record: Record) -> Judged:
        """Judge the row and count the outcome."""
        checked = self._checked
        judged = self._records.judged(record)
        checked.rows += 1
        if isinstance(judged, UpdateJob):
            checked.sendable += 1
        elif isinstance(judged, str):
            checked.skipped[judged] += 1
        else:
            checked.refused += 1
            for fault in judged:
                self._refused(fault)
        return judged

    def _refused(self, fault: Unsendable) -> None:
        groups = self._checked.errors
        key = (fault.reason, fault.column)
        if key not in groups and len(groups) >= _MOST_GROUPS:
            key = (fault.reason, "")
        group = groups.get(key) or groups.setdefault(key, Group("error", *key))
        group.add(fault_at(fault, self._positions.get(fault.column, -1)))

    def _look_at_header(self) -> None:
        for column in self._records.columns:
            if why := fault_of(column.label):
                spot = Spot(RowRef(0, self._records.line, b""), column.position, column.label)
                self._checked.warnings.append(
                    Group("warning", "suspicious_header", column.label, why, count=1, spots=[spot])
                )

    def _look_at_ids(self) -> None:
        duplicates = self._checked.duplicates
        count, same = duplicates.counts()
        if count:
            column = self._records.named_by
            position = self._positions.get(column, -1)
            parts = [f"{same:,} repeat that row word for word"] if same else []
            parts += [f"{count - same:,} have other cells"] if count > same else []
            why = ", ".join(parts)
            group = Group("warning", "duplicate_id", column, why, count, grave=count > same)
            group.spots = [
                Spot(each.ref, position, "", told(each.first, each.same)) for each in duplicates.first(SPOTS)
            ]
            self._checked.warnings.append(group)


def _cleared(job: UpdateJob) -> int:
    """Return how many fields a row clears: quickly, since nearly every row clears none."""
    count = 0
    if None in job.attributes.values():
        count += sum(value is None for value in job.attributes.values())
    for members in job.members.values():
        if ABSENT in members.values():
            count += sum(value is ABSENT for value in members.values())
    if job.relationships:
        count += sum(not links for links in job.relationships.values())
    return count


def told(first: int, same: bool) -> str:  # a fact about two rows
    """Describe a row whose id an earlier row has."""
    return f"the same row as line {first}" if same else f"the id of line {first}, and other cells"
