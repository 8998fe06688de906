"""Runs against servers that enforce a limit and tell it in a vendor's dialect: nothing is refused, little is lost."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from jobs.model import Status
from tests.system.scenarios.harness import EPOCH, Case, Said, references, rehearse
from tests.system.scenarios.limited import Fixed, Leaky, Limiter, Sliding, Tell, enforcing
from worker.settings import Pacing

WHOLE = Pacing(headroom=0)


def commerce_layer(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    average = limiters[0]
    return {
        "X-Ratelimit-Limit": f"{average.limit}",
        "X-Ratelimit-Interval": f"{average.interval:g}",
        "X-Ratelimit-Remaining": f"{average.left(now)}",
    }


def named(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    policies = (f'"p{n}";q={one.limit};w={one.interval:g}' for n, one in enumerate(limiters))
    return {"RateLimit-Policy": ", ".join(policies), **state(limiters, now)}


def state(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    states = (f'"p{n}";r={one.left(now)};t={math.ceil(one.resets_in(now))}' for n, one in enumerate(limiters))
    return {"RateLimit": ", ".join(states)}


def dictionary(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    one = limiters[0]
    told = f"limit={one.limit}, remaining={one.left(now)}, reset={math.ceil(one.resets_in(now))}"
    return {"RateLimit": told, "RateLimit-Policy": f"{one.limit};w={one.interval:g}"}


def three_fields(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    one = limiters[0]
    return {
        "RateLimit-Limit": f"{one.limit}",
        "RateLimit-Remaining": f"{one.left(now)}",
        "RateLimit-Reset": f"{math.floor(one.resets_in(now))}",
    }


def generic(reset: Callable[[float, float], str], **more: str) -> Tell:
    """`X-RateLimit-*`, the reset made of the time and the seconds until then."""

    def tell(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
        one = limiters[0]
        return {
            "X-RateLimit-Limit": f"{one.limit}",
            "X-RateLimit-Remaining": f"{one.left(now)}",
            "X-RateLimit-Reset": reset(now, one.resets_in(now)),
            **more,
        }

    return tell


def an_hour_ahead(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    told = generic(lambda now, left: f"{EPOCH + now + left + 3600:.0f}")(limiters, now)
    return {**told, "Date": formatdate(EPOCH + now + 3600, usegmt=True)}


def shopify(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    bucket = limiters[0]
    return {"X-Shopify-Shop-Api-Call-Limit": f"{bucket.limit - bucket.left(now)}/{bucket.limit}"}


def hubspot(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    burst, daily = limiters
    return {
        "X-HubSpot-RateLimit-Max": f"{burst.limit}",
        "X-HubSpot-RateLimit-Remaining": f"{burst.left(now)}",
        "X-HubSpot-RateLimit-Interval-Milliseconds": f"{burst.interval * 1000:.0f}",
        "X-HubSpot-RateLimit-Daily": f"{daily.limit}",
        "X-HubSpot-RateLimit-Daily-Remaining": f"{daily.left(now)}",
    }


def zendesk(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    account, endpoint = limiters
    told = f"total={endpoint.limit}; remaining={endpoint.left(now)}; resets={math.ceil(endpoint.resets_in(now))}"
    return {
        "X-Rate-Limit": f"{account.limit}",
        "X-Rate-Limit-Remaining": f"{account.left(now)}",
        "Zendesk-RateLimit-Endpoint": told,
    }


def salesforce(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    day = limiters[0]
    return {"Sforce-Limit-Info": f"api-usage={day.limit - day.left(now)}/{day.limit}"}


def kong(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    units = {1.0: "Second", 60.0: "Minute"}
    told = {f"X-RateLimit-Limit-{units[one.interval]}": f"{one.limit}" for one in limiters}
    left = {f"X-RateLimit-Remaining-{units[one.interval]}": f"{one.left(now)}" for one in limiters}
    return {**told, **left}


def bigcommerce(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    one = limiters[0]
    return {
        "X-Rate-Limit-Requests-Quota": f"{one.limit}",
        "X-Rate-Limit-Requests-Left": f"{one.left(now)}",
        "X-Rate-Limit-Time-Window-Ms": f"{one.interval * 1000:.0f}",
        "X-Rate-Limit-Time-Reset-Ms": f"{one.resets_in(now) * 1000:.0f}",
    }


def contentful(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    second, hour = limiters
    return {
        "X-Contentful-RateLimit-Second-Limit": f"{second.limit}",
        "X-Contentful-RateLimit-Second-Remaining": f"{second.left(now)}",
        "X-Contentful-RateLimit-Hour-Limit": f"{hour.limit}",
        "X-Contentful-RateLimit-Hour-Remaining": f"{hour.left(now)}",
        "X-Contentful-RateLimit-Reset": "0",
    }


def gitlab(limiters: Sequence[Limiter], now: float) -> Mapping[str, str]:
    one = limiters[0]
    return {
        "RateLimit-Limit": f"{one.limit}",
        "RateLimit-Remaining": f"{one.left(now)}",
        "RateLimit-Reset": f"{EPOCH + now + one.resets_in(now):.0f}",
    }


def to_the_minute(now: float, left: float) -> str:
    """Jira's reset: ISO 8601 without seconds."""
    return datetime.fromtimestamp(EPOCH + now + left, UTC).strftime("%Y-%m-%dT%H:%MZ")


JIRA = generic(to_the_minute)
GITHUB = generic(lambda now, left: f"{EPOCH + now + left:.0f}", **{"X-RateLimit-Resource": "core"})
MILLISECONDS = generic(lambda now, left: f"{(EPOCH + now + left) * 1000:.0f}")
FROM_NOW = generic(lambda _, left: f"{math.floor(left)}")


