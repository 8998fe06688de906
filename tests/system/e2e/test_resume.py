"""What `resume`, `retry` and `report` make of a run that exists, judged by the server's ledger."""

import gzip
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.system.e2e.program import Desk, Ran, Server, ended, reference, sandbox, until
from worker.sandbox import seeded_id

Rows = list[tuple[str, str]]

TEN: Rows = [(seeded_id("stripe_payments", row), f"value {row}") for row in range(10)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", "stripe_payments=2000", "--limit", "none", "--latency", "5ms") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    return Desk(tmp_path, server)


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Desk:
    """A run of ten rows of which five are sent."""
    desk = Desk(tmp_path_factory.mktemp("half"), server)
    desk.write(TEN)
    assert desk.apply("--limit", "5").status == 0
    return desk


def sent_by(desk: Desk, command: Callable[[], object]) -> list[str]:
    """The values that PATCHes set while the command ran, in no particular order."""
    before = desk.server.mark()
    command()
    return sorted(reference(entry) for entry in desk.server.writes(before))


def timed(command: Callable[[], Ran]) -> tuple[Ran, float]:
    begun = time.monotonic()
    return command(), time.monotonic() - begun


def test_a_larger_limit_sends_exactly_the_rows_in_between(desk: Desk) -> None:
    desk.write((seeded_id("stripe_payments", row), f"{row:02}") for row in range(30))
    assert sent_by(desk, lambda: desk.apply("--limit", "10")) == [f"{row:02}" for row in range(10)]
    assert desk.statuses() == ["applied"] * 10 + ["skipped"] * 20
    assert sent_by(desk, lambda: desk.resume("--limit", "20")) == [f"{row:02}" for row in range(10, 20)]
    assert desk.statuses() == ["applied"] * 20 + ["skipped"] * 10


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (("id", "reference"), [("AAAAAAAAAA", "new"), *TEN], "row 1 is not what it was"),  # inserted on top
        (("id", "reference"), [*TEN[:6], (TEN[6][0], "edited"), *TEN[7:]], "row 7 is not what it was"),
        (("id", "reference"), [*TEN, ("AAAAAAAAAA", "new")], "rows were added: row 11 is new"),
        (("id", "reference"), TEN[:-1], "rows were removed: row 10 is gone"),
        (("id", "reference_origin"), TEN, "its header is another one"),
        (("id", "reference"), [TEN[1], TEN[0], *TEN[2:]], "row 1 is not what it was"),  # reordered, both done
        (("id", "reference"), [*TEN[:8], TEN[9], TEN[8]], "row 9 is not what it was"),  # reordered, none done
        (("id", "reference"), TEN[1:], "row 1 is not what it was"),  # removed at the top
        (("reference", "id"), [(value, key) for key, value in TEN], "its header is another one"),  # columns moved
    ],
)
def test_a_changed_sheet_is_refused_by_naming_what_changed(
    half_done: Desk, header: Sequence[str], rows: Rows, said: str
) -> None:
    half_done.write(rows, header)
    before = half_done.server.mark()
    ran = half_done.resume("--limit", "10")
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert f"rowpatch resume {half_done.run} --from-copy" in ran.err
    assert half_done.server.mark() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(b",", b";"), "it can no longer be read"),  # saved with another delimiter
        (lambda text: text.replace(b"\r\n", b"\n"), "only its bytes differ"),
        (lambda text: b"\xef\xbb\xbf" + text, "only its bytes differ"),  # saved with a byte order mark
        (lambda text: re.sub(rb"(value \d)", rb'"\1"', text), "row 1 is not what it was"),  # saved with quotes
        (lambda text: text.replace(b"value 3", b"value \xff"), "it can no longer be read"),
        (lambda text: b"", "it can no longer be read"),
        (gzip.compress, "only its bytes differ"),
        (lambda text: gzip.compress(text.replace(b"value 3", b"value x")), "row 4 is not what it was"),
        (lambda text: gzip.compress(text)[:-9], "it can no longer be read"),  # cut off
    ],
)
def test_a_sheet_that_was_saved_in_another_way_is_refused_by_naming_that(
    half_done: Desk, change: Callable[[bytes], bytes], said: str
) -> None:
    half_done.write(TEN)
    half_done.sheet.write_bytes(change(half_done.sheet.read_bytes()))
    before = half_done.server.mark()
    ran = half_done.resume("--limit", "10")
    assert (ran.status, ran.out, half_done.server.mark()) == (2, "", before)
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert f"rowpatch resume {half_done.run} --from-copy" in ran.err


def test_a_compressed_sheet_that_has_changed_is_refused_and_from_copy_goes_on(desk: Desk) -> None:
    rows = [(key, f"gz {value}") for key, value in TEN]
    desk.write(rows)
    packed = desk.folder / "sheet.csv.gz"
    packed.write_bytes(gzip.compress(desk.sheet.read_bytes()))
    common = ("--type", "stripe_payments", "--run-dir", desk.run, "--no-progress", "--limit", "5")
    assert desk.rowpatch("apply", packed, *common).status == 0
    desk.write([*rows[:2], (rows[2][0], "edited"), *rows[3:]])
    packed.write_bytes(gzip.compress(desk.sheet.read_bytes()))
    before = desk.server.mark()
    ran = desk.resume("--limit", "10")
    assert (ran.status, desk.server.mark()) == (2, before)
    assert "row 3 is not what it was" in ran.err
    assert sent_by(desk, lambda: desk.resume("--from-copy", "--limit", "10")) == [value for _, value in rows[5:]]
    assert [row["reference"] for row in desk.results()] == [value for _, value in rows]


