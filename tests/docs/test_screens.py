"""The pictures of the display are those that the program draws today, small, and without anything of others."""

from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.docs.documents import read
from tests.docs.screens import COLUMNS, FOLDER, pictures, screens

DRAWN = pictures()


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_a_picture_is_what_the_program_shows(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == DRAWN[path]
    assert len(DRAWN[path]) < 20_000
    assert "url(h" not in DRAWN[path]
    assert "href" not in DRAWN[path]


def test_there_is_no_other_picture_and_the_document_shows_every_state() -> None:
    assert set(FOLDER.iterdir()) == set(DRAWN)
    assert [state for state in screens(80) if f"screens/{state}-80.svg" not in read("docs/display.md")] == []


@pytest.mark.parametrize("columns", COLUMNS)
def test_every_line_of_the_display_fits(columns: int) -> None:
    drawn = {state: lines for state, lines in screens(columns).items() if state != "done"}
    assert all(sum(cell_len(text) for text, _ in line) < columns for lines in drawn.values() for line in lines)
