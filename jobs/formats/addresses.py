"""Where a cell is, in words that a person can go by: `Sheet1!C118` in a workbook, line and column in a text file."""

import re
from typing import Final

_LETTERS: Final = 26

_PLAIN: Final = re.compile(r"[^\W\d][\w.]*")
"""A sheet's name that needs no quotes: letters, digits, `_` and `.`, no digit first."""

_LIKE_A_CELL: Final = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*(?:[Cc][0-9]*)?|[Cc][0-9]*")
"""A name that would be read as a cell (`A1`, `R1C1`), and so needs quotes all the same."""


def letters(column: int) -> str:
    """Return the name a spreadsheet gives to a column: 0 is A, 25 is Z, 26 is AA."""
    name = ""
    left = column + 1
    while left:
        left, letter = divmod(left - 1, _LETTERS)
        name = chr(ord("A") + letter) + name
    return name


def cell_address(sheet: str, column: int, line: int) -> str:
    """Name a cell of a workbook as a formula would: `Sheet1!C118`, `'My sheet'!C118`.

    Args:
        sheet: name of the sheet.
        column: 0-based position of the cell in its row.
        line: number of the row as the spreadsheet shows it (`RowRef.line`).
    """
    plain = _PLAIN.fullmatch(sheet) and not _LIKE_A_CELL.fullmatch(sheet)
    name = sheet if plain else "'" + sheet.replace("'", "''") + "'"
    return f"{name}!{letters(column)}{line}"


def text_address(column: int, line: int, name: str = "") -> str:
    """Name a cell of a text file: `line 118, column 3 (reference)`.

    Args:
        column: 0-based position of the cell in its record.
        line: 1-based physical line on which the record begins (`RowRef.line`).
        name: of the column, where there is one.
    """
    place = f"line {line}, column {column + 1}"
    return f"{place} ({name})" if name else place
