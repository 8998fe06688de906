"""Signals: a run ends in an orderly way; before it, while a sheet is checked, and after it they end the command."""

import signal
from types import FrameType
from typing import Final, Never

import anyio
import anyio.abc

from worker.engine.run import Run, RunEnd
from worker.exit_statuses import HUNG_UP, INTERRUPTED, TERMINATED

SIGNALS: Final = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}
"""Signals that end a run, and the exit status each leads to."""

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


async def heeding_signals(run: Run) -> RunEnd:
    """Execute a run, which a signal interrupts, and a second one cuts short; return how it ended."""
    async with anyio.create_task_group() as listening:
        await listening.start(_interrupt_at, run)
        ended = await run.execute()
        listening.cancel_scope.cancel()
    return ended


async def _interrupt_at(run: Run, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heeded = (number for number in SIGNALS if not (nohup and number is signal.SIGHUP))
    with anyio.open_signal_receiver(*heeded) as signals:
        task_status.started()
        async for number in signals:
            run.interrupt(SIGNALS[number])
