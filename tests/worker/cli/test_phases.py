"""A phase is shown once it has taken some time, and then not too often."""

import pytest

from worker.cli import phases, screen
from worker.cli.phases import Phases
from worker.events import Advanced, Draining, Event


class Timed:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_without_a_terminal_there_is_a_line_every_ten_seconds_and_none_for_what_is_short(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Timed()
    observer = Phases(now=clock.now)
    told = []
    for second in range(31):
        clock.at = 100.0 + second
        observer(Advanced("check", second * 1000, second, 40))
        told += [(second, line) for line in said(capsys)]
    assert [second for second, _ in told] == [10, 20, 30]
    assert told[0][1] == "Checking the sheet: 10,000 rows (25%) | 30 s left | 1,000 rows/s"


def test_each_phase_begins_anew_also_the_same_one_again(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Timed()
    observer = Phases(now=clock.now)
    for what, done in (("check", 1), ("check", 2), ("reports", 1), ("reports", 2), ("reports", 1)):
        observer(Advanced(what, done, done, 3))
        clock.at += 9.0
    assert said(capsys) == []


def test_on_a_terminal_it_is_drawn_after_half_a_second_and_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    monkeypatch.setattr(phases, "can_draw", lambda: True)
    monkeypatch.setattr(screen, "draw_phase", lambda _event, seconds: drawn.append(round(seconds, 1)))
    clock = Timed()
    observer = Phases(now=clock.now)
    for tenth in range(21):
        clock.at = 100.0 + tenth / 10
        observer(Advanced("check", tenth, tenth, 40))
    assert drawn == [0.5, 1.0, 1.5, 2.0]


def test_other_events_are_handed_on_and_phases_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[Event] = []
    clock = Timed()
    observer = Phases(heard.append, shown=False, now=clock.now)
    observer(Draining())
    observer(Advanced("check", 1, 1, 2))
    clock.at += 99
    observer(Advanced("check", 2, 2, 2))
    assert heard == [Draining()]
    assert said(capsys) == []
