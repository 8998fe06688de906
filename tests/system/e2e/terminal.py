"""The program on a terminal: a pseudo-terminal of a given width, whose other side is the test."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.side, line.encode() + b"\n")

    def hang_up(self) -> None:
        """Close the terminal: its program gets a SIGHUP, and can no longer write."""
        os.close(self.side)
        self.side = -1


@contextmanager
def terminal(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str], columns: int = 80
) -> Iterator[Terminal]:
    """Start the program on a terminal of its own; it is killed at the end of the block if it is still there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", ROWPATCH, *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env={**environment, "TERM": "xterm"},
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
