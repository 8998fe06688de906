"""The progress of a run: how far it is, how fast, what limits it and when it ends. Rows count once durable."""

import math
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Never

from jobs.model import SETTLED_WELL, RowResult, Status
from jobs.values import valueclass
from worker.journal import Planned
from worker.policy.eta import Forecast, Limiter, forecast
from worker.policy.pace import Pace

RATE_SPAN_S: Final = 15.0
"""Seconds over which the current rate is measured."""

ETA_SPAN_S: Final = 300.0
"""Seconds over which the speed for the time left is measured, pauses included."""

PLAN: Final = "plan"
"""Command of a process that plans."""

_WELL: Final = SETTLED_WELL | {Status.PENDING}
"""Statuses of rows that need nobody's attention; in a plan, such rows would be sent."""


@valueclass(frozen=True, slots=True)
class Aim:
    """What a process works on.

    Attributes:
        command: like `apply`. `url`: of the API.
        mode: of the credential, `test` or `live`; empty where it does not say.
        is_live: live data may be at stake.
    """

    command: str = ""
    url: str = ""
    mode: str = ""
    is_live: bool = False


@valueclass(frozen=True, slots=True)
class Problem:
    """A row that needs somebody's attention."""

    row: int
    status: Status
    reason: str
    message: str


@valueclass(frozen=True, slots=True)
class Snapshot:
    """The progress at one moment.

    Attributes:
        total: rows this process has to settle. `done`: of them.
        counts: rows by status; `pending` are those that a plan would send.
        rate: rows per second over the last seconds: sent, or planned.
        limit: rows per second that the pace allows, infinity if nothing is known.
        limiter: what the process waits for most, None if nobody knows yet.
        pause: seconds until the limiter opens again, 0 if it is open.
        left: seconds until the last row is done, None if nobody knows yet.
        retries: requests of this process that repeat an earlier one of their row.
        problem: the last one.
    """

    aim: Aim
    total: int
    done: int
    counts: Mapping[Status, int]
    rate: float
    limit: float
    limiter: Limiter | None
    pause: float
    left: float | None
    retries: int = 0
    problem: Problem | None = None

    @property
    def share(self) -> int:
        """Per cent of the rows that are done, rounded down."""
        return self.done * 100 // self.total if self.total else 100

    @property
    def bad(self) -> int:
        """Rows that need somebody's attention."""
        return sum(count for status, count in self.counts.items() if status not in _WELL)


_NO_AIM: Final = Aim()


@dataclass(slots=True)
class Progress:
    """Counts of one process, fed with durable results.

    Attributes:
        total: rows this process has to settle.
        limit: returns the rows per second that the pace allows, infinity if nothing is known.
        pause: returns the seconds until the limiter opens again, 0 if it is open.
        writes, reads: the paces that rows have to pass, None for none; one and the same if both spend one quota.
        queued: returns the rows that are read and not settled. `gets`: returns the read requests so far.
        retries: returns the requests so far that repeat an earlier one of their row.
        aim: what the process works on.
        problem: the last row that needs somebody's attention.
    """

    total: int
    limit: Callable[[], float] = lambda: math.inf
    pause: Callable[[], float] = lambda: 0.0
    writes: Pace | None = None
    reads: Pace | None = None
    queued: Callable[[], int] = lambda: 0
    gets: Callable[[], int] = lambda: 0
    retries: Callable[[], int] = lambda: 0
    aim: Aim = _NO_AIM
    problem: Problem | None = None
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
            if result.status not in _WELL:
                self.problem = Problem(result.ref.row, result.status, result.reason, result.message)

    def plan(self, planned: Sequence[Planned]) -> None:
        """Count planned rows that are durable."""
        self.done += len(planned)
        for each in planned:
            self.counts[each.status] += 1
            if each.status not in _WELL:
                self.problem = Problem(each.row, each.status, each.reason, each.message)

    def line(self, now: float) -> str:
        """Return the progress as one plain line as of `now`, which must advance with every call."""
        shown = self.snapshot(now)
        parts = [
            f"{shown.done:,}/{shown.total:,} rows ({shown.share}%)",
            ", ".join(f"{count:,} {named(status)}" for status, count in shown.counts.items()),
            f"{shown.rate:.1f}/s",
            _limited(shown),
            f"limited by {shown.limiter}" if shown.limiter else "",
            f"{duration(shown.left)} left" if shown.left is not None else "",
        ]
        return " | ".join(filter(None, parts))

    def snapshot(self, now: float) -> Snapshot:
        """Return the progress as of `now`, which must advance with every call."""
        self._mark(now)
        ahead = self.forecast(now)
        return Snapshot(
            self.aim,
            self.total,
            self.done,
            {status: self.counts[status] for status in Status if self.counts[status]},
            self._rate(1 if self.aim.command == PLAN else 2, RATE_SPAN_S),
            self.limit(),
            ahead.limiter if ahead else None,
            self.pause(),
            ahead.seconds if ahead else self._by_rate(),
            self.retries(),
            self.problem,
        )

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

    def _by_rate(self) -> float | None:
        """Return the seconds left by the current rate, but never less than the limit allows; None if nobody knows."""
        rate, left = self._rate(1, RATE_SPAN_S), self.total - self.done
        if left <= 0 or rate <= 0:
            return None
        to_send = left * self.sent / self.done if self.done else left
        return max(left / rate, to_send / self.limit()) + self.pause()


Watch = Callable[[Progress], Coroutine[Any, Any, Never]]
"""Shows the progress of a run until it is cancelled."""


def named(status: Status) -> str:
    """Return what a status is called while the process goes on: of a row that a plan would send, it is no status."""
    return "to send" if status is Status.PENDING else status


def _limited(shown: Snapshot) -> str:
    if shown.pause > 1:
        return f"paused {shown.pause:.0f} s"
    return "" if math.isinf(shown.limit) else f"limit {shown.limit:.1f}/s"


def duration(seconds: float) -> str:
    """Format seconds: `42 s`, `12 min`, `8.3 h`, `3.5 days`."""
    for unit, size, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < below:
            return f"{seconds / size:.0f} {unit}" if unit != "h" else f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86400:.1f} days"
