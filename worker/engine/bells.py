"""Wake the tasks that wait for the sequencer."""

from dataclasses import dataclass, field

import anyio

from jobs.values import valueclass


@dataclass(slots=True)
class Bell:
    """Wakes all tasks that wait. No call is lost if a task awaits nothing between its check and `wait`."""

    _event: anyio.Event | None = None

    def ring(self) -> None:
        """Wake all tasks that wait now."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Wait for the next ring."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


@valueclass(frozen=True, slots=True)
class Bells:
    """One bell for each reason to wait.

    Attributes:
        rows: there may be a row to send, or no more will come.
        room: there may be something to read, or reading has ended.
        doubts: a row is in doubt, or no more will be.
    """

    rows: Bell = field(default_factory=Bell)
    room: Bell = field(default_factory=Bell)
    doubts: Bell = field(default_factory=Bell)

    def ring(self) -> None:
        """Wake all tasks, whatever they wait for."""
        for bell in (self.rows, self.room, self.doubts):
            bell.ring()
