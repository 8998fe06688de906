"""The apostrophes that guard cells against being read as formulas, put on and taken off again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.formats.quoting import RISKY, all_quoted, quoted, unquoted

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ODD = st.text(alphabet="a ,;\"=+-@\t\r\n'", max_size=8)
CELL = TEXT | st.builds(str.__add__, st.sampled_from(sorted(RISKY)), TEXT) | st.sampled_from(["''", "'=", "'x", "'"])


@given(CELL)
def test_a_quoted_cell_is_never_a_formula_and_comes_back_exactly(cell: str) -> None:
    assert not quoted(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert unquoted(quoted(cell)) == cell


@pytest.mark.parametrize("cell", ["", "a=1", " =1", "7", "a'", "\u00e9"])
def test_a_harmless_cell_is_left_alone(cell: str) -> None:
    assert quoted(cell) == cell == unquoted(cell)


@pytest.mark.parametrize("cell", ["a\r\nb", "a\t\tb", "a; b", "a;b", "a\n\nb", "a,-b", "a -b"])
def test_lines_and_lists_are_left_as_they_are(cell: str) -> None:
    assert quoted(cell) == cell == unquoted(cell)


@pytest.mark.parametrize("typed", ["'x", "'", "' =1", "'7"])
def test_an_apostrophe_that_no_report_wrote_is_left_alone(typed: str) -> None:
    assert unquoted(typed) == typed


@given(st.lists(CELL | ODD))
def test_all_cells_are_quoted_as_each_is_and_come_back(cells: list[str]) -> None:
    assert all_quoted(cells) == [quoted(cell) for cell in cells]
    assert [unquoted(quoted(cell)) for cell in cells] == cells


@pytest.mark.parametrize(
    ("cell", "held"),
    [("a", "a"), ("a;=b", "a;'=b"), ("a\t+b", "a\t'+b"), ("a\n-b", "a\n'-b"), ("a\r@b", "a\r'@b")],
)
def test_among_many_cells_each_place_at_which_one_may_be_parted_is_guarded(cell: str, held: str) -> None:
    assert all_quoted(["=1", cell, "'", ""]) == ["'=1", held, "''", ""]
