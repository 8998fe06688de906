"""What lies in a run directory, who may read it, and what happens when it is damaged, full or refused."""

import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from tests.system.e2e.program import PATIENCE, ROWPATCH, Desk, Server, ended, reference, sandbox, until
from worker.sandbox import seeded_id

CONCURRENCY = 16
ROWS = 1000

NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Python keeps a `.pyc` that a full disk has cut short, and every later process would stumble over it."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", f"stripe_payments={ROWS}", "--limit", "none", "--latency", "5ms") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    return Desk(tmp_path, server)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("finished"), server)
    fill(desk, 100)
    assert desk.apply().status == 0
    return desk


def fill(desk: Desk, rows: int) -> None:
    desk.write((seeded_id("stripe_payments", row), f"{desk.folder.name} {row}") for row in range(rows))


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_a_run_is_private_to_its_owner_whatever_the_umask(desk: Desk) -> None:
    fill(desk, ROWS)
    desk.sheet.chmod(0o644)
    process = desk.start(*desk.apply_arguments(), umask=0)
    until((desk.run / "journal.sqlite3-wal").exists, "the first commit")
    during = modes(desk.run)
    assert ended(process).status == 0
    after = modes(desk.run)
    assert S_IMODE(desk.run.stat().st_mode) == 0o700
    assert {"input.csv", "journal.sqlite3", "journal.sqlite3-wal"} <= during.keys()
    assert {"results.csv", "failed.csv", "results.ndjson", "report.html", "summary.json"} <= after.keys()
    assert set(during.values()) | set(after.values()) == {0o600}
    assert all(mode in {0o600, 0o700} for mode in modes(desk.folder / "state").values())


def cut(journal: Path, length: int) -> None:
    with journal.open("r+b") as file:
        file.truncate(length)


def scribble(journal: Path, offset: int) -> None:
    with journal.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * 3000)


def sql(journal: Path, statement: str) -> None:
    with closing(sqlite3.connect(journal)) as db, db:
        db.execute(statement)


@pytest.mark.parametrize(
    ("damage", "command"),
    [
        (lambda journal: cut(journal, 0), "resume"),
        (lambda journal: cut(journal, 4096), "resume"),  # the first page alone
        (lambda journal: cut(journal, journal.stat().st_size // 2), "resume"),
        (lambda journal: scribble(journal, 5000), "resume"),
        (lambda journal: scribble(journal, 5000), "retry"),
        (lambda journal: scribble(journal, 5000), "report"),
        (lambda journal: journal.write_text("id,reference\n"), "resume"),  # something else altogether
        (lambda journal: journal.unlink(), "resume"),
        (lambda journal: sql(journal, "DELETE FROM fact WHERE name = 'settings'"), "resume"),
        (lambda journal: sql(journal, "DELETE FROM fact WHERE name = 'rows'"), "report"),
        (lambda journal: sql(journal, "UPDATE result SET status = 'appliee' WHERE row = 7"), "resume"),  # a flipped bit
        (lambda journal: sql(journal, "UPDATE result SET status = 'appliee' WHERE row = 7"), "report"),
    ],
)
def test_a_damaged_journal_is_refused_without_sending_anything(
    finished: Desk, tmp_path: Path, damage: Callable[[Path], object], command: str
) -> None:
    run = tmp_path / "copy"
    shutil.copytree(finished.run, run)
    damage(run / "journal.sqlite3")
    before = finished.server.mark()
    ran = finished.rowpatch(command, run)
    assert (ran.status, ran.out, finished.server.mark()) == (2, "", before), ran.err
    assert "journal.sqlite3" in ran.err
    assert "Traceback" not in ran.err


def test_a_full_disk_stops_the_run_at_once_and_loses_nothing(desk: Desk) -> None:
    fill(desk, ROWS)
    before = desk.server.mark()
    process = desk.start(*desk.apply_arguments(), also=NO_BYTECODE)
    until(lambda: desk.server.ledger(before + 100), "100 requests")
    full_since = time.monotonic()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1024, 1024))  # from here on no file grows beyond 1 KiB
    ran = ended(process)
    writes = desk.server.writes(before)
    assert ran.status == 3
    assert "cannot write" in ran.err
    assert f"rowpatch resume {desk.run}" in ran.err
    assert "Traceback" not in ran.err
    unrecorded = re.search(r"(\d+) outcomes? could not be recorded", ran.err)
    assert unrecorded, ran.err
    assert 0 < int(unrecorded[1]) <= CONCURRENCY
    assert sum(entry["at"] > full_since for entry in writes) <= CONCURRENCY
    assert desk.resume().status == 0
    assert set(desk.statuses()) == {"applied"}
    sent = [reference(entry) for entry in desk.server.writes(before)]
    marked = {row["reference"] for row in desk.results() if row["__reason"] == "resent"}
    assert {value for value in sent if sent.count(value) > 1} <= marked
    assert len(set(sent)) == ROWS
    assert len(marked) <= CONCURRENCY


