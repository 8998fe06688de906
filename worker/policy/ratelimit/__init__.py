"""What a reply's headers say about the server's limits: one reader a dialect, tried all, as replies mix them."""

from collections.abc import Mapping

from worker.policy.ratelimit import generic, ietf, vendors
from worker.policy.ratelimit.limits import LARGEST_LIMIT, LONGEST_INTERVAL, LONGEST_LOGGED, Limits, together
from worker.policy.ratelimit.retry_after import backoff, read_retry_after

__all__ = ["LARGEST_LIMIT", "LONGEST_INTERVAL", "LONGEST_LOGGED", "Limits", "read_limits", "read_retry_after"]


def read_limits(headers: Mapping[str, str], wall: float) -> Limits:
    """Read every dialect that is known.

    Args:
        headers: names in lower case.
        wall: seconds since the epoch, for replies without a `Date`.
    """
    average = vendors.commerce_layer(headers)
    return together(
        (
            average if average.windows else generic.read(headers, wall),  # they share the names of two headers
            ietf.read(headers),
            vendors.shopify(headers),
            vendors.hubspot(headers),
            vendors.zendesk(headers),
            vendors.salesforce(headers),
            vendors.kong(headers),
            backoff(headers),
        )
    )
