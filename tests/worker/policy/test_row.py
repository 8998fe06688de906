"""A row on its way: what it replaces, and what it sends."""

import json
import math
from dataclasses import replace

import pytest

from jobs.changes.diff import Change, after, difference
from jobs.model import Edit, Fields, Live, RowRef, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER
from tests.schemas import TERMS
from worker.policy.row import InFlightRow, RecentWrites, room_at
from worker.policy.verdict import Settle

REFERENCE = ("attributes", "reference")
NAME = ("attributes", "name")
CODE = ("attributes", "code")


def made(doubt: str = "") -> InFlightRow:
    return InFlightRow(UpdateJob(RowRef(7, 8, b""), "transactions", "x", {"name": "new"}), "transactions", doubt=doubt)


def test_a_row_that_was_certainly_not_applied_replaces_what_is_there_now() -> None:
    row = made()
    row.image = (Edit(CODE, "a", "b"),)
    row.imaged = True
    row.verdict = Settle("as_wanted")
    row.take(Change({"name": "new"}, edits=(Edit(NAME, "old", "new"),)))
    assert row.image == row.change.edits == (Edit(NAME, "old", "new"),)
    assert (row.imaged, row.number) == (False, 7)
    assert row.verdict is None


def test_a_row_that_may_have_been_applied_replaces_what_was_there_before_its_first_attempt() -> None:
    row = made("reply_lost")
    row.image = (Edit(CODE, "a", "b"), Edit(NAME, "first", "new"))
    row.take(Change({"name": "new"}, edits=(Edit(NAME, "later", "new"),)))
    assert row.image == (Edit(CODE, "a", "b"), Edit(NAME, "first", "new"))
    assert row.change.edits == (Edit(NAME, "first", "new"),)


def test_the_request_is_built_once_and_anew_for_another_change_or_type() -> None:
    row = made()
    row.take(Change({"name": "one"}))
    first = row.request(COMMERCE_LAYER)
    assert row.request(COMMERCE_LAYER) is first
    row.take(Change({"name": "two"}))
    second = row.request(COMMERCE_LAYER)
    assert (json.loads(first.body)["data"]["attributes"], json.loads(second.body)["data"]["attributes"]) == (
        {"name": "one"},
        {"name": "two"},
    )
    row.abstract = True
    row.route("cards")
    assert (row.request(COMMERCE_LAYER).target, row.abstract) == ("/api/cards/x", False)


def test_what_a_row_is_remembered_by_is_only_what_its_last_attempt_sent() -> None:
    """An earlier attempt had sent more: its values are in the image, and in no attribute of the change."""
    name, key = ("attributes", "name"), ("attributes", "metadata", "k")
    row = InFlightRow(UpdateJob(RowRef(1, 2, b""), "orders", "x", {"name": " n "}), "orders", doubt="reply_lost")
    row.image = (Edit(key, "old", " k "),)
    row.take(Change({"name": " n "}, edits=(Edit(name, "old", " n "),)))
    row.remember((Edit(key, "old", " k ", "k"), Edit(name, "old", " n ", "n")))
    assert [edit.path for edit in row.change.edits] == [name]
    assert [edit.stored for edit in row.image] == ["k", "n"]
    assert after(Live("orders", {"name": "old"}), row.change).attributes == {"name": "n"}


ORDERS = frozenset({"orders"})
BEFORE = Live("orders", {"reference": "old", "metadata": {"a": 1}}, fields=Fields(frozenset({"reference", "metadata"})))


def test_a_read_that_lags_is_corrected_by_what_was_written_in_the_order_it_was() -> None:
    recent = RecentWrites()
    recent.add("x", ORDERS, Change({"metadata": {"a": 1, "b": 2}}), 10.0)
    recent.add("x", ORDERS, Change({"reference": "new"}), 11.0)
    recent.add("x", ORDERS, Change({"metadata": {"a": 1, "b": 3}}), 12.0)
    assert recent.over("x", BEFORE, 13.0).attributes == {"reference": "new", "metadata": {"a": 1, "b": 3}}
    assert recent.over("y", BEFORE, 13.0) is BEFORE
    built_on = replace(BEFORE, basis=object())
    assert recent.over("x", built_on, 13.0) is built_on  # what others have written since is in it


def test_a_record_says_how_long_ago_it_was_written() -> None:
    recent = RecentWrites()
    recent.add("x", ORDERS, Change({"reference": "new"}), 10.0)
    recent.add("x", ORDERS, Change({"reference": "newer"}), 11.0)
    recent.add("y", ORDERS, Change({"reference": "new"}), 12.0)
    assert [recent.age(key, 12.5) for key in ("x", "y", "z")] == [1.5, 0.5, math.inf]
    assert recent.age("x", 30.0) == math.inf


def test_what_an_update_is_built_on_stays_what_was_read() -> None:
    recent = RecentWrites()
    recent.add("x", ORDERS, Change({"reference": "new"}), 10.0)
    read = replace(BEFORE, basis="version 7")
    assert recent.over("x", read, 11.0).basis == "version 7"


def test_what_a_write_has_replaced_is_known_to_the_rows_that_are_read_after_it() -> None:
    recent = RecentWrites()
    recent.add("x", ORDERS, Change({"reference": "new"}, edits=(Edit(REFERENCE, "old", "new"),)), 10.0)
    job = UpdateJob(RowRef(2, 3, b""), "orders", "x", {"reference": "newer"})
    (edit,) = difference(job, recent.over("x", BEFORE, 11.0), TERMS).edits
    assert (edit.before, edit.past) == ("new", ("old",))


def test_what_was_written_longer_ago_is_left_to_the_read() -> None:
    recent = RecentWrites()
    recent.add("x", ORDERS, Change({"reference": "first"}), 10.0)
    recent.add("x", ORDERS, Change({"metadata": {"b": 2}}), 14.0)
    assert recent.over("x", BEFORE, 16.0).attributes == {"reference": "old", "metadata": {"b": 2}}
    assert recent.over("x", BEFORE, 20.0) is BEFORE
    assert not recent._changes


def test_what_was_written_into_a_record_of_another_type_with_the_same_id_is_another_matter() -> None:
    recent = RecentWrites()
    recent.add("x", frozenset({"transactions", "captures"}), Change({"reference": "new"}), 10.0)
    assert recent.over("x", BEFORE, 11.0) is BEFORE
    capture = Live("captures", {"reference": "old"})
    assert recent.over("x", capture, 11.0).attributes == {"reference": "new"}


@pytest.mark.parametrize(
    ("rate", "room"), [(math.inf, 200), (0.0, 25), (4.0, 30), (1000.0, 200)], ids=["unknown", "slow", "four", "fast"]
)
def test_no_more_is_read_than_stays_fresh(rate: float, room: int) -> None:
    assert room_at(rate, 25) == room
