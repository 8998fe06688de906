"""What is read from a reply's headers; what is malformed is as good as absent."""

import string
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.apis.limits import LimitHeader, ResetFormat
from tests.worker.policy.dialects import EXAMPLES, WALL, Example, counted, left
from worker.policy.pace import Window
from worker.policy.quota import Allowance
from worker.policy.ratelimit import (
    LARGEST_LIMIT,
    LONGEST_INTERVAL,
    LONGEST_LOGGED,
    SILENT,
    Limits,
    read_limits,
    reader_of,
)

AVERAGE, BURST = Window(100, 60.0), Window(25, 10.0)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.dialect)
def test_what_the_vendors_document_is_understood(example: Example) -> None:
    assert read_limits(example.received, WALL) == example.limits


def headers(limit: str, interval: str, remaining: str | None = None) -> dict[str, str]:
    told = {"x-ratelimit-limit": limit, "x-ratelimit-interval": interval}
    return told if remaining is None else {**told, "x-ratelimit-remaining": remaining}


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        # the recorded headers of test mode; the burst is derived
        (headers("100", "60", "99"), Limits((Window(100, 60.0), Window(25, 10.0)), ((Window(100, 60.0), 99),))),
        (headers("200", "60", "0"), Limits((Window(200, 60.0), Window(50, 10.0)), ((Window(200, 60.0), 0),))),  # live
        (headers("100", "2"), Limits((Window(100, 2.0), Window(25, 2 / 6)))),
        (
            headers(" 100 ", " 60.0 ", " 7 "),
            Limits((Window(100, 60.0), Window(25, 10.0)), ((Window(100, 60.0), 7),)),
        ),  # white space
        (
            headers("3", "60", "2"),
            Limits((Window(3, 60.0), Window(1, 10.0)), ((Window(3, 60.0), 2),)),
        ),  # a burst of none would be no limit
        (headers("100", "60", "-1"), Limits((Window(100, 60.0), Window(25, 10.0)))),  # no count
        (headers("100", "60", "101"), Limits((Window(100, 60.0), Window(25, 10.0)))),  # more than there are
        (headers("100", "60", "many"), Limits((Window(100, 60.0), Window(25, 10.0)))),
        ({}, Limits()),
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "99"}, Limits()),  # says nothing about time
        ({"x-ratelimit-interval": "60"}, Limits()),
        (headers("0", "60"), Limits()),
        (headers("100", "0"), Limits()),
        (headers("100", "-60"), Limits()),
        (headers("-100", "60"), Limits()),
        (headers("1e3", "60"), Limits()),
        (headers("100, 100", "60"), Limits()),  # sent twice
        (headers("9" * 16, "60"), Limits()),
        (headers("100", "nan"), Limits()),
        (headers("100", "inf"), Limits()),
    ],
)
def test_limits_need_a_limit_and_its_interval(told: dict[str, str], limits: Limits) -> None:
    assert read_limits(told, WALL) == limits


@example("0\x1f", "1\x1c", "\u20031")  # blanks to Python's eyes, but not in a number
@given(st.text(), st.text(), st.text())
def test_no_average_can_make_it_fail(limit: str, interval: str, remaining: str) -> None:
    for window in read_limits(headers(limit, interval, remaining), WALL).windows:
        assert window.limit >= 1
        assert window.interval > 0


