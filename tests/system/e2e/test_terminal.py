"""What cells, servers and folders are called cannot steer the terminal through any command."""

import csv
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import JSON_API, Answer, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run

EVIL = "\x1b[2J\x1b]0;t\x07\x9b31m\x7f\u202e\u2066\u200f\u200b\ufeff\u2028\x85\U000e0041"
FLAGS = ["--type", "orders", "--no-progress", "--max-attempts", "1"]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SmallApi]:
    monkeypatch.chdir(tmp_path)
    api = SmallApi("orders", {name: {"reference": f"0{EVIL}", "metadata": {EVIL: EVIL}} for name in "ABC"})
    with scripted_server(api) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
        yield api


def steers(text: str) -> str:
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return "".join(each for each in text if each != "\n" and unicodedata.category(each) in kinds)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_command_is_steered(log_format: str, api: SmallApi, capfd: pytest.CaptureFixture[str]) -> None:
    header = ["id", "reference", f"metadata.{EVIL}", "coupon_code"]
    rows = [
        ["A", f"1{EVIL}", EVIL, "EUR"],
        ["B", EVIL, "", ""],
        ["C", "x", EVIL],
        [EVIL, "1", "1", "1"],
        ["D", "1", "", ""],
    ]
    with Path("sheet.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    said = {"title": EVIL, "detail": EVIL, "code": EVIL, "source": {"pointer": f"/data/attributes/{EVIL}"}}
    api.refuses = {"B": Answer(422, json.dumps({"errors": [said]}).encode(), dict(JSON_API))}
    flags = [*FLAGS, "--log-format", log_format]
    folder = f"run{EVIL}"
    run(["plan", "sheet.csv", "--run-dir", f"plan{EVIL}", *flags])
    run(["apply", "sheet.csv", "--run-dir", folder, *flags])
    api.records["A"]["reference"] = f"live{EVIL}"
    run(["verify", folder, "--log-format", log_format])
    for command in ("resume", "retry", "report"):
        run([command, folder, *([] if command == "report" else ["--no-progress"])])
    run(["undo", folder, "--run-dir", f"undo{EVIL}", "--no-progress", "--log-format", log_format])
    run(["undo", folder, "--run-dir", f"undo{EVIL}"])
    run(["apply", "sheet.csv", "--run-dir", folder, *flags])
    out, err = capfd.readouterr()
    assert "\\x1b[2J" in out
    assert "\\u202e" in out
    assert "\\x1b[2J" in err
    assert steers(out + err) == ""
