"""A recipe shows the rows of an input in the columns of the API; whose row it is stays what it was."""

from dataclasses import replace

import pytest

from jobs.formats import COMMON_KEYS, InputRefused, Keys
from jobs.formats.quoting import quoted
from jobs.formats.stored import NOTHING, DamagedRow, Fault, Kind, Stored, WorkbookRow
from jobs.model import JSON, ObjectRow, RowRef, SheetRow, Unsendable
from jobs.reasons import REASONS
from jobs.recipe.view import ObjectView, SheetView, own_keys
from jobs.recipe.view_model import ColumnRecipe, ViewRecipe

HEADER = ["STATUS", "SHOP_ID", "PREIS", "AB", "AKTIV", "NOTIZ"]
RECIPE = ViewRecipe(
    columns={
        "id": "SHOP_ID",
        "amount_cents": ColumnRecipe(column="PREIS", decimal=",", times=100),
        "metadata.from": ColumnRecipe(column="AB", date="%d.%m.%Y"),
        "metadata.on:bool": ColumnRecipe(column="AKTIV", map={"Ja": True, "Nein": False}),
        "metadata.note": ColumnRecipe(column="NOTIZ", empty="clear"),
    },
    constants={"metadata.source": "erp"},
    filter={"STATUS": ("A", "B")},
)
REF = RowRef(3, 4, b"12345678")


def row(*cells: str) -> SheetRow:
    return SheetRow(REF, list(cells))


def view(recipe: ViewRecipe = RECIPE, header: list[str] | None = None) -> SheetView:
    return SheetView(recipe, header or HEADER, "<clear>")


def test_columns_get_the_names_and_the_order_of_the_recipe() -> None:
    assert view().header == [
        "id", "amount_cents", "metadata.from", "metadata.on:bool", "metadata.note", "metadata.source",
    ]  # fmt: skip
    assert view().sources == [1, 2, 3, 4, 5, -1]


def test_cells_are_put_in_plain_notation_and_the_row_stays_itself() -> None:
    found = view().row(row("A", "x1", "12,50", "31.01.2026", "Ja", "text"))
    assert found == SheetRow(REF, ["x1", "1250", "2026-01-31", "true", "text", "erp"])


def test_an_empty_or_clearing_cell_has_no_notation() -> None:
    found = view().row(row("A", "x1", "", "<clear>", "", ""))
    assert found == SheetRow(REF, ["x1", "", "<clear>", "", "", "erp"])


def test_a_cell_in_another_notation_is_a_fault_of_that_cell() -> None:
    found = view().row(row("A", "x1", "12.50", "2026-01-31", "Ja", ""))
    assert isinstance(found, DamagedRow)
    assert found.cells == ["x1", "12.50", "2026-01-31", "true", "", "erp"]
    assert [(each.column, each.reason) for each in found.faults] == [(1, "wrong_notation"), (2, "wrong_notation")]
    assert "needs a number such as 1234,50" in found.faults[0].message


def test_the_filter_takes_rows_by_what_a_cell_says() -> None:
    assert view().takes(row("A", "", "", "", "", ""))
    assert not view().takes(row("C", "", "", "", "", ""))
    assert view().takes(row("C"))  # a torn row is not skipped in silence
    assert view(RECIPE.model_copy(update={"filter": {}})).takes(row("C", "", "", "", "", ""))


def test_a_row_of_another_length_is_left_as_it_is() -> None:
    assert view().row(row("A", "x1")) == row("A", "x1")


def test_empty_cells_clear_where_the_recipe_says_so() -> None:
    found = view().row(row("A", "x1", "", "", "", ""))
    assert view().emptied(found) == (4,)
    assert view().cleared(found, (4,)).cells == ["x1", "", "", "", "<clear>", "erp"]
    assert view().emptied(view().row(row("A", "x1", "", "", "", "text"))) == ()


def test_what_names_the_record_is_never_cleared() -> None:
    recipe = ViewRecipe(columns={"a": "A", "b": "B", "type": "T", "c": "C"}, key=("a", "b"), empty="clear")
    found = view(recipe, ["A", "B", "C", "T"])
    assert found.emptied(found.row(row("", "", "", ""))) == (3,)


