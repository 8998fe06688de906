"""Limits as a description writes them."""

from typing import Any

import pytest

from jobs.apis.described.limits import MOST_REQUESTS, limits_of
from jobs.apis.description.model import Description, ErrorRule, LimitDescription, LimitHeaders, ResourceDescription
from jobs.apis.limits import PATH, RECORD, DeclaredLimit, DeclaredLimits, LimitHeader


def of(*limits: LimitDescription, headers: tuple[LimitHeaders, ...] = (), **ticket: Any) -> DeclaredLimits:
    resources = {"tickets": ResourceDescription(path="/{base}/{id}", **ticket)}
    return limits_of(Description(name="made-up", limits=limits, limit_headers=headers, resources=resources))


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        ({"rate": "100/60s"}, DeclaredLimit(type="tickets", rates=((100, 60.0),))),
        ({"concurrency": 10, "on": "update"}, DeclaredLimit(on="update", type="tickets", in_flight=10)),
        (
            {"rate": "5/1s", "concurrency": 2, "per": "{base}"},
            DeclaredLimit("{base}", type="tickets", rates=((5, 1.0),), in_flight=2),
        ),
        ({"rate": "2000000/1d"}, DeclaredLimit(type="tickets", rates=((MOST_REQUESTS, 86_400.0),))),
    ],
)
def test_a_limit_of_a_resource_is_a_gate_of_its_own(told: dict[str, Any], limit: DeclaredLimit) -> None:
    assert of(limits=(LimitDescription(**told),)).gates == (limit,)


@pytest.mark.parametrize(
    ("told", "header"),
    [
        ({"remaining": "X-Left", "window": "60s"}, LimitHeader(remaining="x-left", window=60.0)),
        ({"limit": "X-Most", "window": "1m"}, LimitHeader("x-most", window=60.0)),
        (
            {"limit": "X-Most", "remaining": "X-Left", "reset": "X-End", "reset_format": "epoch"},
            LimitHeader("x-most", "x-left", "x-end", "epoch"),
        ),
    ],
)
def test_headers_are_named_in_lower_case(told: dict[str, Any], header: LimitHeader) -> None:
    assert of(headers=(LimitHeaders(**told),)).headers == (header,)


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="write requests and the time"):
        of(LimitDescription(rate="100"))


def test_a_description_has_the_limits_of_the_api_and_of_its_resources() -> None:
    rule = ErrorRule(status=(429,), means="slow_down", scope="{base}")
    ticket = ResourceDescription(
        path="/{base}/{id}",
        limits=(LimitDescription(rate="100/1m", per="path", on="update"),),
        error_rules=(ErrorRule(status=(423,), means="slow_down", scope="record"),),
    )
    found = limits_of(
        Description(
            name="made-up",
            limits=(LimitDescription(rate="700/1m"), LimitDescription(concurrency=8)),
            error_rules=(rule,),
            resources={"tickets": ticket},
        )
    )
    assert found.together
    assert found.reads == found.updates == DeclaredLimit(rates=((700, 60.0),), in_flight=8)
    assert found.gates == (
        DeclaredLimit(PATH, "update", "tickets", ((100, 60.0),)),
        DeclaredLimit("{base}"),
        DeclaredLimit(RECORD),
    )
