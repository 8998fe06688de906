from typing import Any

import pytest

from jobs.model import ABSENT
from jobs.places import at, copied, put, replacing, take_away


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ((), {"a": [{"b": 1}], "": 2}),
        (("a", "0", "b"), 1),
        (("a", "1"), ABSENT),
        (("a", "x"), ABSENT),
        (("a", "0", "c"), ABSENT),
        (("",), 2),
        (("", "x"), ABSENT),
    ],
)
def test_a_place_leads_to_a_value_or_to_none(steps: tuple[str, ...], value: object) -> None:
    assert at({"a": [{"b": 1}], "": 2}, steps) == value


def test_a_value_is_put_where_it_belongs_and_taken_away_again() -> None:
    document: dict[str, Any] = {"a": None}
    put(document, ("a", "b", "c"), 1)
    put(document, ("d",), 2)
    assert document == {"a": {"b": {"c": 1}}, "d": 2}
    take_away(document, ("a", "b", "c"))
    take_away(document, ("x", "y"))
    take_away(document, ("d",))
    assert document == {"a": {"b": {}}}


def test_a_copy_is_a_copy_and_an_object() -> None:
    whole: dict[str, Any] = {"a": {"b": 1}}
    put(copied(whole), ("a", "b"), 2)
    assert whole == {"a": {"b": 1}}
    assert copied(None) == {}


@pytest.mark.parametrize(
    ("old", "new", "depth", "sent"),
    [
        ({"a": 1}, {"b": 2}, 0, {"b": 2}),
        ({"a": 1}, {"b": 2}, 1, {"b": 2, "a": None}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, 1, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, 2, {"a": {"y": 2, "x": None}}),
        ({"a": {"x": 1}}, {"a": 3}, 2, {"a": 3}),
        (ABSENT, {"a": 1}, 2, {"a": 1}),
        ({"a": 1}, ABSENT, 0, None),
    ],
)
def test_what_goes_is_null_as_deep_as_the_server_merges(old: Any, new: Any, depth: int, sent: object) -> None:
    assert replacing(old, new, depth) == sent