@pytest.mark.parametrize(
    ("limit", "interval"),
    [
        ("1000001", "60"),  # beyond what is worth keeping books about
        ("100", "86401"),  # longer than a day
        ("100", "0"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_not_used(limit: str, interval: str) -> None:
    assert read_limits({"x-ratelimit-limit": limit, "x-ratelimit-interval": interval}, WALL) == Limits()


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        # IETF
        ({"ratelimit": '"a";r=5;t=9, "a";r=3;t=9'}, Limits(allowances=(*left("ratelimit a", 5, 9.0).allowances,
            *left("ratelimit a", 3, 9.0).allowances))),  # two partitions: both hold
        ({"ratelimit": "default;r=5;t=9"}, left("ratelimit default", 5, 9.0)),  # a token instead of a string
        ({"ratelimit": '"a";r=5'}, Limits()),  # until when?
        ({"ratelimit": '"a";t=5'}, Limits()),  # how many?
        ({"ratelimit": '"a";r;t=5'}, Limits()),  # a parameter without a value
        ({"ratelimit": '"a";r=-1;t=5'}, Limits()),
        ({"ratelimit": '"a";r=1;t=-5'}, left("ratelimit a", 1, 0.0)),  # over already
        ({"ratelimit": '"a";r=1.5;t=2.5'}, left("ratelimit a", 1, 2.5)),
        ({"ratelimit": '("a" "b");r=1;t=2'}, Limits()),  # an inner list
        ({"ratelimit": '"a;r=1;t=2'}, Limits()),  # no end of the string
        ({"ratelimit": "\u00e4;r=1;t=2"}, Limits()),  # not ASCII
        ({"ratelimit": ""}, Limits()),
        ({"ratelimit": "limit=100, remaining=?1, reset=5"}, Limits()),  # a boolean is no number
        ({"ratelimit": "remaining=50, reset=5"}, left("ratelimit", 50, 5.0)),
        ({"ratelimit": "limit=(1 2), remaining=50, reset=5"}, left("ratelimit", 50, 5.0)),
        ({"ratelimit-policy": '"a";q=100;w=60'}, Limits((Window(100, 60.0),))),  # the policy alone
        ({"ratelimit-policy": '"a";q=100;w=60;qu=requests'}, Limits((Window(100, 60.0),))),
        ({"ratelimit-policy": '"a";q=100;w=60;qu="concurrent-requests"'}, Limits()),
        ({"ratelimit-policy": '"a";q=100'}, Limits()),  # no window
        ({"ratelimit-policy": '"a";q=100', "ratelimit": '"a";r=9;t=5'}, left("ratelimit a", 9, 5.0, 100)),
        ({"ratelimit-policy": '"a";w=60'}, Limits()),  # no quota
        ({"ratelimit-policy": "100;w=60, 5000;w=86400"}, Limits((Window(5000, 86400.0), Window(100, 60.0)))),
        ({"ratelimit-limit": "100;w=60"}, Limits((Window(100, 60.0),))),
        ({"ratelimit-limit": "100, 100;w=60, oops(", "ratelimit-remaining": "5", "ratelimit-reset": "7"},
            left("ratelimit", 5, 7.0)),
        ({"ratelimit-limit": "100", "ratelimit-remaining": "5", "ratelimit-reset": "soon"}, Limits()),
        # GitHub and the like
        ({"x-ratelimit-limit": "60", "x-ratelimit-used": "13", "x-ratelimit-reset": "9"},
            left("x-ratelimit", 47, 9.0, 60)),
        ({"x-ratelimit-limit": "60", "x-ratelimit-used": "61", "x-ratelimit-reset": "9"},
            left("x-ratelimit", 0, 9.0, 60)),  # more than there are
        ({"x-ratelimit-limit": "60", "x-ratelimit-reset": "9"}, Limits()),
        ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "-9"}, left("x-ratelimit", 9, 0.0)),
        ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "86401"}, Limits()),  # neither a time nor a duration
        ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "Mon, 01 Jul 2013"}, Limits()),
        ({"x-ratelimit-remaining": "1000001", "x-ratelimit-reset": "9"}, Limits()),  # limits nothing
        ({"x-ratelimit-interval": "often", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "9"},
            left("x-ratelimit", 9, 9.0)),
        # vendors
        ({"x-shopify-shop-api-call-limit": "41/40"}, counted((40, 20.0, 0))),  # more than there is room for
        ({"x-shopify-shop-api-call-limit": " 1 / 40 "}, counted((40, 20.0, 39))),
        ({"x-shopify-shop-api-call-limit": "40"}, Limits()),
        ({"x-shopify-shop-api-call-limit": "0/0"}, Limits()),
        ({"x-hubspot-ratelimit-max": "100"}, Limits()),
        ({"x-hubspot-ratelimit-daily": "100"}, Limits((Window(100, 86400.0),))),
        ({"x-rate-limit": "many"}, Limits()),
        ({"zendesk-ratelimit-users": "total=100"}, Limits()),
        ({"zendesk-ratelimit-users": "a;=;;remaining=1;resets=2"}, left("zendesk-ratelimit-users", 1, 2.0)),
        ({"sforce-limit-info": "api-usage=5001/5000"}, left("api-usage", 0, 86400.0, 5000)),
        ({"sforce-limit-info": "api-usage=18"}, Limits()),
        ({"x-ratelimit-limit-hour": "1000"}, Limits((Window(1000, 3600.0),))),
        ({"x-ratelimit-remaining-hour": "1000"}, Limits()),
        ({"backoff": "0"}, Limits()),
        ({"backoff": "-1"}, Limits()),
        ({"backoff": "a while"}, Limits()),
        ({"backoff": "1000000000"}, Limits(pause=86400.0)),
    ],
)  # fmt: skip
def test_what_is_half_told_or_malformed_is_used_as_far_as_it_goes(told: dict[str, str], limits: Limits) -> None:
    assert read_limits(told, WALL) == limits


