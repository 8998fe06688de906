"""Signals outside the run's own loop: while a sheet is checked, and while reports are made, they end the command."""

import signal
from types import FrameType
from typing import Final, Never

from worker.engine.run import SIGNALS

_DEADLY: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that would kill the process at once; Python makes a `KeyboardInterrupt` of SIGINT itself."""


class Interrupted(KeyboardInterrupt):
    """A signal other than Ctrl-C. `status` is the exit status that it leads to."""

    def __init__(self, number: int) -> None:
        """Take note of which signal it was."""
        super().__init__(number)
        self.status = SIGNALS[signal.Signals(number)]


def end_orderly() -> None:
    """Have such signals raise `Interrupted`; an event loop that has handled them leaves their default behind."""
    for number in _DEADLY:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status that the signal leads to."""
    return error.status if isinstance(error, Interrupted) else SIGNALS[signal.SIGINT]


def _interrupt(number: int, _frame: FrameType | None) -> Never:
    raise Interrupted(number)
