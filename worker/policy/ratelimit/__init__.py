"""Read a server's limits from the headers of a reply: one reader per dialect; all are tried, as replies mix them."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from jobs.apis.limits import LimitHeader
from jobs.apis.retry_after import read_backoff
from worker.policy.ratelimit import generic, ietf, named, vendors
from worker.policy.ratelimit.limits import LARGEST_LIMIT, LONGEST_INTERVAL, LONGEST_LOGGED, SILENT, Limits, together

__all__ = [
    "LARGEST_LIMIT",
    "LONGEST_INTERVAL",
    "LONGEST_LOGGED",
    "SILENT",
    "Limits",
    "Reader",
    "read_limits",
    "reader_of",
]

Reader: TypeAlias = Callable[[Mapping[str, str], float], Limits]
"""Reads the limits in headers, whose names are in lower case, at a time in seconds since the epoch."""


def _counted(headers: Mapping[str, str], wall: float) -> Limits:
    """Read Commerce Layer's headers or, without an interval, the generic ones that share two of their names."""
    average = vendors.commerce_layer(headers)
    return average if average.windows else generic.read(headers, wall)


_DIALECTS: Final[tuple[tuple[str, Reader], ...]] = (
    (" ratelimit", ietf.read),
    (" x-shopify-shop-api-call-limit ", lambda headers, _: vendors.shopify(headers)),
    (" x-hubspot-ratelimit-", lambda headers, _: vendors.hubspot(headers)),
    (" x-rate-limit ", lambda headers, _: vendors.zendesk(headers)),
    (" zendesk-ratelimit-", lambda headers, _: vendors.zendesk_endpoints(headers)),
    (" sforce-limit-info ", lambda headers, _: vendors.salesforce(headers)),
    (" x-ratelimit-limit-", lambda headers, _: vendors.kong(headers)),
    (" x-rate-limit-requests-", lambda headers, _: vendors.bigcommerce(headers)),
    (" x-contentful-ratelimit-", lambda headers, _: vendors.contentful(headers)),
    (" backoff ", lambda headers, _: Limits(pause=read_backoff(headers))),
    (" x-ratelimit-", _counted),
    (" x-rate-limit-", _counted),
)
"""The beginning of a header's name, or all of it, and the reader of its dialect."""


@lru_cache(maxsize=32)
def _readers(names: tuple[str, ...]) -> tuple[Reader, ...]:
    """Return the readers for headers of these names; cached, since all replies of a server have the same names."""
    line = f" {' '.join(names)} "
    return tuple(dict.fromkeys(read for mark, read in _DIALECTS if mark in line))


def read_limits(headers: Mapping[str, str], wall: float) -> Limits:
    """Read the limits in every known dialect.

    Args:
        headers: names in lower case.
        wall: seconds since the epoch, for replies without a `Date`.
    """
    readers = _readers(tuple(headers))
    if not readers:
        return SILENT
    parts = [read(headers, wall) for read in readers]
    return together(parts) if len(parts) > 1 else parts[0]


def reader_of(headers: Sequence[LimitHeader]) -> Reader:
    """Return the reader for an API whose description names these headers; without any, `read_limits`."""
    return named.reader(headers, read_limits)
