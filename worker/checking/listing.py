"""The second pass of a check: every single finding, in the order of the input."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from jobs.apis.schema import Schema
from jobs.damage import Sign
from jobs.formats import InputRefused, WorkbookRow
from jobs.model import RowRef, UpdateJob
from jobs.texts import shortened
from worker.checking.duplicates import Repeated
from worker.checking.findings import Checked, Finding, Group, Spot, concealed, fault_at
from worker.checking.first_pass import told
from worker.checking.records import Judged, Record, Records, opened
from worker.checking.unseen import Covered, under
from worker.files.source import HIDDEN, private
from worker.settings import Input


def findings(checked: Checked, path: Path, how: Input, type_name: str, schema: Schema) -> Iterator[Finding]:
    """Yield what `check` counted, one by one; what is about the whole input comes where it is met."""
    for group in checked.warnings:
        if group.code in _OF_HEADERS:
            yield from (Finding(group, spot) for spot in group.spots)
    with suppress(InputRefused), opened(path, how, type_name, schema) as records:  # what refuses it was found before
        listing, hidden = _Listing(checked, records), private(how, type_name, schema)
        for record in records.rows:
            for found in listing.of(record):
                yield replace(found, spot=concealed(found.spot)) if hidden.covers(found.group.column) else found
    for refusal in checked.refusals:
        group = checked.refusal(refusal)
        yield Finding(group, group.spots[0])


_OF_HEADERS: Final = frozenset({"suspicious_header", "hidden_column"})
"""Warnings that have a place for each column, however many there are."""


def _is_one(sign: Sign, cell: str, record: Record) -> bool:
    if sign.stored is not None:
        return isinstance(record, WorkbookRow) and sign.stored(cell, record.stored[sign.column.position])
    return sign.matches(cell)


class _Listing:
    """The findings row by row."""

    def __init__(self, checked: Checked, records: Records) -> None:
        self._checked = checked
        self._records = records
        self._positions = {column.label: column.position for column in records.columns}
        self._groups = {(group.code, group.column): group for group in checked.warnings}
        self._repeated = iter(checked.duplicates)
        self._next = next(self._repeated, None)
        self._covered = Covered(checked.merged)

    def of(self, record: Record) -> Iterator[Finding]:
        """Yield all findings about a row."""
        judged = self._records.judged(record)
        if isinstance(record, WorkbookRow):
            yield from self._unseen(record, judged)
        if isinstance(judged, str):
            return
        for fault in judged if isinstance(judged, list) else ():
            group = self._checked.errors.get((fault.reason, fault.column)) or Group("error", fault.reason, fault.column)
            yield Finding(group, fault_at(fault, self._positions.get(fault.column, -1)))
        yield from self._damage(record, judged)
        yield from self._of_row(record.ref)

    def _damage(self, record: Record, judged: Judged) -> Iterator[Finding]:
        cells, texts = self._records.cells(record, judged), self._records.texts(record)
        for sign in self._checked.signs:
            position = sign.column.position
            cell = texts.get(sign.column.label, "") if texts else cells[position] if cells and position >= 0 else ""
            if cell and (texts or cell != self._records.clear) and _is_one(sign, cell, record):
                group = self._groups[sign.code, sign.column.label]
                yield Finding(group, Spot(record.ref, position, shortened(cell)))
        if origin := self._records.origin:
            for label, spot in origin.changed(record.ref, cells):
                yield Finding(self._groups["changed_by_spreadsheet", label], spot)

    def _unseen(self, row: WorkbookRow, judged: Judged) -> Iterator[Finding]:
        """Yield what the spreadsheet hides of a row."""
        over = self._covered.over(row.ref.line)
        if judged == HIDDEN:
            return
        if row.hidden and isinstance(judged, UpdateJob):
            yield Finding(self._groups["hidden_row", ""], Spot(row.ref, -1, ""))
        for label, position in self._positions.items() if over else ():
            if merged := next((each for each in over if each.covers(row.ref.line, position)), None):
                yield Finding(self._groups["merged_cells", label], under(merged, row.ref, position))

    def _of_row(self, ref: RowRef) -> Iterator[Finding]:
        if ref.row in self._checked.shifted:
            yield Finding(self._groups["shifted_row", ""], Spot(ref, -1, ""))
        if self._next is not None and self._next.ref.row == ref.row:
            yield self._twice(self._next)
            self._next = next(self._repeated, None)

    def _twice(self, repeated: Repeated) -> Finding:
        group = next(group for group in self._checked.warnings if group.code == "duplicate_id")
        spot = Spot(repeated.ref, self._positions.get(group.column, -1), "", told(repeated.first, repeated.same))
        return Finding(group, spot)
