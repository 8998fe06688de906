"""Deadlines of requests: cancel the ones that take too long."""

import asyncio
from typing import Any


class Deadlines:
    """The deadlines of all requests in flight. They share one timer: a timer for each would cost 10 us a request."""

    def __init__(self, loop: asyncio.AbstractEventLoop, usual: float) -> None:
        self.loop = loop
        self._usual = usual
        self._running: dict[Deadline, None] = {}  # in the order in which they end, without the few that have less time
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, within: float | None) -> "Deadline":
        """Give the calling task the usual number of seconds from now, or `within` if that is less."""
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
        """Forget a deadline whose request has ended."""
        self._running.pop(deadline, None)
        if not self._running and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Cancel the requests that are overdue, and set the timer for the next deadline."""
        now = self.loop.time()
        self._timer = None
        for deadline in list(self._running):
            if deadline.at > now:
                self._timer = self.loop.call_at(deadline.at, self._look)
                return
            del self._running[deadline]
            deadline.expire()


class Deadline:
    """The deadline of one request: its task is cancelled then."""

    __slots__ = ("_all", "_cancelled", "_requests", "_task", "at", "timer")

    def __init__(self, deadlines: Deadlines, task: asyncio.Task[Any], at: float) -> None:
        self.at = at
        self.timer: asyncio.TimerHandle | None = None
        self._all = deadlines
        self._task = task
        self._requests = task.cancelling()
        self._cancelled = False

    def expire(self) -> None:
        """Cancel the task: its time is up."""
        self._cancelled = True
        self._task.cancel()

    def has_cancelled(self) -> bool:
        """Return True, and uncancel the task, if only this deadline has cancelled it."""
        if not self._cancelled:
            return False
        self._cancelled = False
        return self._task.uncancel() <= self._requests

    def end(self) -> None:
        """Drop the deadline: the request has ended."""
        if self.timer is not None:
            self.timer.cancel()
        self._all.ended(self)
