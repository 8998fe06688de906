"""Which events become marks of the pace."""

from pathlib import Path

import pytest

from worker.engine.chronicle import chronicler, limits, mark_of
from worker.events import (
    CircuitClosed,
    CircuitOpened,
    Draining,
    Event,
    LimitInferred,
    LimitLearned,
    NoAnswer,
    RetryBudgetExhausted,
    SlowedDown,
    TokenNotRenewed,
    Working,
)
from worker.journal import PaceMark
from worker.policy.pace import Window

WINDOWS = (Window(50, 10.0), Window(300, 60.0))


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (LimitLearned("PATCH", WINDOWS), PaceMark(7.0, "limits", "PATCH", ((50, 10.0), (300, 60.0)))),
        (LimitInferred("GET", WINDOWS[:1]), PaceMark(7.0, "limits", "GET", ((50, 10.0),))),
        (SlowedDown("PATCH", 429, 2.5), PaceMark(7.0, "pause", "PATCH", pause_s=2.5, http=429)),
        (CircuitOpened("ALL", 5, "it answered 503"), PaceMark(7.0, "down", "ALL")),
        (RetryBudgetExhausted("PATCH"), PaceMark(7.0, "down", "PATCH")),
        (CircuitClosed("PATCH"), PaceMark(7.0, "up", "PATCH")),
        # not about the pace
        (NoAnswer("GET", "refused"), None),
        (TokenNotRenewed("POST", "no"), None),
        (Draining(), None),
        (Working(Path(), 3), None),
    ],
)
def test_an_event_of_the_pace_becomes_a_mark_and_no_other_does(event: Event, mark: PaceMark | None) -> None:
    assert mark_of(event, 7.0) == mark


def test_every_event_is_passed_on_after_its_mark_is_kept() -> None:
    heard: list[object] = []
    hear = chronicler(heard.append, lambda: 7.0, heard.append)
    hear(SlowedDown("PATCH", 429, 1.0))
    hear(Draining())
    assert heard == [
        PaceMark(7.0, "pause", "PATCH", pause_s=1.0, http=429), SlowedDown("PATCH", 429, 1.0), Draining()
    ]  # fmt: skip


def test_limits_are_kept_as_numbers() -> None:
    assert limits("PATCH", WINDOWS, 1.0).windows == ((50, 10.0), (300, 60.0))
