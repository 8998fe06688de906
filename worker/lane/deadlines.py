"""When requests have taken long enough."""

import asyncio
from typing import Any


class Deadlines:
    """When requests have taken long enough. One timer for all of them: a timer each costs 10 us."""

    def __init__(self, loop: asyncio.AbstractEventLoop, usual: float) -> None:
        self.loop = loop
        self._usual = usual
        self._running: dict[Deadline, None] = {}  # in the order in which they end, but for the few with less time
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, within: float | None) -> "Deadline":
        """The calling task has the usual time from now on, or `within` seconds if that is less."""
        task = asyncio.current_task(self.loop)
        if task is None:
            raise RuntimeError("requests are sent by tasks")
        seconds = self._usual if within is None else min(within, self._usual)
        deadline = Deadline(self, task, self.loop.time() + seconds)
        if seconds < self._usual:
            deadline.timer = self.loop.call_at(deadline.at, deadline.expire)
        else:
            self._running[deadline] = None
            if self._timer is None:
                self._timer = self.loop.call_at(deadline.at, self._look)
        return deadline

    def ended(self, deadline: "Deadline") -> None:
        """That one is no longer running."""
        self._running.pop(deadline, None)
        if not self._running and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Cancel what has taken too long, and look again when the next one may have."""
        now = self.loop.time()
        self._timer = None
        for deadline in list(self._running):
            if deadline.at > now:
                self._timer = self.loop.call_at(deadline.at, self._look)
                return
            del self._running[deadline]
            deadline.expire()


class Deadline:
    """The end of one request's time: its task is cancelled then."""

    __slots__ = ("_all", "_cancelled", "_requests", "_task", "at", "timer")

    def __init__(self, deadlines: Deadlines, task: asyncio.Task[Any], at: float) -> None:
        self.at = at
        self.timer: asyncio.TimerHandle | None = None
        self._all = deadlines
        self._task = task
        self._requests = task.cancelling()
        self._cancelled = False

    def expire(self) -> None:
        """The time is over."""
        self._cancelled = True
        self._task.cancel()

    def has_cancelled(self) -> bool:
        """Whether the task was cancelled by this and by nobody else; it goes on then."""
        if not self._cancelled:
            return False
        self._cancelled = False
        return self._task.uncancel() <= self._requests

    def end(self) -> None:
        """The request is over."""
        if self.timer is not None:
            self.timer.cancel()
        self._all.ended(self)
