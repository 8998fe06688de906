"""Standard error during a run: a live progress line on a terminal, plain lines elsewhere, and the log."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal, Never

import anyio
import structlog
from rich.live import Live
from rich.text import Text

from worker.cli.console import Screen
from worker.cli.speech import is_in_json, to_devnull
from worker.clock import Clock
from worker.engine.progress import Progress

ON_TERMINAL: Final = 0.25
"""Seconds between two updates of the line on a terminal."""

ELSEWHERE: Final = 10.0
"""Seconds between two plain progress lines."""


_console: Final = Screen(stderr=True, highlight=False, soft_wrap=True)


def _show(line: str) -> None:
    try:
        _console.print(Text(line))
    except OSError:  # standard error is a file on a full disk
        _console.quiet = True
        to_devnull(sys.stderr)


class _Printer:
    """Where log lines go: above the progress line, if there is one."""

    def msg(self, message: str) -> None:
        _show(message)

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


def watcher(clock: Clock) -> Callable[[Progress], Coroutine[Any, Any, Never]]:
    """Return a coroutine function that shows the progress until it is cancelled."""
    return _live(clock) if _console.is_terminal and not is_in_json() else _plain(clock)


def _live(clock: Clock) -> Callable[[Progress], Coroutine[Any, Any, Never]]:
    async def watch(progress: Progress) -> Never:
        with Live(console=_console, transient=True, auto_refresh=False) as live:
            while True:
                line = Text(progress.line(clock.now(), _console.width), no_wrap=True, overflow="ellipsis")
                live.update(line, refresh=True)
                await anyio.sleep(ON_TERMINAL)

    return watch


def _plain(clock: Clock) -> Callable[[Progress], Coroutine[Any, Any, Never]]:
    async def watch(progress: Progress) -> Never:
        progress.line(clock.now())
        while True:
            await anyio.sleep(ELSEWHERE)
            line = progress.line(clock.now())
            if is_in_json():
                structlog.get_logger("rowpatch").info("progress", message=line)
            else:
                _show(line)

    return watch


def _text(_logger: object, _method: str, event: Any) -> str:
    facts = " ".join(f"{name}={value}" for name, value in event.items() if name not in {"event", "level", "timestamp"})
    return f"{event['timestamp'][:19]}Z {event['event']} {facts}".rstrip()
