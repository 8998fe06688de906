"""Rows of an export ask for what the recipe makes of them, and are told in the export's own columns."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.formats import InputRefused
from jobs.formats.stored import DamagedRow, Fault
from jobs.model import ABSENT, ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.recipe.columns import ViewedColumns, ViewedObjects, all_faults, object_columns, sheet_columns
from jobs.recipe.view_model import ColumnRecipe, ViewRecipe
from tests.schemas import TOY

RULES = Rules(TOY, "boats")
HEADER = ["STATUS", "SHOP_ID", "PLATZ", "NAME", "ECHT", "SEGEL"]
RECIPE = ViewRecipe(
    columns={
        "id": "SHOP_ID",
        "name": "NAME",
        "berth": ColumnRecipe(column="PLATZ", decimal=",", thousands="."),
        "extras.on:bool": ColumnRecipe(column="ECHT", map={"Ja": True, "Nein": False}),
        "rig": "SEGEL",
    },
    constants={"extras.source": "erp"},
    filter={"STATUS": ("A",)},
    empty="clear",
)


def ref(number: int) -> RowRef:
    return RowRef(number, number + 1, bytes(8))


def row(*cells: str) -> SheetRow:
    return SheetRow(ref(1), list(cells))


def columns(recipe: ViewRecipe = RECIPE, header: Sequence[str] = HEADER, rules: Rules = RULES) -> ViewedColumns:
    return ViewedColumns(recipe, header, rules)


def refused(found: object) -> tuple[str, str]:
    assert isinstance(found, Unsendable)
    return found.reason, found.column


def test_a_row_asks_for_what_the_recipe_makes_of_it() -> None:
    found = columns().read(row("A", "x1", "1.007", "Anna", "Ja", ""))
    assert isinstance(found, UpdateJob)
    assert (found.id, found.ref, found.attributes) == ("x1", ref(1), {"name": "Anna", "berth": 1007})
    assert found.members == {"extras": {"on": True, "source": "erp"}}


def test_a_job_calls_its_columns_as_the_sheet_does() -> None:
    found = columns().read(row("A", "x1", "7", "", "", ""))
    assert isinstance(found, UpdateJob)
    assert found.columns[("berth",)] == "PLATZ"
    assert found.columns[("extras", "on")] == "ECHT"
    assert found.columns[("extras", "source")] == "extras.source"


@pytest.mark.parametrize(
    ("cells", "reason", "column"),
    [
        (("B", "x1", "7", "", "", ""), "filtered", ""),
        (("A", "", "7", "", "", ""), "id_missing", "SHOP_ID"),
        (("A", "x1", "7,5", "", "", ""), "wrong_type", "PLATZ"),
        (("A", "x1", "7.5", "", "", ""), "wrong_notation", "PLATZ"),
        (("A", "x1", "", "", "ja", ""), "wrong_notation", "ECHT"),
        (("A", "x1", "", "", "", "cat"), "not_allowed", "SEGEL"),
        (("A", "x1", "7"), "cell_count", ""),
        (("B", "x1", "7"), "cell_count", ""),  # never skipped in silence
        (tuple(HEADER), "repeated_header", ""),
        (("A", "#x1", "7", "", "", ""), "comment", "SHOP_ID"),
    ],
)
def test_a_row_that_is_not_sent_is_told_in_its_own_columns(cells: tuple[str, ...], reason: str, column: str) -> None:
    found = columns().read(row(*cells))
    told = refused(found)
    assert told[0] == reason
    assert not column or told[1] in {column, "id"}
    assert columns().faults(row(*cells))[0] == found


def test_a_torn_row_is_no_row_of_the_view() -> None:
    torn = DamagedRow(ref(1), ["B", "x1", "", "", "", ""], [Fault(0, "row_cut", "cut")])
    assert refused(columns().read(torn)) == ("row_cut", "STATUS")


def test_all_faults_of_a_row_are_told() -> None:
    found = columns().faults(row("A", "x1", "7.5", "", "ja", "cat"))
    assert [refused(each) for each in found] == [
        ("wrong_notation", "PLATZ"), ("wrong_notation", "ECHT"), ("not_allowed", "SEGEL"),
    ]  # fmt: skip
    assert columns().faults(row("A", "x1", "7", "", "", "")) == []


def test_an_empty_cell_clears_only_on_request_and_is_marked() -> None:
    found = columns().read_clearing(row("A", "x1", "", "Anna", "", ""))
    assert not isinstance(found, Unsendable)
    assert found.job.attributes == {"name": "Anna", "berth": None, "rig": None}
    assert found.job.members == {"extras": {"on": ABSENT, "source": "erp"}}
    assert found.emptied == {("berth",), ("rig",), ("extras", "on")}
    one = columns()
    one.read_clearing(row("A", "x1", "", "Anna", "", ""))
    full = one.read_clearing(row("A", "x1", "7", "Anna", "Ja", "sloop_rigs"))
    assert not isinstance(full, Unsendable)
    assert (full.emptied, full.job.attributes["berth"]) == (frozenset(), 7)
    again = one.read_clearing(row("A", "x2", "", "Anna", "Ja", "sloop_rigs"))
    assert not isinstance(again, Unsendable)
    assert again.emptied == {("berth",)}


def test_what_cannot_be_cleared_is_left_alone() -> None:
    recipe = ViewRecipe(columns={"id": "ID", "_launch": "L", "name": "N"}, empty="clear")
    found = columns(recipe, ["ID", "L", "N"], Rules(TOY, "boats", allow_triggers=frozenset({"_launch"})))
    read = found.read_clearing(row("x1", "", ""))
    assert not isinstance(read, Unsendable)
    assert read.emptied == {("name",)}
    assert read.job.triggers == {}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [(("B", "x1", "", "", "", ""), "filtered"), (("A", "x1", "7.5", "", "", ""), "wrong_notation")],
)
def test_a_row_that_clears_may_be_refused(cells: tuple[str, ...], reason: str) -> None:
    assert refused(columns().read_clearing(row(*cells)))[0] == reason


def test_a_row_of_an_unknown_type_clears_nothing() -> None:
    recipe = ViewRecipe(columns={"id": "ID", "type": "T", "name": "N"}, empty="clear")
    found = columns(recipe, ["ID", "T", "N"], Rules(TOY)).read_clearing(row("x1", "cats", ""))
    assert refused(found) == ("type_unknown", "T")


CELLS = st.sampled_from(["A", "B", "", "x1", "7", "7.5", "1.007", "Ja", "sloop_rigs", "<clear>", "#x"])


@given(st.lists(st.lists(CELLS, min_size=5, max_size=7), max_size=8), st.booleans())
def test_only_doubtful_rows_may_be_refused(rows: list[list[str]], filtered: bool) -> None:
    one = columns(RECIPE if filtered else RECIPE.model_copy(update={"filter": {}}))
    given_rows = [SheetRow(ref(number), cells) for number, cells in enumerate(rows)]
    doubtful = one.doubtful(given_rows)
    for index, each in enumerate(given_rows):
        found = one.read(each)
        assert isinstance(found, UpdateJob) or index in doubtful


def test_two_rows_of_one_record_have_one_text() -> None:
    one, other, third = columns().records(
        [["A", "x1", "7", "", "", ""], ["A", "x1", "8", "", "", ""], ["A", "x2"] + [""] * 4]
    )
    assert one == other != third


def test_columns_are_described_where_they_stand_and_those_in_a_notation_left_alone() -> None:
    found = [(each.label, each.role, each.position) for each in columns().described()]
    assert found == [
        ("SHOP_ID", "id", 1), ("PLATZ", "other", 2), ("NAME", "text", 3), ("ECHT", "other", 4), ("SEGEL", "other", 5),
    ]  # fmt: skip
    assert columns().target == 1


def test_a_key_may_be_a_constant() -> None:
    found = columns(ViewRecipe(columns={"name": "NAME"}, constants={"id": "x1"}), ["OTHER", "NAME"])
    read = found.read(row("#", "Anna"))
    assert isinstance(read, UpdateJob)
    assert (read.id, found.target) == ("x1", 0)


def test_faults_of_a_header_name_its_own_columns() -> None:
    recipe = ViewRecipe(columns={"id": "SHOP_ID", "nam": "NAME"}, constants={"brth": 1})
    found = list(all_faults(HEADER, RULES, recipe))
    assert [each.column for each in found] == ["NAME", ""]
    (missing,) = all_faults(HEADER, RULES, ViewRecipe(columns={"id": "SHOPID"}))
    assert "did you mean `SHOP_ID`" in missing.message
    assert "did you mean" not in missing.outline
    (meaningless,) = all_faults(["id", "Zq7"], RULES, ViewRecipe())
    assert "Zq7" in meaningless.message
    assert meaningless.outline == "a column of the sheet has no meaning, or two have the same"
    assert list(all_faults(HEADER, RULES, RECIPE)) == []
    assert list(all_faults(["id", "name"], RULES, None)) == []
    with pytest.raises(InputRefused):
        columns(recipe)


def test_without_a_recipe_columns_are_what_they_were() -> None:
    assert type(sheet_columns(["id", "name"], RULES, None)) is SheetColumns
    assert type(object_columns(RULES, None)) is ObjectColumns
    assert isinstance(sheet_columns(HEADER, RULES, RECIPE), ViewedColumns)
    assert isinstance(object_columns(RULES, RECIPE), ViewedObjects)


def test_objects_ask_for_what_the_recipe_makes_of_them() -> None:
    objects = ViewedObjects(RECIPE, RULES)
    found = objects.read(ObjectRow(ref(1), {"STATUS": "A", "SHOP_ID": "x1", "PLATZ": "1.007", "NAME": "Anna"}))
    assert isinstance(found, UpdateJob)
    assert found.attributes == {"name": "Anna", "berth": 1007}
    assert found.columns[("berth",)] == "PLATZ"
    assert objects.faults(ObjectRow(ref(1), {"STATUS": "A", "SHOP_ID": "x1", "NAME": "Anna"})) == []


@pytest.mark.parametrize(
    ("members", "reason", "column"),
    [
        ({"STATUS": "B", "SHOP_ID": "x1"}, "filtered", ""),
        ({"STATUS": "A", "SHOP_ID": "x1", "PLATZ": "7.5"}, "wrong_notation", "PLATZ"),
        ({"STATUS": "A", "SHOP_ID": "x1", "NAME": 1}, "wrong_type", "NAME"),
    ],
)
def test_an_object_that_is_not_sent_is_told_in_its_own_names(
    members: dict[str, str | int], reason: str, column: str
) -> None:
    objects, one = ViewedObjects(RECIPE, RULES), ObjectRow(ref(1), dict(members))
    assert refused(objects.read(one)) == (reason, column)
    assert [refused(each) for each in objects.faults(one)] == [(reason, column)]


def test_texts_of_an_object_are_those_of_the_input() -> None:
    found = ViewedObjects(RECIPE, RULES).texts(ObjectRow(ref(1), {"NAME": "007", "PLATZ": 7}))
    assert found == {"NAME": "007"}


def test_an_object_has_the_record_that_the_view_names() -> None:
    objects = ViewedObjects(RECIPE, RULES)
    assert objects.record(ObjectRow(ref(1), {"STATUS": "A", "SHOP_ID": "x1"})) == "x1"
    assert objects.record(ObjectRow(ref(1), {"STATUS": "B", "SHOP_ID": "x1"})) == ""


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (("A", "x1", "7", "", "", ""), ("boats", "x1", "")),
        (("B", "x1", "7.5", "", "", ""), ("boats", "x1", "")),  # filtered, in another notation
        (("A", "", "7", "", "", ""), None),
        (("A", "x1"), None),
    ],
)
def test_a_row_that_is_not_sent_names_its_record_all_the_same(
    cells: tuple[str, ...], named: tuple[str, str, str] | None
) -> None:
    assert columns().named(row(*cells)) == named


def test_the_columns_in_which_a_row_says_something_have_the_names_of_the_view() -> None:
    assert columns().filled(row("A", "x1", "7", "", "", "k")) == ["id", "berth", "rig"]
    assert columns().filled(row("A", "x1")) == ["id"]


def test_an_object_names_its_record_unless_it_cannot_be_read() -> None:
    objects = ViewedObjects(RECIPE, RULES)
    assert objects.named(ObjectRow(ref(1), {"STATUS": "B", "SHOP_ID": "x1"})) == ("boats", "x1", "")
    assert objects.named(ObjectRow(ref(1), {"SHOP_ID": "x1", "PLATZ": "7.5"})) is None
    assert objects.named(ObjectRow(ref(1), {"STATUS": "A"})) is None
    assert objects.filled(ObjectRow(ref(1), {"SHOP_ID": "x1", "NAME": "", "PLATZ": None})) == ["SHOP_ID"]
