"""The markup of one sheet: its rows in order, each with its cells at their columns. ECMA-376 part 1, 18.3.1.

This is where the time goes, five calls a cell: hence the plain attributes and the order of the questions.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, NoReturn

from jobs.formats.addresses import cell_address
from jobs.formats.errors import InputRefused
from jobs.formats.headings import MAX_COLUMNS
from jobs.formats.stored import NOTHING, Fault, Merged, Stored
from jobs.formats.xlsx.markup import MAX_DEPTH, bare_name, flag, steps
from jobs.formats.xlsx.package import DAMAGED, Part
from jobs.formats.xlsx.texts import MAX_TEXT
from jobs.formats.xlsx.values import CellDamaged, CellFault, Values
from jobs.texts import shortened

MAX_ROWS: Final = 1_048_576
"""Most rows that a sheet has."""

MAX_MERGED: Final = 10_000
"""Merged ranges that are remembered, and MAX_COVERED columns of all of them together; all are counted."""

MAX_COVERED: Final = 1 << 18

_RUN: Final = 64
"""Bytes, roughly, that a run of a text costs beyond its characters."""

_COLUMN: Final = re.compile(r"[A-Z]{1,3}")
_RANGE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


class Line(NamedTuple):
    """One row that stores something.

    Attributes:
        number: as the spreadsheet shows it.
        cells: texts, from column A to the last cell that stores something.
        stored: how, one a cell.
    """

    number: int
    hidden: bool
    cells: list[str]
    stored: list[Stored]
    faults: Sequence[Fault]


class Grid:
    """One pass over a sheet. What stands around its rows is known once the rows before or after it have been read.

    Attributes:
        hidden_columns: 0-based first and last of each group of columns that the spreadsheet does not show; known before
            the first row.
        merged: the first 10,000 ranges of merged cells. `merges`: how many there are. Known after the last row.
    """

    def __init__(self, name: str, values: Values) -> None:
        """Get ready to read.

        Args:
            name: of the sheet, for messages.
            values: what its cells mean.
        """
        self.hidden_columns: list[tuple[int, int]] = []
        self.merged: list[Merged] = []
        self.merges = 0
        self._covered = 0
        self._name = name
        self._text_of = values.text_of
        self._how = values.stored
        self._done: list[Line] = []
        self._row = self._cell = self._value = ""
        self._outside: list[str] = []
        self._pieces: list[str] = []
        self._number = 0
        self._number_text = ""
        self._hidden = False
        self._in_row = self._in_cell = self._collecting = False
        self._columns: dict[str, int] = {}
        self._cells: list[str] = []
        self._stored: list[Stored] = []
        self._faults: list[Fault] = []
        self._next = self._length = self._column = 0
        self._kind = self._style = ""
        self._raw: str | None = None
        self._formula: str | None = None
        self._runs: list[str] = []
        self._runs_size = 0

    def lines(self, part: Part) -> Iterator[Line]:
        """Yield the rows that store something, in order.

        Raises:
            InputRefused: the markup breaks the rules of the format, or a row is longer than 16 MiB.
        """
        for _ in steps(part, self._start, self._end, self._pieces.append):
            if not self._collecting:
                self._pieces.clear()
            elif sum(map(len, self._pieces)) > MAX_TEXT:
                self._refuse_long()
            yield from self._done
            self._done.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._cell:
            self._start_cell(attributes)
        elif name == self._value:
            self._collect()
        elif name == self._row:
            self._start_row(attributes)
        else:
            self._start_other(bare_name(name), name, attributes)

    def _end(self, name: str) -> None:
        if name == self._value:
            self._raw = "".join(self._pieces)
            self._collecting = False
        elif name == self._cell:
            self._end_cell()
        elif name == self._row:
            self._end_row()
        else:
            self._end_other()

    def _collect(self) -> None:
        if self._collecting or not self._in_cell:
            self._refuse("a value stands outside of a cell")
        self._pieces.clear()
        self._collecting = True

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r") or str(self._number + 1)
        if self._in_row or not (number.isdecimal() and len(number) <= 7):  # digits of 1,048,576
            self._refuse(f"there is a row {shortened(number)}")
        if not self._number < int(number) <= MAX_ROWS:
            self._refuse(f"row {int(number):,} comes after row {self._number:,}")
        self._number, self._number_text = int(number), number
        self._hidden = flag(attributes, "hidden")
        self._in_row = True
        self._cells, self._stored, self._faults = [], [], []
        self._next = self._length = 0

    def _end_row(self) -> None:
        self._in_row = False
        if any(self._cells):
            self._done.append(Line(self._number, self._hidden, self._cells, self._stored, self._faults))

    def _start_cell(self, attributes: dict[str, str]) -> None:
        if self._in_cell or not self._in_row:
            self._refuse("a cell stands outside of a row")
        self._in_cell = True
        reference = attributes.get("r")
        self._column = self._next if reference is None else self._placed(reference)
        if self._column >= MAX_COLUMNS:
            self._refuse(f"it has more than {MAX_COLUMNS:,} columns")
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._raw = self._formula = None
        if self._runs:
            self._runs.clear()
            self._runs_size = 0

    def _placed(self, reference: str) -> int:
        """Return the column of a cell; refuse one outside this row, or not to the right of the cell before."""
        name = reference.removesuffix(self._number_text)
        column = self._columns.get(name)
        if column is None:
            if not _COLUMN.fullmatch(name):
                self._refuse(f"a cell of row {self._number} calls itself {shortened(reference)}")
            column = self._columns[name] = _column(name)
        if column < self._next:
            self._refuse(f"cell {shortened(reference)} does not come after the one before it")
        return column

    def _end_cell(self) -> None:
        self._in_cell = False
        column = self._column
        self._next = column + 1
        raw = "".join(self._runs) if self._runs and self._kind == "inlineStr" else self._raw
        if raw is None and self._formula is None:
            return
        text, how = self._read(raw or "")
        self._length += len(text)
        if self._length > MAX_TEXT:
            self._refuse_long()
        gap = column - len(self._cells)
        if gap:
            self._cells.extend([""] * gap)
            self._stored.extend([NOTHING] * gap)
        self._cells.append(text)
        self._stored.append(how)

    def _read(self, raw: str) -> tuple[str, Stored]:
        if not raw and self._kind == "n" and self._formula is None:
            return "", NOTHING
        try:
            return self._text_of(self._kind, self._style, raw, self._formula)
        except CellFault as fault:
            address = cell_address(self._name, self._column, self._number)
            self._faults.append(Fault(self._column, fault.reason, f"{address} {fault.message}"))
            return fault.shown or "#", self._how(self._kind, self._style, self._formula)
        except CellDamaged as error:
            cell = f"cell {cell_address(self._name, self._column, self._number)}"
            self._refuse(f"{cell}: {error}", f"{cell} is damaged")

    def _start_other(self, name: str, full_name: str, attributes: dict[str, str]) -> None:
        outside = self._outside
        if not outside:
            self._begin_sheet(name, full_name)
        elif name == "f" and self._in_cell:
            self._formula = ""
            self._collect()
        elif name == "t" and "is" in outside and "rPh" not in outside:
            self._collect()
        elif name == "col" and flag(attributes, "hidden") and len(self.hidden_columns) < MAX_COLUMNS:
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if first.isdecimal() and last.isdecimal() and len(first + last) <= 10:  # longer are no columns
                self.hidden_columns.append((int(first) - 1, int(last) - 1))
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))
        outside.append(name)
        if len(outside) > MAX_DEPTH:
            self._refuse(f"its elements are more than {MAX_DEPTH} deep")

    def _merge(self, reference: str) -> None:
        """Remember a range of merged cells; one that is none, as no program writes it, is only counted."""
        self.merges += 1
        corners = _RANGE.fullmatch(reference)
        if corners is None or len(self.merged) >= MAX_MERGED:
            return
        merged = Merged(int(corners[2]), int(corners[4]), _column(corners[1]), _column(corners[3]))
        self._covered += max(merged.right - merged.left, 0) + 1
        if self._covered <= MAX_COVERED:
            self.merged.append(merged)

    def _end_other(self) -> None:
        name = self._outside.pop()
        if self._collecting and name in {"f", "t"}:
            text = "".join(self._pieces)
            if name == "f":
                self._formula = text
            else:
                self._runs.append(text)
                self._runs_size += len(text) + _RUN
                if self._runs_size > MAX_TEXT:
                    self._refuse_long()
            self._collecting = False

    def _begin_sheet(self, name: str, full_name: str) -> None:
        if name != "worksheet":
            self._refuse(f"it is no sheet of cells, but a `{shortened(name)}`")
        space = full_name.removesuffix(name)
        self._cell, self._value, self._row = f"{space}c", f"{space}v", f"{space}row"

    def _refuse_long(self) -> NoReturn:
        raise InputRefused(f"row {self._number} of sheet `{self._name}` is longer than 16 MiB: no update is.")

    def _refuse(self, what: str, outline: str = "") -> NoReturn:
        said = f"sheet `{shortened(self._name)}` cannot be read: {{}}. {DAMAGED[0].upper()}{DAMAGED[1:]}."
        raise InputRefused(said.format(what), outline=said.format(outline or what))


def _column(name: str) -> int:
    """Convert letters to a number: `A` to 0, `AA` to 26."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
