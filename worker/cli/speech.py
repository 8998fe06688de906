"""All output of commands: whatever reaches the terminal is made printable here.

Text from a cell, a server or a file name must not move the cursor or reverse the text. What is drawn in colour:
`console`.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

from jobs.printable import printable

_IN_JSON: Final = ContextVar("in_json", default=False)
"""Whether everything on standard error is a JSON line."""


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
    _note("error", message, f"rowpatch: {lines(message)}")
    return status


def warn(text: str) -> None:
    """Print on standard error."""
    _note("note", text, lines(text))


def progress(text: str) -> None:
    """Print how far the command is on standard error, where nothing can be drawn."""
    _note("progress", text, lines(text))


def can_draw() -> bool:
    """Return True if lines can be drawn in place on standard error: a terminal, whose user does not want plain ones."""
    unwanted = any(os.environ.get(name) not in {None, "", *no} for name, no in _PLAIN.items())
    stream = sys.stderr
    is_terminal = stream is not None and not stream.closed and stream.isatty()
    return is_terminal and not unwanted and os.environ.get("TERM", "") not in _DUMB and not is_in_json()


_PLAIN: Final[dict[str, set[str]]] = {"NO_COLOR": set(), "CI": {"0", "false"}}
"""Variables that ask for plain lines, and values by which they do not."""

_DUMB: Final = frozenset({"dumb", "unknown"})
"""Terminals on which the cursor cannot be moved."""

_CLEARING: Final[list[Callable[[], None]]] = []


def before_printing(clear: Callable[[], None]) -> None:
    """Have `clear` called before anything is printed: what is drawn at the cursor has to go."""
    _CLEARING.append(clear)


def clear() -> None:
    """Clear what is drawn at the cursor."""
    for each in _CLEARING:
        each()


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
    clear()
    print(f"{lines(question)} ", end="", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Print on standard output."""
    emit(lines(text), sys.stdout)


def to_devnull(stream: TextIO | None) -> None:
    """Redirect the stream to /dev/null: otherwise the interpreter fails to flush it at exit, and exits with 120."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _note(event: str, message: str, text: str) -> None:
    """Print on standard error: the message as a JSON line, or else the text."""
    if is_in_json():
        level, now = "error" if event == "error" else "info", datetime.now(UTC).isoformat().replace("+00:00", "Z")
        text = json.dumps({"message": lines(message), "event": event, "level": level, "timestamp": now})
    emit(text, sys.stderr)


def emit(text: str, stream: TextIO | None) -> None:
    """Print as it is; a reader that has gone (`| head -1`) or a full disk changes nothing about the run."""
    if stream is None:
        return  # it was closed from the start
    clear()
    try:
        print(text, file=stream, flush=True)
    except OSError:
        to_devnull(stream)
    except ValueError:
        return  # it is closed


def lines(text: str) -> str:
    """Return a text of several lines, each made printable."""
    return "\n".join(map(printable, text.split("\n")))
