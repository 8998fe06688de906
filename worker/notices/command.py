"""A notice by a command: the digest is its standard input."""

import json
import os
import signal
import subprocess
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

from jobs.values import valueclass

PREFIX: Final = "ROWPATCH_"
"""Variables that begin so are not handed on: credentials are among them."""

TIME_LIMIT_S: Final = 30.0
"""Seconds that a notice may take."""


@valueclass(frozen=True, slots=True)
class Command:
    """A command to run.

    Attributes:
        argv: the program and its arguments; no shell looks at them.
        seconds: until it is killed, with all that it started.
    """

    argv: tuple[str, ...]
    seconds: float = TIME_LIMIT_S


def run(
    command: Command, document: Mapping[str, object], environment: Mapping[str, str], secret: Collection[str] = ()
) -> str:
    """Run the command with the document as JSON on its standard input.

    Its output is dropped: `--json` owns ours. Its standard error is ours, since the command is the user's own.

    Args:
        command: to run.
        document: the digest.
        environment: of this process; the command gets it without our credentials.
        secret: names of further variables that it does not get.

    Returns:
        Why it failed, without its arguments, which may be private; empty if it did not.
    """
    given = {name: value for name, value in environment.items() if not name.startswith(PREFIX) and name not in secret}
    try:
        process = subprocess.Popen(  # noqa: S603  # the user's own command, and no shell
            command.argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=given, start_new_session=True
        )
    except (OSError, ValueError) as error:  # not there, not executable; a NUL in an argument
        return f"it cannot be started: {getattr(error, 'strerror', None) or 'an argument is not valid'}"
    with process:
        try:
            process.communicate(json.dumps(document).encode() + b"\n", timeout=command.seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own group: what it started must not outlive it
            return f"it took more than {command.seconds:g} s"
    return f"its exit status was {process.returncode}" if process.returncode else ""
