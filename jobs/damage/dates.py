"""Dates where codes were: a spreadsheet reads `MAR1`, `1-2` and `SEPT2` as days of a year."""

import re
from typing import Final

from jobs.damage.column import Seen, Sign, joined
from jobs.damage.kinds import Kind, kind_of
from jobs.damage.traits import is_no_day

_OF_DATES: Final = re.compile(
    r"date|datum|(?:^|[._])(?:at|on|day|month|from|until|birth\w*)(?:$|[:])|_at$|_on$", re.IGNORECASE
)
"""Names of columns in which a date is no surprise."""

_CODE_KINDS: Final[tuple[Kind, ...]] = ("code", "power", "word", "digits", "padded", "ten")


def is_of_dates(label: str) -> bool:
    """Return whether the name of a column says that it holds dates."""
    return _OF_DATES.search(label) is not None


def date_for_code(seen: Seen) -> Sign | None:
    """Report dates only where they are rare among codes: in prose, or in a column of dates, they are meant."""
    if seen.column.role not in {"text", "untyped", "link"} or is_of_dates(seen.column.label):
        return None
    codes, months = seen.of(*_CODE_KINDS), seen.of("month")
    dates = seen.of("date")
    kinds = _turned(codes, months, dates)
    if not kinds or seen.of("text") * 4 > codes:
        return None
    tallies = [tally for kind in kinds if (tally := seen.kinds.get(kind))]
    why = f"{codes:,} of {seen.total:,} cells are codes"
    return seen.sign("date_for_code", joined(tallies), why, lambda cell: kind_of(cell) in kinds)


def no_such_date(seen: Seen) -> Sign | None:
    """Report `31.02.2026` in any column: nobody means it, and a parser may take it for 3 March."""
    tally = seen.traits.get("impossible")
    if tally is None or seen.column.role not in {"text", "untyped", "date"}:
        return None
    why = f"{tally.count:,} of {seen.of('date'):,} dates are none"
    return seen.sign("no_such_date", tally, why, lambda cell: kind_of(cell) == "date" and is_no_day(cell))


def _turned(codes: int, months: int, dates: int) -> tuple[Kind, ...]:
    """Choose the kinds of dates to report: any `1-Mar`, which only a spreadsheet writes; full dates if rarer."""
    found: list[Kind] = []
    if months and codes >= 2 * months:
        found.append("month")
    if dates and codes >= 10 * dates:
        found.append("date")
    return tuple(found)
