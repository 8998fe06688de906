"""Shows how far something is that takes a while, once it has taken some time. What draws is imported only then."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from worker.cli.speech import can_draw, progress
from worker.events import Advanced, Event, Observer, ignore

SOON: Final = 0.5
"""Seconds after which a terminal shows a phase: what is over by then needs no display."""

ON_TERMINAL: Final = 0.5
"""Seconds between two updates on a terminal."""

ELSEWHERE: Final = 10.0
"""Seconds between two plain lines."""


@dataclass(slots=True)
class Phases:
    """An observer that shows phases, and hands on all other events.

    Attributes:
        others: hears of all that is no phase.
        shown: False to show nothing.
        now: returns seconds of a monotonic clock.
    """

    others: Observer = ignore
    shown: bool = True
    now: Callable[[], float] = time.monotonic
    _what: str = ""
    _done: int = 0
    _began: float = 0.0
    _due: float = 0.0

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""
        if not isinstance(event, Advanced):
            self.others(event)
        elif self.shown:
            self._advance(event, self.now())

    def _advance(self, event: Advanced, now: float) -> None:
        if event.what != self._what or event.done < self._done:
            self._what, self._began = event.what, now
            self._due = now + (SOON if can_draw() else ELSEWHERE)
        self._done = event.done
        if now >= self._due:
            self._due = now + _show(event, now - self._began)


def _show(event: Advanced, seconds: float) -> float:
    """Show a phase; return the seconds until it may be shown again."""
    if can_draw():
        from worker.cli.screen import draw_phase  # a tenth of a second, for what takes longer

        draw_phase(event, seconds)
        return ON_TERMINAL
    from worker.cli.display import phase_in_words  # likewise

    progress(phase_in_words(event, seconds))
    return ELSEWHERE
