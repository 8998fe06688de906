"""What a reply's headers say about the server's limits: one reader a dialect, tried all, as replies mix them."""

from collections.abc import Callable, Mapping
from typing import Final

from worker.policy.ratelimit import generic, ietf, vendors
from worker.policy.ratelimit.limits import LARGEST_LIMIT, LONGEST_INTERVAL, LONGEST_LOGGED, Limits, together
from worker.policy.ratelimit.retry_after import backoff, read_retry_after

__all__ = ["LARGEST_LIMIT", "LONGEST_INTERVAL", "LONGEST_LOGGED", "Limits", "read_limits", "read_retry_after"]


_DIALECTS: Final[tuple[tuple[str, Callable[[Mapping[str, str]], Limits]], ...]] = (
    (" ratelimit", ietf.read),
    (" x-shopify-shop-api-call-limit ", vendors.shopify),
    (" x-hubspot-ratelimit-", vendors.hubspot),
    (" x-rate-limit ", vendors.zendesk),
    (" zendesk-ratelimit-", vendors.zendesk_endpoints),
    (" sforce-limit-info ", vendors.salesforce),
    (" x-ratelimit-limit-", vendors.kong),
    (" backoff ", backoff),
)
"""The beginning of a header's name, or all of it, and who understands it."""


def read_limits(headers: Mapping[str, str], wall: float) -> Limits:
    """Read every dialect that is known.

    Args:
        headers: names in lower case.
        wall: seconds since the epoch, for replies without a `Date`.
    """
    names = f" {' '.join(headers)} "  # one look for each dialect: this is done for every reply
    parts = [read(headers) for mark, read in _DIALECTS if mark in names]
    average = vendors.commerce_layer(headers)
    parts.append(average if average.windows else generic.read(headers, wall))  # they share the names of two headers
    return together(parts) if len(parts) > 1 else parts[0]
