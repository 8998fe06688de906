"""What the pace of a run does, written into its journal: the page of its reports shows it beside the rows."""

from collections.abc import Callable

from worker.events import (
    CircuitClosed,
    CircuitOpened,
    Event,
    LimitInferred,
    LimitLearned,
    Observer,
    RetryBudgetExhausted,
    SlowedDown,
)
from worker.journal import PaceMark
from worker.policy.pace import Window


def chronicler(keep: Callable[[PaceMark], None], wall: Callable[[], float], observer: Observer) -> Observer:
    """Return an observer that keeps a mark of whatever the pace does, and passes every event on.

    Args:
        keep: takes a mark, at once.
        wall: returns seconds since the epoch.
        observer: receives the events after that.
    """

    def hear(event: Event, /) -> None:
        mark = mark_of(event, wall())
        if mark is not None:
            keep(mark)
        observer(event)

    return hear


def mark_of(event: Event, at: float) -> PaceMark | None:
    """Return what an event at `at` says about the pace; None if it is about something else."""
    match event:
        case LimitLearned(quota, windows) | LimitInferred(quota, windows):
            return limits(quota, windows, at)
        case SlowedDown(quota, status, pause_s):
            return PaceMark(at, "pause", quota, pause_s=pause_s, http=status)
        case CircuitOpened(quota) | RetryBudgetExhausted(quota):
            return PaceMark(at, "down", quota)
        case CircuitClosed(quota):
            return PaceMark(at, "up", quota)
        case _:
            return None


def limits(quota: str, windows: tuple[Window, ...], at: float) -> PaceMark:
    """Return the mark of limits that hold from `at` on."""
    return PaceMark(at, "limits", quota, tuple((window.limit, window.interval) for window in windows))
