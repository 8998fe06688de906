"""The descriptions of the strangers can be read, and what their sheets set is what their columns say."""

from pathlib import Path

import pytest

from jobs.apis.description.loading import load
from tests.system.strangers import items
from tests.system.strangers.items import Habits

FILES = sorted(Path(__file__).with_name("descriptions").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_description_can_be_read(path: Path) -> None:
    assert load(path.read_text(encoding="utf-8"), str(path)).verified


def test_a_sheet_has_a_cell_for_every_column_and_wants_nothing_of_an_empty_one() -> None:
    sheet = items.sheet("items", [str(place) for place in range(60)], "nobody", Habits())
    assert {len(row) for row in sheet.rows} == {len(sheet.header)}
    assert len(sheet.rows) == len(sheet.aims) > 60
    note = sheet.header.index("note")
    assert all((("note",) in aim.sets) == bool(row[note]) for row, aim in zip(sheet.rows, sheet.aims, strict=True))
