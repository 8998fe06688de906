"""What is in a sheet is on the wire, on the server, in the results, and in what is fed back: whatever saved it between.

The ways of saving are those of spreadsheet programs: other delimiters, encodings and line ends, everything quoted,
numbers and dates typed, a workbook. What such a program changes in the user's own cells is damage, and not undone here.
"""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from jobs.columns import RESERVED
from tests.system.e2e.sandbox_thread import Served, sandbox_in_thread
from worker.cli import run
from worker.sandbox import SandboxSettings, seeded_id

TYPE = "stripe_payments"
COUNT = 12
TEXTS = [
    "007",
    "1E10",
    "=1+1",
    "-1",
    "@a",
    "'x",
    "'=1",
    "''",
    " lead",
    "trail ",
    "a;b",
    "a,b",
    "a\tb",
    'q"q',
    "two\nlines",
    "TRUE",
]

Table = list[list[str]]
Save = Callable[[Table, Path], Path]


def as_csv(name: str, encoding: str, **dialect: Any) -> Save:
    def save(table: Table, folder: Path) -> Path:
        sheet = folder / name
        with sheet.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, **dialect).writerows(table)
        return sheet

    return save


def as_workbook(table: Table, folder: Path) -> Path:
    """The user's cells as text; those of the report as a program types them: numbers, a date, no text for nothing."""
    book = Workbook()
    page = book.active
    assert page is not None
    for line, row in enumerate(table, start=1):
        for column, (name, text) in enumerate(zip(table[0], row, strict=True), start=1):
            cell = page.cell(line, column)
            if line > 1 and name in {"__row", "__line", "__http", "__attempts"} and text:
                cell.value = int(text)
            elif line > 1 and name == "__at" and text:
                cell.value = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
            elif text:
                cell.value = text
                cell.data_type = "s"
    sheet = folder / "saved.xlsx"
    book.save(sheet)
    return sheet


SAVED: dict[str, Save] = {
    "as it is": as_csv("saved.csv", "utf-8-sig"),
    "LibreOffice": as_csv("saved.csv", "utf-8", lineterminator="\n", quoting=csv.QUOTE_ALL),
    "Excel, where a comma is decimal": as_csv("saved.csv", "utf-8-sig", delimiter=";"),
    "Excel, Unicode text": as_csv("saved.tsv", "utf-16", delimiter="\t"),
    "a workbook": as_workbook,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with sandbox_in_thread(SandboxSettings(seed=(f"{TYPE}={COUNT}",))) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWPATCH_TOKEN", served.token)
    monkeypatch.setenv("ROWPATCH_URL", served.url)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def apply(sheet: Path, directory: Path) -> int:
    return run(["apply", str(sheet), "--type", TYPE, "--run-dir", str(directory), "--rate", "none", "--no-progress"])


def notes(served: Served, texts: list[str]) -> list[object]:
    found = (served.resources[TYPE][seeded_id(TYPE, index)] for index in range(len(texts)))
    return [
        metadata.get("note") if isinstance(metadata := each.attributes["metadata"], dict) else None for each in found
    ]


def forget(served: Served) -> None:
    """As if nothing had been applied."""
    for key, record in served.resources[TYPE].items():
        served.resources[TYPE][key] = replace(record, attributes={**record.attributes, "metadata": {}})  # type: ignore[index]


def table_of(file: Path) -> Table:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def there_and_back(served: Served, texts: list[str], save: Save, folder: Path) -> None:
    forget(served)
    sheet = folder / "sheet.csv"
    rows = [[seeded_id(TYPE, index), text] for index, text in enumerate(texts)]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "metadata.note"], *rows])
    assert apply(sheet, folder / "one") == 0
    assert notes(served, texts) == texts

    told = table_of(folder / "one" / "results.csv")
    assert apply(save(told, folder), folder / "done") == 0  # nothing is left to do
    assert [row[:2] for row in table_of(folder / "done" / "results.csv")[1:]] == [["skipped", "already_done"]] * len(
        texts
    )

    forget(served)
    again = [told[0], *(["failed", "unreachable", *row[2:]] for row in told[1:])]
    assert apply(save(again, folder), folder / "two") == 0
    assert notes(served, texts) == texts
    behind = table_of(folder / "two" / "results.csv")
    assert [row[len(RESERVED) :] for row in behind] == [row[len(RESERVED) :] for row in told]


@pytest.mark.parametrize("way", SAVED)
def test_a_results_file_that_another_program_saved_is_fed_back_exactly(
    way: str, served: Served, tmp_path: Path
) -> None:
    there_and_back(served, TEXTS[:COUNT], SAVED[way], tmp_path)
    second = tmp_path / "second"
    second.mkdir()
    there_and_back(served, TEXTS[-COUNT:], SAVED[way], second)


def test_columns_of_the_report_may_be_taken_out_and_moved(served: Served, tmp_path: Path) -> None:
    forget(served)
    rows = [["'=1+1", "12", seeded_id(TYPE, 0)], ["''x", "13", seeded_id(TYPE, 1)]]
    sheet = as_csv("saved.csv", "utf-8")([["metadata.note", "__row", "id"], *rows], tmp_path)
    assert apply(sheet, tmp_path / "run") == 0
    assert notes(served, ["", ""]) == ["=1+1", "'x"]


any_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
workbook_text = any_text.filter(lambda text: not ILLEGAL_CHARACTERS_RE.search(text) and "\r" not in text)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(sorted(SAVED)))
def test_any_text_survives_sheet_wire_server_results_and_being_fed_back(
    served: Served, data: st.DataObject, way: str
) -> None:
    text = workbook_text if way == "a workbook" else any_text
    texts = data.draw(st.lists(text.filter(lambda each: each != "<clear>"), min_size=1, max_size=COUNT))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        there_and_back(served, texts, SAVED[way], Path(folder))
