"""No cell of any CSV report is taken for a formula, and what was sent, kept and fed back is exact all the same."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import JSON_API, Answer, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run

STARTS = "=+-@\t\r\n"
TAILS = ("", "cmd|' /C calc'!A0", ',"1', "\n=2")
VALUES = [f"{quotes}{start}{tail}" for quotes in ("", "'", "''") for start in (*STARTS, "'", "x") for tail in TAILS] + [
    "'",
    "''",
    "'''",
    "'x",
    "-",
    "007",
]
IDS = ["=1+1", "+1", "-1", "@a", "'a", "''=a", "'=1+1", "a=1"]
FLAGS = ["--type", "stripe_payments", "--no-progress", "--max-attempts", "1", "--allow-trigger", "_refresh"]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SmallApi]:
    monkeypatch.chdir(tmp_path)
    api = SmallApi("stripe_payments")
    with scripted_server(api) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
        yield api


def refusal(text: str) -> Answer:
    """A refusal whose every word is the server's."""
    error = {"title": text, "detail": text, "code": text, "source": {"pointer": f"/data/attributes/{text}"}}
    return Answer(
        422, json.dumps({"errors": [error]}).encode(), {**JSON_API, "X-Request-Id": text if text.isprintable() else "="}
    )


def rows_of(path: str) -> list[dict[str, str]]:
    """The rows, after a look at every cell of the file."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] and cell[0] in STARTS] == []
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_sheet(rows: list[tuple[str, str]]) -> None:
    with Path("sheet.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "reference"), *rows])


def test_reports_of_a_run_hold_no_formula_and_feed_back_exactly(api: SmallApi) -> None:
    given = {f"{IDS[n % len(IDS)]}{n}": value for n, value in enumerate(VALUES)}
    write_sheet(list(given.items()))
    api.records = {resource_id: {"reference": f"before {value}"} for resource_id, value in given.items()}
    api.refuses = {
        resource_id: refusal(value) for n, (resource_id, value) in enumerate(given.items()) if n % 2 and n > 5
    }
    assert run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS]) == 1
    results, failed = rows_of("run/results.csv"), rows_of("run/failed.csv")
    assert len(results) == len(VALUES)
    assert len(failed) == len(api.refuses)
    lines = map(json.loads, Path("run/results.ndjson").read_text(encoding="utf-8").splitlines())
    assert {line["id"]: line["input"]["reference"] for line in lines} == given
    api.refuses = {}
    for source, directory in (("run/failed.csv", "again"), ("run/results.csv", "and-again")):
        run(["apply", source, "--run-dir", directory, *FLAGS])
        rows_of(f"{directory}/results.csv")
        assert {resource_id: each["reference"] for resource_id, each in api.records.items()} == given


def test_a_plan_a_verification_and_an_undo_hold_no_formula(api: SmallApi) -> None:
    given = {f"{IDS[n % len(IDS)]}{n}": value for n, value in enumerate(VALUES)}
    with Path("sheet.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [(resource_id, value, "true", value) for resource_id, value in given.items()]
        csv.writer(file).writerows([("id", "reference", "_refresh", "metadata.=key"), *rows])
    api.records = {
        resource_id: {"reference": f"={value}", "metadata": {"=key": f"@{value}"}}
        for resource_id, value in given.items()
    }
    assert run(["plan", "sheet.csv", "--run-dir", "plan", *FLAGS]) == 0
    planned = rows_of("plan/plan.csv")
    assert len(planned) > len(VALUES)
    assert run(["apply", "sheet.csv", "--run-dir", "run", "--canary", "0", *FLAGS]) == 0
    for attributes in api.records.values():
        attributes["reference"] = f"+{attributes['reference']}"
    assert run(["verify", "run"]) == 1
    assert len(rows_of("run/verify.csv")) >= len(VALUES)
    assert run(["undo", "run", "--run-dir", "undo", "--no-progress"]) == 1
    assert len(rows_of("undo/cannot_undo.csv")) >= len(VALUES)
    rows_of("undo/results.csv")


def test_reports_of_objects_hold_no_formula(api: SmallApi) -> None:
    given = {f"{IDS[n % len(IDS)]}{n}": value for n, value in enumerate(VALUES)}
    api.records = {resource_id: {} for resource_id in given}
    lines = [json.dumps({"id": resource_id, "reference": value}) for resource_id, value in given.items()]
    Path("sheet.ndjson").write_text("\n".join([*lines, '{"id": "=broken', ""]), encoding="utf-8")
    assert run(["apply", "sheet.ndjson", "--run-dir", "run", "--canary", "0", *FLAGS]) == 1
    rows_of("run/results.csv")
    found = [json.loads(line) for line in Path("run/results.ndjson").read_text(encoding="utf-8").splitlines()]
    assert {each["id"]: each["input"]["reference"] for each in found if each["id"]} == given
