"""`rowpatch runs`, and the commands without RUN: which run they take, and that they say so; undo and retry in parts."""

import csv
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import PATIENCE, ROWPATCH, Desk, Ran, Server, sandbox
from tests.system.e2e.scripted_server import refused, scripted_server
from tests.system.e2e.small_api import SmallApi
from tests.system.e2e.terminal import terminal
from worker.cli import run
from worker.sandbox import seeded_id

IDS = "ABCDEF"
FLAGS = ("--type", "orders", "--no-progress", "--rate", "none", "--canary", "0")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SmallApi]:
    """Six orders, and a sheet that renames each, in the working directory."""
    monkeypatch.chdir(tmp_path)
    api = SmallApi("orders", {name: {"reference": f"old {name}"} for name in IDS})
    Path("sheet.csv").write_text("id,reference\n" + "".join(f"{name},new {name}\n" for name in IDS), encoding="utf-8")
    with scripted_server(api) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield api


def references(api: SmallApi) -> dict[str, str]:
    return {name: record["reference"].split()[0] for name, record in api.records.items()}


def statuses(directory: str) -> list[str]:
    with (Path(directory) / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return [row["__status"] for row in csv.DictReader(file)]


def test_commands_without_a_run_take_the_newest_that_fits_and_say_which(
    api: SmallApi, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "sheet.csv", "--run-dir", "runs/trial", "--limit", "2", *FLAGS]) == 0
    api.refuses = {"F": refused(422)}
    assert run(["apply", "sheet.csv", "--run-dir", "runs/failed", *FLAGS]) == 1
    api.refuses = {}
    assert run(["plan", "sheet.csv", "--run-dir", "runs/plan", "--type", "orders", "--no-progress"]) == 0
    capfd.readouterr()
    for command, flags, said in (
        ("report", [], "The newest run: runs/plan"),
        ("verify", [], "The newest run that wrote anything: runs/failed"),
        ("retry", ["--no-progress"], "The newest run to be retried: runs/failed"),
        ("resume", ["--no-progress", "--limit", "3"], "The newest run to be resumed: runs/trial"),
    ):
        assert run([command, *flags]) == 0, command
        assert capfd.readouterr().err.splitlines()[0] == said
    assert set(references(api).values()) == {"new"}
    for command, said in (("retry", "to be retried"), ("undo", "")):
        Path("runs").rename("elsewhere")
        assert run([command]) == 2
        assert f"In runs there is no run {said}" in capfd.readouterr().err
        Path("elsewhere").rename("runs")


def test_runs_lists_the_newest_first_with_what_to_do_next(api: SmallApi, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["runs"]) == 0
    assert capfd.readouterr().out == "There are no runs in runs.\n"
    run(["apply", "sheet.csv", "--run-dir", "mine/trial", "--limit", "2", *FLAGS])
    api.refuses = {"F": refused(422)}
    run(["apply", "sheet.csv", "--run-dir", "mine/failed", *FLAGS])
    run(["plan", "sheet.csv", "--run-dir", "mine/plan", "--type", "orders", "--no-progress"])
    capfd.readouterr()
    assert run(["runs", "--in", "mine"]) == 0
    assert [re.sub(r"\d+ s ago", "N s ago", line) for line in capfd.readouterr().out.splitlines()] == [
        "mine/plan  planned, N s ago: 6 rows",
        "    rowpatch apply --plan mine/plan",
        "mine/failed  finished, N s ago: 6 rows, 3 applied, 1 rejected, 2 unchanged",
        "    rowpatch retry mine/failed",
        "mine/trial  finished, N s ago: 6 rows, 2 applied",
        "    rowpatch resume mine/trial --limit 6",
    ]


