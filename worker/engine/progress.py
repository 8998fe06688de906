"""The progress line: how far the run is, how fast, what limits it and when it ends. Rows count once durable."""

import math
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Never

from jobs.model import SETTLED_WELL, RowResult, Status
from worker.policy.eta import Forecast, forecast
from worker.policy.pace import Pace

RATE_SPAN_S: Final = 15.0
"""Seconds over which the current rate is measured."""

ETA_SPAN_S: Final = 300.0
"""Seconds over which the speed for the time left is measured, pauses included."""

_SHOWN: Final = tuple(status for status in Status if status is not Status.PENDING)


@dataclass(slots=True)
class Progress:
    """Counts of one process, fed with durable results.

    Attributes:
        total: rows this process has to settle.
        limit: returns the rows per second that the pace allows, infinity if nothing is known.
        pause: returns the seconds until the limiter opens again, 0 if it is open.
        writes, reads: the paces that rows have to pass, None for none; one and the same if both spend one quota.
        queued: returns the rows that are read and not settled. `gets`: returns the read requests so far.
    """

    total: int
    limit: Callable[[], float] = lambda: math.inf
    pause: Callable[[], float] = lambda: 0.0
    writes: Pace | None = None
    reads: Pace | None = None
    queued: Callable[[], int] = lambda: 0
    gets: Callable[[], int] = lambda: 0
    counts: Counter[Status] = field(default_factory=Counter)
    done: int = 0
    sent: int = 0
    attempts: int = 0
    _marks: deque[tuple[float, int, int, int, int]] = field(default_factory=deque)

    def count(self, results: Sequence[RowResult]) -> None:
        """Count results that are durable."""
        self.done += len(results)
        for result in results:
            self.counts[result.status] += 1
            self.sent += result.attempts > 0
            self.attempts += result.attempts

    def plan(self, planned: int) -> None:
        """Count planned rows that are durable."""
        self.done += planned

    def line(self, now: float, width: int = 1000) -> str:
        """Return the line as of `now`, which must advance with every call; at most `width` characters.

        Parts that do not fit are left out, the least important first, but never the rows done or the time left.
        """
        self._mark(now)
        share = f"{self.done * 100 // self.total}%" if self.total else "100%"
        counts = ", ".join(f"{self.counts[status]:,} {status}" for status in _SHOWN if self.counts[status])
        ahead = self.forecast(now)
        bad = sum(count for status, count in self.counts.items() if status not in SETTLED_WELL)
        parts = [
            f"{self.done:,}/{self.total:,} rows ({share})",
            counts,
            f"{self._rate(2, RATE_SPAN_S):.1f}/s",
            self._limited(),
            f"limited by {ahead.limiter}" if ahead else "",
            self._eta(ahead),
        ]
        return _fitted(parts, f"{bad:,} bad" if bad else "", width)

    def forecast(self, now: float) -> Forecast | None:
        """Forecast from the paces when the last row will be settled; return None before the first answer.

        Rows whose records are already as wanted cost only a read. The forecast assumes that the share of rows to send
        stays as it was; rows that are read and wait to be sent are known to differ.
        """
        left, queued = self.total - self.done, self.queued()
        seen, unread = self.done + queued, max(0, left - queued)
        if left <= 0 or not seen:
            return None
        to_send = (queued + unread * (self.sent + queued) / seen) * (self.attempts / self.sent if self.sent else 1.0)
        to_read = unread * self.gets() / seen
        loads = [(to_send, self.writes, self._rate(3, ETA_SPAN_S)), (to_read, self.reads, self._rate(4, ETA_SPAN_S))]
        if self.writes is self.reads:
            loads = [(to_send + to_read, self.writes, sum(speed for _, _, speed in loads))]
        found = [forecast(count, pace, now, speed=speed) for count, pace, speed in loads if pace is not None]
        return max(filter(None, found), default=None)

    def _mark(self, now: float) -> None:
        self._marks.append((now, self.done, self.sent, self.attempts, self.gets()))
        while len(self._marks) > 2 and now - self._marks[0][0] > ETA_SPAN_S:  # two marks make a rate
            self._marks.popleft()

    def _rate(self, column: int, span: float) -> float:
        """Return the growth per second of a column of the marks over the last `span` seconds."""
        if not self._marks:
            return 0.0
        last = self._marks[-1]
        first = next(mark for mark in self._marks if last[0] - mark[0] <= span or mark is self._marks[-2])
        return (last[column] - first[column]) / (last[0] - first[0]) if last[0] > first[0] else 0.0

    def _limited(self) -> str:
        pause = self.pause()
        if pause > 1:
            return f"paused {pause:.0f} s"
        limit = self.limit()
        return "" if math.isinf(limit) else f"limit {limit:.1f}/s"

    def _eta(self, ahead: Forecast | None) -> str:
        """Render the time left: by the forecast, else by the current rate, but never less than the limit allows."""
        if ahead:
            return f"{duration(ahead.seconds)} left"
        rate, left = self._rate(1, RATE_SPAN_S), self.total - self.done
        if left <= 0 or rate <= 0:
            return ""
        to_send = left * self.sent / self.done if self.done else left
        return f"{duration(max(left / rate, to_send / self.limit()) + self.pause())} left"


Watch = Callable[[Progress], Coroutine[Any, Any, Never]]
"""Shows the progress of a run until it is cancelled."""


def _fitted(parts: list[str], counts: str, width: int) -> str:
    """Join the parts that fit; drop the limiter first, then shorten to `counts`, then drop limit, rate and counts."""
    fitted = list(parts)
    for place, instead in ((None, ""), (4, ""), (1, counts), (3, ""), (2, ""), (1, "")):
        if place is not None:
            fitted[place] = instead
        line = " | ".join(filter(None, fitted))
        if len(line) <= width:
            break
    return line


def duration(seconds: float) -> str:
    """Format seconds: `42 s`, `12 min`, `8.3 h`, `3.5 days`."""
    for unit, size, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < below:
            return f"{seconds / size:.0f} {unit}" if unit != "h" else f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86400:.1f} days"
