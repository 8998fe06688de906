"""What a workbook says of its cells besides their text. Text files say nothing of the kind, and pay nothing for it.

`WorkbookRow` is a `SheetRow`: who only wants the text of the cells need not know it. Who looks for damage does:

    if isinstance(row, WorkbookRow):
        for text, stored in zip(row.cells, row.stored): ...
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from jobs.model import SheetRow
from jobs.values import valueclass


class Kind(StrEnum):
    """How a cell was stored, which is not what it looks like: `007` may be text, or the number 7 and a format."""

    EMPTY = "empty"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    BOOLEAN = "boolean"
    ERROR = "error"


@valueclass(frozen=True, slots=True)
class Stored:
    """How one cell was stored. Cells that were stored alike share one object.

    Attributes:
        kind: DATE and TIME are numbers whose format shows them so; DATE may have a time of day.
        format: code of the number format as the file has it, English whatever the user's language: `General`, `0.00`,
            `00000` (a number that is shown with leading zeros its text does not have), `@` (text), `yyyy-mm-dd`.
        formula: whether a formula made the value.
    """

    kind: Kind
    format: str = "General"
    formula: bool = False


NOTHING: Final = Stored(Kind.EMPTY)
"""A cell that is not there, or has a format alone."""


@valueclass(frozen=True, slots=True)
class Fault:
    """Why a cell has no text that could be sent. What stands in its place in `cells` is for reports alone.

    Attributes:
        column: 0-based position of the cell.
        reason: code of `jobs.reasons`.
        message: what is wrong, with the cell's address.
    """

    column: int
    reason: str
    message: str


class Merged(NamedTuple):
    """A range of merged cells, of which only the top left one shows a value. Rows as the spreadsheet counts them.

    Attributes:
        left, right: columns, from 0; the right one belongs to it.
    """

    top: int
    bottom: int
    left: int
    right: int

    def covers(self, line: int, column: int) -> bool:
        """Return whether a cell lies under the merged one, and is not the one that shows the value."""
        return (
            self.top <= line <= self.bottom
            and self.left <= column <= self.right
            and (line, column) != (self.top, self.left)
        )


@valueclass(frozen=True, slots=True)
class DamagedRow(SheetRow):
    """One record of a text file that its delimiters, quotes or line ends may have put together wrongly.

    Attributes:
        faults: of its cells, from left to right. The rest of a record has that of the column that it goes on with.
    """

    faults: Sequence[Fault]


@valueclass(frozen=True, slots=True)
class WorkbookRow(SheetRow):
    """One row of a workbook's sheet; `ref.line` is its number as the spreadsheet shows it.

    Attributes:
        stored: as many as there are cells.
        faults: of its cells, from left to right.
        hidden: whether the spreadsheet does not show it; it is read all the same.
    """

    stored: Sequence[Stored]
    faults: Sequence[Fault] = ()
    hidden: bool = False