def test_without_columns_all_are_taken_but_those_ignored() -> None:
    found = view(ViewRecipe(ignore=("Remark",), constants={"c": 1, "d": True}), ["id", "Remark", "x"])
    assert found.header == ["id", "x", "c", "d"]
    assert found.row(row("1", "r", "2")).cells == ["1", "2", "1", "true"]


def test_columns_of_a_results_file_come_along_and_its_guards_stay() -> None:
    found = view(RECIPE, ["__status", "__reason", *map(quoted, HEADER)])
    assert found.header[:3] == ["__status", "__reason", "id"]
    cells = list(map(quoted, ["rejected", "validation", "A", "x1", "-12,50", "", "", "=a"]))
    assert cells[4] == "'-12,50"
    assert found.takes(row(*cells))
    assert found.row(row(*cells)).cells == ["rejected", "validation", "x1", "'-1250", "", "", "'=a", "erp"]


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (ViewRecipe(columns={"id": "SHOPID"}), "did you mean `SHOP_ID`? Name it so in [columns]"),
        (ViewRecipe(columns={"id": "xyzzy"}), "no column `xyzzy`, which the recipe names in [columns]: take it out"),
        (ViewRecipe(filter={"STATIS": ("A",)}), "did you mean `STATUS`? Name it so in [filter]"),
        (ViewRecipe(ignore=("NOTITZ",)), "did you mean `NOTIZ`? Name it so in ignore"),
        (ViewRecipe(constants={"PREIS": 1}), "sets `PREIS` to a constant, and the sheet has a column for it"),
    ],
)
def test_a_header_that_does_not_fit_the_recipe_is_refused(recipe: ViewRecipe, said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        view(recipe)
    assert said in str(refused.value)


def test_of_a_header_that_is_not_there_the_outline_names_the_columns_of_the_recipe_alone() -> None:
    recipe = ViewRecipe(columns={"id": "NAME", "name": "ID"}, filter={"ST": ("A",)}, ignore=("X",))
    with pytest.raises(InputRefused) as refused:
        SheetView(recipe, ["x1", "NAMES", "A", "X"], "<clear>")
    assert "did you mean" in str(refused.value)
    assert refused.value.outline == "the sheet lacks 3 of the 4 columns that the recipe names: `NAME`, `ID`, `ST`"


def test_a_header_that_has_half_of_the_columns_is_one_and_its_names_are_told() -> None:
    with pytest.raises(InputRefused) as refused:
        SheetView(ViewRecipe(columns={"id": "ID", "name": "NAME"}), ["ID", "NAMES"], "<clear>")
    assert "did you mean `NAMES`" in refused.value.outline


def test_a_workbooks_numbers_and_dates_have_one_form_in_every_country() -> None:
    number, date, text = Stored(Kind.NUMBER), Stored(Kind.DATE), Stored(Kind.TEXT)
    cells = ["A", "x1", "1.234", "2026-01-31", "Ja", ""]
    found = view().row(WorkbookRow(REF, cells, [text, text, number, date, text, NOTHING], hidden=True))
    assert isinstance(found, WorkbookRow)
    assert found.cells == ["x1", "123.4", "2026-01-31", "true", "", "erp"]
    assert found.stored == [text, number, date, text, NOTHING]
    assert (found.hidden, found.faults) == (True, [])
    typed = view().row(WorkbookRow(REF, cells, [text] * 6))
    assert isinstance(typed, WorkbookRow)
    assert [each.column for each in typed.faults] == [1, 2]


def test_faults_go_with_the_columns_that_are_taken() -> None:
    faults = [Fault(0, "cell_error", "x"), Fault(5, "cell_error", "y"), Fault(2, "cell_error", "z")]
    found = view().row(DamagedRow(REF, ["A", "x1", "#N/A", "", "", "#N/A"], faults))
    assert isinstance(found, DamagedRow)
    assert [(each.column, each.message) for each in found.faults] == [(1, "z"), (4, "y")]
    twice = view(ViewRecipe(columns={"id": "A", "b": "A"}), ["A"])
    found = twice.row(DamagedRow(REF, ["x"], [Fault(0, "cell_error", "x")]))
    assert isinstance(found, DamagedRow)
    assert [each.column for each in found.faults] == [0, 1]


def test_a_refusal_names_the_users_own_column() -> None:
    refused = Unsendable(REF, "wrong_type", "`amount_cents`: needs a number", "amount_cents", "x")
    assert view().own(refused) == replace(refused, message="`PREIS`: needs a number", column="PREIS")
    assert view().own(replace(refused, message="something else")).message == "something else"
    of_constant = replace(refused, column="metadata.source")
    assert view().own(of_constant) == of_constant


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        ({}, COMMON_KEYS),
        ({"id": "SHOP_ID"}, Keys(("SHOP_ID",), (), "")),
        ({"reference": "REF", "type": "ART"}, Keys((), ("REF",), "ART")),
    ],
)
def test_the_header_is_found_by_the_users_own_names(columns: dict[str, str], keys: Keys) -> None:
    assert own_keys(ViewRecipe(columns=columns), COMMON_KEYS) == keys


