"""Signals: during a run they end it in an orderly way; before it, after it and during a check they end the command."""

import signal
from types import FrameType
from typing import Final, Never

from worker.exit_statuses import HUNG_UP, INTERRUPTED, TERMINATED

SIGNALS: Final = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}
"""Signals that end a run, and the exit status each leads to."""

_DEADLY: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that would kill the process at once; Python itself turns SIGINT into a `KeyboardInterrupt`."""


class Interrupted(KeyboardInterrupt):
    """A signal other than Ctrl-C. `status` is the exit status that it leads to."""

    def __init__(self, number: int) -> None:
        """Store the exit status of signal `number`."""
        super().__init__(number)
        self.status = SIGNALS[signal.Signals(number)]


def end_orderly() -> None:
    """Make deadly signals raise `Interrupted`. Call it again after an event loop, which restores their defaults."""
    for number in _DEADLY:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status that the signal leads to."""
    return error.status if isinstance(error, Interrupted) else SIGNALS[signal.SIGINT]


def _interrupt(number: int, _frame: FrameType | None) -> Never:
    raise Interrupted(number)
