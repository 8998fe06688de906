"""The rows of an input as reports show them: `(private)` stands where a cell has a value that nobody is shown.

`failed.*` is no such report. It is the sheet that is to be mended and applied again, so it has its values.
"""

from collections.abc import Sequence
from typing import Final

from jobs.columns import HIDDEN
from jobs.formats.quoting import unquoted
from jobs.formats.strays import MISREAD
from jobs.model import JSON, ObjectRow, SheetRow
from jobs.recipe.fields import Private
from jobs.values import valueclass
from worker.reports.merge import Record, Row

_NOTHING: Final[tuple[JSON, ...]] = (None, "")


@valueclass(frozen=True, slots=True)
class Concealing:
    """Conceals private values in the rows of one input.

    Attributes:
        positions: of the private columns.
        width: columns of the header; 0 for objects.
    """

    private: Private
    positions: frozenset[int]
    width: int

    def row(self, row: Row[Record]) -> Row[Record]:
        """Return a row as it is shown."""
        record, fate, request_id, at = row
        return self._record(record, is_misread=fate.reason in MISREAD), fate, request_id, at

    def _record(self, record: Record, *, is_misread: bool) -> Record:
        if isinstance(record, SheetRow):
            all_of_it = is_misread or len(record.cells) != self.width  # nobody knows which cell is which
            cells = enumerate(record.cells)
            return SheetRow(
                record.ref, [HIDDEN if cell and (all_of_it or at in self.positions) else cell for at, cell in cells]
            )
        if isinstance(record, ObjectRow):
            return ObjectRow(record.ref, {name: self._member(name, value) for name, value in record.members.items()})
        return record

    def _member(self, name: str, value: JSON) -> JSON:
        return HIDDEN if value not in _NOTHING and self.private.covers(name) else value


def concealing(private: Private, header: Sequence[str]) -> Concealing:
    """Return what conceals the rows of an input; `header` has the names of its columns, none for objects."""
    at = frozenset(index for index, name in enumerate(header) if private.covers(unquoted(name)))
    return Concealing(private, at, len(header))
