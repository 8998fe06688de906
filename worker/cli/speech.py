"""What commands say on standard output and on standard error."""

import contextlib
import os
import sys

from worker import reports


def complain(message: str, status: int) -> int:
    """Say what is wrong on standard error; returns `status`."""
    shown = "\n".join(map(reports.printable, message.splitlines()))
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody listens any more
        print(f"rowpatch: {shown}", file=sys.stderr)  # noqa: T201  # the terminal is the point
    return status


def say(text: str) -> None:
    """Print on standard output; that nobody reads it (`| head -1`) changes nothing about the run."""
    try:
        print(text, flush=True)  # noqa: T201  # the terminal is the point
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
    except (AttributeError, ValueError):
        return  # standard output is closed