def test_a_retry_in_parts_runs_the_next_rows_that_would_be_sent(api: SmallApi) -> None:
    api.refuses = {name: refused(422) for name in "BDEF"}
    assert run(["apply", "sheet.csv", "--run-dir", "runs/a", *FLAGS]) == 1
    api.refuses = {"D": refused(422)}
    assert run(["retry", "--limit", "2", "--no-progress"]) == 1
    assert statuses("runs/a") == ["applied", "applied", "applied", "rejected", "rejected", "rejected"]
    api.refuses = {}
    assert run(["retry", "--limit", "0", "--no-progress"]) == 1
    assert statuses("runs/a")[3:] == ["rejected"] * 3
    assert run(["retry", "--limit", "1", "--no-progress"]) == 1
    assert run(["retry", "--no-progress"]) == 0
    assert set(references(api).values()) == {"new"}


def test_a_retry_in_parts_of_a_trial_ends_as_well_as_the_trial(api: SmallApi) -> None:
    api.refuses = {"B": refused(422)}
    assert run(["apply", "sheet.csv", "--run-dir", "runs/a", "--limit", "3", *FLAGS]) == 1
    api.refuses = {}
    assert run(["retry", "--limit", "1", "--no-progress"]) == 0
    assert statuses("runs/a") == ["applied"] * 3 + ["skipped"] * 3


def test_a_retry_in_parts_counts_the_rows_that_the_run_did_not_reach(api: SmallApi) -> None:
    api.refuses = {"A": refused(422)}
    assert run(["apply", "sheet.csv", "--run-dir", "runs/a", "--stop-after", "1", "--concurrency", "1", *FLAGS]) == 3
    api.refuses = {}
    before = list(references(api).values()).count("new")
    assert run(["retry", "--limit", "3", "--no-progress"]) == 1
    assert list(references(api).values()).count("new") == before + 3
    assert run(["retry", "--no-progress"]) == 0
    assert set(references(api).values()) == {"new"}


def test_an_undo_in_parts_goes_on_with_resume(api: SmallApi, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", "sheet.csv", "--run-dir", "runs/a", *FLAGS]) == 0
    assert run(["undo", "--limit", "2", "--yes", "--run-dir", "runs/back", "--no-progress"]) == 0
    out, err = capfd.readouterr()
    assert "The newest run that can be undone: runs/a" in err
    assert "rowpatch resume runs/back --limit 6" in out
    assert list(references(api).values()) == ["old", "old", "new", "new", "new", "new"]
    assert run(["resume", "--limit", "5", "--no-progress"]) == 0
    assert list(references(api).values()) == ["old"] * 5 + ["new"]
    assert run(["resume", "runs/back", "--limit", "100", "--no-progress"]) == 0
    assert set(references(api).values()) == {"old"}
    assert run(["undo", "--yes"]) == 2
    assert "no run that has applied rows and is not undone" in capfd.readouterr().err


def test_a_plan_that_ends_early_is_still_not_exceeded(api: SmallApi, capfd: pytest.CaptureFixture[str]) -> None:
    run(["plan", "sheet.csv", "--run-dir", "runs/p", "--limit", "2", "--type", "orders", "--no-progress"])
    assert run(["apply", "--plan", "runs/p", "--no-progress"]) == 0
    assert run(["resume", "runs/p", "--limit", "3"]) == 2
    assert "does what its plan says" in capfd.readouterr().err
    run(["runs"])
    assert "resume" not in capfd.readouterr().out


def test_an_undo_without_a_run_needs_a_yes_where_nobody_can_be_asked(
    api: SmallApi, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "sheet.csv", "--run-dir", "runs/a", *FLAGS]) == 0
    assert run(["undo"]) == 2
    assert "The newest run that can be undone is runs/a: name it, or pass --yes." in capfd.readouterr().err
    assert run(["undo", "--plan-only", "--run-dir", "runs/shown", "--no-progress"]) == 0
    assert set(references(api).values()) == {"new"}
    assert run(["apply", "--plan", "runs/shown", "--no-progress"]) == 0
    assert set(references(api).values()) == {"old"}


