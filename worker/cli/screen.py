"""Standard error during a run: a display that is drawn in place on a terminal, plain lines elsewhere, and the log."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Never

import anyio
import structlog
from rich.text import Text

from worker.cli import speech
from worker.cli.console import Screen
from worker.cli.display import (
    ASCII,
    FINE,
    LIVE,
    Glyphs,
    Line,
    Span,
    event_in_words,
    of_phase,
    of_run,
    problem_in_words,
)
from worker.cli.log import log_event
from worker.cli.phases import ELSEWHERE, ON_TERMINAL
from worker.cli.speech import can_draw, to_devnull
from worker.clock import Clock
from worker.engine.progress import Problem, Progress, Snapshot
from worker.events import Advanced, Event

_console: Final = Screen(stderr=True, highlight=False, soft_wrap=True)

_LEAST: Final = 20
"""Cells that are drawn on, however narrow a terminal claims to be."""


def _write(write: Callable[[], object]) -> None:
    try:
        write()
    except OSError:  # standard error is a file on a full disk, or a terminal that was closed
        _console.quiet = True
        to_devnull(sys.stderr)


class Region:
    """The lines at the cursor that are drawn again and again.

    The cursor always rests at their beginning, and is never hidden. So a terminal that is made narrower may break the
    lines as it likes: the next drawing begins where the last one did, and clears all below. Whoever is killed leaves
    no terminal without a cursor.
    """

    def __init__(self) -> None:
        """Begin with nothing drawn."""
        self._drawn: tuple[Sequence[Line], int] | None = None

    def draw(self, lines: Sequence[Line]) -> None:
        """Draw lines in place of the last ones, in one piece, unless nothing has changed since."""
        width, height = _console.size
        if _console.quiet or self._drawn == (lines, width):
            return
        self._drawn = lines, width
        kept = lines[: max(1, height - 1)]
        up = f"\x1b[{len(kept) - 1}A" if len(kept) > 1 else ""
        _write(lambda: self._put(f"\r{self._styled(kept)}\x1b[K\x1b[J{up}\r"))

    def erase(self) -> None:
        """Clear the lines: what is printed next takes their place."""
        if self._drawn is not None:
            self._drawn = None
            _write(lambda: self._put("\r\x1b[J"))

    def above(self, text: str) -> None:
        """Print a text above the lines."""
        drawn = self._drawn
        self.erase()
        _write(lambda: _console.print(Text(text)))
        if drawn is not None:
            self.draw(drawn[0])

    @staticmethod
    def _styled(lines: Sequence[Line]) -> str:
        with _console.capture() as drawn:
            for line in lines:
                _console.print(Text.assemble(*line))
        return drawn.get().rstrip("\n").replace("\n", "\x1b[K\n")

    @staticmethod
    def _put(text: str) -> None:
        _console.file.write(text)
        _console.file.flush()


_region: Final = Region()
speech.before_printing(_region.erase)


class _Printer:
    """Where log lines go: above the display, if there is one."""

    def msg(self, message: str) -> None:
        _region.above(message)

    info = warning = error = debug = critical = msg


def configure_log(log_format: Literal["text", "json"]) -> None:
    """Log events as text or as JSON lines, with UTC times; never more than the event and its facts."""
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else _text
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=lambda *_: _Printer(),
        cache_logger_on_first_use=False,
    )


def draw_phase(event: Advanced, seconds: float) -> None:
    """Draw a phase that has taken so many seconds."""
    _region.draw(of_phase(event, seconds, _width(), _glyphs()))


@dataclass(slots=True)
class Board:
    """Logs the events of a run, and shows its progress with the last problem in words."""

    clock: Clock
    _said: Span = ("", "")
    _problem: Problem | None = None

    def observe(self, event: Event, /) -> None:
        """Log an event."""
        log_event(event)
        if words := event_in_words(event):
            self._said = words, "yellow"

    async def watch(self, progress: Progress) -> Never:
        """Show the progress until this is cancelled."""
        await (self._draw(progress) if can_draw() else self._tell(progress))
        raise AssertionError  # both go on until they are cancelled

    async def _draw(self, progress: Progress) -> None:
        try:
            while True:
                _region.draw(self._lines(progress.snapshot(self.clock.now())))
                await anyio.sleep(ON_TERMINAL)
        finally:
            _region.erase()

    def _lines(self, shown: Snapshot) -> list[Line]:
        if shown.problem is not None and shown.problem is not self._problem:
            self._problem, self._said = shown.problem, (problem_in_words(shown.problem), "red")
        now = datetime.fromtimestamp(self.clock.wall())  # noqa: DTZ006  # local time is meant
        return of_run(shown, now, self._said, _width(), _glyphs())

    async def _tell(self, progress: Progress) -> None:
        prefix = f"{LIVE} | " if progress.aim.is_live else ""
        progress.line(self.clock.now())
        while True:
            await anyio.sleep(ELSEWHERE)
            speech.progress(prefix + progress.line(self.clock.now()))


def _width() -> int:
    """Return the cells of a line. The last one stays free: there, terminals differ in what they do next."""
    return max(_LEAST, _console.width - 1)


def _glyphs() -> Glyphs:
    return FINE if _console.encoding.startswith("utf") else ASCII


def _text(_logger: object, _method: str, event: Any) -> str:
    facts = " ".join(f"{name}={value}" for name, value in event.items() if name not in {"event", "level", "timestamp"})
    return f"{event['timestamp'][:19]}Z {event['event']} {facts}".rstrip()
