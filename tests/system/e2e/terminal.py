"""The program on a terminal: a pseudo-terminal of a given width, whose other side is the test."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.system.e2e.program import PATIENCE, ROWPATCH


@dataclass(slots=True)
class Terminal:
    """A terminal with the program on it; `shown` is what it has been sent so far."""

    process: subprocess.Popen[bytes]
    side: int
    shown: str = field(default="")

    def read(self, until: str = "\0") -> str:
        """Read until a text is shown, or the program ends; all that was shown so far.

        Raises:
            TimeoutError: neither happened.
        """
        deadline = time.monotonic() + PATIENCE
        while until not in self.shown:
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {until!r}: {self.shown}")
            if not select.select([self.side], [], [], 0.05)[0]:
                continue
            try:
                part = os.read(self.side, 65536)
            except OSError:  # nobody has the other side open any more
                break
            self.shown += part.decode(errors="replace")
        return self.shown

    def watch(self, seconds: float) -> str:
        """Read for some time; what was shown in it."""
        before, deadline = len(self.shown), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.side], [], [], left)[0]:
                self.shown += os.read(self.side, 65536).decode(errors="replace")
        return self.shown[before:]

    def type(self, line: str) -> None:
        """Type a line."""
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.side, keys.encode())

    def resize(self, columns: int) -> None:
        """Make the terminal wider or narrower, of which the program is told by a SIGWINCH."""
        _resize(self.side, columns)

    def hang_up(self) -> None:
        """Close the terminal: its program gets a SIGHUP, and can no longer write."""
        os.close(self.side)
        self.side = -1


def _resize(side: int, columns: int) -> None:
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


_SEQUENCE: Final = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


@dataclass(slots=True)
class Picture:
    """What stands on a terminal that was sent a text: it knows as much as the program uses.

    Attributes:
        lines: all there ever were, from the top. `row`, `column`: where the cursor is.
        is_hidden: the cursor is.
    """

    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    is_hidden: bool = False

    def take(self, text: str) -> "Picture":
        """Take in a text; a sequence that it does not know fails."""
        for found in _SEQUENCE.finditer(text):
            numbers, letter, move, printed = found.groups()
            if printed:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + printed + line[self.column + len(printed) :]
                self.column += len(printed)
            elif move:
                self._move(move)
            else:
                self._obey(numbers, letter)
        return self

    def _move(self, move: str) -> None:
        if move == "\r":
            self.column = 0
        else:
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))

    def _obey(self, numbers: str, letter: str) -> None:
        match letter:
            case "m":
                pass
            case "A":
                self.row -= int(numbers or 1)
            case "K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "J":
                self.lines[self.row :] = [self.lines[self.row][: self.column]]
            case "l" | "h" if numbers == "?25":
                self.is_hidden = letter == "l"
            case _:
                raise AssertionError(f"what is ESC[{numbers}{letter}?")


@contextmanager
def terminal(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str], columns: int = 80
) -> Iterator[Terminal]:
    """Start the program on a terminal of its own; it is killed at the end of the block if it is still there."""
    ours, theirs = pty.openpty()
    _resize(theirs, columns)
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", ROWPATCH, *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env={"TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(theirs)
    found = Terminal(process, ours)
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        if found.side >= 0:
            os.close(found.side)
