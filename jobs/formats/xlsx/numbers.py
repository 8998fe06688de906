"""Numbers as a workbook stores them, as text: exactly the value, in the shortest form.

Excel stores the number nearest to what was typed that 64 bits can hold (IEEE 754), with up to 17 digits: 0.1 may stand
in the file as `0.10000000000000001`. The text is the shortest that denotes the same number: `0.1`, `7`, `1e-7`. Whole
numbers are written out, however long: behind the digits that are stored stand zeros, as the spreadsheet shows them
(`9.4001118992231E+21` is 9400111899223100000000), and the check warns of them. Other programs write whole numbers, or
numbers of more than 17 digits, that 64 bits cannot hold; those are kept digit by digit.
"""

import math
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE][+-]?[0-9]+)?")
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_DOUBLE_DIGITS: Final = 17
_LONGEST: Final = 400
"""Characters of a number: no 64-bit number needs more when it is written out."""

_SMALL: Final = -6
"""Zeros behind the point up to which a fraction is written out (ECMAScript, `Number::toString`)."""

_DAY: Final = 86_400_000
"""Milliseconds; a workbook's dates are no finer."""

_LAST_DAY: Final = 2_958_465
"""31 December 9999 as a number, counted from 1900."""

_1904: Final = 1_462
"""Days by which counting from 1904 lags behind counting from 1900."""

_FALSE_LEAP_DAY: Final = 60
"""29 February 1900, which Lotus 1-2-3 believed in; Excel kept the mistake, so that days count differently before."""

_NO_DAY: Final = "is shown as a date or a time, but its number lies outside the calendar of spreadsheets"


class NotANumber(ValueError):
    """A numeric cell holds something else."""


class NotADate(ValueError):
    """A cell is shown as a date, and its number is none. `str()` says why."""


def number_text(raw: str) -> str:
    """Format a stored number as text.

    Raises:
        NotANumber: `raw` is none, or none that is finite.
    """
    raw = raw.strip()
    if len(raw) > _LONGEST:
        raise NotANumber
    if _WHOLE.fullmatch(raw):
        return str(int(raw))
    value, exact = _value(raw)
    if exact is not None:
        return _written(exact)
    text = repr(value)
    if "e" in text:
        return _written(Decimal(text))
    return text.removesuffix(".0") if value else "0"


def _value(raw: str) -> tuple[float, Decimal | None]:
    """Return the nearest float, and the exact value if `raw` has more digits than the float can stand for."""
    parts = _NUMBER.fullmatch(raw)
    if parts is None:
        raise NotANumber
    value = float(raw)
    if not math.isfinite(value):
        raise NotANumber
    digits = "".join(part or "" for part in parts.groups()).strip("0")
    return value, Decimal(raw) if len(digits) > _DOUBLE_DIGITS else None


def _written(number: Decimal) -> str:
    """Return the number written out; only a fraction with many zeros behind the point has an exponent."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + int(exponent)
    minus = "-" if sign else ""
    if len(text) <= point:
        return minus + text.ljust(point, "0")
    if point > 0:
        return f"{minus}{text[:point]}.{text[point:]}"
    if _SMALL < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1:+}"


def date_text(raw: str, *, since_1904: bool) -> str:
    """Format a day, and its time if it has one, as ISO 8601: `2024-01-31`, `2024-01-31T10:20:30`.

    Raises:
        NotANumber: `raw` is none.
        NotADate: no calendar has that day.
    """
    days, rest = divmod(_milliseconds(raw), _DAY)
    if since_1904:
        if days >= 0:
            days += _1904
    elif days == _FALSE_LEAP_DAY:
        raise NotADate("is shown as 29 February 1900, a day that never was")
    elif 0 < days < _FALSE_LEAP_DAY:
        days += 1
    elif days == 0:
        raise NotADate("is shown as a date, but its number is 0 or a time of day alone")
    if not 0 < days <= _LAST_DAY:
        raise NotADate(_NO_DAY)
    day = (date(1899, 12, 30) + timedelta(days)).isoformat()
    return f"{day}T{_clock(rest)}" if rest else day


def moment_text(raw: str, *, since_1904: bool) -> str:
    """Format a day as `date_text` does, with the time even if it is midnight.

    Raises:
        NotANumber, NotADate: see `date_text`.
    """
    text = date_text(raw, since_1904=since_1904)
    return text if "T" in text else f"{text}T00:00:00"


def time_text(raw: str, *, since_1904: bool) -> str:
    """Format a time of day, `10:20:30`; with the day if the number has whole days.

    Raises:
        NotANumber, NotADate: see `date_text`.
    """
    milliseconds = _milliseconds(raw)
    if 0 <= milliseconds < _DAY:
        return _clock(milliseconds)
    return moment_text(raw, since_1904=since_1904)


def duration_text(raw: str, *, since_1904: bool) -> str:
    """Format a duration in hours, which may exceed a day: `36:00:00`.

    Raises:
        NotANumber, NotADate: see `date_text`.
    """
    del since_1904  # a duration begins nowhere
    milliseconds = _milliseconds(raw)
    return f"-{_clock(-milliseconds)}" if milliseconds < 0 else _clock(milliseconds)


def _milliseconds(raw: str) -> int:
    raw = raw.strip()
    if len(raw) > _LONGEST:
        raise NotANumber
    value = _value(raw)[0]
    if abs(value) > _LAST_DAY + 1:
        raise NotADate(_NO_DAY)
    return round(value * _DAY)


def _clock(milliseconds: int) -> str:
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour:02}:{minute:02}:{second:02}"
    return f"{text}.{fraction:03}" if fraction else text
