"""The limits in a description, from its texts to values."""

import re
from collections.abc import Iterator
from typing import Final

from jobs.apis.described.description import Description, ErrorRule, LimitDescription, LimitHeaders
from jobs.apis.limits import CREDENTIAL, PATH, RECORD, DeclaredLimit, DeclaredLimits, LimitHeader, Rate, declared

SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
"""Seconds of a unit."""

LONGEST_WINDOW: Final = 31 * SECONDS["d"]
"""Seconds of a window beyond which nobody waits for its end: a month."""

MOST_REQUESTS: Final = 1_000_000
"""Requests of a window beyond which their times are not worth the memory."""

_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_TIME: Final = re.compile(rf"\s*({_NUMBER})\s*(ms|s|m|h|d)\s*")
_RATE: Final = re.compile(rf"\s*([0-9]{{1,9}})\s*/({_TIME.pattern})")
_VARIABLE: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def rate_of(text: str) -> Rate:
    """Read a rate like `100/60s`.

    Raises:
        ValueError: it is none; the text says how to write it.
    """
    found = _RATE.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= MOST_REQUESTS:
        raise ValueError(f"{text!r}: write a rate like 100/60s: requests (at most {MOST_REQUESTS:,}) and a time")
    return int(found[1]), seconds_of(found[2])


def seconds_of(text: str) -> float:
    """Read a time like `60s`, in seconds.

    Raises:
        ValueError: it is none; the text says how to write it.
    """
    found = _TIME.fullmatch(text)
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if not 0 < seconds <= LONGEST_WINDOW:
        raise ValueError(f"{text!r}: write a time like 60s (units ms, s, m, h, d), 31d at most")
    return seconds


def scope_of(text: str, others: tuple[str, ...] = (RECORD,)) -> str:
    """Return whose a limit or a pause is: the credential, one of `others`, or a variable in braces.

    Raises:
        ValueError: it is none of them.
    """
    if text in (CREDENTIAL, *others) or _VARIABLE.fullmatch(text):
        return text
    raise ValueError(f"{text!r}: write {', '.join((CREDENTIAL, *others))}, or a variable such as {{base}}")


def limit_of(told: LimitDescription, type_name: str = "") -> DeclaredLimit:
    """Return a limit as a value.

    Args:
        told: the description.
        type_name: of the resource that it is about, empty for the whole API.

    Raises:
        ValueError: a text of it says nothing, or nothing is limited.
    """
    if not told.rate and told.concurrency is None:
        raise ValueError('a limit has a rate, such as rate = "100/60s", or a concurrency, such as concurrency = 10')
    rates = (rate_of(told.rate),) if told.rate else ()
    return DeclaredLimit(scope_of(told.per, (PATH, RECORD)), told.on, type_name, rates, told.concurrency or 0)


def header_of(told: LimitHeaders) -> LimitHeader:
    """Return headers that tell a limit as a value.

    Raises:
        ValueError: they cannot tell any.
    """
    if not (told.remaining and (told.reset or told.window)) and not (told.limit and told.window):
        raise ValueError("limit_headers need remaining with reset or window, or limit with window, to tell a limit")
    window = seconds_of(told.window) if told.window else 0.0
    return LimitHeader(told.limit.lower(), told.remaining.lower(), told.reset.lower(), told.reset_format, window)


def limits_of(description: Description) -> DeclaredLimits:
    """Return all limits of an API and of its resources.

    Raises:
        ValueError: a text of them says nothing.
    """
    limits = [limit_of(each) for each in description.limits]
    for name, resource in description.resources.items():
        limits += [limit_of(each, name) for each in resource.limits]
    pauses = dict.fromkeys(scope_of(rule.scope) for rule in _rules(description))
    return declared(limits, pauses, map(header_of, description.limit_headers))


def _rules(description: Description) -> Iterator[ErrorRule]:
    yield from description.error_rules
    for resource in description.resources.values():
        yield from resource.error_rules
