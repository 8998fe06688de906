"""What a reply's headers say about the server's limits. Malformed headers are ignored: they are advice, not input."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from worker.policy.pace import Window

_INTEGER: Final = re.compile(r"\d{1,15}")
_DECIMAL: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")


LARGEST_LIMIT: Final = 1_000_000
"""Requests a window beyond which a limit limits nothing, and only its bookkeeping costs."""

LONGEST_INTERVAL: Final = 86_400.0
"""Seconds of a window beyond which it cannot be meant: nobody waits longer than a day for a slot."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reply says.

    Attributes:
        windows: the limits, widest interval first; empty when the reply does not state a limit *and* its interval.
        remaining: requests left in the first window, or None.
    """

    windows: tuple[Window, ...] = ()
    remaining: int | None = None


def read_limits(headers: Mapping[str, str]) -> Limits:
    """Read `X-Ratelimit-Limit`, `-Interval` (seconds) and `-Remaining`.

    The headers state the average only; besides it Commerce Layer allows a quarter of the limit in a sixth of the
    interval (its documentation: 200 a minute and 50 in 10 seconds), which is derived here. A limit without an interval
    says nothing about time and is not used.
    """
    limit = _integer(headers.get("x-ratelimit-limit"))
    interval = _decimal(headers.get("x-ratelimit-interval"))
    if not limit or not interval or not 0 < interval <= LONGEST_INTERVAL or limit > LARGEST_LIMIT:
        return Limits()
    average = Window(limit, interval)
    burst = Window(max(1, limit // 4), interval / 6)
    return Limits((average, burst), _integer(headers.get("x-ratelimit-remaining")))


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
    seconds = _decimal(value)
    if seconds is not None:
        return max(0.0, seconds)
    then = _date(value)
    if then is None:
        return None
    sent = _date(headers.get("date", ""))
    return max(0.0, then - (wall if sent is None else sent))


def _integer(value: str | None) -> int | None:
    return int(value) if value is not None and _INTEGER.fullmatch(value.strip()) else None


def _decimal(value: str | None) -> float | None:
    return float(value) if value is not None and _DECIMAL.fullmatch(value.strip()) else None


def _date(value: str) -> float | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()  # the asctime form names no zone: it is UTC, not local
