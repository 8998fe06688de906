"""What two readings of a record show."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import ABSENT
from worker.policy.probing.effects import (
    Difference,
    alike,
    differences,
    is_empty,
    merging,
    place_of_record,
)

DEEP: dict[str, Any] = {"a": 1, "b": 2, "in": {"x": 1, "y": 2}}

MERGES: dict[str, tuple[Any, Any, Any, set[str]]] = {
    "all else is gone": (DEEP, {"a": 9}, {"a": 9}, {"replace"}),
    "one of the others is gone": (DEEP, {"a": 9}, {"a": 9, "b": 2}, {"replace"}),
    "the first level is kept": (DEEP, {"a": 9}, {**DEEP, "a": 9}, {"shallow", "deep"}),
    "only the first level is kept": (DEEP, {"in": {"x": 9}}, {**DEEP, "in": {"x": 9}}, {"shallow"}),
    "every level is kept": (DEEP, {"in": {"x": 9}}, {**DEEP, "in": {"x": 9, "y": 2}}, {"deep"}),
    "no other members": ({"a": 1}, {"a": 9}, {"a": 9}, set()),
    "only empty members": ({"a": 1, "b": None, "c": ""}, {"a": 9}, {"a": 9}, set()),
    "others below only, gone": ({"in": {"x": 1, "y": 2}}, {"in": {"x": 9}}, {"in": {"x": 9}}, {"replace", "shallow"}),
    "others below only, kept": ({"in": {"x": 1, "y": 2}}, {"in": {"x": 9}}, {"in": {"x": 9, "y": 2}}, {"deep"}),
    "no object before": (1, {"a": 9}, {"a": 9}, set()),
    "a value instead": (DEEP, {"a": 9}, 9, {"replace"}),
    "two places below, one gone": (
        {"k": 1, "p": {"x": 1, "y": 2}, "q": {"x": 1, "y": 2}},
        {"p": {"x": 9}, "q": {"x": 9}},
        {"k": 1, "p": {"x": 9, "y": 2}, "q": {"x": 9}},
        {"shallow"},
    ),
}


@pytest.mark.parametrize("case", MERGES)
def test_what_became_of_members_that_were_not_sent_shows_how_a_server_merges(case: str) -> None:
    before, sent, after, expected = MERGES[case]
    assert merging(before, sent, after) == expected


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda each: st.dictionaries(st.text(max_size=2), each, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), JSON, max_size=4)


def merged(old: Any, new: Any, depth: int) -> Any:
    if not isinstance(new, dict):
        return new
    inner = old if isinstance(old, dict) else {}
    base = dict(inner) if depth > 0 else {}
    return {**base, **{name: merged(inner.get(name), each, depth - 1) for name, each in new.items()}}


@given(OBJECTS, OBJECTS, st.sampled_from([("replace", 0), ("shallow", 1), ("deep", 99)]))
def test_the_true_way_is_never_excluded(before: Any, sent: Any, how: tuple[str, int]) -> None:
    way, depth = how
    found = merging(before, sent, merged(before, sent, depth))
    # to keep the first level only, or all, is one where nothing lies deeper: `replace` and `shallow` then differ
    assert not found or way in found or not merging(before, sent, merged(before, sent, 1)) & found


def test_differences_are_told_member_by_member_and_lists_as_wholes() -> None:
    before = {"a": 1, "in": {"x": 1, "y": [1]}, "gone": {"z": 1}, "n": None}
    after = {"a": 1, "in": {"x": 2, "y": [1, 2]}, "new": 1}
    assert list(differences(before, after)) == [
        Difference(("in", "x"), 1, 2),
        Difference(("in", "y"), [1], [1, 2]),
        Difference(("gone",), {"z": 1}, ABSENT),
        Difference(("new",), ABSENT, 1),
    ]


def test_a_loss_is_a_value_that_is_gone_or_empty() -> None:
    values: list[Any] = [ABSENT, None, "", [], {}, 0, False]
    losses = [Difference((), 1, after).is_loss for after in values]
    assert losses == [True] * 5 + [False] * 2
    assert not Difference((), "", None).is_loss


@pytest.mark.parametrize(("value", "empty"), [(ABSENT, True), (None, True), ("", True), (0, False), (False, False)])
def test_empty_is_what_holds_nothing(value: object, empty: bool) -> None:
    assert is_empty(value) == empty


def test_nothing_is_null_and_true_is_not_one() -> None:
    assert alike(ABSENT, None)
    assert not alike(ABSENT, "")
    assert not alike(True, 1)


PLACES: dict[str, tuple[Any, Any]] = {
    "the document": ({"id": "1", "x": 1}, ()),
    "a number for an id": ({"id": 1}, ()),
    "a member": ({"ok": True, "ticket": {"id": "1"}}, ("ticket",)),
    "deeper": ({"a": {"b": {"id": "1"}}}, ("a", "b")),
    "too deep": ({"a": {"b": {"c": {"id": "1"}}}, "d": 1}, None),
    "another id, alone": ({"data": {"name": "x"}}, ("data",)),
    "several, none with the id": ({"data": {"name": "x"}, "meta": {}}, None),
    "an id that is no text": ({"id": ["1"], "x": 1}, None),
    "a list": ([{"id": "1"}], None),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_record_is_found_by_its_id_or_as_the_only_object(case: str) -> None:
    document, place = PLACES[case]
    assert place_of_record(document, "1", "id") == place
