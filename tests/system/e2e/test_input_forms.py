"""Inputs of other forms than one row a line, all the way: sent, resumed, reported with the same rows and lines."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from tests.system.e2e.sandbox_thread import Served, sandbox_in_thread
from worker.cli import run
from worker.sandbox import SandboxSettings, seeded_id

IDS = [seeded_id("stripe_payments", index) for index in range(4)]
ARRAY = "[\n" + ",\n".join(f'{{"id": "{id_}",\n"reference": "r{at}"}}' for at, id_ in enumerate(IDS)) + "\n]\n"
TITLED = "Payments of May,\nfrom the shop,\nid,reference\n" + "".join(f"{id_},r{at}\n" for at, id_ in enumerate(IDS))


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with sandbox_in_thread(SandboxSettings(seed=("stripe_payments=4",))) as sandbox:
        monkeypatch.setenv("ROWPATCH_TOKEN", sandbox.token)
        yield sandbox


def references(sandbox: Served) -> list[object]:
    return [sandbox.resources["stripe_payments"][id_].attributes["reference"] for id_ in IDS]


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("name", "text", "flags"),
    [("sheet.json", ARRAY, []), ("sheet.csv", TITLED, ["--header-row", "3"])],
)
def test_a_run_is_resumed_and_reported_row_by_row(
    name: str, text: str, flags: list[str], tmp_path: Path, sandbox: Served
) -> None:
    sheet, directory = tmp_path / name, tmp_path / "run"
    sheet.write_text(text)
    common = ["--no-progress", "--limit"]
    where = ["--type", "stripe_payments", "--url", sandbox.url, "--run-dir", str(directory)]
    assert run(["apply", str(sheet), *where, *flags, *common, "2"]) == 0
    assert references(sandbox)[:2] == ["r0", "r1"]
    assert "r2" not in references(sandbox)
    assert run(["resume", str(directory), *common, "4"]) == 0
    assert references(sandbox) == ["r0", "r1", "r2", "r3"]
    told = table(directory / "results.csv")
    assert [(each["__row"], each["__status"], each["id"]) for each in told] == [
        (str(row), "applied", id_) for row, id_ in enumerate(IDS, 1)
    ]
    assert [text.splitlines()[int(each["__line"]) - 1].count(each["id"]) for each in told] == [1, 1, 1, 1]
    (copy,) = directory.glob("input.*")
    assert copy.read_text() == text


def test_what_was_misread_is_in_the_failed_file_and_is_not_sent_from_it(tmp_path: Path, sandbox: Served) -> None:
    sheet, directory = tmp_path / "sheet.csv", tmp_path / "run"
    sheet.write_bytes(f'id,reference\r\n{IDS[0]},one\nhalf\r\n{IDS[1]},"5\r\n{IDS[2]},6"\r\n{IDS[3]}, "x"\r\n'.encode())
    where = ["--type", "stripe_payments", "--url", sandbox.url, "--no-progress", "--run-dir"]
    before = references(sandbox)
    assert run(["apply", str(sheet), *where, str(directory)]) == 1
    failed = directory / "failed.csv"
    reasons = ["row_cut", "row_cut", "rows_in_cell", "space_before_quote"]
    assert [each["__reason"] for each in table(failed)] == reasons
    assert run(["apply", str(failed), *where, str(tmp_path / "again")]) == 1
    assert references(sandbox) == before
    told = (tmp_path / "again" / "results.ndjson").read_text().splitlines()
    assert [json.loads(line)["status"] for line in told] == ["invalid"] * 4
