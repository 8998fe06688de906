"""A dirty sheet arrives at the server code point by code point."""

import csv
import json
import random
from pathlib import Path

import pytest

from tests.system.e2e.sandbox_thread import sandbox_in_thread
from worker.cli import run
from worker.sandbox import SandboxSettings, seeded_id

PIECES = [
    "007", "1E5", "true", "null", "<b>", "  leading", "trailing  ", "comma, comma", 'quote " quote', "new\nline",
    "cr\r\nlf", "back\\slash", "\\n", "emoji \U0001f600", "é e\u0301", "\u202ebidi", "=1+1", "+49",
    "-1", "@x", "'quoted", "'='",
    "\ttab", "١٢٣", "ｆｕｌｌ", "1,5", "0.10", "{}", "[1]", "#N/A", "\u00a0nbsp\u00a0", "\ufeffbom inside", "%2e%2e",
    "\u2028line separator", "NaN", "FALSE", "00", "1_000", "0x10", "\x7f", "a;b", "|", "𝔘𝔫𝔦", "ß", "İ", "",
]  # fmt: skip


@pytest.fixture
def rows() -> list[tuple[str, str, str]]:
    dice = random.Random(7)
    made = []
    for index in range(600):
        first = PIECES[index % len(PIECES)] + ("" if index < len(PIECES) else dice.choice(PIECES))
        made.append((seeded_id("stripe_payments", index), first or "x", dice.choice(PIECES) or "y"))
    return made


@pytest.mark.parametrize("form", ["csv", "tsv", "ndjson", "json"])
def test_every_cell_arrives_exactly(
    form: str, rows: list[tuple[str, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    sheet = tmp_path / f"dirty.{form}"
    objects = [{"id": id_, "reference": a, "metadata.note": b} for id_, a, b in rows]
    if form == "ndjson":
        sheet.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    elif form == "json":
        sheet.write_text(json.dumps(objects, indent=1), encoding="utf-8")
    else:
        with sheet.open("w", newline="", encoding="utf-8-sig") as stream:
            writer = csv.writer(stream, delimiter="\t" if form == "tsv" else ",")
            writer.writerows([("id", "reference", "metadata.note"), *rows])
    with sandbox_in_thread(SandboxSettings(seed=("stripe_payments=600",))) as sandbox:
        monkeypatch.setenv("ROWPATCH_TOKEN", sandbox.token)
        status = run(
            ["apply", str(sheet), "--type", "stripe_payments", "--url", sandbox.url, "--metadata", "replace",
             "--run-dir", str(tmp_path / "run"), "--no-progress"]
        )  # fmt: skip
        stored = sandbox.resources["stripe_payments"]
        arrived = [(id_, stored[id_].attributes["reference"], stored[id_].attributes["metadata"]) for id_, _, _ in rows]
    assert status == 0, capsys.readouterr()
    assert arrived == [(id_, a, {"note": b}) for id_, a, b in rows]


def test_a_results_file_gives_back_the_same_cells(
    rows: list[tuple[str, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a spreadsheet would run as a formula is escaped once in the results, and a re-feed takes that off again."""
    sheet = tmp_path / "dirty.csv"
    with sheet.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("id", "reference"), *((f"{id_[:-1]}?", a) for id_, a, _ in rows[:60])])
    with sandbox_in_thread(SandboxSettings(seed=("stripe_payments=60",))) as sandbox:
        monkeypatch.setenv("ROWPATCH_TOKEN", sandbox.token)
        flags = ["--type", "stripe_payments", "--url", sandbox.url, "--no-progress", "--concurrency", "1"]
        assert run(["apply", str(sheet), *flags, "--run-dir", str(tmp_path / "one")]) == 3  # 20 unknown ids in a row
        failed = tmp_path / "one" / "failed.csv"
        run(["apply", str(failed), *flags, "--run-dir", str(tmp_path / "two")])
    with (tmp_path / "two" / "results.csv").open(newline="", encoding="utf-8-sig") as stream:
        again = [row["reference"] for row in csv.DictReader(stream)]
    assert [cell[1:] if cell[:1] == "'" else cell for cell in again] == [a for _, a, _ in rows[:60]]
