"""Limits as a description writes them."""

from typing import Any

import pytest

from jobs.apis.described.limits import (
    MOST_REQUESTS,
    assumed,
    counts_by_address,
    is_own,
    limits_of,
    token_windows,
)
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


def api(base_url: str, *limits: LimitDescription) -> Description:
    resources = {"boats": ResourceDescription(path="/boats/{id}")}
    return Description(name="x", base_url=base_url, limits=limits, resources=resources)


@pytest.mark.parametrize(
    ("base_url", "origin", "own"),
    [
        ("https://{organization}.example.com", "https://acme.example.com", True),
        ("https://{organization}.example.com", "https://a.b.example.com:8443", True),
        ("https://{organization}.example.com/{version}", "https://ACME.example.com", True),
        ("https://{organization}.example.com", "https://example.com.evil.example", False),
        ("https://{organization}.example.com", "https://acmeXexample.com", False),
        ("https://api.example.com/v1", "https://api.example.com", True),
        ("https://api.example.com/v1", "http://127.0.0.1:8080", False),
        ("https://api.example.com/v1", "", False),
        ("{server}/v1", "https://anywhere.example", True),
        ("", "https://anywhere.example", True),
    ],
)
def test_an_apis_own_hosts_are_those_of_its_base_url(base_url: str, origin: str, own: bool) -> None:
    assert is_own(api(base_url), origin) is own


UNTIL_TOLD = LimitDescription(rate="100/60s", on="update", per="address", until_told=True)
READS = LimitDescription(rate="200/60s", on="read", until_told=True)
BOTH = LimitDescription(rate="9/1s", until_told=True)
TOKENS = LimitDescription(rate="30/60s", on="token", per="address")
OWN, OTHER = "https://acme.example.com", "http://127.0.0.1:1"


def test_limits_are_assumed_at_the_apis_own_hosts_until_replies_tell_others() -> None:
    made = api("https://{organization}.example.com", UNTIL_TOLD, READS, BOTH, TOKENS)
    assert assumed(made, OWN, reads=False) == ((100, 60.0), (9, 1.0))
    assert assumed(made, OWN, reads=True) == ((200, 60.0), (9, 1.0))
    assert assumed(made, OTHER, reads=True) == ()
    assert token_windows(made) == ((30, 60.0),)
    found = limits_of(made)
    assert (found.updates.rates, found.reads.rates, found.gates) == ((), (), ())


def test_limits_on_one_kind_that_are_only_assumed_leave_reads_and_updates_apart_all_the_same() -> None:
    assert not limits_of(api("", UNTIL_TOLD, TOKENS)).together
    assert limits_of(api("", TOKENS)).together


def test_a_limit_per_address_is_that_of_all_credentials_of_a_host() -> None:
    made = api("https://{organization}.example.com", LimitDescription(rate="5/1s", per="address"))
    assert limits_of(made).updates.rates == ((5, 1.0),)
    assert counts_by_address(made, OWN)
    assert not counts_by_address(made, OTHER)
    assert not counts_by_address(api("", READS), OWN)


def test_a_limit_of_the_star_is_not_about_types_that_are_listed() -> None:
    each = LimitDescription(rate="5/1s", per="path")
    resources = {
        "boats": ResourceDescription(path="/boats/{id}"),
        "*": ResourceDescription(path="/{type}/{id}", limits=(each,)),
    }
    found = limits_of(Description(name="x", resources=resources))
    assert found.places("cars", "7", {}, reads=True) == ((0, "read cars"),)
    assert found.places("boats", "7", {}, reads=True) == ()
