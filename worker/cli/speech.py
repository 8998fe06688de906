"""The one place where commands speak: all that reaches the terminal is made printable here.

What a cell, a server or a file's name says may neither move the cursor nor turn text around; only rich's own styles do.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from worker.reports.printable import printable


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
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody listens any more
        print(f"rowpatch: {_lines(message)}", file=sys.stderr)  # noqa: T201  # the terminal is the point
    return status


def ask(question: str) -> str:
    """Put a question on standard error; the line that is typed in reply."""
    print(f"{_lines(question)} ", end="", file=sys.stderr, flush=True)  # noqa: T201  # a prompt
    return sys.stdin.readline().strip()


def say(text: str) -> None:
    """Print on standard output; that nobody reads it (`| head -1`) changes nothing about the run."""
    _write(_lines(text))


def show(draw: Callable[[Console], None]) -> None:
    """Print what `draw` draws on standard output, as `say` does; in colour on a terminal."""
    console = Screen(highlight=False)
    with console.capture() as shown:
        draw(console)
    _write(shown.get().rstrip("\n"))


def _write(text: str) -> None:
    try:
        print(text, flush=True)  # noqa: T201  # the terminal is the point
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
    except (AttributeError, ValueError):
        return  # standard output is closed


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
