from typing import Any

import pytest

from jobs.apis.description.checking_limits import limit_headers, limits, scope
from jobs.apis.description.model import LimitDescription, LimitHeaders


def test_limits_and_their_headers_without_fault_have_no_problem() -> None:
    assert list(limits(("limits",), [LimitDescription(rate="1/1s", per="{base}")], {"base"})) == []
    assert list(limit_headers([LimitHeaders(remaining="X-Left", reset="X-Reset")])) == []


def test_a_limit_is_located_by_its_position() -> None:
    found = limits(("resources", "t", "limits"), [LimitDescription(rate="1/1s"), LimitDescription()], ())
    assert [each.key for each in found] == ["resources.t.limits[1]"]


@pytest.mark.parametrize(("text", "says"), [("{bas}", "did you mean `{base}`?"), ("x", "write one of record, {base}")])
def test_what_a_limit_is_for_is_a_word_or_a_variable(text: str, says: str) -> None:
    assert [each.text for each in scope(("per",), text, ("record",), {"base"})] == [says]


@pytest.mark.parametrize(
    ("limit", "of_api", "says"),
    [
        ({"rate": "1/1s", "per": "address"}, True, []),
        ({"rate": "1/1s", "per": "address", "until_told": True}, True, []),
        ({"rate": "1/1s", "until_told": True, "on": "read"}, True, []),
        ({"rate": "1/1s", "on": "token"}, True, []),
        ({"rate": "1/1s", "on": "token", "per": "address"}, True, []),
        ({"rate": "1/1s", "on": "token", "until_told": True}, True, ["limits[0].on"]),
        ({"concurrency": 1, "on": "token"}, True, ["limits[0].on"]),
        ({"rate": "1/1s", "on": "token", "per": "path"}, True, ["limits[0].on"]),
        ({"rate": "1/1s", "on": "token"}, False, ["limits[0].on"]),
        ({"concurrency": 1, "until_told": True}, True, ["limits[0].until_told"]),
        ({"rate": "1/1s", "per": "record", "until_told": True}, True, ["limits[0].until_told"]),
        ({"rate": "1/1s", "until_told": True}, False, ["limits[0].until_told"]),
        ({"rate": "1/1s", "per": "address"}, False, ["limits[0].per"]),
    ],
)
def test_only_a_rate_of_the_api_is_assumed_for_a_while_or_on_tokens(
    limit: dict[str, Any], of_api: bool, says: list[str]
) -> None:
    found = limits(("limits",), [LimitDescription(**limit)], (), of_api=of_api)
    assert [each.key for each in found] == says
