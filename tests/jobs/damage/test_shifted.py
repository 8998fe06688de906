"""Damage that shows only across columns, in objects, or in how a workbook stored its cells."""

import pytest

from jobs.damage import Column, Examination, Sign
from jobs.damage.examination import MAX_MEMBERS
from jobs.damage.shifted import ROWS_KEPT
from jobs.formats.stored import Kind, Stored
from jobs.model import RowRef

COLUMNS = [
    Column("id", "id", 0), Column("reference", "text", 1), Column("metadata.centre", "untyped", 2),
    Column("metadata.note", "untyped", 3), Column("metadata.count:int", "number", 4),
]  # fmt: skip
CLEAN = [["ZfiCcmIvub", f"inv-{row}", f"{row:03}", "some prose", str(row)] for row in range(20)]
TEXT = Stored(Kind.TEXT)
NUMBER = Stored(Kind.NUMBER)
ZIP = Stored(Kind.NUMBER, "00000")
DATE = Stored(Kind.DATE, "d-mmm")


def ref(row: int) -> RowRef:
    return RowRef(row, row + 1, b"")


def of_rows(rows: list[list[str]]) -> dict[str, Sign]:
    examination = Examination(COLUMNS, ten_letter_ids=True)
    examination.see_rows([ref(row) for row, _ in enumerate(rows, 1)], rows)
    return {sign.code: sign for sign in examination.signs()}


@pytest.mark.parametrize(
    "row",
    [
        ["ZfiCcmIvub", "", "inv-7", "007", "some prose"],  # one cell inserted: moved to the right
        ["inv-7", "007", "some prose", "7", ""],  # one cell deleted: moved to the left
    ],
)
def test_a_shifted_row_is_found_by_its_neighbours(row: list[str]) -> None:
    sign = of_rows([*CLEAN, row])["shifted_row"]
    assert (sign.count, sign.examples[0].ref.line, sign.column.position) == (1, 22, -1)
    assert not sign.matches("inv-7")  # it is the row that is one, not a cell


@pytest.mark.parametrize(
    "row",
    [
        CLEAN[3],
        ["ZfiCcmIvub", "", "", "some prose", "7"],  # gaps are no shift
        ["ZfiCcmIvub", "see above", "000", "some prose", "7"],  # one cell of another kind
        ["ZfiCcmIvub", "see above", "n/a", "some prose", "7"],  # two, but not of their neighbours' kind
        ["#1 comment", "x", "y z", "1", "a"],  # a mess
        ["inv-7", "inv-8", "some prose", "some prose", "7"],  # two that fit their neighbours, one between that does not
    ],
)
def test_a_row_that_is_only_odd_is_not_called_shifted(row: list[str]) -> None:
    assert "shifted_row" not in of_rows([*CLEAN, row])


def test_a_small_sheet_has_no_usual_row_to_compare_with() -> None:
    assert "shifted_row" not in of_rows([*CLEAN[:5], ["ZfiCcmIvub", "", "inv-7", "007", "some prose"]])


def test_shifted_rows_beyond_a_bound_are_only_counted() -> None:
    examination = Examination(COLUMNS, ten_letter_ids=True)
    examination.see_rows([ref(row) for row in range(200_000)], CLEAN * 10_000)
    shifted = ["ZfiCcmIvub", "", "inv-7", "007", "some prose"]
    examination.see_rows([ref(row) for row in range(200_000, 211_000)], [shifted] * 11_000)
    (sign,) = [sign for sign in examination.signs() if sign.code == "shifted_row"]
    assert (sign.count, len(examination.shifted), len(sign.examples)) == (11_000, ROWS_KEPT, 3)


def test_batches_add_up() -> None:
    rows = [*CLEAN, ["abc", " x", "7", "MÃ¼", "1"], ["abd", " y", "8", "Ã¼", "2"]]
    whole = of_rows(rows)
    examination = Examination(COLUMNS, ten_letter_ids=True)
    for row, cells in enumerate(rows, 1):
        examination.see_rows([ref(row)], [cells])
    by_row = {sign.code: sign for sign in examination.signs()}
    assert {code: (sign.count, sign.examples) for code, sign in by_row.items()} == {
        code: (sign.count, sign.examples) for code, sign in whole.items()
    }
    assert whole.keys() >= {"id_unusual", "spaces_around", "leading_zeros_lost", "mojibake"}


def test_no_row_is_no_damage() -> None:
    examination = Examination(COLUMNS, ten_letter_ids=True)
    examination.see_rows([], [])
    assert examination.signs() == []


def test_members_of_objects_are_columns_by_their_names() -> None:
    examination = Examination(ten_letter_ids=True)
    examination.see_objects(
        [ref(1), ref(2)], [{"id": "12", "reference": "NULL"}, {"reference": " x", "metadata.a": "Ã¼"}]
    )
    found = {(sign.code, sign.column.label): [each.ref.row for each in sign.examples] for sign in examination.signs()}
    assert found == {
        ("id_unusual", "id"): [1],
        ("null_word", "reference"): [1],
        ("spaces_around", "reference"): [2],
        ("mojibake", "metadata.a"): [2],
    }


def test_objects_with_ever_new_names_take_no_more_memory() -> None:
    examination = Examination(ten_letter_ids=True)
    examination.see_objects(
        [ref(row) for row in range(MAX_MEMBERS + 500)], [{f"key{row}": " x"} for row in range(MAX_MEMBERS + 500)]
    )
    examination.see_objects([ref(9999)], [{"key1": " y"}])  # one that is known already
    assert (len(examination.signs()), sum(sign.count for sign in examination.signs())) == (MAX_MEMBERS, MAX_MEMBERS + 1)


