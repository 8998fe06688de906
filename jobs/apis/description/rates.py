"""Rates and durations as a description writes them: `100/60s`, `60s`."""

import re
from collections.abc import Mapping
from typing import Final

_SECONDS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)(?P<unit>ms|s|m|h|d)", re.ASCII)
_REQUESTS: Final = re.compile(r"\d{1,9}", re.ASCII)


def rate_of(text: str) -> tuple[int, float]:
    """Return a rate as requests and the seconds they may take: `100/60s` -> (100, 60.0).

    Raises:
        ValueError: it is none, or lets nothing through; the text says what to write.
    """
    requests, _, time = text.partition("/")
    try:
        seconds = seconds_of(time.strip())
    except ValueError:
        seconds = 0.0
    if not _REQUESTS.fullmatch(requests.strip()) or int(requests) < 1 or not seconds:
        raise ValueError("write requests and the time they may take, like 100/60s (units ms, s, m, h, d)")
    return int(requests), seconds


def seconds_of(text: str) -> float:
    """Return a duration in seconds: `90s` -> 90.0.

    Raises:
        ValueError: it is none, or is over at once; the text says what to write.
    """
    found = _DURATION.fullmatch(text)
    seconds = float(found["number"]) * _SECONDS[found["unit"]] if found else 0.0
    if not seconds:
        raise ValueError("write a number and its unit, like 60s (units ms, s, m, h, d)")
    return seconds