@pytest.mark.parametrize(
    ("limits", "spent", "has_room"),
    [
        (Limits((AVERAGE, BURST), ((BURST, 1), (AVERAGE, 1))), (), True),
        (Limits((AVERAGE, BURST), ((BURST, 0), (AVERAGE, 1))), (BURST,), False),
        (Limits((AVERAGE,), ((AVERAGE, 1),), (Allowance("day", 0, 9.0),)), (), False),  # a quota is used up
        (Limits((AVERAGE,), ((AVERAGE, 1),), (Allowance("day", 1, 9.0),)), (), True),
        (Limits((AVERAGE, BURST)), (), False),  # no count, no proof
        (Limits(), (), False),
    ],
)
def test_there_is_room_only_where_the_server_counts_some_left_of_every_limit(
    limits: Limits, spent: tuple[Window, ...], has_room: bool
) -> None:
    assert (limits.spent, limits.has_room) == (spent, has_room)


NAMES = sorted({name for example in EXAMPLES for name in example.received} | {"ratelimit-policy", "retry-after"})
PIECES = st.sampled_from(
    [piece for example in EXAMPLES for piece in example.received.values()]
    + ["0", "-1", "999999999999999", "0.0000001", "@1", "@99999999999999", ":YQ==:", "?1", '%"x"', "(", ";", "=", ","]
)
VALUES = st.one_of(st.text(), st.text(string.printable), st.lists(PIECES, max_size=4).map("".join), PIECES)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_no_header_can_make_it_fail_or_say_what_cannot_be_meant(told: dict[str, str]) -> None:
    limits = read_limits(told, WALL)
    assert all(1 <= window.limit <= LARGEST_LIMIT for window in limits.windows)
    assert all(0 < window.interval <= LONGEST_INTERVAL for window in limits.windows)
    assert all(wide.interval >= narrow.interval for wide, narrow in pairwise(limits.windows))
    assert {window for window, _ in limits.counts} <= set(limits.windows)
    assert all(0 <= remaining <= LARGEST_LIMIT for _, remaining in limits.counts)
    assert all(0 <= allowance.remaining <= LARGEST_LIMIT for allowance in limits.allowances)
    assert all(0 <= allowance.resets_in <= LONGEST_INTERVAL for allowance in limits.allowances)
    assert all(0 <= allowance.limit <= LARGEST_LIMIT for allowance in limits.allowances)
    assert 0 <= limits.pause <= LONGEST_INTERVAL


