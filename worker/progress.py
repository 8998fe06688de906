"""One line that says how far the run is, how fast, what limits it and when it ends. Rows are counted once durable."""

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.model import RowResult, Status

SPAN: Final = 15.0
"""Seconds over which the present rate is measured."""

_SHOWN: Final = tuple(status for status in Status if status is not Status.PENDING)


@dataclass(slots=True)
class Progress:
    """Counts of one process, fed with durable results.

    Attributes:
        total: rows this process has to settle.
        limit: rows a second that the pace allows, infinity when nothing is known.
        pause: seconds until the gate opens again, 0 when it is open.
    """

    total: int
    limit: Callable[[], float] = lambda: math.inf
    pause: Callable[[], float] = lambda: 0.0
    counts: Counter[Status] = field(default_factory=Counter)
    done: int = 0
    sent: int = 0
    _marks: deque[tuple[float, int, int]] = field(default_factory=deque)

    def count(self, results: Sequence[RowResult]) -> None:
        """Take note of results that are on disk."""
        self.done += len(results)
        for result in results:
            self.counts[result.status] += 1
            self.sent += result.attempts > 0

    def plan(self, planned: int) -> None:
        """Take note of rows that are planned, on disk."""
        self.done += planned

    def line(self, now: float) -> str:
        """The line as of `now`, which advances with every call."""
        self._marks.append((now, self.done, self.sent))
        while len(self._marks) > 2 and now - self._marks[0][0] > SPAN:  # noqa: PLR2004  # two marks make a rate
            self._marks.popleft()
        share = f"{self.done * 100 // self.total}%" if self.total else "100%"
        counts = ", ".join(f"{self.counts[status]:,} {status}" for status in _SHOWN if self.counts[status])
        parts = [f"{self.done:,}/{self.total:,} rows ({share})", counts, f"{self._rate(2):.1f}/s", self._limited()]
        return " | ".join(filter(None, parts)) + self._eta()

    def _rate(self, column: int) -> float:
        (then, *first), (now, *last) = self._marks[0], self._marks[-1]
        return (last[column - 1] - first[column - 1]) / (now - then) if now > then else 0.0

    def _limited(self) -> str:
        pause = self.pause()
        if pause > 1:
            return f"paused {pause:.0f} s"
        limit = self.limit()
        return "" if math.isinf(limit) else f"limit {limit:.1f}/s"

    def _eta(self) -> str:
        """Time left: by the present rate, but never faster than the limit allows for the rows that have to be sent."""
        rate, left = self._rate(1), self.total - self.done
        if left <= 0 or rate <= 0:
            return ""
        to_send = left * self.sent / self.done if self.done else left
        return f" | {duration(max(left / rate, to_send / self.limit()) + self.pause())} left"


def duration(seconds: float) -> str:
    """`42 s`, `12 min`, `8.3 h`, `3.5 days`."""
    for unit, size, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < below:
            return f"{seconds / size:.0f} {unit}" if unit != "h" else f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86400:.1f} days"