def members(**values: JSON) -> ObjectRow:
    return ObjectRow(REF, values)


def test_members_of_objects_are_renamed_and_put_in_plain_notation() -> None:
    found = ObjectView(RECIPE).row(members(STATUS="A", SHOP_ID="x1", PREIS="12,50", AKTIV="Nein", AB=None, other=1))
    assert found == ObjectRow(
        REF,
        {"id": "x1", "amount_cents": 1250, "metadata.from": None, "metadata.on:bool": False, "metadata.source": "erp"},
    )


def test_a_member_in_another_notation_refuses_its_row() -> None:
    found = ObjectView(RECIPE).row(members(SHOP_ID="x1", AB="2026-01-31"))
    assert isinstance(found, Unsendable)
    assert (found.reason, found.column, found.cell) == ("wrong_notation", "AB", "2026-01-31")
    assert found.message.startswith("`AB`: needs a date such as 31.01.2026")


def test_objects_are_filtered_and_their_members_ignored() -> None:
    found = ObjectView(ViewRecipe(filter={"n": ("1", "true")}, ignore=("n",), constants={"c": 1}))
    assert [found.takes(members(n=each)) for each in (1, True, "1", 2, None, [1])] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert not found.takes(members())
    assert found.row(members(n=1, __status="failed", x=2)) == members(__status="failed", x=2, c=1)
    assert ObjectView(RECIPE).row(members(__status="failed")) == members(
        **{"__status": "failed", "metadata.source": "erp"}
    )
    refused = Unsendable(REF, "wrong_type", "`id`: x", "id", "x")
    assert ObjectView(RECIPE).own(refused).column == "SHOP_ID"


def test_a_refusal_about_nobody_knows_which_cell_may_quote_a_private_one() -> None:
    refused = Unsendable(REF, "bad_json", "line 2, character 7: s3cret", "", "s3cret")
    private = ObjectView(ViewRecipe(columns={"id": "ID", "code": ColumnRecipe(column="CODE", private=True)}))
    assert private.own(refused) == Unsendable(REF, "bad_json", REASONS["bad_json"].meaning)
    assert ObjectView(ViewRecipe(columns={"id": "ID", "code": "CODE"})).own(refused) is refused


def test_a_refusal_of_a_private_cell_does_not_show_it() -> None:
    view = ViewRecipe(columns={"id": "ID", "code": ColumnRecipe(column="CODE", private=True), "name": "NAME"})
    for seen in (SheetView(view, ["ID", "CODE", "NAME"]), ObjectView(view)):
        for column in ("code", "CODE"):
            refused = seen.own(Unsendable(REF, "wrong_type", f"`{column}`: 's3cret' is no number", column, "s3cret"))
            assert refused == Unsendable(REF, "wrong_type", REASONS["wrong_type"].meaning, "CODE")
        assert seen.own(Unsendable(REF, "wrong_type", "`name`: 'x'", "name", "x")).cell == "x"