@pytest.mark.parametrize(
    ("interval", "logged"),
    [
        (LONGEST_LOGGED, True),
        (LONGEST_LOGGED + 1, False),  # the server's own count, rather than a log of a day
    ],
)
def test_of_a_long_window_the_servers_count_is_taken(interval: float, logged: bool) -> None:
    told = {"ratelimit-policy": f'"a";q=100;w={interval:.0f}', "ratelimit": '"a";r=9;t=5'}
    limits = read_limits(told, WALL)
    assert bool(limits.windows) is logged
    assert bool(limits.allowances) is not logged


FORMATS: Sequence[ResetFormat] = ("seconds", "ms", "epoch", "epoch_ms", "iso8601")
NAMED = LimitHeader("x-most", "x-left", "x-end")


@pytest.mark.parametrize(
    ("header", "told", "limits"),
    [
        (LimitHeader("x-most", window=60.0), {"x-most": "100"}, Limits((Window(100, 60.0),))),
        (
            LimitHeader("x-most", "x-left", window=60.0),
            {"x-most": "100", "x-left": "7"},
            Limits((Window(100, 60.0),), ((Window(100, 60.0), 7),)),
        ),
        (NAMED, {"x-left": "7", "x-end": "30"}, left("declared x-left", 7, 30.0)),
        (NAMED, {"x-left": "7", "x-end": "30", "x-most": "50"}, left("declared x-left", 7, 30.0, 50)),
        (replace(NAMED, reset_format="ms"), {"x-left": "7", "x-end": "1500"}, left("declared x-left", 7, 1.5)),
        (
            replace(NAMED, reset_format="epoch"),
            {"x-left": "7", "x-end": f"{WALL + 9:.0f}"},
            left("declared x-left", 7, 9.0),
        ),
        (
            replace(NAMED, reset_format="epoch_ms"),
            {"x-left": "7", "x-end": f"{(WALL + 9) * 1000:.0f}"},
            left("declared x-left", 7, 9.0),
        ),
        (
            replace(NAMED, reset_format="iso8601"),
            {"x-left": "7", "x-end": "2013-07-01T17:38:00Z"},
            left("declared x-left", 7, 7.0),
        ),
        (replace(NAMED, reset_format="iso8601"), {"x-left": "7", "x-end": "soon"}, Limits()),
        (NAMED, {"x-left": "7", "x-end": "soon"}, Limits()),
        (NAMED, {"x-left": "many", "x-end": "30"}, Limits()),
        (NAMED, {}, Limits()),
    ],
)
def test_headers_that_a_description_names_are_read_in_their_form(
    header: LimitHeader, told: dict[str, str], limits: Limits
) -> None:
    assert reader_of([header])(told, WALL) == limits


def test_named_headers_are_hidden_from_the_usual_dialects_and_all_others_are_not() -> None:
    read = reader_of([LimitHeader(remaining="ratelimit-remaining", reset="ratelimit-reset", reset_format="ms")])
    told = {"ratelimit-remaining": "7", "ratelimit-reset": "1500", "backoff": "3"}
    assert read(told, WALL) == replace(left("declared ratelimit-remaining", 7, 1.5), pause=3.0)
    assert read({"backoff": "3"}, WALL) == Limits(pause=3.0)


def test_an_api_that_names_no_headers_has_the_usual_reader() -> None:
    assert reader_of([]) is read_limits
    assert reader_of([NAMED])({"x": "y"}, WALL) is SILENT


@given(st.dictionaries(st.sampled_from(["x-most", "x-left", "x-end"]), VALUES), st.sampled_from(FORMATS))
def test_no_named_header_can_make_it_fail(told: dict[str, str], form: ResetFormat) -> None:
    limits = reader_of([replace(NAMED, reset_format=form)])(told, WALL)
    assert all(0 <= allowance.resets_in <= LONGEST_INTERVAL for allowance in limits.allowances)
