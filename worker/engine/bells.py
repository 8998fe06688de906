"""Who waits for news of the sequencer, and how they are woken."""

from dataclasses import dataclass, field

import anyio


@dataclass(slots=True)
class Bell:
    """Wakes all who wait. Nothing is lost where nobody awaits anything between looking and waiting."""

    _event: anyio.Event | None = None

    def ring(self) -> None:
        """Wake all who wait now."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Wait until it rings."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


@dataclass(frozen=True, slots=True)
class Bells:
    """One bell for each reason to wait.

    Attributes:
        rows: there may be a row to send, or none will come any more.
        room: there may be something to read, or to read no more.
        doubts: a row is in doubt, or none will be any more.
    """

    rows: Bell = field(default_factory=Bell)
    room: Bell = field(default_factory=Bell)
    doubts: Bell = field(default_factory=Bell)

    def ring(self) -> None:
        """Wake everybody."""
        for bell in (self.rows, self.room, self.doubts):
            bell.ring()
