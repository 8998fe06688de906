"""Numbers, times and spans in plain English."""

from datetime import UTC, datetime
from typing import Final

from worker.journal import JournalDamaged

_UNITS: Final = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))


def share(part: float, whole: float) -> str:
    """Return a part of a whole in per cent; what is little is not called nothing, and nearly all not all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %" if 0 < percent < 10 and percent != round(percent) else f"{percent:.0f} %"


def span(seconds: float) -> str:
    """Return a span of time by its two largest units: `3 h 12 min`, `45 s`, `180 ms`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), list[str]()
    for size, unit in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount} {unit}{'s' if unit == 'day' and amount > 1 else ''}")
    return " ".join(parts[:2])


def rate(per_second: float) -> str:
    """Return a rate: `12 a second`, `4.5 a minute`."""
    if per_second and per_second < 0.95:
        return f"{per_second * 60:.2g} a minute"
    return f"{per_second:.1f} a second" if per_second < 9.95 else f"{per_second:,.0f} a second"


def moment(at: float, *, seconds: bool = False) -> str:
    """Return a point in time: `1 December 2026, 04:25 UTC`; an empty text for 0, which means never.

    Raises:
        JournalDamaged: no clock shows such a time.
    """
    if not at:
        return ""
    when = _when(at)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC" if seconds else f"{when.day} {when:%B %Y, %H:%M} UTC"


def period(since: float, until: float) -> str:
    """Return a span between two points in time, with each day once.

    Raises:
        JournalDamaged: no clock shows such times.
    """
    first, last = moment(since), moment(until)
    day, _, time = last.partition(", ")
    if first == last or not last:
        return first
    return f"{first.removesuffix(' UTC')} to {time if first.startswith(day + ', ') else last}"


def clock(at: float) -> str:
    """Return the time of day of a point in time, UTC.

    Raises:
        JournalDamaged: no clock shows such a time.
    """
    return f"{_when(at):%H:%M:%S}"


def _when(at: float) -> datetime:
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        raise JournalDamaged(f"the journal holds a time that no clock shows: {at}.") from None
