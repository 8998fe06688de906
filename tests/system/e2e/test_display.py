"""The display on a real terminal, and plain lines where there is none that can draw."""

import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.system.e2e.program import PATIENCE, Desk, Server, ended, sandbox
from tests.system.e2e.terminal import Picture, Terminal, terminal
from worker.cli import phases
from worker.sandbox import seeded_id

ROWS = 400
APPLY = ["apply", "sheet.csv", "--type", "stripe_payments", "--run-dir", "run"]
DRAWN = "█"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", f"stripe_payments={ROWS}", "--limit", "200/2s") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    desk = Desk(tmp_path, server)
    desk.write((seeded_id("stripe_payments", row), f"{tmp_path.name} {row}") for row in range(ROWS))
    return desk


def pictures(shown: str) -> list[list[str]]:
    """What stood on the terminal after each drawing."""
    picture = Picture()
    found = []
    for frame in re.split(r"(?<=\x1b\[J)", shown):
        picture.take(frame)
        found.append(list(picture.lines))
    assert not picture.is_hidden
    return found


def finished(shown: Terminal, status: int = 0) -> list[list[str]]:
    shown.read()
    assert shown.process.wait(PATIENCE) == status, shown.shown
    return pictures(shown.shown)


@pytest.mark.parametrize("columns", [60, 80, 120, 160, 200])
def test_the_time_left_is_never_cut_and_no_line_is_wider_than_the_terminal(desk: Desk, columns: int) -> None:
    with terminal(APPLY, desk.folder, desk.environment, columns) as shown:
        frames = finished(shown)
    drawn = [frame for frame in frames if any(DRAWN in line for line in frame)]
    assert len(drawn) > 3
    assert max(len(line) for frame in drawn for line in frame if not line.startswith("20")) < columns  # but the log
    halfway = [frame for frame in drawn if not any(re.search(r" (0|100)%  ", line) for line in frame)]
    assert halfway
    for frame in halfway:
        assert any(re.match(r"[0-9.]+ (s|min) left, done at [0-9:]{5}( \||$)", line) for line in frame), frame
        assert sum(line.startswith("apply: 127.0.0.1") for line in frame) == 1, frame


def test_nothing_of_the_display_is_left_at_the_end(desk: Desk) -> None:
    with terminal(APPLY, desk.folder, desk.environment) as shown:
        last = finished(shown)[-1]
    assert any(line.startswith("400 rows: 400 applied.") for line in last)
    assert [line for line in last if DRAWN in line or "left, done" in line or line.startswith("apply:")] == []


def test_the_display_follows_when_the_terminal_becomes_narrower_and_wider(desk: Desk) -> None:
    with terminal(APPLY, desk.folder, desk.environment, 120) as shown:
        shown.read(DRAWN)
        shown.resize(62)
        shown.watch(0.7)
        narrow = bars(shown.watch(0.8))
        shown.resize(160)
        shown.watch(0.7)
        wide = bars(shown.watch(0.8))
        frames = finished(shown)
    rest = len("  9%  99 of 400 rows ")  # or some digits more
    assert narrow
    assert all(61 - rest - 3 < bar <= 61 - rest for bar in narrow)
    assert set(wide) == {60}
    assert any("400 applied" in line for line in frames[-1])


def bars(shown: str) -> list[int]:
    """The widths of the bars."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    return [len(bar) for bar in re.findall(r"[█▓░]+", plain)]


@pytest.mark.parametrize("also", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"CI": "1"}, {"CI": "true", "FORCE_COLOR": "1"}])
def test_there_are_plain_lines_only_where_nothing_can_be_drawn_or_nobody_wants_it(
    desk: Desk, also: Mapping[str, str]
) -> None:
    with terminal(APPLY, desk.folder, {**desk.environment, **also}) as shown:
        finished(shown)
    assert "\x1b" not in shown.shown
    assert DRAWN not in shown.shown
    assert "400 rows: 400 applied." in shown.shown


def test_nothing_is_drawn_where_errors_go_into_a_pipe(desk: Desk) -> None:
    ran = ended(desk.start(*APPLY, also={"FORCE_COLOR": "1", "TERM": "xterm"}))
    assert ran.status == 0
    assert "\x1b" not in ran.out + ran.err
    assert DRAWN not in ran.err


def test_an_interrupt_leaves_a_clean_terminal_with_its_cursor(desk: Desk) -> None:
    with terminal(APPLY, desk.folder, desk.environment) as shown:
        shown.read("left, done at")
        shown.press("\x03")
        frames = finished(shown, 128 + signal.SIGINT)
    last = frames[-1]
    assert [line for line in last if DRAWN in line or "left, done" in line or line.startswith("apply:")] == []
    assert any("rowpatch resume run" in line for line in last)
    assert "?25" not in shown.shown  # it was never hidden, so that no kill can leave it so


def test_whatever_takes_long_says_how_far_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases, "ELSEWHERE", 0.0)

    def told(*arguments: str) -> list[str]:
        ran = desk.rowpatch(*arguments)
        assert ran.status == 0, ran.err
        return [line for line in ran.err.splitlines() if re.match(r"[A-Z][a-z ]+: [0-9,]+ (rows|records)", line)]

    whole = {
        ("check", "sheet.csv", "--type", "stripe_payments"): ["Checking the sheet: 400 rows (100%)"],
        ("plan", "sheet.csv", "--type", "stripe_payments", "--run-dir", "plan"): [
            "Checking the sheet: 400 rows (100%)",
            "Writing the reports: 400 rows (100%)",
        ],
        ("apply", "--plan", "plan"): ["Writing the reports: 400 rows (100%)"],
        ("verify", "plan"): ["Reading the records again: 400 records (100%)"],
        ("report", "plan"): ["Writing the reports: 400 rows (100%)"],
        ("undo", "plan", "--plan-only"): [
            "Looking for what to restore: 400 records (100%)",
            "Writing the plan of the undo: 400 records (100%)",
            "Writing the reports: 400 rows (100%)",
        ],
    }
    for arguments, lines in whole.items():
        found = told(*arguments)
        assert [line for line in lines if not any(each.startswith(line) for each in found)] == [], found
    assert told("verify", "plan", "--no-progress") == []
