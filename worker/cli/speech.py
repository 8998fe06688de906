"""All output of commands: whatever reaches the terminal is made printable here.

Text from a cell, a server or a file name must not move the cursor or reverse the text; only rich's own styles may.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from jobs.printable import printable

_IN_JSON: Final = ContextVar("in_json", default=False)
"""Whether everything on standard error is a JSON line."""


class Screen(Console):
    """A console whose text cannot steer the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render into segments, and make the text in them printable."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(_lines(part.text), part.style)

    def on_broken_pipe(self) -> None:
        """Fall silent: a run must not end because its output is no longer read."""
        self.quiet = True


@contextlib.contextmanager
def json_lines() -> Iterator[None]:
    """Make a JSON line of everything on standard error, like those of the log; `message` holds the words."""
    before = _IN_JSON.set(True)
    try:
        yield
    finally:
        _IN_JSON.reset(before)


def is_in_json() -> bool:
    """Return True if everything on standard error is a JSON line."""
    return _IN_JSON.get()


def complain(message: str, status: int) -> int:
    """Print what is wrong on standard error; return `status`."""
    _note("error", message, f"rowpatch: {_lines(message)}")
    return status


def warn(text: str) -> None:
    """Print on standard error."""
    _note("note", text, _lines(text))


def can_ask() -> bool:
    """Return True if a question can be answered: input and errors are on a terminal."""
    return all(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))


def ask(question: str) -> str:
    """Print a question on standard error; return the line typed in reply."""
    prompt(question)
    return sys.stdin.readline().strip()


def prompt(question: str) -> None:
    """Print a question on standard error; the line is left open for the reply, but for a JSON line."""
    if is_in_json():
        _note("question", question, "")
        return
    print(f"{_lines(question)} ", end="", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Print on standard output."""
    _print(_lines(text), sys.stdout)


def show(draw: Callable[[Console], None]) -> None:
    """Print what `draw` draws on standard output, made printable; in colour on a terminal."""
    console = Screen(highlight=False)
    with console.capture() as shown:
        draw(console)
    _print(shown.get().rstrip("\n"), sys.stdout)


def to_devnull(stream: TextIO | None) -> None:
    """Redirect the stream to /dev/null: otherwise the interpreter fails to flush it at exit, and exits with 120."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _note(event: str, message: str, text: str) -> None:
    """Print on standard error: the message as a JSON line, or else the text."""
    if is_in_json():
        level, now = "error" if event == "error" else "info", datetime.now(UTC).isoformat().replace("+00:00", "Z")
        text = json.dumps({"message": _lines(message), "event": event, "level": level, "timestamp": now})
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO | None) -> None:
    """Print; a reader that has gone (`| head -1`) or a full disk changes nothing about the run."""
    if stream is None:
        return  # it was closed from the start
    try:
        print(text, file=stream, flush=True)
    except OSError:
        to_devnull(stream)
    except ValueError:
        return  # it is closed


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
