"""How long a reply asks everybody to wait."""

from collections.abc import Mapping

from worker.policy.ratelimit.limits import LONGEST_INTERVAL, Limits
from worker.policy.ratelimit.values import date, decimal, sent_at


def read_retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds to wait by `Retry-After` (RFC 9110 10.2.3: seconds or a date; decimals are tolerated).

    A date is taken relative to the reply's own `Date`, so that a skewed clock does no harm; without one, relative to
    `wall` (seconds since the epoch).

    Returns:
        0 or more, or None when the header is absent or malformed.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = decimal(value)
    if seconds is not None:
        return max(0.0, seconds)
    then = date(value)
    return None if then is None else max(0.0, then - sent_at(headers, wall))


def backoff(headers: Mapping[str, str]) -> Limits:
    """`Backoff: 30` (Zotero, Kinto): seconds to refrain from requests, even after one that was done."""
    seconds = decimal(headers.get("backoff"))
    return Limits(pause=min(seconds, LONGEST_INTERVAL)) if seconds is not None and seconds > 0 else Limits()
