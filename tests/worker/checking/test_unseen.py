"""What a workbook hides is said with counts, listed cell by cell, and left out on request."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.formats.xlsx import grid
from jobs.model import Unsendable, UpdateJob
from tests.jobs.formats.workbooks import parts, text, zipped
from tests.schemas import SCHEMA
from worker.checking import Checked, check, findings, tell, tell_in_short
from worker.files import source
from worker.settings import Input

TYPE = "stripe_payments"
HEAD = ("id", "reference", "metadata.a", "metadata.b")
LETTERS = "ABCD"


def key(row: int) -> str:
    return f"Zfi{'abcdefghij'[row // 10]}CmIv{'abcdefghij'[row % 10]}b"


def row_of(line: int, cells: list[str], *, hidden: bool = False) -> str:
    markup = "".join(text(f"{LETTERS[index]}{line}", cell) for index, cell in enumerate(cells) if cell)
    return f'<row r="{line}"{" hidden=" + chr(34) + "1" + chr(34) if hidden else ""}>{markup}</row>'


def workbook(folder: Path, rows: str, merged: tuple[str, ...] = (), hidden_columns: str = "") -> Path:
    after = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    made = parts(row_of(1, list(HEAD)) + rows, after=f"<mergeCells>{after}</mergeCells>" if after else "")
    name = "xl/worksheets/sheet1.xml"
    if hidden_columns:
        first, _, last = hidden_columns.partition("-")
        made[name] = made[name].replace(
            "<sheetData>", f'<cols><col min="{first}" max="{last or first}" hidden="1"/></cols><sheetData>'
        )
    path = folder / "sheet.xlsx"
    path.write_bytes(zipped(made).getvalue())
    return path


def how(path: Path, *, visible_only: bool = False) -> Input:
    return source.resolve_options(path, Input(source=str(path), format="xlsx", visible_only=visible_only))


def counted(found: Checked) -> dict[tuple[str, str], int]:
    return {(group.code, group.column): group.count for group in found.warnings if group.code != "duplicate_id"}


def listed(path: Path, found: Checked, read: Input) -> Counter[tuple[str, str]]:
    return Counter((each.group.code, each.group.column) for each in findings(found, path, read, TYPE, SCHEMA))


def test_hidden_rows_and_columns_are_said_with_counts_and_places(tmp_path: Path) -> None:
    rows = "".join(row_of(line, [key(line), "r", "a", "b"], hidden=line % 5 > 0) for line in range(2, 32))
    path = workbook(tmp_path, rows, hidden_columns="3-4")
    found = check(path, how(path), TYPE, SCHEMA)
    told = tell(found, "sheet.xlsx", "rowpatch check sheet.xlsx")
    assert "24 of 30 rows are hidden; they are sent too" in told
    assert "2 of 4 columns are hidden; their cells are sent too" in told
    assert "S!A2\n  S!A3\n  S!A4\n  and 21 more" in told
    assert "S!C1: metadata.a" in told
    assert "pass --visible-only" in told
    short = tell_in_short(found, "rowpatch check sheet.xlsx")
    assert "24 of 30 rows are hidden; they are sent too" in short
    assert "2 of 4 columns are hidden" in short
    assert listed(path, found, how(path)) == {("hidden_row", ""): 24, ("hidden_column", ""): 2}


def test_one_is_said_as_one(tmp_path: Path) -> None:
    path = workbook(tmp_path, row_of(2, [key(2), "r", "a"], hidden=True), hidden_columns="3")
    told = tell(check(path, how(path), TYPE, SCHEMA), "sheet.xlsx", "")
    assert "1 of 1 rows is hidden; it is sent too" in told
    assert "1 of 4 columns is hidden; its cells are sent too" in told


def test_hidden_ids_are_meant(tmp_path: Path) -> None:
    path = workbook(tmp_path, row_of(2, [key(2), "r"]), hidden_columns="1")
    assert check(path, how(path), TYPE, SCHEMA).warnings == []
    assert [job.id for job in jobs(path, how(path, visible_only=True)) if isinstance(job, UpdateJob)] == [key(2)]


def test_hidden_rows_that_are_not_sent_are_not_counted(tmp_path: Path) -> None:
    rows = row_of(2, ["#", "r"], hidden=True) + row_of(3, ["a b", "r"], hidden=True) + row_of(4, [key(4), "r"])
    path = workbook(tmp_path, rows)
    assert ("hidden_row", "") not in counted(check(path, how(path), TYPE, SCHEMA))


def test_cells_under_a_merged_one_are_said_for_each_column(tmp_path: Path) -> None:
    rows = row_of(2, [key(2), "r2", "B1"]) + row_of(4, [key(4), "r4"]) + row_of(5, [key(5), "", "", "x"])
    path = workbook(tmp_path, rows, merged=("C2:C5", "B4:C4", "A9:B9", "odd"))
    found = check(path, how(path), TYPE, SCHEMA)
    (group,) = [each for each in found.warnings if each.column == "metadata.a"]
    assert (group.code, group.count) == ("merged_cells", 2)  # line 3 stores nothing, and is no row
    assert [(each.ref.row, each.ref.line, each.message) for each in group.spots] == [
        (2, 4, "under C2:C5"),
        (3, 5, "under C2:C5"),
    ]
    assert group.evidence == "2 merged cells cover the column; 1 of the sheet's were not looked at"
    assert "Sheet" not in tell(found, "sheet.xlsx", "")
    assert "S!C4 (under C2:C5)" in tell(found, "sheet.xlsx", "")


def test_a_row_that_asks_for_nothing_because_of_a_merged_cell_is_named(tmp_path: Path) -> None:
    rows = row_of(2, [key(2), "r2"]) + row_of(3, [key(3)])
    path = workbook(tmp_path, rows, merged=("B2:B3",))
    found = check(path, how(path), TYPE, SCHEMA)
    assert found.skipped == {"nothing_to_change": 1}
    assert counted(found) == listed(path, found, how(path)) == {("merged_cells", "reference"): 1}


def jobs(path: Path, read: Input) -> list[UpdateJob | Unsendable]:
    with source.opened(path) as stream:
        return list(source.jobs(stream, read, TYPE, SCHEMA, lambda _: True))


def test_visible_only_skips_hidden_rows_and_empties_hidden_columns(tmp_path: Path) -> None:
    rows = (
        row_of(2, [key(2), "r2", "a", "b"], hidden=True)
        + row_of(3, [key(3), "r3", "a", "b"])
        + row_of(4, [key(4), "", "a", ""])
        + '<row r="5">' + text("A5", key(5)) + text("B5", "r5") + '<c r="C5" t="e"><v>#N/A</v></c></row>'
    )  # fmt: skip
    path = workbook(tmp_path, rows, hidden_columns="3", merged=("B1:B2",))
    read = how(path, visible_only=True)
    hidden, sent, nothing, erroneous = jobs(path, read)
    assert isinstance(hidden, Unsendable)
    assert isinstance(nothing, Unsendable)
    assert (hidden.reason, nothing.reason) == ("hidden", "nothing_to_change")
    assert isinstance(sent, UpdateJob)
    assert (sent.attributes, sent.members) == ({"reference": "r3"}, {"metadata": {"b": "b"}})
    assert isinstance(erroneous, UpdateJob)  # the error stands in a column that is left out
    found = check(path, read, TYPE, SCHEMA)
    assert (found.rows, found.sendable, found.skipped) == (4, 2, {"hidden": 1, "nothing_to_change": 1})
    assert counted(found) == listed(path, found, read) == {}


RANGES = st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from(["", "x"])), min_size=1, max_size=12),
    ranges=st.lists(RANGES, max_size=5),
    hidden_columns=st.sampled_from(["", "2", "3-4", "1-4"]),
    visible_only=st.booleans(),
)  # fmt: skip
def test_the_list_has_what_the_groups_count_whatever_is_hidden_or_merged(
    lines: list[tuple[bool, bool, str]],
    ranges: list[tuple[int, int, int, int]],
    hidden_columns: str,
    visible_only: bool,
    tmp_path: Path,
) -> None:
    rows = "".join(
        row_of(line, [key(line), cell, cell, ""], hidden=hidden)
        for line, (there, hidden, cell) in enumerate(lines, 2)
        if there
    )
    taken: set[tuple[int, int]] = set()
    merged = []
    for top, left, height, width in ranges:
        right = min(left + width, 3)
        cells = {(line, column) for line in range(top, top + height + 1) for column in range(left, right + 1)}
        if len(cells) > 1 and not cells & taken:  # merged cells do not overlap
            taken |= cells
            merged.append(f"{LETTERS[left]}{top}:{LETTERS[right]}{top + height}")
    path = workbook(tmp_path, rows, tuple(merged), hidden_columns)
    read = how(path, visible_only=visible_only)
    found = check(path, read, TYPE, SCHEMA)
    assert listed(path, found, read) == Counter({(group.code, group.column): group.count for group in found.groups()})
    made = jobs(path, read)
    assert found.rows == len(made) == sum(there for there, _, _ in lines)
    assert found.skipped["hidden"] == sum(isinstance(job, Unsendable) and job.reason == "hidden" for job in made)


def test_merged_ranges_are_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MAX_COVERED", 3)
    path = workbook(tmp_path, row_of(2, [key(2), "r"]), merged=("B1:B2", "C1:D2", "A1:B2"))
    found = check(path, how(path), TYPE, SCHEMA)
    (group, *_) = [each for each in found.warnings if each.column == "reference"]
    assert group.evidence == "1 merged cell covers the column; 1 of the sheet's were not looked at"
