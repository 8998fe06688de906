"""What `resume`, `retry` and `report` make of a run that exists, judged by the server's ledger."""

import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.program import Desk, Ran, Server, ended, reference, sandbox, until
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


def test_apply_into_the_directory_of_a_run_names_resume(half_done: Desk) -> None:
    before = half_done.server.mark()
    ran = half_done.apply()
    assert (ran.status, half_done.server.mark()) == (2, before)
    assert f"rowpatch resume {half_done.run}" in ran.err
