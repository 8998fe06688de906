"""A server that does not let us read: found out with few requests, told with its cause, and the run can be resumed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import Answer, Asked, Scripted, refused, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run

TYPE = "stripe_payments"
ROWS = 1000
FLAGS = ["--type", TYPE, "--no-progress", "--canary", "0"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text("id,reference\n" + "".join(f"key{index:04},new\n" for index in range(ROWS)))
    with scripted_server(SmallApi(TYPE, {f"key{index:04}": {"reference": "old"} for index in range(ROWS)})) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
        yield server


def reads_refused(status: int, served: Callable[[Asked], Answer], after: int = 0) -> Callable[[Asked], Answer]:
    """All reads but the first so many are refused."""
    left = [after]

    def script(asked: Asked) -> Answer:
        if asked.method != "GET":
            return served(asked)
        left[0] -= 1
        return served(asked) if left[0] >= 0 else refused(status)

    return script


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_plan_against_a_server_that_refuses_every_read_ends_soon_and_says_why(
    server: Scripted, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    server.script = reads_refused(status, server.script)
    assert run(["plan", "sheet.csv", "--run-dir", "plan", *FLAGS]) == 3
    told = capfd.readouterr().err
    assert "lookup_failed" in told
    assert f"it answered {status}" in told
    assert len(server.asked) <= 4 * 8  # four pages are read at once


def test_reads_that_are_refused_from_some_moment_on_stop_a_run_that_went_well(server: Scripted) -> None:
    served = server.script
    server.script = reads_refused(403, served, after=10)
    assert run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS]) == 3
    summary = json.loads(Path("run/summary.json").read_text())
    assert summary["counts"]["failed"] <= 4 * 25  # four pages are read at once
    assert summary["counts"]["pending"] >= ROWS - 10 * 25 - 4 * 25
    server.script = served
    assert run(["resume", "run"]) == 1
    assert run(["retry", "run"]) == 0
    assert all(record["reference"] == "new" for record in served.records.values())  # type: ignore[attr-defined]


def test_a_verification_ends_soon_where_reads_are_refused(server: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    served = server.script
    assert run(["apply", "sheet.csv", "--run-dir", "run", "--limit", "300", *FLAGS]) == 0
    server.script = reads_refused(403, served)
    server.asked.clear()
    assert run(["verify", "run"]) == 3
    assert "it answered 403" in capfd.readouterr().err
    assert len(server.asked) <= 4 * 3  # four pages at once


@dataclass
class Patchy(SmallApi):
    """Its search does not find these records, and a request for one of them alone is answered with a status."""

    hidden: frozenset[str] = frozenset()
    status: int = 403

    def __call__(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.method == "GET" and "?" in asked.path:
            return SmallApi(self.type, {key: each for key, each in self.records.items() if key not in self.hidden})(
                asked
            )
        if asked.method == "GET" and asked.id in self.hidden:
            return refused(self.status)
        return SmallApi.__call__(self, asked)


@pytest.mark.parametrize(
    ("hidden", "status", "reason"),
    [
        (lambda index: index % 2, 403, "lookup_failed"),  # the credential may not read every second one
        (lambda index: index >= 5, 404, "not_found"),  # the first are there: the account is the right one
    ],
)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_single_records_that_cannot_be_read_stop_nothing(
    server: Scripted, command: str, hidden: Callable[[int], bool], status: int, reason: str
) -> None:
    keys = [f"key{index:04}" for index in range(100)]
    Path("sheet.csv").write_text("id,reference\n" + "".join(f"{key},new\n" for key in keys))
    hide = frozenset(key for index, key in enumerate(keys) if hidden(index))
    server.script = Patchy(TYPE, {key: {"reference": "old"} for key in keys}, hidden=hide, status=status)
    assert run([command, "sheet.csv", "--run-dir", "run", *FLAGS]) == 1
    name, column = ("plan.ndjson", "reason") if command == "plan" else ("results.ndjson", "reason")
    lines = [json.loads(line) for line in Path("run", name).read_text().splitlines()]
    assert sum(line[column] == reason for line in lines) == len(hide)