@pytest.mark.parametrize(
    ("rows", "room"),
    [
        (ROWS, 8192),  # the copy of the sheet does not fit
        (10, 8192),  # the copy fits, the journal does not
    ],
)
def test_a_disk_that_is_full_from_the_start_leaves_no_half_made_run(desk: Desk, rows: int, room: int) -> None:
    fill(desk, rows)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = desk.server.mark()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))  # the next process has it from us
        ran = desk.rowpatch(*desk.apply_arguments(), also=NO_BYTECODE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (ran.status, ran.out, desk.server.mark()) == (2, "", before)
    assert "annot write" in ran.err
    assert not desk.run.exists()


def test_reports_that_do_not_fit_leave_the_old_ones_and_say_so(desk: Desk) -> None:
    desk.write((seeded_id("stripe_payments", row), f"{desk.folder.name} {row} {'x' * 1000}") for row in range(100))
    assert desk.apply().status == 0
    names = ("results.csv", "failed.csv", "results.ndjson", "report.html", "summary.json")
    before = {name: (desk.run / name).read_bytes() for name in names}
    room = 40_000  # enough for what SQLite needs to read the journal
    assert len(before["results.csv"]) > 2 * room
    process = desk.start("report", desk.run, also=NO_BYTECODE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, room))
    ran = ended(process)
    assert (ran.status, ran.out) == (3, ""), ran.err
    assert "no reports" in ran.err
    assert "Traceback" not in ran.err
    assert {name: (desk.run / name).read_bytes() for name in names} == before
    assert not list(desk.run.glob(".*.new"))
    assert desk.rowpatch("report", desk.run).status == 0


def test_words_that_do_not_fit_anywhere_change_nothing_about_the_run(desk: Desk) -> None:
    """Output and log go to files on a disk that is full."""
    fill(desk, ROWS)
    before = desk.server.mark()
    with Path("/dev/full").open("wb") as full:
        command = [ROWPATCH, *desk.apply_arguments()]
        process = subprocess.Popen(command, env=desk.environment, cwd=desk.folder, stdout=full, stderr=full)
    until(lambda: desk.server.ledger(before + 100), "100 requests")
    process.send_signal(signal.SIGINT)  # which is logged
    assert process.wait(PATIENCE) == 130
    assert set(desk.statuses()) == {"applied", "pending"}
    with Path("/dev/full").open("wb") as full:
        command = [ROWPATCH, "resume", desk.run]
        assert subprocess.run(command, env=desk.environment, stdout=full, stderr=full, check=False).returncode == 0
    assert set(desk.statuses()) == {"applied"}


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        (None, "Cannot read"),
        (b"id,reference\n", "has no rows"),
        (b"id,colour\nA,red\n", "colour"),
        (b"id,reference\nA,\xff\n", "--encoding"),
        (b'id,reference\nA,"open\n', "line 2"),
    ],
)
def test_a_refused_sheet_leaves_no_run_behind(desk: Desk, sheet: bytes | None, said: str) -> None:
    if sheet is not None:
        desk.sheet.write_bytes(sheet)
    before = desk.server.mark()
    ran = desk.apply()
    assert (ran.status, ran.out, desk.server.mark()) == (2, "", before)
    assert said in ran.err
    assert not desk.run.exists()


def test_a_run_directory_that_cannot_be_made_is_refused(desk: Desk) -> None:
    fill(desk, 1)
    desk.run.write_text("a file stands in the way")
    ran = desk.apply()
    assert (ran.status, ran.out) == (2, "")
    assert "Cannot make the run directory" in ran.err
    assert "Traceback" not in ran.err


def test_a_refusal_leaves_a_directory_that_was_there_as_it_was(desk: Desk) -> None:
    desk.run.mkdir()
    (desk.run / "notes.txt").write_text("mine")
    desk.sheet.write_text("id,colour\nA,red\n")
    assert desk.apply().status == 2
    assert (desk.run / "notes.txt").read_text() == "mine"


def test_a_run_that_has_sent_anything_keeps_its_journal_whatever_goes_wrong_later(desk: Desk) -> None:
    fill(desk, 500)
    before = desk.server.mark()
    process = desk.start(*desk.apply_arguments())
    until(lambda: desk.server.ledger(before + 50), "50 requests")
    copy = desk.run / "input.csv"
    copy.rename(desk.folder / "moved.csv")  # the reports will miss it
    ran = ended(process)
    assert ran.status == 2
    assert "lost its copy of the input" in ran.err
    (desk.folder / "moved.csv").rename(copy)
    assert desk.rowpatch("report", desk.run).status == 0
    assert desk.statuses() == ["applied"] * 500


def test_an_apply_killed_before_it_had_a_journal_can_simply_be_given_again(desk: Desk) -> None:
    fill(desk, 10)
    desk.run.mkdir()
    (desk.run / "lock").touch()
    (desk.run / "input.new").write_text("half a co")
    (desk.run / "input.csv.gz").write_text("an older one")
    (desk.run / "journal.sqlite3.new").write_text("half a journal")
    assert desk.apply().status == 0
    assert desk.statuses() == ["applied"] * 10
    assert not list(desk.run.glob("*.new"))


def test_a_signal_before_the_first_request_leaves_nothing_or_a_run_to_resume(desk: Desk) -> None:
    fill(desk, 100)
    process = desk.start(*desk.apply_arguments())
    until(lambda: desk.run.exists() or process.poll() is not None, "the run directory")
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert ran.status == 130
    assert "Traceback" not in ran.err
    begun = (desk.run / "journal.sqlite3").exists()  # an empty directory is as good as none
    assert (desk.resume() if begun else desk.apply()).status == 0
