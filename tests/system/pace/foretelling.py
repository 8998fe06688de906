"""The time left as a run would show it, held against the time it then took."""

from dataclasses import dataclass, field
from itertools import count

from jobs.model import RowRef, RowResult, Status
from tests.system.pace.clients import Client, Ours
from worker.engine.progress import Progress

EVERY = 1.0
"""Seconds between two looks."""

SHORT = 2.0
"""Seconds at the begin and at the end of which a line that shows whole seconds is not judged in per cent."""


@dataclass(slots=True)
class Foretelling:
    """Watches a drive of `total` rows with the progress of a run."""

    total: int
    progress: Progress = field(init=False)
    told: list[tuple[float, float]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    _rows: "count[int]" = field(default_factory=lambda: count(1))
    _ended: float = 0.0

    def __post_init__(self) -> None:
        self.progress = Progress(self.total)

    def __call__(self, client: Client, now: float, attempts: int) -> None:
        self._ended = now
        row = next(self._rows)
        self.progress.count([RowResult(RowRef(row, row, b""), Status.APPLIED, attempts=attempts)])
        if not isinstance(client, Ours) or (self.told and now < self.told[-1][0] + EVERY):
            return
        pace = client.pace
        self.progress.writes, self.progress.limit = pace, pace.rate
        self.progress.pause = lambda: max(0.0, pace.closed_until - now)
        self.lines.append(self.progress.line(now))
        ahead = self.progress.forecast(now)
        self.told.append((now, ahead.seconds if ahead else 0.0))

    def error(self, since: float = 0.05, until: float = 0.95) -> float:
        """Per cent by which the time left was wrong at most, in that part of the run."""
        first, last = max(SHORT, since * self._ended), min(self._ended - SHORT, until * self._ended)
        part = [(now, seconds) for now, seconds in self.told if first <= now <= last]
        wrong = (abs(now + seconds - self._ended) / (self._ended - now) for now, seconds in part)
        return 100 * max(wrong, default=float("nan"))
