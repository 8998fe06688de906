"""What is drawn in place is drawn anew only if it has changed, makes way for words, and is gone at the end."""

import io
import re
from collections.abc import Iterator

import anyio
import pytest
import structlog

from jobs.model import RowRef, RowResult, Status
from tests.system.e2e.terminal import Picture
from worker.cli import console, screen, speech
from worker.clock import Clock
from worker.engine.progress import Aim, Progress
from worker.events import Advanced, NoAnswer

SHOP = Aim("apply", "https://shop.example", "live", is_live=True)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """A terminal of 80 columns and 10 lines."""
    file = io.StringIO()
    drawn = console.Screen(file=file, force_terminal=True, soft_wrap=True, highlight=False, width=80, height=10)
    monkeypatch.setattr(screen, "_console", drawn)
    monkeypatch.setattr(screen, "can_draw", lambda: True)
    yield file
    screen._region.erase()
    structlog.reset_defaults()


def picture(shown: io.StringIO) -> list[str]:
    return Picture().take(shown.getvalue().replace("\n", "\r\n")).lines  # as the driver of a terminal does


def lines(*texts: str) -> list[tuple[tuple[str, str], ...]]:
    return [((text, "red"),) for text in texts]


def test_lines_are_drawn_over_the_last_ones_and_what_is_no_longer_there_goes(shown: io.StringIO) -> None:
    region = screen.Region()
    region.draw(lines("a long line", "second", "third"))
    region.draw(lines("short", "2nd"))
    assert picture(shown) == ["short", "2nd"]
    region.erase()
    assert picture(shown) == [""]


def test_nothing_is_sent_to_the_terminal_while_nothing_changes(shown: io.StringIO) -> None:
    region = screen.Region()
    region.draw(lines("same"))
    before = shown.getvalue()
    region.draw(lines("same"))
    assert shown.getvalue() == before
    screen._console.width = 70
    region.draw(lines("same"))
    assert shown.getvalue() != before
    region.erase()
    before = shown.getvalue()
    region.erase()
    assert shown.getvalue() == before


def test_a_drawing_is_one_piece_that_begins_where_the_last_one_did(shown: io.StringIO) -> None:
    pieces: list[str] = []
    shown.write = pieces.append  # type: ignore[method-assign,assignment]  # a terminal that notes what it gets
    region = screen.Region()
    region.draw(lines("one", "two", "three"))
    region.draw(lines("one", "two", "four"))
    pieces = list(filter(None, pieces))
    assert len(pieces) == 2
    first = Picture().take(pieces[0])
    assert (first.row, first.column) == (0, 0)
    assert "\x1b[?25" not in "".join(pieces)


def test_a_terminal_with_few_lines_gets_the_first_ones_that_fit(shown: io.StringIO) -> None:
    screen._console.height = 3
    screen.Region().draw(lines("1", "2", "3", "4"))
    assert picture(shown) == ["1", "2"]


def test_the_log_stands_above_the_display(shown: io.StringIO) -> None:
    region = screen.Region()
    region.draw(lines("display", "second"))
    region.above("a line of the log")
    assert picture(shown) == ["a line of the log", "display", "second"]


def test_whatever_is_said_takes_the_place_of_the_display(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", shown)
    monkeypatch.setattr("sys.stderr", shown)
    for say in (speech.say, speech.warn, speech.prompt, speech.progress):
        screen.draw_phase(Advanced("check", 7, 1, 2), 1.0)
        assert "Checking the sheet" in "".join(picture(shown))
        say("words")
        assert "Checking" not in "".join(picture(shown))


def test_a_terminal_that_is_gone_ends_the_display_and_nothing_else(
    shown: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_text: str) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(screen, "to_devnull", lambda _: None)
    shown.write = gone  # type: ignore[method-assign]  # a terminal that was closed
    region = screen.Region()
    region.draw(lines("one"))
    region.draw(lines("two"))
    region.above("log")
    assert screen._console.quiet


def watched(progress: Progress, seconds: float, observed: NoAnswer | None = None) -> None:
    async def watch() -> None:
        board = screen.Board(Clock().bound())
        if observed:
            board.observe(observed)
        with anyio.move_on_after(seconds):
            await board.watch(progress)

    screen.configure_log("text")
    anyio.run(watch)


def test_the_display_of_a_run_is_gone_when_the_run_is(shown: io.StringIO) -> None:
    progress = Progress(10, aim=SHOP)
    progress.count([RowResult(RowRef(3, 4, b""), Status.REJECTED, "validation", "price: \x1b[2J too low", attempts=1)])
    watched(progress, 0.1)
    drawn = shown.getvalue()
    assert "row 3 rejected: price: \\x1b[2J too low" in drawn
    assert re.search(r"\x1b\[1;97;41m ! PRODUCTION ! \x1b\[0m", drawn)
    assert picture(shown) == [""]


def test_the_last_problem_is_what_happened_last(shown: io.StringIO) -> None:
    watched(Progress(10, aim=SHOP), 0.1, NoAnswer("GET", "refused"))
    assert "the server does not answer: refused" in shown.getvalue()
    board = screen.Board(Clock(now=lambda: 1.0))
    progress = Progress(10)
    progress.count([RowResult(RowRef(3, 4, b""), Status.FAILED, "validation", "first")])
    assert board._lines(progress.snapshot(1.0))[-1][0][0].endswith("first")
    board.observe(NoAnswer("GET", "refused"))
    assert board._lines(progress.snapshot(2.0))[-1][0][0].endswith("refused")
    progress.count([RowResult(RowRef(4, 5, b""), Status.FAILED, "validation", "second")])
    assert board._lines(progress.snapshot(3.0))[-1][0][0].endswith("second")


@pytest.mark.parametrize(("aim", "prefix"), [(SHOP, "PRODUCTION | 0/10 rows"), (Aim(), "0/10 rows")])
def test_plain_lines_name_live_data_too(
    aim: Aim, prefix: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "ELSEWHERE", 0.01)
    watched(Progress(10, aim=aim), 0.05)
    told = capsys.readouterr().err.splitlines()
    assert told
    assert all(line.startswith(prefix) for line in told)
