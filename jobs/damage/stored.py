"""What a workbook gives away that text does not: a number where a code was, a date, and how it was meant to look."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.damage.column import SPREADSHEET_DIGITS, Column, Sign, StoredTest, Tally
from jobs.damage.dates import is_of_dates
from jobs.damage.kinds import NUMBERS, kind_of
from jobs.model import RowRef
from jobs.reading.stored import Kind, Stored

_PADDING: Final = re.compile(r"0{2,}")
_CODES: Final = frozenset({"id", "link", "text", "untyped"})


def padded_to(stored: Stored) -> int:
    """Digits to which the number format fills a number up with zeros; 0 for none."""
    return len(stored.format) if stored.kind is Kind.NUMBER and _PADDING.fullmatch(stored.format) else 0


def zeros_hidden(cell: str, stored: Stored) -> bool:
    """Whether the spreadsheet shows leading zeros that the number does not have."""
    return cell.isdecimal() and len(cell) < padded_to(stored)


def digits_gone(cell: str, stored: Stored) -> bool:
    """Whether it is a number of more digits than a spreadsheet keeps."""
    return stored.kind is Kind.NUMBER and len(cell.lstrip("-")) > SPREADSHEET_DIGITS and kind_of(cell) == "long"


def _is_date(_cell: str, stored: Stored) -> bool:
    return stored.kind is Kind.DATE


def _is_number(_cell: str, stored: Stored) -> bool:
    return stored.kind is Kind.NUMBER


@dataclass(slots=True)
class Storage:
    """How the cells of one column were stored. Memory does not grow with the rows.

    Attributes:
        texts: cells stored as text. `digits`: those of them that are numbers all the same, as codes are.
    """

    column: Column
    texts: int = 0
    digits: int = 0
    hidden: Tally = field(default_factory=Tally)
    gone: Tally = field(default_factory=Tally)
    dates: Tally = field(default_factory=Tally)
    numbers: Tally = field(default_factory=Tally)

    def see(self, refs: Sequence[RowRef], cells: Sequence[str], stored: Sequence[Stored]) -> None:
        """Take in the cells of some rows."""
        if self.column.role not in _CODES:
            return
        for ref, cell, how in zip(refs, cells, stored, strict=True):
            if how.kind is Kind.TEXT:
                self.texts += 1
                self.digits += kind_of(cell) in NUMBERS if cell else 0
            elif how.kind is Kind.DATE:
                self.dates.add(ref, cell)
            elif how.kind is Kind.NUMBER:
                self.numbers.add(ref, cell)
                if zeros_hidden(cell, how):
                    self.hidden.add(ref, cell)
                elif digits_gone(cell, how):
                    self.gone.add(ref, cell)

    def signs(self) -> Iterator[Sign]:
        """The damage that shows in how the cells were stored."""
        if self.hidden.count:
            why = "the spreadsheet shows leading zeros, and has stored numbers without them"
            yield self._sign("leading_zeros_lost", self.hidden, why, zeros_hidden)
        if self.gone.count:
            yield self._sign("digits_lost", self.gone, "they were stored as numbers, not as text", digits_gone)
        if self.dates.count and self.texts >= self.dates.count and not is_of_dates(self.column.label):
            why = f"they were stored as dates, {self.texts:,} other cells as text"
            yield self._sign("date_for_code", self.dates, why, _is_date)
        if self.numbers.count and not self.hidden.count and self.digits >= self.numbers.count:
            why = f"they were stored as numbers; numbers stored as text elsewhere in the column: {self.digits:,}"
            yield self._sign("mixed_types", self.numbers, why, _is_number)

    def _sign(self, code: str, tally: Tally, why: str, test: StoredTest) -> Sign:
        return Sign(code, self.column, tally.count, tuple(tally.examples), why, _never, test)


def _never(_cell: str) -> bool:
    return False
