"""Whatever a command makes, its owner alone can read it: also for a moment, and also when the umask forbids nothing."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE, S_ISDIR

import pytest

from tests.system.e2e.program import Desk, Ran, Server, ended, sandbox, until
from worker.sandbox import seeded_id

ROWS = 100


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", f"stripe_payments={ROWS}", "--limit", "none", "--latency", "2ms") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    desk = Desk(tmp_path, server)
    desk.write((seeded_id("stripe_payments", row), f"{tmp_path.name} {row}") for row in range(ROWS))
    desk.sheet.chmod(0o644)  # the user's own
    return desk


def modes(folder: Path) -> set[tuple[str, int]]:
    """Every path below and its mode, but for the sheet."""
    found = set()
    for place, directories, files in os.walk(folder):
        for name in (*directories, *files):
            path = Path(place, name)
            if path != folder / "sheet.csv":
                try:
                    status = path.lstat()
                except FileNotFoundError:  # a draft that was renamed meanwhile
                    continue
                found.add((str(path.relative_to(folder)), S_IMODE(status.st_mode) | S_ISDIR(status.st_mode) << 16))
    return found


@contextmanager
def watched(folder: Path) -> Iterator[set[tuple[str, int]]]:
    """All modes that were ever seen below `folder` while the block runs, and at its end."""
    seen: set[tuple[str, int]] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            seen.update(modes(folder))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        seen.update(modes(folder))


def open_to_others(seen: set[tuple[str, int]]) -> set[tuple[str, int]]:
    return {(name, mode) for name, mode in seen if mode not in {0o600, 0o700 | 1 << 16}}


def test_every_command_makes_private_files_only(desk: Desk) -> None:
    def rowpatch(*arguments: str | Path) -> Ran:
        return ended(desk.start(*arguments, umask=0))

    with watched(desk.folder) as seen:
        interrupted = desk.start(*desk.apply_arguments(), umask=0)
        before = desk.server.mark()
        until(lambda: desk.server.mark() > before + 10, "requests")
        interrupted.send_signal(signal.SIGKILL)
        ended(interrupted)
        ran = [rowpatch("resume", desk.run, "--no-progress", "--max-attempts", "1")]
        failed = desk.run / "failed.csv"
        failed.write_text("mended by hand")
        failed.chmod(0o644)  # an editor's doing
        failed.chmod(0o600)
        os.utime(failed, (1, 1))
        ran += [
            rowpatch("report", desk.run),
            rowpatch("retry", desk.run, "--no-progress"),
            rowpatch("verify", desk.run),
            rowpatch("undo", desk.run, "--run-dir", "undone", "--no-progress"),
            rowpatch("plan", desk.sheet, "--type", "stripe_payments", "--no-progress"),
        ]
        (plan,) = (desk.folder / "runs").iterdir()
        ran += [rowpatch("apply", "--plan", plan, "--no-progress", "--log-format", "json")]
    assert [each.status for each in ran] == [0] * len(ran), [each.err for each in ran]
    names = {Path(name).name for name, _ in seen}
    made = {"lock", "input.csv", "input.ndjson", "journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm"}
    made |= {
        "results.csv",
        "failed.csv",
        "failed.ndjson",
        "results.ndjson",
        "report.html",
        "summary.json",
        "failed.edited.csv",
    }
    made |= {"plan.csv", "plan.ndjson", "verify.csv", "cannot_undo.csv", "runs", "state", "pace"}
    assert made - names == set()
    assert open_to_others(seen) == set()


def test_a_sandbox_keeps_its_state_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with (
            watched(tmp_path) as seen,
            sandbox("--state", str(tmp_path / "state.sqlite3"), "--seed", "orders=3") as server,
        ):
            server.ledger()
    finally:
        os.umask(before)
    assert {name for name, _ in seen} >= {"state.sqlite3"}
    assert open_to_others(seen) == set()
