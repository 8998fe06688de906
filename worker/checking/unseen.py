"""What of a workbook is sent though nobody sees it: hidden rows and columns; and what is not, under merged cells."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from jobs.damage import Column
from jobs.formats import WorkbookRow, WorkbookSheet
from jobs.formats.addresses import letters
from jobs.formats.stored import Merged
from jobs.formats.xlsx.grid import MAX_ROWS
from jobs.model import RowRef
from worker.checking.findings import SPOTS, Group, Spot

_READ: Final = 1
_LEFT_OUT: Final = 2


class Unseen:
    """Looks at the rows of one sheet of a workbook. Memory: a byte for each row that a sheet can have.

    Attributes:
        merged: ranges of merged cells, from top to bottom; known after the last row.
    """

    def __init__(self, sheet: WorkbookSheet, columns: Sequence[Column], *, visible_only: bool) -> None:
        """Watch a sheet.

        Args:
            sheet: whose rows are read.
            columns: those of the user.
            visible_only: what is hidden is not sent.
        """
        self._sheet = sheet
        self._columns = columns
        self._visible_only = visible_only
        self._marks = bytearray(MAX_ROWS + 1)
        self._hidden = Group("warning", "hidden_row", "")
        self.merged: list[Merged] = []

    def see(self, rows: Sequence[WorkbookRow], unsent: Collection[int]) -> None:
        """Take in rows; `unsent`: positions of those that ask for nothing."""
        marks = self._marks
        for row in rows:
            marks[row.ref.line] = _READ
        for index, row in enumerate(rows):
            if row.hidden:
                if self._visible_only:
                    marks[row.ref.line] = _LEFT_OUT
                elif index not in unsent:
                    self._hidden.add(Spot(row.ref, -1, ""))

    def groups(self, sent: int) -> Iterator[Group]:
        """Return what was found, once all rows were seen; `sent`: rows of the sheet that ask for something."""
        self.merged = sorted(self._sheet.grid.merged)
        if self._hidden.count:
            count = self._hidden.count
            verb = "is hidden; it is" if count == 1 else "are hidden; they are"
            self._hidden.evidence = f"{count:,} of {sent:,} rows {verb} sent too"
            yield self._hidden
        yield from self._hidden_columns()
        for column in self._columns:
            yield from self._under_merged(column)

    def _hidden_columns(self) -> Iterator[Group]:
        hidden = set(self._sheet.hidden_columns)
        found = [column for column in self._columns if column.position in hidden]
        if found and not self._visible_only:
            verb = "is hidden; its cells are" if len(found) == 1 else "are hidden; their cells are"
            evidence = f"{len(found):,} of {len(self._columns):,} columns {verb} sent too"
            head = RowRef(0, self._sheet.line, b"")
            spots = [Spot(head, column.position, column.label) for column in found]
            yield Group("warning", "hidden_column", "", evidence, len(found), spots)

    def _under_merged(self, column: Column) -> Iterator[Group]:
        group = Group("warning", "merged_cells", column.label)
        ranges = [each for each in self.merged if each.left <= column.position <= each.right]
        reached = self._sheet.line
        for each in ranges:
            first = max(each.top + (each.left == column.position), reached + 1)
            group.count += self._marks.count(_READ, first, each.bottom + 1)
            line = first
            while len(group.spots) < SPOTS and (line := self._marks.find(_READ, line, each.bottom + 1)) >= 0:
                group.spots.append(under(each, self._ref(line), column.position))
                line += 1
            reached = max(reached, each.bottom)
        if group.count:
            group.evidence = self._of_ranges(len(ranges))
            yield group

    def _of_ranges(self, count: int) -> str:
        grid = self._sheet.grid
        evidence = f"{count:,} merged {'cell covers' if count == 1 else 'cells cover'} the column"
        left = grid.merges - len(grid.merged)
        return f"{evidence}; {left:,} of the sheet's were not looked at" if left else evidence

    def _ref(self, line: int) -> RowRef:
        """Return the row that stands there; rows are counted, lines that store nothing are not."""
        first = self._sheet.line + 1
        return RowRef(line + 1 - first - self._marks.count(0, first, line + 1), line, b"")


class Covered:
    """Finds the merged cells over each line of a sheet, which is read from top to bottom."""

    def __init__(self, merged: Sequence[Merged]) -> None:
        """Begin above the first line; `merged` is sorted from top to bottom."""
        self._waiting = list(reversed(merged))
        self._open: list[Merged] = []

    def over(self, line: int) -> Sequence[Merged]:
        """Return the merged cells over a line; lines are asked for in order."""
        while self._waiting and self._waiting[-1].top <= line:
            self._open.append(self._waiting.pop())
        if self._open:
            self._open = [each for each in self._open if each.bottom >= line]
        return self._open


def under(merged: Merged, ref: RowRef, position: int) -> Spot:
    """Return the place of a cell under a merged one."""
    name = f"{letters(merged.left)}{merged.top}:{letters(merged.right)}{merged.bottom}"
    return Spot(ref, position, "", f"under {name}")
