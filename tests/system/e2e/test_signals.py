"""What Ctrl-C, SIGTERM and SIGHUP do to the real program, judged by the server's ledger."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import PATIENCE, ROWPATCH, Desk, Ran, Server, ended, reference, sandbox, until
from tests.system.e2e.terminal import terminal
from worker.sandbox import seeded_id

pytestmark = pytest.mark.alone

ROWS = 1200
CONCURRENCY = 16
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LONG = 50 * ROWS


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", f"stripe_payments={ROWS}", "--limit", "none", "--latency", "5ms") as server:
        yield server


def fill(desk: Desk, rows: int) -> None:
    desk.write((seeded_id("stripe_payments", row), f"{desk.folder.name} {row}") for row in range(rows))


def interrupted(desk: Desk, number: signal.Signals) -> tuple[Ran, list[dict[str, object]], list[dict[str, object]]]:
    """Send one signal in the middle of a run: how it ended, the PATCHes of the run, and those that came too late."""
    fill(desk, ROWS)
    before = desk.server.mark()
    process = desk.start(*desk.apply_arguments())
    until(lambda: desk.server.ledger(before + 100), "100 requests")
    process.send_signal(number)
    at = time.monotonic()
    ran = ended(process)
    writes = desk.server.writes(before)
    return ran, writes, [entry for entry in writes if entry["at"] > at + 0.1]


@pytest.mark.parametrize(("number", "status"), SIGNALS.items())
def test_a_signal_ends_the_run_at_once_and_the_results_are_true(
    tmp_path: Path, server: Server, number: signal.Signals, status: int
) -> None:
    desk = Desk(tmp_path, server)
    ran, writes, late = interrupted(desk, number)
    assert (ran.status, late) == (status, [])
    assert [line.split()[1] for line in ran.err.splitlines()] == ["working", "stopping"]
    assert f"rowpatch resume {desk.run}" in ran.out
    results = desk.results()
    told = {row["reference"] for row in results if row["__status"] == "applied"}
    assert told == {reference(entry) for entry in writes if entry["applied"]}
    assert {row["__status"] for row in results} == {"applied", "pending"}
    assert len(results) == ROWS
    summary = desk.summary()
    assert (summary["state"], summary["exit_status"]) == ("interrupted", status)
    assert summary["counts"]["applied"] == len(told) < ROWS
    assert summary["requests"]["patch"] == len(writes), "what was intended and not sent is no attempt"


def test_an_interrupted_run_is_finished_by_resume_without_sending_a_row_twice(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    _, writes, _ = interrupted(desk, signal.SIGINT)
    before = server.mark()
    assert desk.resume().status == 0
    sent = [reference(entry) for entry in [*writes, *server.writes(before)]]
    assert len(sent) == len(set(sent)) == ROWS
    assert set(desk.statuses()) == {"applied"}


def test_a_second_signal_abandons_requests_and_reports_and_resume_finishes(tmp_path: Path) -> None:
    rows = 32
    with sandbox("--seed", f"stripe_payments={rows}", "--limit", "none", "--latency", "200ms") as slow:
        desk = Desk(tmp_path, slow)
        fill(desk, rows)
        process = desk.start(*desk.apply_arguments())
        until(slow.ledger, "the first request")
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        ran = ended(process)
        assert ran.status == 130
        assert f"rowpatch resume {desk.run}" in ran.err
        assert not [path.name for path in desk.run.iterdir() if path.name.startswith(("results", "failed", "summary"))]
        assert desk.resume().status == 0
        results = desk.results()
        assert {row["__status"] for row in results} == {"applied"}
        sent = [reference(entry) for entry in slow.writes()]
        twice = {value for value in sent if sent.count(value) > 1}
        assert twice <= {row["reference"] for row in results if row["__reason"] == "resent"}
        assert len(sent) - len(set(sent)) <= CONCURRENCY


@pytest.mark.parametrize(("number", "status"), SIGNALS.items())
def test_a_signal_while_a_sheet_comes_in_leaves_nothing(
    tmp_path: Path, server: Server, number: signal.Signals, status: int
) -> None:
    desk = Desk(tmp_path, server)
    command: list[str | Path] = [
        ROWPATCH,
        "apply",
        "-",
        "--format",
        "csv",
        "--type",
        "stripe_payments",
        "--run-dir",
        desk.run,
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env=desk.environment,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write("id,reference\n" + "A,1\n" * 1_000_000)
    process.stdin.flush()  # and no end: it waits for the rest
    until((desk.run / "input.new").exists, "the copy of the sheet")
    until(lambda: "pipe_read" in Path(f"/proc/{process.pid}/wchan").read_text(), "its wait for the rest")
    process.send_signal(number)
    assert process.wait(PATIENCE) == status
    assert ended(process).err == "rowpatch: interrupted\n"
    assert not desk.run.exists()


@pytest.fixture(scope="module")
def long_sheet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sheet that takes seconds to be checked, and to be reported on."""
    rows = (f"{seeded_id('stripe_payments', row)},#{row}\n" for row in range(ROWS))
    return "id,reference\n" + "".join(rows) * (LONG // ROWS)


@pytest.mark.parametrize(("number", "status"), SIGNALS.items())
def test_a_signal_while_a_long_sheet_is_checked_leaves_nothing(
    tmp_path: Path, server: Server, long_sheet: str, number: signal.Signals, status: int
) -> None:
    desk = Desk(tmp_path, server)
    desk.sheet.write_text(long_sheet)
    before = server.mark()
    process = desk.start(*desk.apply_arguments())
    until((desk.run / "input.csv").exists, "the copy of the sheet")
    process.send_signal(number)
    ran = ended(process)
    assert (ran.status, ran.err, server.mark()) == (status, "rowpatch: interrupted\n", before)
    assert not desk.run.exists()


@pytest.mark.parametrize(("number", "status"), SIGNALS.items())
def test_a_signal_while_the_reports_of_a_long_run_are_made_leaves_them_to_be_made_later(
    tmp_path: Path, server: Server, long_sheet: str, number: signal.Signals, status: int
) -> None:
    desk = Desk(tmp_path, server)
    desk.sheet.write_text(long_sheet.replace(",#", f",{number.name} "))
    process = desk.start(*desk.apply_arguments("--limit", "20"))
    until((desk.run / ".results.csv.new").exists, "the reports")
    process.send_signal(number)
    ran = ended(process)
    assert ran.status == status
    assert ran.err.splitlines()[1:] == [
        f"rowpatch: interrupted, without reports. The results are safe: rowpatch report {desk.run}"
    ]
    assert not list(desk.run.glob(".*.new"))
    ran = desk.rowpatch("report", desk.run)
    assert (ran.status, ran.out.splitlines()[0]) == (0, f"{LONG:,} rows: 20 applied, {LONG - 20:,} skipped.")
    assert desk.resume("--limit", "30").status == 0
    assert desk.statuses()[:31] == ["applied"] * 30 + ["skipped"]


def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    fill(desk, ROWS)
    before = server.mark()
    process = subprocess.Popen(["nohup", ROWPATCH, *desk.apply_arguments()], cwd=tmp_path, env=desk.environment)
    until(lambda: server.ledger(before + 100), "100 requests")
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE) == 0
    assert set(desk.statuses()) == {"applied"}


def test_a_run_whose_terminal_is_closed_ends_orderly_and_can_be_resumed(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    fill(desk, ROWS)
    before = server.mark()
    arguments = [each for each in desk.apply_arguments() if each != "--no-progress"]
    with terminal(arguments, tmp_path, desk.environment) as shown:
        shown.read("applied")
        shown.hang_up()
        assert shown.process.wait(PATIENCE) == 129
    assert desk.summary()["state"] == "interrupted"
    assert desk.resume().status == 0
    sent = [reference(entry) for entry in server.writes(before)]
    assert len(sent) == len(set(sent)) == ROWS
