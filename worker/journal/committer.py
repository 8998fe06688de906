"""The thread that commits, and how much goes into a commit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

Runner = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs one blocking commit: on a writer thread in production, inline in simulation."""

TURNS: Final = 10
"""Turns of a busy loop that a commit waits for, so that work at hand can join: replies, results, the next intents.

Workers whose intents became durable together send together. With fewer turns they split into two halves for good, each
committed while the other one computes, and both are slower (measured: with 4 turns half of a commit's rows, and a
seventh more CPU per row).
"""

BUSY_SHARE: Final = 0.6
"""Share of the time spent on computing and commits at which these count as the bottleneck of the run."""

BUSY_SPAN_S: Final = 0.1
"""Seconds over which the share is measured."""


async def inline(commit: Callable[[], None]) -> None:
    """Commit on the event loop itself: for simulation, where a thread would break virtual time."""
    commit()


class WriterThread:
    """The production runner: one thread that does nothing but commit."""

    def __init__(
        self, used: Callable[[], float] = time.process_time, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Start idle; `used` returns seconds of CPU, `now` returns seconds."""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rowpatch-journal")
        self._used, self._now = used, now
        self._since, self._before, self._committing = now(), used(), 0.0
        self._is_busy = False

    async def __call__(self, commit: Callable[[], None]) -> None:
        """Run one commit on the thread and wait for it."""
        began = self._now()
        await asyncio.get_running_loop().run_in_executor(self._executor, commit)
        self._committing += self._now() - began

    async def coalesce(self) -> None:
        """Let work at hand join the next commit, as long as the process is busy.

        A commit costs as much as ten rows: the more rows share one, the faster a busy run is. A run that waits for the
        server or its pace would only lose time: 6 % of the speed at 50 ms and 50 in flight.
        """
        now = self._now()
        if now - self._since >= BUSY_SPAN_S:
            used = self._used()
            self._is_busy = used - self._before + self._committing > BUSY_SHARE * (now - self._since)
            self._since, self._before, self._committing = now, used, 0.0
        if self._is_busy:
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def close(self) -> None:
        """Finish the last commit and end the thread."""
        self._executor.shutdown()
