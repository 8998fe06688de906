"""What a cell that is refused probably was before a spreadsheet or an export got hold of it."""

from typing import Final

from jobs.damage.characters import invisible, spaced, typographic
from jobs.damage.kinds import BOOLEANS_ELSEWHERE, Kind, kind_of
from jobs.damage.traits import ends_in_zero

_OF_KINDS: Final[dict[Kind, str]] = {
    "error": "this is what a spreadsheet shows where a formula failed",
    "formula": "this is a formula: paste its value instead",
    "null": "to leave the field alone, empty the cell",
    "comma": "it has a comma: write 1234.5 for 1.234,5",
    "thousands": "write it without separators, such as 1200; a fraction with a decimal point, such as 1.2",
    "percent": "leave out the % sign, and write the number that is meant: 12 or 0.12",
    "currency": "leave out the currency sign",
    "scientific": "a spreadsheet has shortened it: format the column as Number without decimals, or as Text",
    "exponent": "a program has shortened it: have it write all digits",
    "power": "a program has shortened it, or it is a code: write all digits",
    "wrapped": 'an export has put it in =" and " for a spreadsheet: take them off',
    "guarded": "an apostrophe guards it against spreadsheets: take it off",
    "month": "a spreadsheet has made a date of it: format the column as Text, and enter it anew",
    "date": "it is a date: look for a cell that was moved, or a column formatted as Date",
}

_WHOLE: Final = "a program took whole numbers for decimals, as pandas does beside gaps: leave out .0"


def cause_of(cell: str) -> str:
    """Guess why a cell is not what its column needs; return an empty text if nothing fits."""
    if not cell.strip():
        return "there is nothing but white space in it: empty the cell"
    if cell in BOOLEANS_ELSEWHERE:
        return f"this is how a spreadsheet in another language writes {str(BOOLEANS_ELSEWHERE[cell]).lower()}"
    if spaced(cell):
        return "white space stands before or behind it"
    kind = kind_of(cell)
    if known := _WHOLE if kind == "point" and ends_in_zero(cell) else _OF_KINDS.get(kind):
        return known
    if typographic(cell):
        return "it has typographic quotes or dashes, which a word processor made: type them anew"
    return "it has a character that cannot be seen: type it anew" if invisible(cell) else ""
