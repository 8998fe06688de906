"""What later rows of a record leave of an earlier one that comes late."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.changes.diff import CompareRules
from jobs.changes.overtaking import WHOLE, Inseparable, Overtaking, left_of, overtaken_by, rest_of, touched, without
from jobs.model import ABSENT, Link, Path, RowRef, Unsendable, UpdateJob
from tests.schemas import SCHEMA, TERMS

REF = RowRef(1, 2, b"")
A, B, K, L, META = (
    ("attributes", "a"),
    ("attributes", "b"),
    ("attributes", "metadata", "k"),
    ("attributes", "metadata", "l"),
    ("attributes", "metadata"),
)
MARKET, VIP, OLD = ("relationships", "market"), ("tags", "vip"), ("tags", "old")


def job(**members: Any) -> UpdateJob:
    return UpdateJob(REF, "orders", "x", **members)


UPDATE: dict[str, Any] = {"triggers": {"_update": True}, "triggers_safe": True}
KEYS = {"metadata": {"k": "1", "l": ABSENT}}
EVERYTHING = job(
    attributes={"a": 1, "b": None},
    members=KEYS,
    relationships={"market": Link("markets", "m")},
    add_tags=("vip",),
    remove_tags=("old",),
)


@pytest.mark.parametrize(
    ("row", "whole", "paths"),
    [
        (EVERYTHING, False, {A, B, K, L, MARKET, VIP, OLD}),
        (EVERYTHING, True, {A, B, META, MARKET, VIP, OLD}),  # the keys that it does not name go as well
        (job(attributes={"metadata": {"k": 1}}), False, {K}),  # merged: the other keys stay
        (job(attributes={"metadata": {"k": 1}}), True, {META}),
        (job(attributes={"metadata": None}), False, {META}),
        (job(attributes={"a": {"k": 1}}), False, {A}),  # only metadata is merged into
        (job(triggers={"_capture": True}), False, set()),
    ],
)
def test_a_row_touches_what_it_sets(row: UpdateJob, whole: bool, paths: set[Path]) -> None:
    assert touched(row, CompareRules(SCHEMA, replace=whole)) == paths


@pytest.mark.parametrize(
    ("row", "taken", "whole", "left"),
    [
        (job(attributes={"a": 1}), {B}, False, job(attributes={"a": 1})),  # other fields: it is still wanted
        (job(attributes={"a": 1}), {A}, False, None),
        (job(attributes={"a": 1, "b": 2}), {B}, False, job(attributes={"a": 1})),
        (EVERYTHING, {A, K, VIP}, False, replace(
            EVERYTHING, attributes={"b": None}, members={"metadata": {"l": ABSENT}}, add_tags=())),
        (EVERYTHING, {B, META, MARKET, OLD}, False, job(attributes={"a": 1}, add_tags=("vip",))),
        (EVERYTHING, {A, B, META, MARKET, OLD, VIP}, False, None),
        (EVERYTHING, {META}, True, replace(EVERYTHING, members={})),
        (job(attributes={"metadata": {"k": 1, "l": 2}}), {K}, False, job(attributes={"metadata": {"l": 2}})),
        (job(attributes={"metadata": {"k": 1}, "a": 1}), {K}, False, job(attributes={"a": 1})),
        (job(attributes={"metadata": {"k": 1}}), {META}, True, None),
        (job(attributes={"metadata": {}, "a": 1}), {A}, False, None),  # to merge nothing is nothing
        (job(attributes={"a": 1}, **UPDATE), {A}, False, job(**UPDATE)),
        (job(triggers={"_capture": True}), {A}, False, job(triggers={"_capture": True})),  # no value, none overtakes it
    ],
)  # fmt: skip
def test_what_no_later_row_has_set_is_left(
    row: UpdateJob, taken: set[Path], whole: bool, left: UpdateJob | None
) -> None:
    assert rest_of(row, taken, CompareRules(SCHEMA, replace=whole)) == left


@pytest.mark.parametrize(
    ("row", "taken", "says"),
    [
        (job(attributes={"a": 1}, triggers={"_capture": True}), {A}, "has set `a` already"),  # of another amount
        (job(attributes={"metadata": None}), {K}, "has set `metadata` already"),  # cleared, but for that key
        (job(attributes={"a": 1}, add_tags=("vip",), triggers={"_x": 1}), {A, VIP}, "`a`, `tags`"),
        (job(attributes={"a": 1}), {WHOLE}, "may have set any of it"),
        (job(triggers={"_capture": True}), {WHOLE}, "may have set any of it"),
    ],
)
def test_what_cannot_be_parted_is_not_sent(row: UpdateJob, taken: set[Path], says: str) -> None:
    with pytest.raises(Inseparable, match=says):
        rest_of(row, taken, TERMS)
    left = left_of(row, taken, TERMS)
    assert isinstance(left, Unsendable)
    assert left.reason == "overtaken"
    assert says in left.message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (job(attributes={"a": 1}), "superseded"),
        (job(attributes={"a": 1, "b": 1}), "overtaken"),
        (job(attributes={"b": 1}), "overtaken"),  # the later row may have found it as it wanted it
        (job(attributes={"a": 1}, triggers={"_capture": True}), "overtaken"),
        (job(**UPDATE), "overtaken"),
    ],
)
def test_a_row_is_superseded_where_all_of_it_is_known_to_have_been_changed_since(row: UpdateJob, reason: str) -> None:
    assert overtaken_by(row, {A, K}, SCHEMA).reason == reason


def test_rows_lose_what_was_taken_from_them() -> None:
    rows: list[UpdateJob | Unsendable] = [
        replace(job(attributes={"a": 1, "b": 2}), ref=RowRef(number, 0, b"")) for number in range(3)
    ]
    rows.append(Unsendable(RowRef(3, 0, b""), "id_missing"))
    taken = {0: {A}, 1: {A, B}, 3: {A}}
    assert list(without(rows, taken, TERMS)) == [
        replace(job(attributes={"b": 2}), ref=rows[0].ref),
        Unsendable(rows[1].ref, "superseded"),
        rows[2],
        rows[3],
    ]


NAMES = st.sampled_from("abc")
STEPS = st.lists(st.tuples(NAMES, st.booleans(), st.frozensets(st.sampled_from([A, B, K, L]))), max_size=40)


@given(STEPS)
def test_what_is_taken_from_a_row_is_what_later_rows_of_its_record_set(
    steps: list[tuple[str, bool, frozenset[Path]]],
) -> None:
    found, expected = Overtaking(), dict[int, frozenset[Path]]()
    waiting: dict[str, list[int]] = {}
    for row, (record, done, paths) in enumerate(steps):
        assert found.knows(record) == (record in waiting)
        if done:
            found.take(record, paths)
            for each in waiting.get(record, []):
                expected[each] = expected.get(each, frozenset()) | paths
        else:
            found.wait(record, row)
            waiting.setdefault(record, []).append(row)
    assert found.taken() == {row: paths for row, paths in expected.items() if paths}


def test_rows_of_one_record_cost_no_more_the_more_there_are() -> None:
    found = Overtaking()
    for row in range(20_000):
        found.wait("x", row)
        found.take("x", (A, B) if row % 3 else (K,))
    groups: Mapping[str, Any] = found._waiting
    assert len(groups["x"]) <= 4
    assert len(found.taken()) == 20_000
