"""Rows whose cells stand one column too far to one side."""

from collections.abc import Mapping, Sequence
from typing import Final

from jobs.damage.column import EXAMPLES, Column, Example, Seen, Sign
from jobs.damage.kinds import Kind
from jobs.model import RowRef
from jobs.texts import shortened

ROWS_KEPT: Final = 10_000
"""Numbers of shifted rows that are kept; more are only counted."""

_ENOUGH: Final = 10
"""Cells before a column counts as uniform."""

_FITTING: Final = 2
"""Cells that fit the column beside theirs, and not their own: one is an accident."""


class Shifted:
    """Looks for rows in which cells are not of their column's kind, but of the kind of the column beside it.

    Attributes:
        rows: numbers of the first such rows.
    """

    def __init__(self, columns: Sequence[Seen]) -> None:
        """Watch these columns, which stand side by side."""
        self._columns = columns
        self.rows: set[int] = set()
        self._count = 0
        self._examples: list[Example] = []

    def see(
        self,
        refs: Sequence[RowRef],
        cells: Sequence[Sequence[str]],
        kinds: Sequence[Mapping[str, Kind]],
    ) -> None:
        """Take in some rows, which the columns have seen already.

        Args:
            refs: of the rows.
            cells: column by column, as many as there are refs.
            kinds: for each column, the kind of each text among its cells.
        """
        usual = [_usual(seen) for seen in self._columns]
        strange: dict[int, list[int]] = {}
        for index, kind in enumerate(usual):
            if kind is None:
                continue
            odd = {cell for cell, found in kinds[index].items() if found != kind}
            if odd:
                for row, cell in enumerate(cells[index]):
                    if cell in odd:
                        strange.setdefault(row, []).append(index)
        for row, columns in strange.items():
            if len(columns) >= _FITTING:
                span = range(columns[0], columns[-1] + 1)
                found = [kinds[index].get(cells[index][row]) for index in span]
                if any(_moved(found, span.start, usual, step) for step in (1, -1)):
                    self._take(refs[row], cells[columns[-1]][row])

    def sign(self) -> Sign | None:
        """Report the rows that were found; return None if there are none."""
        if not self._count:
            return None
        why = "the cells are of the kind of the column beside theirs"
        nowhere = Column("", "other")
        return Sign("shifted_row", nowhere, self._count, tuple(self._examples), why, lambda _: False)

    def _take(self, ref: RowRef, cell: str) -> None:
        self._count += 1
        if len(self.rows) < ROWS_KEPT:
            self.rows.add(ref.row)
        if len(self._examples) < EXAMPLES:
            self._examples.append(Example(ref, shortened(cell)))


def _moved(found: Sequence[Kind | None], start: int, usual: Sequence[Kind | None], step: int) -> bool:
    """Return whether the cells stand `step` columns beside their own.

    All of them must, from the first strange one to the last: two that only happen to fit their neighbours' columns have
    others between them that are where they belong. The first and the last may be anything, such as the cell that was
    inserted; empty cells and columns without a usual kind say nothing.

    Args:
        found: kinds of the cells from the first strange one to the last; None for an empty cell.
        start: column of the first.
        usual: kinds of the columns.
        step: 1 to the right, -1 to the left.
    """
    fitting = 0
    for index, kind in enumerate(found, start):
        beside = usual[index - step] if 0 <= index - step < len(usual) else None
        if kind is None or (beside is None and kind != usual[index]):
            continue
        if kind == beside:
            fitting += kind != usual[index]
        elif start < index < start + len(found) - 1:
            return False
    return fitting >= _FITTING


def _usual(seen: Seen) -> Kind | None:
    """Return the kind of at least nine in ten cells of a column, or None."""
    if seen.total < _ENOUGH:
        return None
    kind = max(seen.kinds, key=lambda each: seen.kinds[each].count)
    return kind if seen.kinds[kind].count * 10 >= seen.total * 9 else None
