"""Virtual time: an event loop that jumps its clock when nothing is ready, and runs real sockets meanwhile."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

LEAST_JUMP = 1e-6
"""Seconds that the clock jumps at least, so that a timer a rounding error ahead is reached."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while anything is ready, and jumps to the next timer when nothing is.

    With no timer either, only the outside world can bring news: then it waits for real.
    """

    def __init__(self) -> None:
        super().__init__(selectors.DefaultSelector())
        self._now = 0.0
        self._selector.select, self._poll = self._select, self._selector.select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    def _select(self, timeout: float | None = None) -> list[Any]:
        ready: list[Any] = self._poll(0 if timeout is not None else None)
        if not ready and timeout:
            self._now += max(timeout, LEAST_JUMP)
        return ready


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time that begins at 0."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
