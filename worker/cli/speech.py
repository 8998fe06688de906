"""The one place where commands speak: all that reaches the terminal is made printable here.

What a cell, a server or a file's name says may neither move the cursor nor turn text around; only rich's own styles do.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from jobs.printable import printable


class Screen(Console):
    """A console whose text cannot steer the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The parts that make up `renderable`, those that are text made printable."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(_lines(part.text), part.style)

    def on_broken_pipe(self) -> None:
        """Fall silent: that nobody reads it any more must not end a run."""
        self.quiet = True


def complain(message: str, status: int) -> int:
    """Say what is wrong on standard error; returns `status`."""
    _print(f"rowpatch: {_lines(message)}", sys.stderr)
    return status


def warn(text: str) -> None:
    """Print on standard error."""
    _print(_lines(text), sys.stderr)


def can_ask() -> bool:
    """Return whether somebody is there to answer: a terminal."""
    return all(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))


def ask(question: str) -> str:
    """Put a question on standard error; the line that is typed in reply."""
    print(f"{_lines(question)} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def say(text: str) -> None:
    """Print on standard output."""
    _print(_lines(text), sys.stdout)


def show(draw: Callable[[Console], None]) -> None:
    """Print what `draw` draws on standard output, as `say` does; in colour on a terminal."""
    console = Screen(highlight=False)
    with console.capture() as shown:
        draw(console)
    _print(shown.get().rstrip("\n"), sys.stdout)


def to_devnull(stream: TextIO | None) -> None:
    """Send all that is still written to /dev/null, or the interpreter complains at its end and exits with 120."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print(text: str, stream: TextIO | None) -> None:
    """That nobody reads it (`| head -1`), or that there is no room for it, changes nothing about the run."""
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