@pytest.mark.parametrize(
    ("answer", "status", "left"), [("yes", 0, "old"), ("YES", 0, "old"), ("y", 2, "new"), ("", 2, "new")]
)
def test_an_undo_without_a_run_asks_on_a_terminal(
    api: SmallApi, tmp_path: Path, answer: str, status: int, left: str
) -> None:
    assert run(["apply", "sheet.csv", "--run-dir", "runs/a", *FLAGS]) == 0
    with terminal(["undo", "--no-progress"], tmp_path, os.environ) as shown:
        shown.read("Type yes to go on:")
        assert "Undo the newest run, runs/a?" in shown.shown
        shown.type(answer)
        shown.read()
        assert shown.process.wait(PATIENCE) == status, shown.shown
    assert set(references(api).values()) == {left}
    assert ("Not confirmed; nothing was sent." in shown.shown) == (left == "new")


STRANGE = os.fsdecode(b"caf\xe9")
"""A name as another system wrote it: no UTF-8."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", "stripe_payments=3", "--limit", "none") as server:
        yield server


def test_a_run_directory_whose_name_is_not_utf_8_works_with_every_command(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    desk.write((seeded_id("stripe_payments", row), f"{row}") for row in range(3))
    where = Path("runs") / STRANGE

    def told(*arguments: str | Path, status: int = 0) -> Ran:
        ran = desk.rowpatch(*arguments, *(() if arguments[0] in {"runs", "report"} else ("--no-progress",)))
        assert "Traceback" not in ran.err
        assert ran.status == status, ran.err
        return ran

    told("apply", "sheet.csv", "--type", "stripe_payments", "--run-dir", where, "--limit", "1")
    assert "caf\\udce9" in told("runs").out
    assert "The newest run to be resumed: runs/caf\\udce9" in told("resume", "--limit", "2").err
    log = told("resume", where, "--limit", "3", "--log-format", "json").err
    assert json.loads(log.splitlines()[0])["run"] == f"runs/{STRANGE}"
    told("report", where)
    told("verify", where)
    told("retry", where)
    told("plan", "sheet.csv", "--type", "stripe_payments", "--run-dir", Path("runs") / f"plan {STRANGE}")
    told("undo", where, "--limit", "1")
    told("undo", where, "--plan-only", "--run-dir", Path("runs") / f"undo {STRANGE}")
    told("undo", "--yes", status=2)  # it is undone, if only in part
    assert told("runs").out.count("ago:") == 4


def test_a_folder_whose_name_is_not_utf_8_is_refused_in_words_unless_the_sheet_comes_from_elsewhere(
    tmp_path: Path, server: Server
) -> None:
    folder = tmp_path / STRANGE
    folder.mkdir()
    desk = Desk(folder, server)
    desk.write([(seeded_id("stripe_payments", 0), "x")])
    ran = desk.rowpatch("apply", "sheet.csv", "--type", "stripe_payments")
    assert (ran.status, ran.err) == (2, "rowpatch: The name of the file's folder is not UTF-8: rename the folder.\n")
    ran = desk.rowpatch("apply", "sheet.csv", "--type", STRANGE)
    assert (ran.status, "Traceback" in ran.err) == (2, False)
    with desk.sheet.open("rb") as sheet:
        piped = subprocess.run(
            [ROWPATCH, "apply", "-", "--format", "csv", "--type", "stripe_payments", "--no-progress"],
            stdin=sheet, capture_output=True, cwd=folder, env=desk.environment, check=False,
        )  # fmt: skip
    assert piped.returncode == 0, piped.stderr


@pytest.mark.parametrize("made", ["jobs.py", "jobs/__init__.py"])
def test_another_package_of_the_name_is_told_in_words(tmp_path: Path, made: str) -> None:
    (tmp_path / made).parent.mkdir(exist_ok=True)
    (tmp_path / made).write_text("raise RuntimeError('not ours')\n")
    for arguments in ([], ["--help"], ["runs"], ["check", "sheet.csv"]):
        ran = subprocess.run(
            [ROWPATCH, *arguments], capture_output=True, text=True, cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith(f"rowpatch: another `jobs` is found first, '{tmp_path}/jobs")
        assert ran.stderr.endswith(": unset PYTHONPATH.\n")
        assert ran.stderr.count("\n") == 1


def test_a_folder_of_that_name_without_a_package_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    assert subprocess.run([ROWPATCH, "runs"], cwd=tmp_path, env=environment, check=False).returncode == 0
