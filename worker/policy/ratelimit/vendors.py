"""Dialects of single vendors, according to their own documentation."""

import re
from collections.abc import Mapping
from typing import Final

from jobs.apis.header_values import count, decimal, integer
from worker.policy.pace import Window
from worker.policy.ratelimit.limits import LONGEST_INTERVAL, Limits, one, together

_MINUTE: Final = 60.0

_SHOPIFY_BUCKET: Final = 20.0
"""Seconds in which a full bucket leaks empty: 40 at 2 a second, 80 at 4, 400 at 20; the same on every plan."""

_UNITS: Final = {"second": 1.0, "minute": _MINUTE, "hour": 3600.0, "day": LONGEST_INTERVAL}

_ENDPOINT: Final = "zendesk-ratelimit-"

_SHARE: Final = re.compile(r"\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})\s*")
_SALESFORCE: Final = re.compile(r"\s*((?:per-app-)?api-usage)\s*=\s*([0-9]{1,15})/([0-9]{1,15})\s*(?:\(.*\)\s*)?")


def commerce_layer(headers: Mapping[str, str]) -> Limits:
    """Read `X-Ratelimit-Limit`, `-Interval` (seconds), `-Remaining`.

    The headers state only the average. Commerce Layer also limits bursts to a quarter of the limit in a sixth of the
    interval (its documentation: 200 a minute and 50 in 10 seconds); that window is derived here.
    """
    limit = integer(headers.get("x-ratelimit-limit"))
    interval = decimal(headers.get("x-ratelimit-interval"))
    average = one("commerce layer", limit=limit, interval=interval)
    if not average.windows:
        return average
    window = average.windows[0]
    burst = Window(max(1, window.limit // 4), window.interval / 6)
    remaining = integer(headers.get("x-ratelimit-remaining"))
    if remaining is None or remaining > window.limit:
        return Limits((window, burst))
    return Limits((window, burst), ((window, remaining),))


def shopify(headers: Mapping[str, str]) -> Limits:
    """Read `X-Shopify-Shop-Api-Call-Limit: 32/40`: the level of a leaky bucket, and its size."""
    share = _SHARE.fullmatch(headers.get("x-shopify-shop-api-call-limit", ""))
    if share is None:
        return Limits()
    level, size = int(share[1]), int(share[2])
    return one("shopify", limit=size, interval=_SHOPIFY_BUCKET, remaining=max(0, size - level))


def hubspot(headers: Mapping[str, str]) -> Limits:
    """Read `X-HubSpot-RateLimit-Max`, `-Remaining`, `-Interval-Milliseconds`; `-Daily`; `-Secondly`.

    The limit per second is deprecated, and not enforced if `-Max` is sent: it is only used without that.
    """
    told = {name[20:]: value for name, value in headers.items() if name.startswith("x-hubspot-ratelimit-")}
    milliseconds = decimal(told.get("interval-milliseconds"))
    interval = None if milliseconds is None else milliseconds / 1000
    burst = one("hubspot", limit=integer(told.get("max")), interval=interval, remaining=count(told.get("remaining")))
    if not burst.windows:
        remaining = count(told.get("secondly-remaining"))
        burst = one("hubspot", limit=integer(told.get("secondly")), interval=1.0, remaining=remaining)
    remaining = count(told.get("daily-remaining"))
    daily = one("hubspot daily", limit=integer(told.get("daily")), interval=LONGEST_INTERVAL, remaining=remaining)
    return together((burst, daily))


def zendesk(headers: Mapping[str, str]) -> Limits:
    """Read `X-Rate-Limit` and `-Remaining`: requests a minute, for the account.

    `RateLimit-Limit`, `-Remaining` and `-Reset`, which state the same limit, are read as the IETF's.
    """
    limit, remaining = integer(headers.get("x-rate-limit")), count(headers.get("x-rate-limit-remaining"))
    return one("zendesk", limit=limit, interval=_MINUTE, remaining=remaining)


def zendesk_endpoints(headers: Mapping[str, str]) -> Limits:
    """Read `Zendesk-RateLimit-<endpoint>: total=100; remaining=99; resets=41`: a further limit of the endpoint."""
    return together(_endpoint(*item) for item in headers.items() if item[0].startswith(_ENDPOINT))


def _endpoint(name: str, value: str) -> Limits:
    told = {key.strip(): text for key, _, text in (part.partition("=") for part in value.split(";"))}
    return one(
        name,
        limit=integer(told.get("total")),
        remaining=count(told.get("remaining")),
        resets_in=decimal(told.get("resets")),
    )


def salesforce(headers: Mapping[str, str]) -> Limits:
    """Read `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=x)`: usage of a rolling day."""
    parts = map(_SALESFORCE.fullmatch, headers.get("sforce-limit-info", "").split(";"))
    return together(
        one(
            part[1],
            limit=int(part[3]),
            interval=LONGEST_INTERVAL,
            remaining=max(0, int(part[3]) - int(part[2])),
        )
        for part in parts
        if part is not None
    )


def kong(headers: Mapping[str, str]) -> Limits:
    """Read `X-RateLimit-Limit-Minute` and `X-RateLimit-Remaining-Minute`; likewise `-Second`, `-Hour` and `-Day`."""
    return together(
        one(
            f"kong {unit}",
            limit=integer(headers.get(f"x-ratelimit-limit-{unit}")),
            interval=interval,
            remaining=count(headers.get(f"x-ratelimit-remaining-{unit}")),
        )
        for unit, interval in _UNITS.items()
    )


def bigcommerce(headers: Mapping[str, str]) -> Limits:
    """Read `X-Rate-Limit-Requests-Quota`, `-Requests-Left` and `-Time-Window-Ms`."""
    milliseconds = decimal(headers.get("x-rate-limit-time-window-ms"))
    return one(
        "bigcommerce",
        limit=integer(headers.get("x-rate-limit-requests-quota")),
        interval=None if milliseconds is None else milliseconds / 1000,
        remaining=count(headers.get("x-rate-limit-requests-left")),
    )


def contentful(headers: Mapping[str, str]) -> Limits:
    """Read `X-Contentful-RateLimit-Second-Limit`, `-Second-Remaining`; `-Hour-Limit`, `-Hour-Remaining`."""
    return together(
        one(
            f"contentful {unit}",
            limit=integer(headers.get(f"x-contentful-ratelimit-{unit}-limit")),
            interval=_UNITS[unit],
            remaining=count(headers.get(f"x-contentful-ratelimit-{unit}-remaining")),
        )
        for unit in ("second", "hour")
    )
