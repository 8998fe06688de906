"""When a night has to end: a time of day in a zone that may have summer time."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo


def deadline_after(start: float, at: time, zone: tzinfo | None = None) -> float:
    """Return when the clock next shows `at` after `start`; both are seconds since the epoch.

    A time that the clock shows twice, when summer time ends, comes at its first showing, or at the second for a start
    between the two. A time that the clock skips, when summer time begins, comes as much later as the clock jumps.

    Args:
        start: of the night.
        at: time of day.
        zone: where that is the time of day; None for the zone of this machine.
    """
    today = datetime.fromtimestamp(start, zone).date()
    days = (today + timedelta(days=n) for n in range(3))  # a zone may skip a whole day, as Samoa did in 2011
    return min(moment for day in days for moment in _moments(day, at, zone) if moment > start)


def _moments(day: date, at: time, zone: tzinfo | None) -> Iterator[float]:
    """Yield when the clock shows `at` on a day: once, twice, or not at all and then as much later as it jumps."""
    first = datetime.combine(day, at, zone).timestamp()
    yield first
    second = datetime.combine(day, at, zone).replace(fold=1).timestamp()
    if second > first:
        yield second
