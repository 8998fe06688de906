"""Executes a run in an event loop that heeds signals."""

import signal
from typing import Protocol

import anyio
import anyio.abc

from worker.cli.signals import SIGNALS
from worker.engine.run import RunEnd


class Interruptible(Protocol):
    """What can be executed, and interrupted meanwhile: a run."""

    async def execute(self) -> RunEnd:
        """Return how it ended."""

    def interrupt(self, status: int) -> None:
        """End it in an orderly way; on the second call, at once."""


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
