"""The user's side of a report: what the input itself says about a row, for sheets and for NDJSON."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress, repeat
from typing import Final, Protocol

from jobs.columns import RESERVED, is_results_file
from jobs.model import JSON, ObjectRow, RowRef, RowResult, SheetRow
from jobs.quoting import quoted, unquoted
from jobs.reading.addresses import cell_address, letters, text_address
from worker.reports.formats import csv_head, csv_text, encode, json_lines
from worker.reports.merge import Record
from worker.reports.outcome import line_of, own_text, reserved_cells, reserved_members

_RESERVED: Final = frozenset(RESERVED)

Rows = Iterable[tuple[Record, RowResult]]


class View(Protocol):
    """How rows of one kind of input are shown.

    Attributes:
        header: names of the columns of `results.csv`.
        failed_head: text that `failed.*` begins with.
        targets: ids that were looked up for rows that name a reference, by row: those of the rows in hand.
    """

    header: list[str]
    failed_head: str
    targets: Mapping[int, str]

    def cells(self, record: Record) -> list[str]:
        """The row's cells in `results.csv`, after the reserved ones, quoted."""

    def source(self, record: Record) -> dict[str, JSON]:
        """`id`, `type` and `input` of `results.ndjson`: exact values."""

    def failed(self, rows: Rows) -> str:
        """The rows as `failed.*` has them, ready to be fed back."""

    def place(self, ref: RowRef, field: str) -> str:
        """Where the row begins in the input; the cell of the column `field`, if there is one of that name."""


def table(view: View, rows: Rows) -> str:
    """The rows as `results.csv` has them."""
    return csv_text([reserved_cells(result) + view.cells(record) for record, result in rows])


class SheetView:
    """CSV and TSV: the user's own columns stand after the reserved ones, which an earlier run may have put there."""

    def __init__(self, header: Sequence[str], type_name: str, sheet: str = "") -> None:
        """See the columns of one sheet.

        Args:
            header: as the reader yields it. With a reserved name among them it is a results file's, and quoted.
            type_name: of rows that name none.
            sheet: its name, in a workbook.
        """
        self._refed = is_results_file(header)
        names = [unquoted(name) for name in header] if self._refed else list(header)
        self._kept = [name not in _RESERVED for name in names]
        self._names = list(compress(names, self._kept))
        self._columns = {name: index for index, name in enumerate(names)}
        self._sheet = sheet
        self._type = type_name
        self.header = [*RESERVED, *map(quoted, self._names)]
        self.failed_head = csv_head(self.header)
        self.targets: Mapping[int, str] = {}

    def cells(self, record: Record) -> list[str]:
        """The user's own cells, as many as there were: a short row, fed back, must not pass for a whole one."""
        return [quoted(cell) for cell in self._own(record)]

    def source(self, record: Record) -> dict[str, JSON]:
        """Cells by column name; those beyond the header are a list under the empty name, which no column can have."""
        cells = self._own(record)
        named: dict[str, JSON] = dict(zip(self._names, cells, strict=False))
        if len(cells) > len(self._names):
            named[""] = cells[len(self._names) :]
        resource_id = named.get("id") or self.targets.get(record.ref.row, "")
        return {"id": resource_id, "type": named.get("type") or self._type, "input": named}

    def failed(self, rows: Rows) -> str:
        """`failed.csv` differs from `results.csv` only in which rows it has."""
        return table(self, rows)

    def place(self, ref: RowRef, field: str) -> str:
        """`line 118, column 3 (C)`, or `Sheet1!C118`; the line alone for what is no column."""
        column = self._columns.get(field)
        if column is None:
            return line_of(ref)
        if self._sheet:
            return cell_address(self._sheet, column, ref.line)
        return text_address(column, ref.line, letters(column))

    def _own(self, record: Record) -> list[str]:
        cells = record.cells if isinstance(record, SheetRow) else []
        if not self._refed:
            return cells
        return [unquoted(cell) for cell in compress(cells, chain(self._kept, repeat(True)))]


class ObjectView:
    """NDJSON: `results.csv` only names the records, `failed.ndjson` holds the objects."""

    def __init__(self, type_name: str) -> None:
        """`type_name`: of objects that name none."""
        self._type = type_name
        self.header = [*RESERVED, "id", "type"]
        self.failed_head = ""
        self.targets: Mapping[int, str] = {}

    def cells(self, record: Record) -> list[str]:
        """The id and the type."""
        named = self._named(record, _own_members(record))
        return [_cell(named["id"]), _cell(named["type"])]

    def source(self, record: Record) -> dict[str, JSON]:
        """The object as it was, null where the line is broken."""
        own = _own_members(record)
        return {**self._named(record, own), "input": own if isinstance(record, ObjectRow) else None}

    def failed(self, rows: Rows) -> str:
        """One object a row: the reserved members, then the line's own; those alone where the line is broken."""
        return json_lines({**reserved_members(result), **_own_members(record)} for record, result in rows)

    def place(self, ref: RowRef, field: str) -> str:  # noqa: ARG002  # objects have no columns
        """The line."""
        return line_of(ref)

    def _named(self, record: Record, members: Mapping[str, JSON]) -> dict[str, JSON]:
        inner = members.get("data")
        resource = inner if isinstance(inner, Mapping) and "id" not in members else members  # or a whole document
        resource_id = resource.get("id") or self.targets.get(record.ref.row)
        return {"id": resource_id, "type": resource.get("type") or self._type}


def _own_members(record: Record) -> dict[str, JSON]:
    if not isinstance(record, ObjectRow):
        return {}
    if _RESERVED.isdisjoint(record.members):
        return record.members
    return {name: value for name, value in record.members.items() if name not in _RESERVED}


def _cell(value: JSON) -> str:
    if value is None:
        return ""
    return own_text(value if isinstance(value, str) else encode(value))
