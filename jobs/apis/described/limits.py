"""The limits in a description, from its texts to values. Whether the texts are sound is a matter of its check."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast
from urllib.parse import urlsplit

from jobs.apis.description.model import Description, ErrorRule, LimitDescription, LimitHeaders
from jobs.apis.description.rates import rate_of, seconds_of
from jobs.apis.description.templates import template
from jobs.apis.limits import CREDENTIAL, OTHERS, Counted, DeclaredLimit, DeclaredLimits, LimitHeader, Rate, declared

_ADDRESS: Final = "address"

MOST_REQUESTS: Final = 1_000_000
"""Requests of a window that are counted at most: the times of more are not worth the memory."""


def limits_of(description: Description) -> DeclaredLimits:
    """Return all limits of an API and of its resources on reads and updates, but the rates that replies replace.

    Raises:
        ValueError: a rate or a time of them is none.
    """
    limits = [_limit(each, "") for each in description.limits if each.on != "token"]
    for name, resource in description.resources.items():
        listed = frozenset(description.resources) if name == OTHERS else frozenset[str]()
        limits += [replace(_limit(each, name), listed=listed) for each in resource.limits]
    pauses = dict.fromkeys(rule.scope for rule in _rules(description))
    return declared(limits, pauses, map(_header, description.limit_headers))


def token_windows(description: Description) -> tuple[Rate, ...]:
    """Return the limits on requests for tokens."""
    return tuple(_rate(each.rate) for each in description.limits if each.on == "token")


def assumed(description: Description, origin: str, *, reads: bool) -> tuple[Rate, ...]:
    """Return the limits to assume of reads or of updates at an origin until its replies tell others."""
    not_counted = {"token", "update" if reads else "read"}
    found = (each for each in description.limits if each.until_told and each.on not in not_counted)
    return tuple(_rate(each.rate) for each in found) if is_own(description, origin) else ()


def counts_by_address(description: Description, origin: str) -> bool:
    """Return whether an origin counts what comes from this machine, whatever credential it has."""
    return any(each.per == _ADDRESS for each in description.limits) and is_own(description, origin)


def is_own(description: Description, origin: str) -> bool:
    """Return whether an origin is a host of the API itself: that of its base URL, whatever its variables hold.

    A base URL that is not known, or is one variable, may be anywhere.
    """
    url = "".join(part if isinstance(part, str) else "{}" for part in template(description.base_url).parts)
    host = re.escape((urlsplit(url).hostname or "") if "://" in url else "{}")
    return re.fullmatch(host.replace(r"\{\}", ".+"), urlsplit(origin).hostname or "") is not None


def _limit(told: LimitDescription, type_name: str) -> DeclaredLimit:
    """Return a limit on reads or updates, without its rate where that is only assumed."""
    rates = (_rate(told.rate),) if told.rate and not told.until_told else ()
    per, on = CREDENTIAL if told.per == _ADDRESS else told.per, cast("Counted", told.on)
    return DeclaredLimit(per, on, type_name, rates, told.concurrency or 0)


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
