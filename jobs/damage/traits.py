"""What a number or a date has been through, by its digits."""

import re
from calendar import monthrange
from typing import Final, Literal

from jobs.damage.kinds import Kind

Trait = Literal["rounded", "whole", "noise", "impossible"]
"""rounded: a long number with nothing but zeros behind the 15th digit · whole: a decimal that ends in `.0` · noise: a
decimal with the last digits of a sum in binary · impossible: a date that no calendar has."""

SPREADSHEET_DIGITS: Final = 15
"""Digits that a spreadsheet keeps of a number."""

_NOISE: Final = re.compile(r"-?[0-9]+\.[0-9]*(?:0{7,}|9{7,})[0-9]{1,2}")


def trait_of(cell: str, kind: Kind) -> Trait | None:
    """Return what shows in the digits of a cell of that kind; None for nothing."""
    if kind == "point":
        return "whole" if ends_in_zero(cell) else "noise" if is_noise(cell) else None
    if kind == "date":
        return "impossible" if is_no_day(cell) else None
    return "rounded" if is_rounded(cell) else None


def is_rounded(cell: str) -> bool:
    """Return whether a long number has only zeros after its 15th digit; a round one (`5000…`) does not count."""
    digits = cell.removeprefix("-")
    return not digits[SPREADSHEET_DIGITS:].strip("0") and not digits[:SPREADSHEET_DIGITS].endswith("00")


def ends_in_zero(cell: str) -> bool:
    """Return whether the text of a decimal is that of a whole number with `.0` behind it."""
    return cell.endswith(".0")


def is_noise(cell: str) -> bool:
    """Return whether a decimal has as many digits as 64 bits hold, and a run of 0 or 9 before the last ones."""
    return len(cell) > SPREADSHEET_DIGITS + 1 and _NOISE.fullmatch(cell) is not None


def is_no_day(date: str) -> bool:
    """Return whether no calendar has the day of a cell of the kind `date`; `2/31/26` is none in either order."""
    if date[4] == "-":
        return not _is_day(int(date[:4]), int(date[5:7]), int(date[8:10]))
    first, middle, last = date.replace("/", ".").split(".")
    day, month, year = int(first), int(middle), int(last) + (2000 if len(last) == 2 else 0)
    return not (_is_day(year, month, day) or ("/" in date and _is_day(year, day, month)))


def _is_day(year: int, month: int, day: int) -> bool:
    """Return whether the calendar has the day, counted back to a year 0."""
    return 1 <= month <= 12 and day >= 1 and (day < 29 or day <= monthrange(year, month)[1])
