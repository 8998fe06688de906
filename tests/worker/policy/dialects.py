"""The dialects of rate-limit headers by example: the vendors' own, as documented by them. For tests and documents."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.policy.pace import Window
from worker.policy.quota import Allowance
from worker.policy.ratelimit import Limits

WALL = 1_372_700_873.0 - 600
"""Seconds since the epoch at which the examples were received: ten minutes before GitHub's documented reset."""


@dataclass(frozen=True, slots=True)
class Example:
    """A reply's headers, as they are written on the wire, and what is read in them."""

    dialect: str
    headers: Mapping[str, str]
    limits: Limits

    @property
    def received(self) -> dict[str, str]:
        """The headers as the transport hands them on."""
        return {name.lower(): value for name, value in self.headers.items()}


def counted(*windows: tuple[int, float, int]) -> Limits:
    """Limits of windows (requests, seconds) of which so many requests are left, narrowest first."""
    counts = tuple((Window(limit, interval), left) for limit, interval, left in windows)
    return Limits(tuple(window for window, _ in reversed(counts)), counts)


def left(name: str, remaining: int, resets_in: float, limit: int = 0) -> Limits:
    return Limits(allowances=(Allowance(name, remaining, resets_in, limit),))


EXAMPLES = (
    # Commerce Layer, recorded in test mode: the burst is not told, and derived
    Example(
        "Commerce Layer",
        {"X-Ratelimit-Limit": "100", "X-Ratelimit-Interval": "60", "X-Ratelimit-Remaining": "99"},
        Limits((Window(100, 60.0), Window(25, 10.0)), ((Window(100, 60.0), 99),)),
    ),
    # IETF draft 11, the policy and the state of one quota; the partition key only says whose
    Example(
        "IETF draft 08 and later",
        {
            "RateLimit-Policy": '"default";q=100;w=60;pk=:cHsdsRa894==:',
            "RateLimit": '"default";r=50;t=30;pk=:cHsdsRa894==:',
        },
        counted((100, 60.0, 50)),
    ),
    # IETF draft 11, two quotas: the day's is counted by the server
    Example(
        "IETF draft 08 and later, several policies",
        {"RateLimit-Policy": '"burst";q=100;w=60,"daily";q=1000;w=86400', "RateLimit": '"daily";r=1;t=36000'},
        Limits((Window(100, 60.0),), allowances=(Allowance("ratelimit daily", 1, 36000.0, 1000),)),
    ),
    # IETF draft 11, a unit that is not requests says nothing about how many may be sent
    Example(
        "IETF draft 08 and later, other units",
        {"RateLimit-Policy": '"peruser";q=65535;w=10;qu="content-bytes"', "RateLimit": '"peruser";r=999;t=2'},
        Limits(),
    ),
    # IETF draft 11, without the policy: some servers send it rarely
    Example(
        "IETF draft 08 and later, state only", {"RateLimit": '"default";r=50;t=30'}, left("ratelimit default", 50, 30.0)
    ),
    # IETF draft 07
    Example(
        "IETF draft 07",
        {"RateLimit": "limit=100, remaining=50, reset=5", "RateLimit-Policy": "100;w=60"},
        counted((100, 60.0, 50)),
    ),
    # IETF draft 07, policies of which none is the one that is counted
    Example(
        "IETF draft 07, two policies",
        {"RateLimit": "limit=100, remaining=99, reset=3000", "RateLimit-Policy": "10;w=1, 50;w=60"},
        Limits((Window(50, 60.0), Window(10, 1.0)), allowances=(Allowance("ratelimit", 99, 3000.0, 100),)),
    ),
    # IETF draft 03: policies in the limit itself
    Example(
        "IETF drafts 00 to 06",
        {"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "50", "RateLimit-Reset": "50"},
        counted((100, 60.0, 50)),
    ),
    # IETF draft 06: a policy of its own, with comments
    Example(
        "IETF draft 06",
        {
            "RateLimit-Limit": "10",
            "RateLimit-Policy": '10;w=1;comment="fixed window", 50;w=60, 1000;w=3600',
            "RateLimit-Remaining": "9",
            "RateLimit-Reset": "1",
        },
        Limits((Window(1000, 3600.0), Window(50, 60.0), Window(10, 1.0)), ((Window(10, 1.0), 9),)),
    ),
    # IETF draft 00, no policy at all
    Example(
        "IETF drafts 00 to 06, without a policy",
        {"RateLimit-Limit": "100", "RateLimit-Remaining": "50", "RateLimit-Reset": "50"},
        left("ratelimit", 50, 50.0, 100),
    ),
    # GitHub: seconds since the epoch
    Example(
        "GitHub",
        {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4987",
            "X-RateLimit-Used": "13",
            "X-RateLimit-Reset": "1372700873",
            "X-RateLimit-Resource": "core",
        },
        left("x-ratelimit core", 4987, 600.0, 5000),
    ),
    # X (Twitter): GitHub's, spelt differently
    Example(
        "X",
        {"x-rate-limit-limit": "900", "x-rate-limit-remaining": "870", "x-rate-limit-reset": "1372700873"},
        left("x-rate-limit", 870, 600.0, 900),
    ),
    # milliseconds since the epoch
    Example(
        "X-RateLimit-Reset in milliseconds",
        {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "1372700873000"},
        left("x-ratelimit", 59, 600.0, 60),
    ),
    # Reddit: seconds from now, and a level with a fraction
    Example(
        "X-RateLimit-Reset in seconds from now",
        {"X-Ratelimit-Remaining": "598.0", "X-Ratelimit-Used": "2", "X-Ratelimit-Reset": "404"},
        left("x-ratelimit", 598, 404.0),
    ),
    # a server whose clock is an hour ahead: its own Date counts
    Example(
        "X-RateLimit-Reset of a skewed clock",
        {
            "Date": "Mon, 01 Jul 2013 18:37:53 GMT",
            "X-RateLimit-Limit": "60",
            "X-RateLimit-Remaining": "59",
            "X-RateLimit-Reset": "1372704473",
        },
        left("x-ratelimit", 59, 600.0, 60),
    ),
    # Shopify: the level of a leaky bucket
    Example("Shopify", {"X-Shopify-Shop-Api-Call-Limit": "32/40"}, counted((40, 20.0, 8))),
    # Shopify Plus
    Example("Shopify Plus", {"X-Shopify-Shop-Api-Call-Limit": "1/400"}, counted((400, 20.0, 399))),
    # HubSpot: the second's limit is no longer enforced; a day's ends at a midnight that is not told
    Example(
        "HubSpot",
        {
            "X-HubSpot-RateLimit-Daily": "250000",
            "X-HubSpot-RateLimit-Daily-Remaining": "249999",
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": "100",
            "X-HubSpot-RateLimit-Remaining": "99",
            "X-HubSpot-RateLimit-Secondly": "10",
            "X-HubSpot-RateLimit-Secondly-Remaining": "9",
        },
        Limits(
            (Window(100, 10.0),),
            ((Window(100, 10.0), 99),),
            (Allowance("hubspot daily", 249_999, 86_400.0, 250_000),),
        ),
    ),
    # HubSpot in 2018: seconds only
    Example(
        "HubSpot, a limit a second",
        {"X-HubSpot-RateLimit-Secondly": "10", "X-HubSpot-RateLimit-Secondly-Remaining": "9"},
        counted((10, 1.0, 9)),
    ),
    # Zendesk, any endpoint
    Example("Zendesk", {"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699"}, counted((700, 60.0, 699))),
    # Zendesk, the list of tickets
    Example(
        "Zendesk, with a limit of the endpoint",
        {
            "x-rate-limit": "700",
            "ratelimit-limit": "700",
            "x-rate-limit-remaining": "699",
            "ratelimit-remaining": "699",
            "ratelimit-reset": "41",
            "zendesk-ratelimit-tickets-index": "total=100; remaining=99; resets=41",
        },
        Limits(
            (Window(700, 60.0),),
            ((Window(700, 60.0), 699),),
            (Allowance("ratelimit", 699, 41.0, 700), Allowance("zendesk-ratelimit-tickets-index", 99, 41.0, 100)),
        ),
    ),
    # Salesforce: used of a rolling day's
    Example("Salesforce", {"Sforce-Limit-Info": "api-usage=18/5000"}, left("api-usage", 4982, 86_400.0, 5000)),
    # Salesforce, a connected app with a quota of its own
    Example(
        "Salesforce, a connected app",
        {"Sforce-Limit-Info": "api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)"},
        Limits(
            allowances=(
                Allowance("api-usage", 4975, 86_400.0, 5000),
                Allowance("per-app-api-usage", 233, 86_400.0, 250),
            )
        ),
    ),
    # Salesforce in 2026: what a burst is, is not documented
    Example(
        "Salesforce, with bursts",
        {"Sforce-Limit-Info": "api-usage=10018/100000; api-bursts=1/750"},
        left("api-usage", 89_982, 86_400.0, 100_000),
    ),
    # Kong, more than one limit
    Example(
        "Kong",
        {
            "X-RateLimit-Limit-Second": "5",
            "X-RateLimit-Remaining-Second": "4",
            "X-RateLimit-Limit-Minute": "10",
            "X-RateLimit-Remaining-Minute": "9",
        },
        counted((5, 1.0, 4), (10, 60.0, 9)),
    ),
    # Kong, as it sends them: its own and the IETF's, which speaks of the limit that is reached first
    Example(
        "Kong, with the IETF's fields",
        {
            "RateLimit-Limit": "6",
            "RateLimit-Remaining": "4",
            "RateLimit-Reset": "47",
            "X-RateLimit-Limit-Day": "1000",
            "X-RateLimit-Remaining-Day": "900",
        },
        Limits(allowances=(Allowance("ratelimit", 4, 47.0, 6), Allowance("kong day", 900, 86_400.0, 1000))),
    ),
    # GitLab: the IETF's names, but seconds since the epoch
    Example(
        "GitLab",
        {
            "RateLimit-Limit": "60",
            "RateLimit-Observed": "21",
            "RateLimit-Remaining": "39",
            "RateLimit-Reset": "1372700333",
        },
        left("ratelimit", 39, 60.0, 60),
    ),
    # Jira Cloud: ISO 8601, to the minute
    Example(
        "Jira",
        {"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "20", "X-RateLimit-Reset": "2013-07-01T17:39Z"},
        left("x-ratelimit", 20, 127.0, 350),
    ),
    # BigCommerce
    Example(
        "BigCommerce",
        {
            "X-Rate-Limit-Requests-Left": "148",
            "X-Rate-Limit-Requests-Quota": "150",
            "X-Rate-Limit-Time-Reset-Ms": "20649",
            "X-Rate-Limit-Time-Window-Ms": "30000",
        },
        counted((150, 30.0, 148)),
    ),
    # Contentful
    Example(
        "Contentful",
        {
            "X-Contentful-RateLimit-Hour-Limit": "36000",
            "X-Contentful-RateLimit-Hour-Remaining": "35883",
            "X-Contentful-RateLimit-Reset": "0",
            "X-Contentful-RateLimit-Second-Limit": "10",
            "X-Contentful-RateLimit-Second-Remaining": "9",
        },
        counted((10, 1.0, 9), (36_000, 3600.0, 35_883)),
    ),
    # Zotero, Kinto: a pause although it worked
    Example("Zotero", {"Backoff": "30"}, Limits(pause=30.0)),
)
