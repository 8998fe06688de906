"""One sheet of a workbook as a table: a header, and rows under it."""

from collections.abc import Callable, Generator, Iterator
from hashlib import blake2b
from typing import BinaryIO

from jobs.formats.addresses import cell_address, letters
from jobs.formats.errors import InputRefused
from jobs.formats.headings import COMMON_KEYS, Keys, checked_names, unnamed
from jobs.formats.stored import NOTHING, WorkbookRow
from jobs.formats.xlsx.grid import Grid, Line
from jobs.formats.xlsx.workbook import SheetEntry, Workbook
from jobs.model import RowRef


class WorkbookSheet:
    """A sheet of a workbook whose header has been read and whose rows have not: see `jobs.formats.Sheet`.

    The header is the first row that stores anything, or the one whose number was given. Rows that store nothing are no
    rows, wherever they stand. Every row has a cell for each column of the header, and further ones where it stores
    something beyond it.

    With `visible_only`, the cells of columns that the spreadsheet does not show are empty, but for those that say which
    record is meant. Rows that it does not show are there, and say so.

    Attributes:
        header: names of the columns as written, all of them different, none empty.
        name: of the sheet. `line`: number of the header's row.
        hidden_columns: positions of the columns that the spreadsheet does not show, but for those that say which record
            is meant.
        grid: what the sheet says besides its rows.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        name: str,
        scratch: Callable[[], BinaryIO],
        header_row: int,
        visible_only: bool,
        keys: Keys,
    ) -> None:
        workbook = Workbook(stream, scratch)
        entry = workbook.chosen(name)
        self.name = entry.name
        self.grid: Grid
        self._lines = self._reading(workbook, entry)
        head = next((line for line in self._lines if line.number >= header_row), None)
        if header_row and (head is None or head.number > header_row):
            raise InputRefused(f"row {header_row} of sheet `{self.name}`, which --header-row says, is empty")
        if head is None:
            raise InputRefused(f"sheet `{self.name}` is empty: its first row must name the columns")
        if head.faults:
            raise InputRefused(f"a column has no name: {head.faults[0].message}", outline="a column has no name")
        self.line = head.number
        try:
            self.header = checked_names(_trimmed(head.cells), head.number, letters)
        except InputRefused as error:
            place = f"row {head.number} of sheet `{self.name}`"
            raise InputRefused(
                f"{place}: {error.message}", outline=f"{place}: its names of columns cannot be told apart"
            ) from None
        self.hidden_columns = sorted(_values_among(self.header, self.grid.hidden_columns, keys))
        self._emptied = frozenset(self.hidden_columns if visible_only else ())

    def __iter__(self) -> Iterator[WorkbookRow]:
        width = len(self.header)
        for row, line in enumerate(self._lines, 1):
            cells, stored = line.cells, line.stored
            digest = blake2b("\0".join(_trimmed(cells)).encode(), digest_size=8).digest()  # no cell holds a NUL
            while len(cells) > width and not cells[-1]:
                cells.pop()
            missing = width - len(cells)
            cells.extend([""] * missing)
            stored = [*stored[: len(cells)], *[NOTHING] * missing]
            faults = line.faults
            if missing < 0:
                place = cell_address(self.name, len(cells) - 1, line.number)
                faults = [*faults, unnamed(cells, place)]
            for column in self._emptied:
                cells[column], stored[column] = "", NOTHING
            if faults and self._emptied:
                faults = [fault for fault in faults if fault.column not in self._emptied]
            yield WorkbookRow(RowRef(row, line.number, digest), cells, stored, faults, line.hidden)

    def close(self) -> None:
        """Let go of the workbook's parts, but not of the stream."""
        self._lines.close()

    def _reading(self, workbook: Workbook, entry: SheetEntry) -> Generator[Line]:
        with workbook.lines(entry) as (self.grid, lines):
            yield from lines


def read_workbook(
    stream: BinaryIO,
    *,
    sheet: str = "",
    scratch: Callable[[], BinaryIO],
    header_row: int = 0,
    visible_only: bool = False,
    keys: Keys = COMMON_KEYS,
) -> WorkbookSheet:
    """Read the header of a workbook's sheet, and get ready to iterate its rows.

    Args:
        stream: seekable; not closed.
        sheet: its name; empty for the only visible one that is not empty.
        scratch: makes an empty file for texts that do not fit into memory.
        header_row: number of the row with the header; 0 for the first that stores anything.
        visible_only: leave the cells of hidden columns empty.
        keys: columns that say what a row is about, which count though they are hidden.

    Raises:
        InputRefused: no workbook, no such sheet or several that could be meant, no header, an empty or repeated column
            name, and everything that iterating may raise: damaged data, a row over 16 MiB.
    """
    return WorkbookSheet(
        stream, name=sheet, scratch=scratch, header_row=header_row, visible_only=visible_only, keys=keys
    )


def _values_among(header: list[str], hidden: list[tuple[int, int]], keys: Keys) -> set[int]:
    """Return the positions of hidden columns whose cells are values: people hide the ids, and mean them."""
    names = keys.among(header)
    found = {index for first, last in hidden for index in range(first, min(last, len(header) - 1) + 1)}
    return {index for index in found if header[index] not in names and not header[index].startswith("__")}


def _trimmed(cells: list[str]) -> list[str]:
    """Return the cells without the empty ones at the end."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]
