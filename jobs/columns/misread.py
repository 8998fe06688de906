"""Rows of a sheet that are no update as they stand: torn, swallowed, a header once more, a total, of another length."""

from collections.abc import Sequence
from typing import Final

from jobs.columns.cells import as_shown
from jobs.columns.grammar import RESERVED
from jobs.columns.problems import RowRefused
from jobs.columns.targets import Named
from jobs.formats.errors import InputRefused
from jobs.formats.stored import Fault
from jobs.formats.strays import MISREAD

_HARMLESS: Final = frozenset({"row_cut", "space_before_quote"})
"""Those that do not matter in a comment: other rows can be swallowed by one, too."""

_TOTALS: Final = frozenset({
    "Total", "TOTAL", "Total:", "Totals", "Subtotal", "Sum", "SUM", "Sum:", "Summe", "Summe:", "Gesamt", "Gesamtsumme",
    "Totale", "Totaal", "Suma", "Somme",
})  # fmt: skip
"""What stands in the first cell of a row of totals."""


class Misread:
    """Tells such rows from the updates of one sheet.

    Attributes:
        no_keys: texts, among others, that do not name a record.
    """

    def __init__(self, names: Sequence[str], target: Named) -> None:
        """Prepare to recognise such rows under this header.

        Args:
            names: of the columns.
            target: the one that says which record is meant.
        """
        self._names = list(names)
        self._key = target.position
        self._by_id = target.by_id
        self._check = target.check
        self.no_keys = frozenset((names[self._key], *(_TOTALS if self._by_id else ())))

    def refuse(self, cells: Sequence[str], faults: Sequence[Fault], line: int) -> None:
        """Check that a row is one.

        Args:
            cells: of the row.
            faults: that were found when it was read.
            line: on which it begins.

        Raises:
            RowRefused: it is not; or it is a comment that has not as many cells as the header.
            InputRefused: it is a header, and another one than that of the sheet: the rows under it mean other things.
        """
        key = cells[self._key] if self._key < len(cells) else ""
        self._refuse_header(key.removeprefix("\ufeff"), cells, line)
        comment = self._by_id and key.startswith("#")
        for fault in faults:
            if fault.reason in MISREAD and not (comment and fault.reason in _HARMLESS):
                label = self._names[fault.column] if fault.column < len(self._names) else ""
                raise RowRefused(fault.reason, fault.message, label, as_shown(cells[min(fault.column, len(cells) - 1)]))
        if len(cells) != len(self._names):
            self._refuse_uneven(cells, faults, comment=comment)
        if key in _TOTALS and self._by_id:
            label = self._names[self._key]
            raise RowRefused("id_malformed", f"'{key}' stands before totals, and is no id").at(label, key)

    def _refuse_header(self, key: str, cells: Sequence[str], line: int) -> None:
        if key != self._names[self._key]:
            return
        same = ((cell.removeprefix("\ufeff"), name) for cell, name in zip(cells, self._names, strict=False))
        if len(cells) == len(self._names) and all(one == other or other in RESERVED for one, other in same):
            raise RowRefused("repeated_header", "these are the names of the columns once more", cell=as_shown(key))
        if self._by_id:
            raise InputRefused(
                f"a header again, of other columns ({as_shown(', '.join(cells))}): files were put together. Apply each"
                " by itself",
                line=line,
                outline="a header again, of other columns: files were put together. Apply each by itself",
            )

    def _refuse_uneven(self, cells: Sequence[str], faults: Sequence[Fault], *, comment: bool) -> None:
        if comment:  # a line of prose needs no delimiters
            self._check(cells[self._key])
        for fault in faults:
            if fault.reason == "column_unnamed":
                raise RowRefused(fault.reason, fault.message, cell=as_shown(cells[fault.column]))
        count = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
        said, begins = f"the row has {count}, the header has {len(self._names)}", "".join(cells[:1])
        raise RowRefused("cell_count", said, cell=as_shown(begins))