def test_from_copy_goes_on_with_the_sheet_as_it_was(desk: Desk) -> None:
    desk.write(TEN)
    desk.apply("--limit", "5")
    desk.write([("AAAAAAAAAA", "new"), *TEN])
    values = sent_by(desk, lambda: desk.resume("--from-copy", "--limit", "10"))
    assert values == [value for _, value in TEN[5:]]
    assert [row["reference"] for row in desk.results()] == [value for _, value in TEN]


def test_a_sheet_that_is_gone_does_not_matter(desk: Desk) -> None:
    gone = [(key, f"gone {value}") for key, value in TEN]
    desk.write(gone)
    desk.apply("--limit", "5")
    desk.sheet.unlink()
    assert sent_by(desk, lambda: desk.resume("--limit", "10")) == [value for _, value in gone[5:]]
    assert desk.statuses() == ["applied"] * 10


def test_retry_sends_failed_and_rejected_rows_but_none_that_a_later_row_has_superseded(desk: Desk) -> None:
    first, second, third = (key for key, _ in TEN[:3])
    desk.write([(first, "1"), ("nosuchrows", "2"), (second, "3"), (third, "4"), (second, "5")])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    desk.apply("--limit", "2")
    desk.resume("--limit", "4", "--url", nowhere, "--max-attempts", "1")
    desk.resume("--limit", "5", "--url", desk.server.url)
    assert desk.statuses() == ["applied", "rejected", "failed", "failed", "applied"]
    assert sent_by(desk, lambda: desk.rowpatch("retry", desk.run, "--no-progress")) == ["4"]
    assert desk.statuses() == ["applied", "rejected", "failed", "applied", "applied"]
    assert desk.server.attributes()[second]["reference"] == "5"


def test_report_makes_the_same_reports_again_byte_by_byte(desk: Desk) -> None:
    desk.write([*TEN, ("", "no id"), ("nosuchrows", "x")])
    assert desk.apply().status == 1
    paths = [desk.run / name for name in ("results.csv", "failed.csv", "results.ndjson", "summary.json")]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    assert sent_by(desk, lambda: desk.rowpatch("report", desk.run)) == []
    assert [path.read_bytes() for path in paths] == before


def test_a_second_process_is_turned_away_within_a_second_and_sends_nothing(desk: Desk) -> None:
    desk.write((seeded_id("stripe_payments", row), f"{desk.folder.name} {row}") for row in range(500))
    before = desk.server.mark()
    first = desk.start(*desk.apply_arguments())
    until(lambda: desk.server.ledger(before + 50), "50 requests")
    first.send_signal(signal.SIGSTOP)
    try:
        time.sleep(0.2)  # what is under way arrives
        standing = desk.server.mark()
        attempts = [timed(desk.resume) for _ in range(2)]  # the better one is the program's own time
        assert desk.server.mark() == standing
    finally:
        first.send_signal(signal.SIGCONT)
    assert [ran.status for ran, _ in attempts] == [75, 75]
    assert all("Another process is working on" in ran.err for ran, _ in attempts)
    assert min(seconds for _, seconds in attempts) < 1
    assert ended(first).status == 0
    assert set(desk.statuses()) == {"applied"}


@pytest.mark.parametrize(
    "command",
    [
        ("resume",),
        ("retry",),
        ("report",),  # it would read a journal that is being written, and replace reports
        ("verify",),
        ("undo", "--run-dir", "undo"),  # what it would restore is not settled yet
    ],
)
def test_no_other_command_works_on_a_run_while_a_process_does(busy: Desk, command: tuple[str, ...]) -> None:
    standing = busy.server.mark()
    ran = busy.rowpatch(command[0], busy.run, *command[1:])
    assert (ran.status, ran.out) == (75, "")
    assert "Another process is working on" in ran.err
    assert busy.server.mark() == standing
    assert not (busy.folder / "undo").exists()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[Desk]:
    """A run at which a process is, standing still."""
    desk = Desk(tmp_path_factory.mktemp("busy"), server)
    desk.write((seeded_id("stripe_payments", row), f"{desk.folder.name} {row}") for row in range(500))
    process = desk.start(*desk.apply_arguments())
    until(lambda: any(desk.folder.name in reference(entry) for entry in desk.server.writes()), "the first PATCH")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.2)  # what is under way arrives
    yield desk
    process.kill()
    process.communicate()


def test_two_that_begin_one_run_at_once_are_one_run(desk: Desk) -> None:
    """The second comes while the first still makes the directory: there is a lock, and no journal yet."""
    desk.write((seeded_id("stripe_payments", row), f"{desk.folder.name} {row}") for row in range(20_000))
    first = desk.start(*desk.apply_arguments("--limit", "10"))
    until((desk.run / "lock").exists, "the lock")
    first.send_signal(signal.SIGSTOP)
    try:
        assert not (desk.run / "journal.sqlite3").exists(), "the first was too quick for this test"
        before = desk.server.mark()
        ran = desk.apply()
        assert (ran.status, desk.server.mark()) == (75, before)
        assert "Another process is working on" in ran.err
    finally:
        first.send_signal(signal.SIGCONT)
    assert ended(first).status == 0
    assert Counter(desk.statuses()) == {"applied": 10, "skipped": 19_990}


def test_apply_into_the_directory_of_a_run_names_resume(half_done: Desk) -> None:
    before = half_done.server.mark()
    ran = half_done.apply()
    assert (ran.status, half_done.server.mark()) == (2, before)
    assert f"rowpatch resume {half_done.run}" in ran.err
