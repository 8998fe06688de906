"""Records that a stray quote, or a line end without quotes, put together or tore apart.

A strict reader refuses quotes that do not balance. Two stray ones do balance: all rows between them become one cell.
And a value with a line break, but without quotes, becomes two records, of which the first looks whole. Both are valid
CSV, so that only what stands in the lines can tell: they are compared with rows, and in doubt nothing is sent.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from jobs.formats.stored import Fault
from jobs.values import valueclass

NO_UPDATE: Final = frozenset({"repeated_header", "rows_in_cell", "row_cut", "space_before_quote"})
"""Reasons of rows whose cells are not values, or not those that were meant."""

MISREAD: Final = frozenset({"rows_in_cell", "row_cut", "space_before_quote"})
"""Reasons that leave it open which cells a row has. Once a report has written it anew, they cannot be seen any more."""

_MOST: Final = 10_000
"""Lines of one cell that are compared with rows."""

_ENOUGH: Final = 2
"""Lines with as many cells as the header that are taken for rows whatever their ids look like."""

_FEW: Final = 3
"""Columns from which on that is no coincidence: prose has commas, too."""

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_ALPHANUMERIC: Final = re.compile(r"[^\W_]")
_SPACE: Final = re.compile(r"\s")


@valueclass(frozen=True, slots=True)
class Layout:
    """What rows of a sheet look like.

    Attributes:
        columns: cells of a row.
        key: 0-based position of the cell that says which record is meant.
        delimiter: between cells.
    """

    columns: int
    key: int
    delimiter: str


def swallowed(cells: Sequence[str], line: int, layout: Layout) -> Fault | None:
    """Return the fault of a record in one of whose cells there are lines that look like rows of their own.

    Args:
        cells: of the record.
        line: on which the record begins.
        layout: of the sheet's rows.
    """
    key = cells[layout.key] if layout.key < len(cells) else ""
    own = _BREAK.split(key, 1)[0].split(layout.delimiter)[0].removeprefix("#")
    for column, cell in enumerate(cells):
        found = [each for each in _rows_in(cell, column, cells, layout) if _is_row(each[1], layout.key)]
        if any(_alike(row[layout.key], own) for _, row in found) or (len(found) >= _ENOUGH and layout.columns >= _FEW):
            first, last = line + found[0][0], line + found[-1][0]
            lines = f"line {first}" if first == last else f"lines {first} to {last}"
            looks = "looks like a row" if first == last else "look like rows"
            return Fault(column, "rows_in_cell", f"{lines} of the file, inside this quoted cell, {looks}")
        line += cell.count("\n") + cell.count("\r") - cell.count("\r\n")
    return None


def torn(cells: Sequence[str], rest: Sequence[str], layout: Layout, *, odd: bool, alone: bool) -> bool:
    """Return whether a record is the rest of the one before it, cut off at a line end within its last cell.

    Args:
        cells: of the record before.
        rest: of this one.
        layout: of the sheet's rows.
        odd: whether the line end between the two is unlike the header's. If it is like all others, a rest is a single
            cell that looks like no id.
        alone: whether the next line end is like the header's again. If it is not, files of both kinds may have been put
            together, and a whole row is no rest.
    """
    if rest[0].startswith("#"):
        return False
    key = rest[layout.key] if layout.key < len(rest) else ""
    if key and layout.key < len(cells) and _alike(key, cells[layout.key]):
        return False
    if odd:
        return alone or len(rest) != layout.columns or not _is_row(rest, layout.key)
    return len(rest) == 1 < layout.columns and bool(cells[-1])


def cut(cells: Sequence[str], line: int) -> Fault:
    """Return the fault of a record whose last cell goes on in `line`."""
    said = f"the cell seems to go on in line {line}: a line break without quotes around the value cut it in two"
    return Fault(len(cells) - 1, "row_cut", said)


def rest_of(line: int, column: int) -> Fault:
    """Return the fault of a record that goes on with the cell in `column` of the one of `line`."""
    said = f"this seems to be the rest of line {line}: a line break without quotes around the value cut it in two"
    return Fault(column, "row_cut", said)


def spaced_quote(cells: Sequence[str], raw: str, delimiter: str) -> Fault | None:
    """Return the fault of a record with a space before an opening quote, which makes the quotes part of the value.

    Args:
        cells: of the record.
        raw: its text.
        delimiter: between cells.
    """
    for column, cell in enumerate(cells):
        if cell.startswith(" ") and cell.lstrip(" ").startswith('"'):
            if re.search(rf'(?:^|{re.escape(delimiter)}) +"', raw):  # and not `" ""x"""`, which is meant
                said = "a space stands before the opening quote: the quotes would become part of the value"
                return Fault(column, "space_before_quote", said)
            break
    return None


def _rows_in(cell: str, column: int, cells: Sequence[str], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield what of a cell could be a row, each with the number of its line in the cell, from 0.

    The first line goes on from the cells before, and the last one with those behind. Either counts only if what would
    be its key stands in the cell itself: that of the record does not make a row of its own.
    """
    delimiter, key = layout.delimiter, layout.key
    lines = _BREAK.split(cell, _MOST) if "\n" in cell or "\r" in cell else []
    last = len(lines) - 1
    for number, line in enumerate(lines[:_MOST]):
        missing = layout.columns - 1 - line.count(delimiter)
        before = column if number == 0 else 0
        behind = len(cells) - column - 1 if number == last else 0
        if missing == before + behind and before <= key < layout.columns - behind:
            yield number, [*cells[:before], *line.split(delimiter), *cells[len(cells) - behind :]]


def _is_row(row: Sequence[str], key: int) -> bool:
    """Return whether cells can be a row: a key, and no space behind a delimiter, as it is in prose."""
    return _is_key(row[key]) and not any(cell.startswith(" ") for cell in row)


def _is_key(text: str) -> bool:
    return bool(text) and not _SPACE.search(text)


def _alike(one: str, other: str) -> bool:
    """Return whether two ids are of one shape: whole numbers, or as long, with the same punctuation, and no word."""
    if one.isdecimal() and other.isdecimal():
        return abs(len(one) - len(other)) <= 1
    same = len(one) == len(other) and _ALPHANUMERIC.sub("x", one) == _ALPHANUMERIC.sub("x", other)
    return same and _is_word(one) <= _is_word(other)


def _is_word(text: str) -> bool:
    return text.isalpha() and (text.islower() or text.istitle())
