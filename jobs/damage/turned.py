"""Whether a spreadsheet makes one text of another when it opens and saves a file: `007` -> `7`, `3/4` -> `03/04/26`."""

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from jobs.damage.kinds import BOOLEANS_ELSEWHERE, SPREADSHEET_ERRORS, kind_of
from jobs.damage.traits import SPREADSHEET_DIGITS

_NUMBER: Final = re.compile(r"([+-]?)([0-9]{0,400})(?:[.,]([0-9]{0,400}))?(?:[eE]([+-]?[0-9]{1,3}))?(\s?%)?")
_CODE_LIKE_A_DATE: Final = re.compile(
    r"[0-9]{1,4}[-/.\s][0-9]{1,2}(?:[-/.\s][0-9]{0,4})?|[A-Za-z]{3,9}\.?[-/\s]?[0-9]{1,4}|[0-9]{1,2}[-/\s]?[A-Za-z]{3,9}"
)
_EXACT: Final = Context(prec=1000)
"""More digits than a text that is looked at has."""

_LINE_END: Final = re.compile(r"\r\n?")
_TRUTH: Final = {"true": True, "false": False} | {word.lower(): truth for word, truth in BOOLEANS_ELSEWHERE.items()}


def turned(old: str, new: str) -> bool:
    """Return whether `new` is what a spreadsheet writes where `old` stood; a value that somebody mended is not."""
    if old == new or not old or not new:
        return False
    if new in SPREADSHEET_ERRORS or _LINE_END.sub("\n", old) == _LINE_END.sub("\n", new):
        return True
    if old.lower() in _TRUTH and new.lower() in _TRUTH:
        return _TRUTH[old.lower()] is _TRUTH[new.lower()]
    return _is_same_number(old, new) or _became_a_date(old, new)


def _is_same_number(old: str, new: str) -> bool:
    """Return whether both are one number, or the old one with as many digits as the spreadsheet kept."""
    then, now = _number(old), _number(new)
    if then is None or now is None:
        return False
    (old_value, _), (new_value, digits) = then, now
    return old_value == new_value or new_value in _shortened(old_value, digits)


def _number(text: str) -> tuple[Decimal, int] | None:
    """Return the number that a spreadsheet would see in a text, and the digits that it has kept of one."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, fraction, exponent, percent = (part or "" for part in found.groups())
    value = Decimal(f"{sign}{whole or 0}.{fraction or 0}e{int(exponent or 0) - (2 if percent else 0)}")
    return value, len(whole + fraction) if exponent else SPREADSHEET_DIGITS


def _shortened(value: Decimal, digits: int) -> set[Decimal]:
    """Return what is left of a number with so many digits; Excel cuts what is typed, others round."""
    last = Decimal((0, (1,), value.adjusted() - digits + 1))
    return {value.quantize(last, rounding, _EXACT) for rounding in (ROUND_HALF_EVEN, ROUND_DOWN)}


def _became_a_date(old: str, new: str) -> bool:
    """Return whether a code, or a date that was written otherwise, was taken for a day."""
    if kind_of(new) not in {"date", "month"}:
        return False
    if kind_of(old) == "date":
        return bool(_days(old) & _days(new))
    return _CODE_LIKE_A_DATE.fullmatch(old) is not None


def _days(date: str) -> set[tuple[int, ...]]:
    """Return the days that a date may be, as year of the century, month and day."""
    parts = [int(part) for part in re.split(r"[-./T ]", date)[:3] if part.isdecimal()]
    if len(parts) < 3:  # year, month and day
        return set()
    first, middle, last = parts
    if date[4:5] == "-":
        return {(first % 100, middle, last)}
    return {(last % 100, middle, first), (last % 100, first, middle)}
