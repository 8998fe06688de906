"""What an update took from a record besides what it says."""

from typing import Any

import pytest

from jobs.apis.described.schema import schema_of
from jobs.changes.diff import Change
from jobs.changes.losses import felt, is_gone, is_read_only, loss_of, lost_members
from jobs.model import ABSENT, JSON, Edit, Live
from tests.jobs.apis.described.kit import description
from tests.schemas import DESK, SCHEMA

SIZE: dict[str, Any] = {"width": 8, "height": 7, "unit": {"name": "cm", "sign": ""}, "note": ""}


def edit(*path: str) -> Edit:
    return Edit(("attributes", *path), 8, 9)


@pytest.mark.parametrize(
    ("edits", "after", "lost"),
    [
        ([edit("size", "width")], SIZE, []),
        (
            [edit("size", "width")],
            {"width": 9},
            [(("size", "height"), 7), (("size", "unit"), SIZE["unit"]), (("size", "note"), "")],
        ),
        ([edit("size", "width")], {**SIZE, "height": None}, [(("size", "height"), 7)]),
        ([edit("size", "width")], {**SIZE, "unit": {"sign": "#"}}, [(("size.unit", "name"), "cm")]),
        (
            [edit("size", "width")],
            {**SIZE, "unit": {}, "note": None},
            [(("size", "unit"), SIZE["unit"]), (("size", "note"), "")],
        ),
        ([edit("size", "width")], {**SIZE, "note": None}, []),  # nothing that anybody would feel
        ([edit("size.unit", "sign")], {**SIZE, "unit": {}}, [(("size.unit", "name"), "cm")]),
        ([edit("size", "width")], {**SIZE, "unit": {}}, [(("size", "unit"), SIZE["unit"])]),
        ([edit("size", "width")], {**SIZE, "unit": "cm"}, []),  # another form, and not gone
        ([edit("size", "width")], {"height": 7, "unit": SIZE["unit"]}, []),  # what was sent is another question
        ([edit("size.unit", "name")], {**SIZE, "unit": {}}, []),  # the row's own, or an object that it is in
        ([edit("size")], {"width": 9}, []),  # set as a whole
        ([edit("size", "width")], "9 x 7", []),
    ],
)
def test_members_that_an_update_does_not_set_and_that_are_gone_are_lost(
    edits: list[Edit], after: object, lost: list[tuple[tuple[str, ...], object]]
) -> None:
    change = Change({"size": {**SIZE, "width": 9}}, edits=tuple(edits))
    found = lost_members(change, Live("tickets", {"size": after}), DESK)  # type: ignore[dict-item]  # JSON
    assert [(each.path[1:], each.before) for each in found] == lost


def test_what_the_reply_does_not_show_is_not_lost() -> None:
    change = Change({"size": SIZE}, edits=(edit("size", "width"),))
    assert lost_members(change, Live("tickets", {}), DESK) == ()


def test_an_object_and_one_in_it_lose_a_member_once() -> None:
    geo = {"lat": 3, "lng": 2}
    edits = (edit("address", "city"), edit("address.geo", "lat"))
    change = Change({"address": {"city": "Y", "geo": geo}, "address.geo": geo}, edits=edits)
    shown = Live("tickets", {"address": {"city": "Y", "geo": {"lat": 3}}, "address.geo": {"lat": 3}})
    assert lost_members(change, shown, DESK) == (Edit(("attributes", "address.geo", "lng"), 2, ABSENT),)


def test_what_no_update_can_carry_is_the_apis_own_business() -> None:
    fields = {"size": {"type": "object", "merge": "shallow"}, "size.area": {"read_only": True}}
    schema = schema_of(description(fields=fields), {})
    change = Change({"size": {"width": 9, "area": 4, "unit": "cm"}}, edits=(edit("size", "width"),))
    assert lost_members(change, Live("things", {"size": {"width": 9, "unit": "cm"}}), schema) == ()
    assert [each.before for each in lost_members(change, Live("things", {"size": {"width": 9}}), schema)] == ["cm"]
    assert is_read_only(("size", "area", "x"), schema.resource_type("things"))
    assert not is_read_only(("size", "area"), None)


def test_a_loss_is_felt_if_the_value_was_not_empty() -> None:
    values: list[JSON] = [0, False, "x", "", [], {}]
    lost = [loss_of(("a",), value, None) for value in values]
    assert [each.before for each in felt(lost)] == [0, False, "x"]


def test_of_attributes_nothing_is_looked_for() -> None:
    change = Change({"metadata": {"a": 1, "b": 2}}, edits=(edit("metadata", "a"),))
    assert lost_members(change, Live("orders", {"metadata": {"a": 1}}), SCHEMA) == ()


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [(1, ABSENT, True), (0, None, True), (False, "", True), ("x", [], True), ({"a": 1}, {}, True), ("", None, True),
     ("", "", False), (None, "", False), (ABSENT, None, False), (1, 0, False), (1, False, False)],
)  # fmt: skip
def test_a_value_is_gone_if_nothing_is_left_of_it(before: Any, after: Any, gone: bool) -> None:
    assert is_gone(before, after) is gone


def test_a_loss_is_an_edit_that_an_undo_can_turn_round() -> None:
    assert loss_of(("a",), 1, ABSENT) == Edit(("attributes", "a"), 1, None)
    assert loss_of(("a",), 1, "") == Edit(("attributes", "a"), 1, "")
    assert loss_of(("a", "b", "c"), 1, ABSENT) == Edit(("attributes", "a.b", "c"), 1, ABSENT)
