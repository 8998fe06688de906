"""What commands say on standard output and on standard error."""

import contextlib
import os
import sys
from typing import TextIO

from worker import reports


def complain(message: str, status: int) -> int:
    """Say what is wrong on standard error; returns `status`."""
    shown = "\n".join(map(reports.printable, message.splitlines()))
    _print(f"rowpatch: {shown}", sys.stderr)
    return status


def say(text: str) -> None:
    """Print on standard output."""
    _print(text, sys.stdout)


def _print(text: str, stream: TextIO | None) -> None:
    """That nobody reads it (`| head -1`), or that there is no room for it, changes nothing about the run."""
    if stream is None:
        return  # it was closed from the start
    try:
        print(text, file=stream, flush=True)
    except OSError:
        hush(stream)
    except ValueError:
        return  # it is closed


def hush(stream: TextIO | None) -> None:
    """Send what else is said nowhere, or the interpreter complains at its end and exits with 120."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
