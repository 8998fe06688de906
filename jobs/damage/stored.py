"""What a workbook gives away that text does not: a number where a code was, a date, and how it was meant to look."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from jobs.damage.column import Column, Sign, StoredTest, Tally
from jobs.damage.dates import is_of_dates
from jobs.damage.kinds import NUMBERS, kind_of
from jobs.damage.traits import SPREADSHEET_DIGITS
from jobs.formats.addresses import letters
from jobs.formats.stored import Kind, Stored
from jobs.model import RowRef

_GENERAL: Final = "General"
"""The format of most numbers, which shows nothing that they have not."""

_NO_DIGIT: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', re.DOTALL)
"""What a number format has beside digits: text, padding, colours, conditions, languages."""

_PADDING: Final = re.compile(r"[-0 /()]*")
_LONGEST_FORMAT: Final = 40
"""Characters of a number format that a formula repeats."""

_CODES: Final = frozenset({"id", "link", "text", "untyped"})
_MOST_FORMATS: Final = 100
"""Formats of one column that are told apart."""


def padded_to(stored: Stored) -> int:
    """Return the digits to which the number format fills a number up with zeros; 0 for none."""
    return _zeros(stored.format) if stored.kind is Kind.NUMBER else 0


@lru_cache(maxsize=1024)  # a workbook has few formats, and a cell for each of them a million times
def _zeros(code: str) -> int:
    """Return how many zeros a format fills up with: `00000`, `000-00-0000`, `"INV-"000`; what is positive counts."""
    digits = _NO_DIGIT.sub("", code).partition(";")[0]
    zeros = digits.count("0")
    return zeros if zeros > 1 and _PADDING.fullmatch(digits) else 0


def zeros_hidden(cell: str, stored: Stored) -> bool:
    """Return whether the spreadsheet shows leading zeros that the number does not have."""
    return cell.isdecimal() and len(cell) < padded_to(stored)


def digits_gone(cell: str, stored: Stored) -> bool:
    """Return whether the cell is a number of more digits than a spreadsheet keeps."""
    digits = cell.removeprefix("-")
    return stored.kind is Kind.NUMBER and len(digits) > SPREADSHEET_DIGITS and digits.isdecimal()


def is_percent(_cell: str, stored: Stored) -> bool:
    """Return whether the spreadsheet shows a number as per cent: a hundred times what it is."""
    return stored.kind is Kind.NUMBER and _has_percent(stored.format)


@lru_cache(maxsize=1024)
def _has_percent(code: str) -> bool:
    return "%" in _NO_DIGIT.sub("", code)


def _is_date(_cell: str, stored: Stored) -> bool:
    return stored.kind is Kind.DATE


def _is_number(_cell: str, stored: Stored) -> bool:
    return stored.kind is Kind.NUMBER


@dataclass(slots=True)
class Storage:
    """How the cells of one column were stored. Memory does not grow with the rows.

    Attributes:
        texts: cells stored as text. `digits`: those of them that are numbers all the same, as codes are.
        formats: of the cells whose zeros are in the format alone.
    """

    column: Column
    texts: int = 0
    digits: int = 0
    hidden: Tally = field(default_factory=Tally)
    formats: Counter[str] = field(default_factory=Counter)
    gone: Tally = field(default_factory=Tally)
    percents: Tally = field(default_factory=Tally)
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
                self._see_number(ref, cell, how)

    def _see_number(self, ref: RowRef, cell: str, how: Stored) -> None:
        self.numbers.add(ref, cell)
        if len(cell) > SPREADSHEET_DIGITS and digits_gone(cell, how):
            self.gone.add(ref, cell)
        if how.format == _GENERAL:
            return
        if zeros_hidden(cell, how):
            self.hidden.add(ref, cell)
            self._count_format(how.format)
        elif is_percent(cell, how):
            self.percents.add(ref, cell)

    def signs(self) -> Iterator[Sign]:
        """Yield the damage that shows in how the cells were stored."""
        if self.hidden.count:
            why = "the spreadsheet shows leading zeros, and has stored numbers without them"
            yield replace(self._sign("leading_zeros_lost", self.hidden, why, zeros_hidden), action=self._as_shown())
        if self.gone.count:
            yield self._sign("digits_lost", self.gone, "they were stored as numbers, not as text", digits_gone)
        if self.percents.count:
            why = "the spreadsheet shows them times 100: 50% is sent as 0.5"
            yield self._sign("percent_sign", self.percents, why, is_percent)
        if self.dates.count and self.texts >= self.dates.count and not is_of_dates(self.column.label):
            why = f"they were stored as dates, {self.texts:,} other cells as text"
            yield self._sign("date_for_code", self.dates, why, _is_date)
        if self.numbers.count and not self.hidden.count and self.digits >= self.numbers.count:
            why = f"they were stored as numbers; numbers stored as text elsewhere in the column: {self.digits:,}"
            yield self._sign("mixed_types", self.numbers, why, _is_number)

    def _count_format(self, code: str) -> None:
        if code in self.formats or len(self.formats) < _MOST_FORMATS:
            self.formats[code] += 1

    def _as_shown(self) -> str:
        """Return the formula that makes text of the cells as they are shown: `=TEXT(C2,"000")`."""
        column, line = letters(self.column.position), self.hidden.examples[0].ref.line
        code = self.formats.most_common(1)[0][0]
        shown = code if len(code) <= _LONGEST_FORMAT else "0" * _zeros(code)
        formula = f'=TEXT({column}{line},"{shown.replace(chr(34), chr(34) * 2)}")'
        return (
            f"The zeros are in the format alone. In a free column, from row {line} down: {formula}. Copy it, and paste"
            f" it over column {column} with Paste Special > Values."
        )

    def _sign(self, code: str, tally: Tally, why: str, test: StoredTest) -> Sign:
        return Sign(code, self.column, tally.count, tuple(tally.examples), why, _never, test)


def _never(_cell: str) -> bool:
    return False
