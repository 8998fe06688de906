"""The user's side of a report: what the input itself says about a row, for sheets and for NDJSON."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import chain, compress, repeat
from typing import Final, Protocol

from jobs.columns.grammar import RESERVED
from jobs.model import JSON, ObjectRow, RowResult, SheetRow
from worker.reports.merge import Record
from worker.reports.outcome import reserved_cells, reserved_members
from worker.reports.quoting import quoted, unquoted

encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

Reported = Sequence[tuple[Record, RowResult]]


class View(Protocol):
    """How rows of one kind of input are shown.

    Attributes:
        header: names of the columns of `results.csv`.
        failed_head: text that `failed.*` begins with.
    """

    header: list[str]
    failed_head: str

    def table(self, rows: Reported) -> str:
        """The rows as `results.csv` has them."""

    def failed(self, rows: Reported) -> str:
        """The rows as `failed.*` has them, ready to be fed back."""

    def source(self, record: Record) -> dict[str, JSON]:
        """`id`, `type` and `input` of `results.ndjson`: exact values."""


class SheetView:
    """CSV and TSV: the user's own columns stand after the reserved ones, which an earlier run may have put there."""

    def __init__(self, header: Sequence[str], type_name: str) -> None:
        self._refed = "__status" in header
        names = [unquoted(name) for name in header] if self._refed else list(header)
        self._kept = [name not in RESERVED for name in names]
        self._names = list(compress(names, self._kept))
        self._type = type_name
        self.header = [*RESERVED, *map(quoted, self._names)]
        self.failed_head = csv_head(self.header)

    def table(self, rows: Reported) -> str:
        """The rows as `results.csv` has them."""
        return csv_text([reserved_cells(result) + self._cells(record) for record, result in rows])

    def failed(self, rows: Reported) -> str:
        """The same: `failed.csv` differs only in which rows it has."""
        return self.table(rows)

    def source(self, record: Record) -> dict[str, JSON]:
        """Cells by column name; cells beyond the header are a list under the empty name, which no column can have."""
        cells = self._own(record)
        named: dict[str, JSON] = dict(zip(self._names, cells, strict=False))
        if len(cells) > len(self._names):
            named[""] = cells[len(self._names) :]
        return {"id": named.get("id", ""), "type": named.get("type") or self._type, "input": named}

    def _cells(self, record: Record) -> list[str]:
        cells = [quoted(cell) for cell in self._own(record)]
        return cells + [""] * (len(self._names) - len(cells))

    def _own(self, record: Record) -> list[str]:
        cells = record.cells if isinstance(record, SheetRow) else []
        if not self._refed:
            return cells
        return [unquoted(cell) for cell in compress(cells, chain(self._kept, repeat(True)))]


class ObjectView:
    """NDJSON: `results.csv` names the records only, `failed.ndjson` holds the lines."""

    def __init__(self, type_name: str) -> None:
        self._type = type_name
        self.header = [*RESERVED, "id", "type"]
        self.failed_head = ""

    def table(self, rows: Reported) -> str:
        """The rows as `results.csv` has them."""
        return csv_text([reserved_cells(result) + self._cells(record) for record, result in rows])

    def failed(self, rows: Reported) -> str:
        """One line a row: the reserved members, then the line's own; those alone where the line is broken."""
        return json_lines({**reserved_members(result), **_own_members(record)} for record, result in rows)

    def source(self, record: Record) -> dict[str, JSON]:
        """The object as it was, null where the line is broken."""
        own = _own_members(record)
        named = _resource(own)
        return {
            "id": named.get("id"),
            "type": named.get("type") or self._type,
            "input": own if isinstance(record, ObjectRow) else None,
        }

    def _cells(self, record: Record) -> list[str]:
        named = _resource(_own_members(record))
        return [_cell(named.get("id", "")), _cell(named.get("type") or self._type)]


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """RFC 4180: commas, CRLF, quotes where needed."""
    buffer = StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def csv_head(header: Iterable[str]) -> str:
    """Byte-order mark, without which spreadsheets misread UTF-8, and header line."""
    return "\ufeff" + csv_text([header])


def json_lines(objects: Iterable[object]) -> str:
    """One JSON text a line."""
    return "".join([encode(each) + "\n" for each in objects])


def _own_members(record: Record) -> dict[str, JSON]:
    if not isinstance(record, ObjectRow):
        return {}
    members = record.members
    if RESERVED_NAMES.isdisjoint(members):
        return members
    return {name: value for name, value in members.items() if name not in RESERVED_NAMES}


def _resource(members: Mapping[str, JSON]) -> Mapping[str, JSON]:
    inner = members.get("data")
    return inner if isinstance(inner, Mapping) and "id" not in members else members


def _cell(value: JSON) -> str:
    text = value if isinstance(value, str) else encode(value)
    return quoted(text.replace("\0", "\N{REPLACEMENT CHARACTER}"))


RESERVED_NAMES: Final = frozenset(RESERVED)
