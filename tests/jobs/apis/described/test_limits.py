"""Limits as a description writes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.description import Description, ErrorRule, LimitDescription, LimitHeaders, ResourceDescription
from jobs.apis.described.limits import LONGEST_WINDOW, MOST_REQUESTS, header_of, limit_of, limits_of, rate_of, scope_of
from jobs.apis.limits import PATH, RECORD, DeclaredLimit, LimitHeader


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/60s", (100, 60.0)),
        ("5/1s", (5, 1.0)),
        (" 25 / 0.5 m ", (25, 30.0)),
        ("10/250ms", (10, 0.25)),
        ("1000/1h", (1000, 3600.0)),
        ("1000000/1d", (1_000_000, 86_400.0)),
    ],
)
def test_a_rate_is_requests_and_a_time(text: str, rate: tuple[int, float]) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    "text", ["", "100", "100/60", "0/1s", "1000001/1s", "-5/1s", "1.5/1s", "5/0s", "5/32d", "5/1w", "5/s", "5/1s,6/2s"]
)
def test_what_is_no_rate_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="write a"):
        rate_of(text)


@given(st.text(alphabet="0123456789/.msh d-e"))
def test_a_text_is_a_usable_rate_or_refused(text: str) -> None:
    try:
        requests, seconds = rate_of(text)
    except ValueError:
        return
    assert 1 <= requests <= MOST_REQUESTS
    assert 0 < seconds <= LONGEST_WINDOW


@pytest.mark.parametrize("text", ["credential", "path", "record", "{base}", "{base_id}"])
def test_a_scope_is_named_as_it_is_written(text: str) -> None:
    assert scope_of(text, (PATH, RECORD)) == text


@pytest.mark.parametrize("text", ["", "base", "{}", "{a b}", "{a}{b}", "{1}", "Record"])
def test_what_is_no_scope_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"write credential, path, record, or a variable such as \{base\}"):
        scope_of(text, (PATH, RECORD))


def test_a_pause_has_no_path() -> None:
    with pytest.raises(ValueError, match="write credential, record, or a variable"):
        scope_of("path")


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        ({"rate": "100/60s"}, DeclaredLimit(type="tickets", rates=((100, 60.0),))),
        ({"concurrency": 10, "on": "update"}, DeclaredLimit(on="update", type="tickets", in_flight=10)),
        (
            {"rate": "5/1s", "concurrency": 2, "per": "{base}"},
            DeclaredLimit("{base}", type="tickets", rates=((5, 1.0),), in_flight=2),
        ),
    ],
)
def test_a_limit_is_a_rate_or_a_number_in_flight_or_both(told: dict[str, Any], limit: DeclaredLimit) -> None:
    assert limit_of(LimitDescription(**told), "tickets") == limit


def test_a_limit_that_limits_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a limit has a rate"):
        limit_of(LimitDescription(per="path"))


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
    assert header_of(LimitHeaders(**told)) == header


@pytest.mark.parametrize(
    "told", [{}, {"remaining": "X"}, {"limit": "X", "reset": "Y"}, {"reset": "X", "window": "60s"}]
)
def test_headers_that_cannot_tell_a_limit_are_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="limit_headers need"):
        header_of(LimitHeaders(**told))


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
            limit_headers=(LimitHeaders(remaining="Left", reset="End"),),
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
    assert found.headers == (LimitHeader(remaining="left", reset="end"),)
