"""An API that nobody has, from cells to what is the same: nothing on the way knows the vendor's schema."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.changes.diff import CompareRules, difference
from jobs.changes.edits import as_shown, fires_twice, sides
from jobs.changes.equality import same_at
from jobs.changes.inverse import Written, restoring
from jobs.changes.overtaking import touched
from jobs.changes.taken import is_plainly_taken, taken
from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.formats import InputRefused
from jobs.model import JSON, Edit, ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.model import Live as Record
from tests.schemas import TOY

REF = RowRef(1, 2, b"")
RULES = Rules(TOY, "boats", allow_triggers=frozenset({"_launch", "_paint"}))
TERMS = CompareRules(TOY)
SHOWN: dict[str, JSON] = {
    "name": "Ada", "berth": 7, "rig": "sloop_rigs", "papers": {"flag": "NO"}, "extras": {"a": "1", "keep": True},
    "launched": datetime(2026, 1, 31, 9, tzinfo=UTC).isoformat(),
}  # fmt: skip
LIVE = Record("boats", SHOWN)


def job(**cells: str) -> UpdateJob:
    names = [name.replace("__", ".") for name in cells]
    found = SheetColumns(["id", *names], RULES).read(SheetRow(REF, ["b1", *cells.values()]))
    assert isinstance(found, UpdateJob)
    return found


def test_a_row_of_it_becomes_what_differs_and_is_merged_where_it_says() -> None:
    asked = job(name="Eve", berth="7", rig="ketch_rigs", extras__a="2", launched="2026-01-31T10:00:00+01:00")
    change = difference(asked, LIVE, TERMS)
    assert change.attributes == {"name": "Eve", "rig": "ketch_rigs", "extras": {"a": "2", "keep": True}}
    assert {edit.path[1] for edit in change.edits} == {"name", "rig", "extras"}


def test_an_object_is_merged_as_a_whole_only_where_it_says() -> None:
    asked = job(papers='{"flag": "SE"}', extras='{"b": "2"}')
    assert difference(asked, LIVE, TERMS).attributes == {
        "papers": {"flag": "SE"},
        "extras": {"a": "1", "keep": True, "b": "2"},
    }
    assert touched(asked, TERMS) == {("attributes", "papers"), ("attributes", "extras", "b")}


@pytest.mark.parametrize(
    ("name", "wanted", "value", "same"),
    [
        ("berth", "7", 7, True),
        ("rig", "SloopRig", "sloop_rigs", True),
        ("launched", "2026-01-31", "2026-01-31T00:00:00Z", True),
        ("papers", None, {}, True),
        ("name", "7", 7, False),
        ("quantity", "7", 7, False),  # a number elsewhere
    ],
)
def test_it_alone_says_which_forms_of_a_value_are_the_same(name: str, wanted: Any, value: Any, same: bool) -> None:
    assert same_at(("attributes", name), wanted, value, TOY) is same


def test_a_reply_is_read_by_it() -> None:
    change = difference(job(berth="8", pin="1234"), LIVE, TERMS)
    assert not is_plainly_taken(change, {"berth": "8"}, TOY)  # the pin is not shown
    reply = Record("boats", {"berth": "8"})
    assert taken(change, reply, TOY).unseen == ()  # and never is
    assert sides(change.edits, reply, TOY) == {"after"}
    assert as_shown(change.edits, reply, TOY) == change.edits


def test_what_was_written_is_put_back_by_it() -> None:
    asked = job(harbour="h2", extras__a="2")
    live = Record("boats", SHOWN, {"harbour": None})
    change = difference(asked, live, TERMS)
    found = restoring("boats", "b1", [Written(1, change.edits)], TOY)
    assert found.members == {"type": "boats", "id": "b1", "harbour": None, "extras.a:json": "1"}
    assert found.lost == ()


def test_a_key_that_no_column_can_name_is_not_put_back() -> None:
    keys = (Edit(("attributes", "extras", "a.b"), "1", "2"), Edit(("attributes", "extras", "a"), "1", "2"))
    found = restoring("boats", "b1", [Written(1, keys)], TOY)
    assert found.members == {"type": "boats", "id": "b1", "extras.a:json": "1"}
    assert [each.column for each in found.lost] == ["extras.a.b"]
    assert isinstance(ObjectColumns(RULES).read(ObjectRow(REF, found.members)), UpdateJob)


def test_it_says_which_triggers_may_be_repeated() -> None:
    assert not job(_paint="true").fires
    assert job(_launch="true").fires
    assert not fires_twice((), ("_paint",), TOY)
    assert fires_twice((), ("_launch",), TOY)


def test_types_and_columns_of_others_are_unknown_to_it() -> None:
    with pytest.raises(InputRefused, match=r"no resource type `skus`$"):
        ObjectColumns(Rules(TOY, "skus"))
    with pytest.raises(InputRefused, match="boats have no attribute or relationship `metadata_`"):
        SheetColumns(["id", "metadata_"], RULES)
    found = ObjectColumns(RULES).read(ObjectRow(REF, {"id": "b1", "metadata.a": 1}))
    assert isinstance(found, Unsendable)
    assert found.reason == "column_not_of_type"


def test_keys_of_no_object_are_wiped_unseen() -> None:
    blind = Rules(TOY, "boats", refuse_members=True)
    found = SheetColumns(["id", "extras"], blind).read(SheetRow(REF, ["b1", '{"a": 1}']))
    assert isinstance(found, Unsendable)
    assert found.message.startswith("the row sets `extras`, ")
