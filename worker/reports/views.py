"""The user's side of a report: what the input itself says about a row, for sheets and for objects."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress, repeat
from operator import add
from typing import ClassVar, Final, Protocol

from jobs.columns import RESERVED, is_results_file, key_text
from jobs.formats.addresses import cell_address, letters, text_address
from jobs.formats.quoting import all_quoted, quoted, unquoted
from jobs.model import JSON, ObjectRow, RowRef, SheetRow
from worker.reports.formats import csv_head, encode, encode_text, json_lines
from worker.reports.keys import Key, KeyNames
from worker.reports.merge import Record, Row
from worker.reports.outcome import line_of, own_text, reserved_members

_RESERVED: Final = frozenset(RESERVED)


class View(Protocol):
    """How rows of one kind of input are shown.

    Attributes:
        failed_name: of the file with the rows that need somebody, in a form that `apply` reads.
        header: names of the columns of `results.csv`.
        failed_head: text that `failed.*` begins with.
        targets: ids that were looked up for rows that name a reference, by row: those of the rows in hand.
    """

    failed_name: ClassVar[str]
    header: list[str]
    failed_head: str
    targets: Mapping[int, str]

    def render(self, record: Record) -> tuple[list[str], str, str]:
        """Return the row's quoted cells in `results.csv`, and exact values for `results.ndjson`.

        These are members of an object: `id`, `type` and `input`; and `key`, which stands at the end with its comma, for
        an API whose keys have names of their own.
        """

    def failed(self, rows: Iterable[Row[Record]], lines: Iterable[str]) -> str:
        """Render the rows as `failed.*` has them, ready to be fed back; `lines` are those of `results.csv`."""

    def place(self, ref: RowRef, field: str) -> str:
        """Name the place where the row begins in the input, or that of its cell in the column `field`."""

    def cell(self, record: Record, field: str) -> str:
        """Return what the row has in the column `field`, as text; empty if it has nothing there."""


class SheetView:
    """Sheets: the user's own columns stand after the reserved ones, which an earlier run may have put there."""

    failed_name: ClassVar[str] = "failed.csv"

    def __init__(
        self, header: Sequence[str], type_name: str, sheet: str = "", key_names: KeyNames | None = None
    ) -> None:
        """See the columns of one sheet.

        Args:
            header: as the reader yields it. With a reserved name among them it is a results file's, and quoted.
            type_name: of rows that name none.
            sheet: its name, in a workbook.
            key_names: of an API whose keys have names of their own.
        """
        self._refed = is_results_file(header)
        names = [unquoted(name) for name in header] if self._refed else list(header)
        self._kept = [name not in _RESERVED for name in names]
        self._names = list(compress(names, self._kept))
        self._labels = [encode_text(name) + ":" for name in self._names]
        self._columns = {name: index for index, name in enumerate(names)}
        self._positions = {name: index for index, name in enumerate(self._names)}
        self._id, self._type_column = (self._positions.get(name, sys.maxsize) for name in ("id", "type"))
        if key_names and type_name:
            self._type_column = sys.maxsize  # then it is a field like others
        self._sheet = sheet
        self._key_names = key_names
        self._type = type_name
        self.header = [*RESERVED, *map(quoted, self._names)]
        self.failed_head = csv_head(self.header)
        self.targets: Mapping[int, str] = {}

    def render(self, record: Record) -> tuple[list[str], str, str]:
        """Return the user's own cells, as many as there were: a short row, fed back, must not pass for a whole one.

        As JSON they stand by column name; those beyond the header are a list under the empty name, which no column has.
        """
        cells = record.cells if isinstance(record, SheetRow) else []
        if self._refed:
            cells = [unquoted(cell) for cell in compress(cells, chain(self._kept, repeat(True)))]
        labels = self._labels
        members = ",".join(map(add, labels, map(encode_text, cells)))
        if len(cells) > len(labels):
            surplus = ",".join(map(encode_text, cells[len(labels) :]))
            members += f'{"," if labels else ""}"":[{surplus}]'
        named_type = cells[self._type_column] if self._type_column < len(cells) else ""
        type_name, target, key_member = named_type or self._type, self.targets.get(record.ref.row, ""), ""
        if self._key_names is None:
            named_id = (cells[self._id] if self._id < len(cells) else "") or target
        else:
            key = self._key_of(cells, type_name, target, self._key_names)
            named_id, key_member = key.text, f',"key":{encode(key.parts)}'
        source = f'"id":{encode_text(named_id)},"type":{encode_text(type_name)},"input":{{{members}}}'
        return all_quoted(cells), source, key_member

    def _key_of(self, cells: Sequence[str], type_name: str, target: str, names: KeyNames) -> Key:
        """Return the key of the row's record: the one that was looked up, if it was."""
        if target:
            return names.in_key(type_name, target)
        places = self._positions

        def said(name: str) -> str:
            return cells[places[name]] if places.get(name, sys.maxsize) < len(cells) else ""

        return names.in_row(type_name, said)

    def failed(self, rows: Iterable[Row[Record]], lines: Iterable[str]) -> str:  # noqa: ARG002  # they are in the lines
        """Join the lines: `failed.csv` differs from `results.csv` only in which rows it has."""
        return "".join(lines)

    def place(self, ref: RowRef, field: str) -> str:
        """Name a cell, `line 118, column 3 (C)` or `Sheet1!C118`; the line alone if no column is `field`."""
        column = self._columns.get(field)
        if column is None:
            return line_of(ref)
        if self._sheet:
            return cell_address(self._sheet, column, ref.line)
        return text_address(column, ref.line, letters(column))

    def cell(self, record: Record, field: str) -> str:
        """Return the text of a cell, without the apostrophe that guards those of a results file."""
        column = self._columns.get(field, sys.maxsize)
        if not isinstance(record, SheetRow) or column >= len(record.cells):
            return ""
        return unquoted(record.cells[column]) if self._refed else record.cells[column]


