"""How long a reply asks everybody to wait."""

from collections.abc import Mapping
from typing import Final

from jobs.apis.header_values import date, decimal, sent_at

LONGEST_BACKOFF: Final = 86_400.0
"""Seconds beyond which a `Backoff` cannot be meant."""

_MOMENTS: Final = (1e9, 1e11)
"""Numbers that can only be seconds since the epoch: from 2001 on; as a delay they would be 31 years and more."""


def read_retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds to wait by `Retry-After` (RFC 9110 10.2.3: seconds or a date).

    Decimals are tolerated; so are a date as ISO 8601, and seconds or milliseconds since the epoch where the number can
    be nothing else. A moment is taken relative to the reply's own `Date`, so that a skewed clock does no harm; without
    one, relative to `wall` (seconds since the epoch).

    Returns:
        0 or more, or None when the header is absent or malformed.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = decimal(value)
    if seconds is not None and seconds < _MOMENTS[0]:
        return max(0.0, seconds)
    then = date(value) if seconds is None else _moment(seconds)
    return None if then is None else max(0.0, then - sent_at(headers, wall))


def _moment(number: float) -> float | None:
    """Return the seconds since the epoch that a large number means, None for one that means no moment."""
    return next((each for each in (number, number / 1000) if _MOMENTS[0] <= each < _MOMENTS[1]), None)


def read_backoff(headers: Mapping[str, str]) -> float:
    """Return the seconds to refrain from requests, even after one that was done (`Backoff: 30` of Zotero, Kinto).

    Returns:
        0 when the header is absent or malformed; a day at most.
    """
    seconds = decimal(headers.get("backoff"))
    return min(seconds, LONGEST_BACKOFF) if seconds is not None and seconds > 0 else 0.0
