import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter, quote_sheetname

from jobs.formats.addresses import cell_address, letters, text_address


@given(st.integers(0, 16_383))
def test_columns_have_the_names_that_spreadsheets_give_them(column: int) -> None:
    assert letters(column) == get_column_letter(column + 1)


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        ("Sheet1", "Sheet1!C118"),
        ("Données", "Données!C118"),  # letters of any script
        ("Q1.2024", "Q1.2024!C118"),
        ("_x", "_x!C118"),
        ("My sheet", "'My sheet'!C118"),
        ("It's", "'It''s'!C118"),  # an apostrophe is written twice
        ("2024", "'2024'!C118"),  # begins with a digit
        ("a-b", "'a-b'!C118"),
        ("A1", "'A1'!C118"),  # the name of a cell
        ("R1C1", "'R1C1'!C118"),  # of a cell in the other notation
        ("RC", "'RC'!C118"),
        ("c", "'c'!C118"),
        ("", "''!C118"),
    ],
)
def test_a_cell_is_named_as_a_formula_would_name_it(sheet: str, expected: str) -> None:
    assert cell_address(sheet, 2, 118) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_quoted_name_is_quoted_as_openpyxl_does(sheet: str) -> None:
    address = cell_address(sheet, 0, 1)
    assert address in {f"{sheet}!A1", f"{quote_sheetname(sheet)}!A1"}


def test_a_cell_of_a_text_file_is_named_by_line_and_column() -> None:
    assert text_address(2, 118, "reference") == "line 118, column 3 (reference)"
    assert text_address(0, 1) == "line 1, column 1"