class ObjectView:
    """Objects: `results.csv` only names the records, `failed.ndjson` holds the objects."""

    failed_name: ClassVar[str] = "failed.ndjson"

    def __init__(self, type_name: str, key_names: KeyNames | None = None) -> None:
        """Show objects; `type_name` is the type of those that name none, `key_names` as in `SheetView`."""
        self._type = type_name
        self._key_names = key_names
        self._parts = key_names.columns if key_names else ()
        self.header = [*RESERVED, "id", "type", *self._parts]
        self.failed_head = ""
        self.targets: Mapping[int, str] = {}

    def render(self, record: Record) -> tuple[list[str], str, str]:
        """Return the id and the type, and the object as it was; null if the line is broken."""
        own = _own_members(record)
        cells, key_member = list[str](), ""
        if self._key_names is None:
            resource_id, type_name = self._named(record, own)
        else:
            key, type_name = self._key_of(record, own, self._key_names)
            resource_id, key_member = key.text, f',"key":{encode(key.parts)}'
            cells = [own_text(key.parts.get(part, "")) for part in self._parts]
        source = own if isinstance(record, ObjectRow) else None
        members = f'"id":{encode(resource_id)},"type":{encode(type_name)},"input":{encode(source)}'
        return [_cell(resource_id), _cell(type_name), *cells], members, key_member

    def failed(self, rows: Iterable[Row[Record]], lines: Iterable[str]) -> str:  # noqa: ARG002  # they have no objects
        """Render one object a row: the reserved members, then the line's own unless it is broken."""
        return json_lines(
            {**reserved_members(record.ref, fate, request_id, at), **_own_members(record)}
            for record, fate, request_id, at in rows
        )

    def place(self, ref: RowRef, field: str) -> str:  # noqa: ARG002  # objects have no columns
        """Name the line."""
        return line_of(ref)

    def cell(self, record: Record, field: str) -> str:
        """Return the value of a member: text as it is, others as JSON."""
        value = _own_members(record).get(field)
        return "" if value is None else value if isinstance(value, str) else encode(value)

    def _key_of(self, record: Record, own: Mapping[str, JSON], names: KeyNames) -> tuple[Key, str]:
        """Return the key of the row's record, and its type; `type` is a field where all rows are of one."""
        named = own.get("type")
        type_name = self._type or (named if isinstance(named, str) else "")
        if target := self.targets.get(record.ref.row, ""):
            return names.in_key(type_name, target), type_name
        return names.in_row(type_name, lambda name: key_text(own.get(name))), type_name

    def _named(self, record: Record, members: Mapping[str, JSON]) -> tuple[JSON, JSON]:
        inner = members.get("data")
        resource = inner if isinstance(inner, Mapping) and "id" not in members else members  # or a whole document
        return resource.get("id") or self.targets.get(record.ref.row), resource.get("type") or self._type


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
