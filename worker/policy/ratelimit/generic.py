"""`X-RateLimit-Limit`, `-Remaining` and `-Reset`: not a standard, but sent by most servers (GitHub among them)."""

import re
from collections.abc import Mapping
from typing import Final

from jobs.apis.header_values import count, date, decimal, sent_at
from worker.policy.ratelimit.limits import LONGEST_INTERVAL, Limits, one, together

_SPELLINGS: Final = ("x-ratelimit", "x-rate-limit")

_TO_THE_MINUTE: Final = re.compile(r".*T[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9:]*)?\s*")
_MINUTE: Final = 60.0


def read(headers: Mapping[str, str], wall: float) -> Limits:
    """Read both spellings. `-Used` may stand in for `-Remaining`; `-Resource` names one of several quotas."""
    return together(_read(headers, spelling, wall) for spelling in _SPELLINGS if f"{spelling}-reset" in headers)


def _read(headers: Mapping[str, str], spelling: str, wall: float) -> Limits:
    limit, used = count(headers.get(f"{spelling}-limit")), count(headers.get(f"{spelling}-used"))
    remaining = count(headers.get(f"{spelling}-remaining"))
    if remaining is None and limit is not None and used is not None:
        remaining = max(0, limit - used)
    resets_in = seconds_until(headers[f"{spelling}-reset"], sent_at(headers, wall))
    name = f"{spelling} {headers.get(f'{spelling}-resource', '')}".strip()
    return one(name, limit=limit, remaining=remaining, resets_in=resets_in)


def seconds_until(reset: str, sent: float) -> float | None:
    """Return the seconds until a reset, given as a time (since the epoch, or ISO 8601) or as seconds from now.

    The size of a number shows which it is: a time is less than a day from when the reply was sent, a number of seconds
    is less than a day. A time without seconds (Jira) may be any moment of its minute: the last one is sure.
    """
    value = decimal(reset)
    if value is None:
        then = date(reset)
        return None if then is None else then - sent + _MINUTE * bool(_TO_THE_MINUTE.fullmatch(reset))
    for seconds in (value - sent, value / 1000 - sent, value):
        if abs(seconds) <= LONGEST_INTERVAL:
            return seconds
    return None