@pytest.mark.parametrize(
    ("tell", "limiters", "rows", "at_most"),
    [
        # rows enough for two periods or more, and the seconds that they take at most
        pytest.param(commerce_layer, [Sliding(16, 60.0), Sliding(4, 10.0)], 22, 72, id="Commerce Layer"),
        pytest.param(named, [Sliding(16, 60.0), Sliding(4, 10.0)], 22, 72, id="IETF 08, policies"),
        pytest.param(named, [Fixed(14, 10.0, begun=4.0)], 34, 22, id="IETF 08, a fixed window"),
        pytest.param(state, [Fixed(14, 20.0, begun=4.0)], 34, 40, id="IETF 08, state only"),
        pytest.param(dictionary, [Sliding(14, 20.0)], 34, 42, id="IETF 07"),
        pytest.param(three_fields, [Fixed(14, 20.0, begun=7.5)], 34, 36, id="IETF 00"),
        pytest.param(GITHUB, [Fixed(16, 100.0, begun=30.5)], 36, 175, id="GitHub"),
        pytest.param(MILLISECONDS, [Fixed(14, 20.0, begun=0.25)], 34, 43, id="epoch in milliseconds"),
        pytest.param(FROM_NOW, [Fixed(14, 20.0, begun=19.5)], 34, 25, id="seconds from now"),
        pytest.param(an_hour_ahead, [Fixed(14, 20.0)], 34, 43, id="a clock that is an hour ahead"),
        pytest.param(shopify, [Leaky(40, 20.0)], 50, 22, id="Shopify"),
        pytest.param(hubspot, [Sliding(14, 10.0), Fixed(5000, 86_400.0)], 34, 22, id="HubSpot"),
        pytest.param(zendesk, [Fixed(16, 60.0), Fixed(6, 20.0)], 22, 64, id="Zendesk"),
        pytest.param(salesforce, [Sliding(500, 86_400.0)], 34, 5, id="Salesforce"),
        pytest.param(bigcommerce, [Fixed(14, 10.0, begun=4.0)], 34, 22, id="BigCommerce"),
        pytest.param(contentful, [Fixed(5, 1.0), Fixed(2000, 3600.0)], 22, 7, id="Contentful"),
        pytest.param(gitlab, [Fixed(14, 20.0, begun=7.5)], 34, 36, id="GitLab"),
        pytest.param(JIRA, [Fixed(14, 60.0, begun=20.0)], 34, 185, id="Jira"),
        pytest.param(kong, [Fixed(5, 1.0), Fixed(16, 60.0)], 22, 64, id="Kong"),
    ],
)
def test_a_limit_that_is_told_is_never_broken(
    tmp_path: Path, tell: Tell, limiters: list[Limiter], rows: int, at_most: float
) -> None:
    story, visits = rehearse(Case(references(rows), pacing=WHOLE), tmp_path, enforcing(limiters, tell))
    assert story.counts == {Status.APPLIED: rows}
    assert [visit.status for visit in visits] == [200] * rows
    assert visits[-1].left - visits[0].left <= at_most


@pytest.mark.parametrize(
    ("tell", "limiter", "pause"),
    [
        (salesforce, Fixed(40, 86_400.0, used=16), "86401"),  # a rolling day ends in a day at the latest
        (GITHUB, Fixed(40, 3600.0, used=16, begun=600.0), "300"),  # half a minute into the run
    ],
)
def test_a_quota_that_is_used_up_for_long_parks_the_run(
    tmp_path: Path, tell: Tell, limiter: Limiter, pause: str
) -> None:
    story, visits = rehearse(Case(references(40), pacing=WHOLE), tmp_path, enforcing([limiter], tell))
    assert story.ended.exit_status == 3
    assert story.ended.message.startswith(f"parked: the server asks for a pause of {pause}")
    assert [visit.status for visit in visits] == [200] * 24
    assert story.counts == {Status.APPLIED: 24, Status.PENDING: 16}


def test_a_headroom_of_the_quota_is_left_to_others(tmp_path: Path) -> None:
    limiter = Fixed(20, 60.0)
    _, visits = rehearse(Case(references(24), pacing=Pacing(headroom=20)), tmp_path, enforcing([limiter], GITHUB))
    assert sum(visit.left < 60 for visit in visits) == 16


def test_another_client_that_takes_half_of_the_quota_costs_hardly_a_refusal(tmp_path: Path) -> None:
    limiter = Fixed(100, 60.0)
    enforced = enforcing([limiter], GITHUB)

    def answer(now: float, data: Mapping[str, Any]) -> Said:
        limiter.take(now)  # the other client's
        return enforced(now, data)

    story, visits = rehearse(Case(references(110)), tmp_path, answer)
    assert story.counts == {Status.APPLIED: 110}
    assert [visit.status for visit in visits].count(429) <= 1


def test_a_pause_after_a_success_is_kept_by_all_but_those_in_flight(tmp_path: Path) -> None:
    said: list[float] = []

    def answer(now: float, _: Mapping[str, Any]) -> Said:
        if said and said[-1] + 0.05 < now < said[-1] + 30:
            return Said(429, {"errors": []})
        if len(said) < 2 and now > (said[-1] + 30.1 if said else 0.1):
            said.append(now)
            return Said(200, None, {"Backoff": "30"})
        return Said()

    story, visits = rehearse(Case(references(60)), tmp_path, answer)
    assert story.counts == {Status.APPLIED: 60}
    assert [visit.status for visit in visits] == [200] * 60
    assert len(said) == 2
