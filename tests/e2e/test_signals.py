"""What Ctrl-C and SIGTERM do to the real program, judged by the server's ledger."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Desk, Ran, Server, ended, reference, sandbox, until
from worker.sandbox import seeded_id

pytestmark = pytest.mark.alone

ROWS = 1200
CONCURRENCY = 16


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


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_at_once_and_the_results_are_true(
    tmp_path: Path, server: Server, number: signal.Signals, status: int
) -> None:
    desk = Desk(tmp_path, server)
    ran, writes, late = interrupted(desk, number)
    assert (ran.status, late) == (status, [])
    assert [line.split()[1] for line in ran.err.splitlines()] == ["stopping"]
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
