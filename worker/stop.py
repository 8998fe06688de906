"""The run's wish to end: set once, seen by everybody who waits."""

from collections.abc import Callable

import anyio


class Stop:
    """`reason` is empty while the run goes on; then it is one word, with a `message` for people."""

    def __init__(self) -> None:
        """Begin without anybody's wish to end."""
        self.reason = ""
        self.message = ""
        self._requested = anyio.Event()
        self._listeners: list[Callable[[], None]] = []

    def request(self, reason: str, message: str = "") -> None:
        """Ask for the end; the first reason stands."""
        if not self.reason:
            self.reason, self.message = reason, message
            self._requested.set()
            for listener in self._listeners:
                listener()

    def on_request(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when the end is asked for."""
        self._listeners.append(listener)

    async def sleep(self, seconds: float) -> bool:
        """Wait; False when the run wants to end instead."""
        with anyio.move_on_after(seconds):
            await self._requested.wait()
        return not self.reason
