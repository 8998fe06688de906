"""The latest writes of the run, which reads may not show yet."""

from collections import deque
from dataclasses import dataclass, field
from functools import reduce

from jobs.changes.diff import Change, after
from jobs.model import Live
from worker.policy.row import READ_LAG_S


@dataclass(slots=True)
class RecentWrites:
    """Changes of the last few seconds by record, in the order in which they were applied; older ones are dropped."""

    _changes: dict[str, deque[Change]] = field(default_factory=dict)
    _order: deque[tuple[float, str]] = field(default_factory=deque)

    def add(self, resource_id: str, change: Change, now: float) -> None:
        """Store a change that was applied at `now` (loop time)."""
        self._forget(now)
        self._changes.setdefault(resource_id, deque()).append(change)
        self._order.append((now, resource_id))

    def over(self, resource_id: str, live: Live, now: float) -> Live:
        """Return the record with the latest writes applied, whether or not the read shows them."""
        self._forget(now)
        return reduce(after, self._changes.get(resource_id, ()), live)

    def _forget(self, now: float) -> None:
        while self._order and now - self._order[0][0] > READ_LAG_S:
            _, resource_id = self._order.popleft()
            changes = self._changes[resource_id]
            changes.popleft()
            if not changes:
                del self._changes[resource_id]
