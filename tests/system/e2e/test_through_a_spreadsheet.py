"""A failed file that a spreadsheet has opened and saved: what it made of the cells is said before anything is sent."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import JSON_API, Answer, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run

IDS = [f"ZfiCcmIvu{letter}" for letter in "abcde"]
HEADER = ("id", "metadata.code", "metadata.long", "metadata.part", "metadata.note", "metadata.n:int")
ROWS = [
    (IDS[0], "007", "12345678901234567890", "3/4", "=1+1", "7"),
    (IDS[1], "008", "94001118992231974284", "MAR1", "x;=1+1", "8"),
    (IDS[2], "009", "17", "A-1", "true", "9"),
]
SAVED = {
    "007": "7", "008": "8", "009": "9", "12345678901234567890": "1.23456789012346E+019",
    "94001118992231974284": "9.4001118992232E+019", "3/4": "03/04/26", "true": "TRUE",
}  # fmt: skip
"""What LibreOffice makes of these cells; `python -m tests.system.sheets.libreoffice` has it done by itself."""

FLAGS = ["--type", "stripe_payments", "--no-progress"]
REFUSAL = Answer(422, json.dumps({"errors": [{"title": "no", "code": "VALIDATION_ERROR"}]}).encode(), JSON_API)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SmallApi]:
    monkeypatch.chdir(tmp_path)
    api = SmallApi("stripe_payments")
    api.records = {each: {"metadata": {}} for each in IDS}
    api.refuses = dict.fromkeys(IDS, REFUSAL)
    with scripted_server(api) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
        yield api


def failed_once(name: str = "sheet.csv") -> None:
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *ROWS])
    assert run(["apply", name, "--run-dir", "run", "--canary", "0", *FLAGS]) == 1


def saved(change: Callable[[str], str], order: int = 1, path: str = "run/failed.csv", to: str = "") -> None:
    """Write the failed file as a program does that changes some of its cells."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    with Path(to or path).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *([change(cell) for cell in row] for row in rows[::order])])


def spreadsheet(cell: str) -> str:
    return SAVED.get(cell, cell)


def found(path: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    """Column, value and message of each finding."""
    run(["check", path, "--type", "stripe_payments", "--json"])
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return sorted(
        (each["column"], each["value"], each["message"])
        for each in lines
        if each.get("code") == "changed_by_spreadsheet"
    )


ALL = [
    ("metadata.code", "7", "was 007"),
    ("metadata.code", "8", "was 008"),
    ("metadata.code", "9", "was 009"),
    ("metadata.long", "1.23456789012346E+019", "was 12345678901234567890"),
    ("metadata.long", "9.4001118992232E+019", "was 94001118992231974284"),
    ("metadata.note", "TRUE", "was true"),
    ("metadata.part", "03/04/26", "was 3/4"),
]


@pytest.mark.parametrize("order", [1, -1])
def test_cells_that_a_spreadsheet_changed_are_named_with_what_they_were(
    order: int, api: SmallApi, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_once()
    saved(spreadsheet, order)
    capsys.readouterr()
    assert found("run/failed.csv", capsys) == ALL
    api.refuses = {}
    assert run(["apply", "run/failed.csv", "--run-dir", "again", "--canary", "0", *FLAGS]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "3 x changed_by_spreadsheet [metadata.code]" in said


def test_what_somebody_mended_is_no_damage(api: SmallApi, capsys: pytest.CaptureFixture[str]) -> None:
    failed_once()
    saved(lambda cell: {"007": "010", "3/4": "4/4", "true": "false", "17": "18"}.get(cell, cell))
    capsys.readouterr()
    assert found("run/failed.csv", capsys) == []


def test_a_chain_of_failed_files_is_compared_with_the_last_run(
    api: SmallApi, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_once()
    assert run(["apply", "run/failed.csv", "--run-dir", "again", "--canary", "0", *FLAGS]) == 1
    capsys.readouterr()
    saved(spreadsheet, path="again/failed.csv")
    assert found("again/failed.csv", capsys) == ALL


def test_of_a_file_that_lies_elsewhere_or_beside_no_run_that_can_be_read_nothing_is_known(
    api: SmallApi, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_once()
    saved(spreadsheet, to="mended.csv")
    capsys.readouterr()
    assert found("mended.csv", capsys) == []
    saved(spreadsheet)
    Path("run/input.csv").write_text("id,id\n", encoding="utf-8")
    assert found("run/failed.csv", capsys) == []
    Path("run/input.csv").write_text(f'id,metadata.code\n{IDS[0]},007\n"', encoding="utf-8")
    assert found("run/failed.csv", capsys) == [("metadata.code", "7", "was 007")]
    Path("run/input.csv").unlink()
    assert found("run/failed.csv", capsys) == []
    Path("run/journal.sqlite3").write_bytes(b"")
    assert found("run/failed.csv", capsys) == []


def test_results_of_objects_and_rows_without_a_number_are_left_alone(
    api: SmallApi, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sheet.ndjson").write_text(json.dumps({"id": IDS[0], "metadata.code": "007"}) + "\n", encoding="utf-8")
    assert run(["apply", "sheet.ndjson", "--run-dir", "objects", "--canary", "0", *FLAGS]) == 1
    failed_once()
    capsys.readouterr()
    assert found("objects/results.csv", capsys) == []
    with Path("run/failed.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("__status", "__row", "id", "metadata.code"), ("failed", "x", IDS[0], "7")])
    assert found("run/failed.csv", capsys) == []


def test_the_kept_rows_of_the_run_are_bounded(
    api: SmallApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_once()
    saved(spreadsheet, -1)
    monkeypatch.setattr("worker.checking.origin._KEPT", 1)
    capsys.readouterr()
    assert [each for each in found("run/failed.csv", capsys) if each[0] == "metadata.code"] == [ALL[2]]