def of_stored(cells: list[tuple[str, Stored]], label: str = "reference") -> dict[str, tuple[int, list[str]]]:
    column = Column(label, "untyped", 0)
    examination = Examination([column], ten_letter_ids=True)
    refs = [ref(row) for row, _ in enumerate(cells, 1)]
    examination.see_rows(refs, [[cell] for cell, _ in cells], [[how] for _, how in cells])
    found = {}
    for sign in examination.signs():
        assert sign.stored is not None
        matching = [cell for cell, how in cells if sign.stored(cell, how)]
        assert len(matching) == sign.count
        assert not any(sign.matches(cell) for cell, _ in cells)
        found[sign.code] = (sign.count, [each.cell for each in sign.examples])
    return found


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        # a number that is shown as 00123
        ([("123", ZIP), ("12345", ZIP)], {"leading_zeros_lost": (1, ["123"])}),
        # in groups, behind a text, and with another format for what is below zero
        (
            [("123", Stored(Kind.NUMBER, "000-00-0000")), ("7", Stored(Kind.NUMBER, '"INV-"000;@'))],
            {"leading_zeros_lost": (2, ["123", "7"])},
        ),
        # decimals, and digits that are shown only where they are
        ([("7", Stored(Kind.NUMBER, "0.00")), ("7", Stored(Kind.NUMBER, "##0")), ("7", Stored(Kind.NUMBER, "0"))], {}),
        # the spreadsheet shows 50%
        ([("0.5", Stored(Kind.NUMBER, "0%")), ("5", Stored(Kind.NUMBER, '0" %"'))], {"percent_sign": (1, ["0.5"])}),
        # as long as a number can be
        ([("9" * 300, NUMBER)], {"digits_lost": (1, [f"{'9' * 79}…"])}),
        # the format says nothing about zeros
        ([("123", NUMBER), ("12345", NUMBER)], {}),
        # more digits than a number has
        ([("1234567890123456", NUMBER)], {"digits_lost": (1, ["1234567890123456"])}),
        ([("1234567890123456", TEXT)], {}),
        # a date among texts
        ([("2026-03-01", DATE), ("MAR2", TEXT)], {"date_for_code": (1, ["2026-03-01"])}),
        # a column of dates
        ([("2026-03-01", DATE), ("2026-03-02", DATE), ("?", TEXT)], {}),
        # some codes are numbers
        ([("7", NUMBER), ("008", TEXT), ("9", TEXT)], {"mixed_types": (1, ["7"])}),
        # more of them than examples are kept
        ([("7", NUMBER)] * 5 + [("8", TEXT)] * 5, {"mixed_types": (5, ["7", "7", "7"])}),
        # numbers among words
        ([("7", NUMBER), ("tbd", TEXT), ("", Stored(Kind.EMPTY)), ("", TEXT)], {}),
    ],
)
def test_damage_that_only_the_workbook_knows(
    cells: list[tuple[str, Stored]], found: dict[str, tuple[int, list[str]]]
) -> None:
    assert of_stored(cells) == found


@pytest.mark.parametrize(
    ("formats", "formula"),
    [
        (["000"], '=TEXT(C2,"000")'),
        (["000", "00000", "00000"], '=TEXT(C2,"00000")'),  # the most frequent one
        (['"INV-"000'], '=TEXT(C2,"""INV-""000")'),
        (['"' + "x" * 60 + '"000'], '=TEXT(C2,"000")'),  # too long to repeat
        ([f"000{'-' * each}" for each in range(150)], '=TEXT(C2,"000")'),
    ],
)
def test_the_way_back_to_zeros_of_a_number_format_is_a_formula(formats: list[str], formula: str) -> None:
    examination = Examination([Column("metadata.code", "untyped", 2)], ten_letter_ids=True)
    refs = [RowRef(row, row + 1, b"") for row, _ in enumerate(formats, 1)]
    stored = [[NUMBER, NUMBER, Stored(Kind.NUMBER, code)] for code in formats]
    examination.see_rows(refs, [["", "", "7"]] * len(formats), stored)
    (sign,) = examination.signs()
    assert f"from row 2 down: {formula}. Copy it, and paste it over column C" in sign.action


def test_a_date_in_a_column_of_dates_is_none_of_a_code() -> None:
    assert of_stored([("2026-03-01", DATE), ("soon", TEXT)], "metadata.ship_date") == {}


def test_how_a_number_was_stored_does_not_matter_where_numbers_belong() -> None:
    examination = Examination([Column("metadata.n:int", "number", 0)], ten_letter_ids=True)
    examination.see_rows([ref(1)], [["123"]], [[ZIP]])
    assert examination.signs() == []


def test_the_same_damage_is_told_once() -> None:
    """What the workbook knows for certain comes before what the texts suggest."""
    examination = Examination([Column("reference", "text", 0)], ten_letter_ids=True)
    cells = [("00123", TEXT), ("00124", TEXT), ("125", ZIP), ("7", TEXT)]
    examination.see_rows([ref(row) for row in range(4)], [[cell] for cell, _ in cells], [[how] for _, how in cells])
    assert [(sign.code, sign.count) for sign in examination.signs()] == [("leading_zeros_lost", 1)]
