"""Signals: during a run they end it in an orderly way; before it, after it and during a check they end the command."""

import signal
from types import FrameType
from typing import Final, Never, Protocol

import anyio
import anyio.abc

from worker.engine.run import RunEnd
from worker.exit_statuses import HUNG_UP, INTERRUPTED, TERMINATED

SIGNALS: Final = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}
"""Signals that end a run, and the exit status each leads to."""

_DEADLY: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that would kill the process at once; Python itself turns SIGINT into a `KeyboardInterrupt`."""


class Interruptible(Protocol):
    """What can be executed, and interrupted meanwhile: a run."""

    async def execute(self) -> RunEnd:
        """Return how it ended."""

    def interrupt(self, status: int) -> None:
        """End it in an orderly way; on the second call, at once."""


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


async def execute_with_signals(run: Interruptible) -> RunEnd:
    """Execute a run and return how it ended; one signal interrupts it, a second one cuts it short."""
    async with anyio.create_task_group() as listening:
        await listening.start(_interrupt_at, run)
        ended = await run.execute()
        listening.cancel_scope.cancel()
    return ended


async def _interrupt_at(run: Interruptible, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heeded = (number for number in SIGNALS if not (nohup and number is signal.SIGHUP))
    with anyio.open_signal_receiver(*heeded) as signals:
        task_status.started()
        async for number in signals:
            run.interrupt(SIGNALS[number])
