"""The limits in a description, from its texts to values. Whether the texts are sound is a matter of its check."""

from collections.abc import Iterator
from typing import Final

from jobs.apis.description.model import Description, ErrorRule, LimitDescription, LimitHeaders
from jobs.apis.description.rates import rate_of, seconds_of
from jobs.apis.limits import DeclaredLimit, DeclaredLimits, LimitHeader, Rate, declared

MOST_REQUESTS: Final = 1_000_000
"""Requests of a window that are counted at most: the times of more are not worth the memory."""


def limits_of(description: Description) -> DeclaredLimits:
    """Return all limits of an API and of its resources.

    Raises:
        ValueError: a rate or a time of them is none.
    """
    limits = [_limit(each, "") for each in description.limits]
    for name, resource in description.resources.items():
        limits += [_limit(each, name) for each in resource.limits]
    pauses = dict.fromkeys(rule.scope for rule in _rules(description))
    return declared(limits, pauses, map(_header, description.limit_headers))


def _limit(told: LimitDescription, type_name: str) -> DeclaredLimit:
    rates = (_rate(told.rate),) if told.rate else ()
    return DeclaredLimit(told.per, told.on, type_name, rates, told.concurrency or 0)


def _rate(text: str) -> Rate:
    requests, seconds = rate_of(text)
    return min(requests, MOST_REQUESTS), seconds


def _header(told: LimitHeaders) -> LimitHeader:
    window = seconds_of(told.window) if told.window else 0.0
    return LimitHeader(told.limit.lower(), told.remaining.lower(), told.reset.lower(), told.reset_format, window)


def _rules(description: Description) -> Iterator[ErrorRule]:
    yield from description.error_rules
    for resource in description.resources.values():
        yield from resource.error_rules
