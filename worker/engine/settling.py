"""Rows in doubt: read their records repeatedly for some seconds, beside the run, until a read proves something.

A record that holds the old value proves nothing: reads lag behind writes, and an update may land after its reply, or
after the connection broke. The reads hold up no other record: only rows of the same record wait.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from heapq import heappop, heappush
from math import ceil
from operator import or_
from typing import Final

import anyio

from jobs.apis.retry_after import read_retry_after
from jobs.changes.diff import fields
from jobs.model import Live, Outcome, Reply, Status
from worker.clock import Clock
from worker.engine.bells import Bells
from worker.engine.outcomes import Outcomes
from worker.lane.reads import Lookup
from worker.policy.decision import give_up, read_back, with_losses
from worker.policy.lifecycle import Event, step
from worker.policy.row import READ_LAG_S, Found, InFlightRow
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

READ_AT_S: Final = (0.0, 0.5, 1.5, 3.5, 6.0, 10.0)
"""Seconds after the doubt at which the record is read: changes that show within 5 s are seen, later ones are not."""

READ_STEP_S: Final = 0.25
"""Seconds to which read times are rounded up, so that the rows of a page are due together."""

MAX_DELAY_S: Final = 30.0
"""Maximum seconds by which the `Retry-After` of a 202 delays the first read."""

MAX_FAILED_READS: Final = 3
"""Failed reads of a record, each after a few tries of its own, before it is given up."""

MAX_OUTAGE_S: Final = 60.0
"""Seconds after the doubt during which to wait for a server that is down."""

MAX_IN_DOUBT_ROWS: Final = 1000
"""Rows in doubt at which no further rows are read."""

HOLD_AFTER_ROWS: Final = 20
"""Open rows in doubt, with no success since, at which nothing more is sent until one of them is settled."""

_ACCEPTED: Final = 202


@dataclass(slots=True, eq=False)
class _RowInDoubt:
    """A row in doubt: the question, since when (loop time), how often its record was read, and its last known state.

    `reads` includes the `failed` ones.
    """

    row: InFlightRow
    question: ReadBack
    outcome: Outcome | None
    since: float
    reads: int = 0
    failed: int = 0
    live: Live | None = None


@dataclass(slots=True)
class Settling:
    """Reads the records of rows in doubt, a page of one type at a time.

    Attributes:
        is_down: returns True while neither reads nor updates get an answer.
    """

    lookup: Lookup
    outcomes: Outcomes
    bells: Bells
    clock: Clock
    stop: Stop
    is_down: Callable[[], bool]
    _due: list[tuple[float, int, _RowInDoubt]] = field(default_factory=list)
    _added: int = 0
    _open: int = 0
    _unproven: set[InFlightRow] = field(default_factory=set)
    _trusted: set[str] = field(default_factory=set)
    _done: bool = False

    @property
    def is_full(self) -> bool:
        """True if so many rows are in doubt that no further rows should be read."""
        return self._open + len(self.outcomes.doubtful) >= MAX_IN_DOUBT_ROWS

    @property
    def holds(self) -> bool:
        """True if nothing more should be sent: a server that leaves every row in doubt may not be the API at all.

        Once a row with a reason turned out to be applied, further rows with that reason no longer count.
        """
        return len(self._unproven) >= HOLD_AFTER_ROWS

    def succeeded(self) -> None:
        """Note that a row was applied."""
        was_held = self.holds
        self._unproven.clear()
        if was_held:
            self.bells.rows.ring()

    def add(self, row: InFlightRow, question: ReadBack, outcome: Outcome | None) -> None:
        """Take a row in doubt, after the journal recorded it; `outcome` is that of its last attempt in this process."""
        self._open += 1
        if question.reason not in self._trusted:
            self._unproven.add(row)
        since = max(self.clock.now() + self._delay(outcome), row.written_at + READ_LAG_S)
        self._put(_RowInDoubt(row, question, outcome, since))
        self.bells.doubts.ring()

    def end(self) -> None:
        """Let the readers end: no further row can be in doubt."""
        self._done = True
        self.bells.doubts.ring()

    async def run(self) -> None:
        """Read the records that are due until the run ends; several tasks may run this at once."""
        while not (self.stop.reason or self._done):
            self._take_doubtful()
            page = self._page(self.clock.now())
            if page:
                await self._read(page)
            else:
                await self._wait()
        self._take_doubtful()
        while self._due:
            self._leave(heappop(self._due)[2])

    def _take_doubtful(self) -> None:
        """Take the rows that an earlier process left in doubt, and that their first read has not settled."""
        while self.outcomes.doubtful:
            self.add(*self.outcomes.doubtful.popleft(), None)

    def _delay(self, outcome: Outcome | None) -> float:
        """Return the seconds before the first read, as a 202 asks for; 0 after any other outcome."""
        if not isinstance(outcome, Reply) or outcome.status != _ACCEPTED:
            return 0.0
        return min(MAX_DELAY_S, read_retry_after(outcome.headers, self.clock.wall()) or 0.0)

    def _put(self, doubt: _RowInDoubt) -> None:
        due = ceil((doubt.since + READ_AT_S[doubt.reads]) / READ_STEP_S) * READ_STEP_S
        heappush(self._due, (due, self._next(), doubt))

    def _next(self) -> int:
        """Return a number that keeps rows in order that are due at the same time."""
        self._added += 1
        return self._added

    def _is_enough(self, doubt: _RowInDoubt, live: Live | None) -> bool:
        """Return True if a last read has shown the record late enough, or too many reads have failed."""
        doubt.failed += live is None
        late = self.clock.now() - doubt.since >= READ_AT_S[-1]
        return doubt.reads == len(READ_AT_S) or (late and (live is not None or doubt.failed >= MAX_FAILED_READS))

    def _waits_for_the_server(self, doubt: _RowInDoubt) -> bool:
        """Return True if the read failed because the server is down for all, which says nothing about this row."""
        return self.is_down() and self.clock.now() - doubt.since < MAX_OUTAGE_S

    def _page(self, now: float) -> list[_RowInDoubt]:
        """Take rows that are due and can be read together, at most a page."""
        page: list[_RowInDoubt] = []
        others: list[tuple[float, int, _RowInDoubt]] = []
        queue, size = ("", ""), 1
        while self._due and self._due[0][0] <= now and len(page) < size:
            entry = heappop(self._due)
            if not page:
                queue, size = self._queue(entry[2]), self.lookup.api.resource(entry[2].row.job.type).page
            if self._queue(entry[2]) == queue:
                page.append(entry[2])
            else:
                others.append(entry)
        for entry in others:
            heappush(self._due, entry)
        return page

    def _queue(self, doubt: _RowInDoubt) -> tuple[str, str]:
        """Return what rows have in common whose records can be read together."""
        job = doubt.row.job
        return job.type, self.lookup.api.resource(job.type).group(job.id)

    async def _read(self, page: list[_RowInDoubt]) -> None:
        wanted = reduce(or_, (fields(each.row.job) for each in page))
        ids = [each.row.job.id for each in page]
        found = await self.lookup.live(page[0].row.job.type, ids, wanted, patient=False)
        for each in page:
            if self.stop.reason and each.row.job.id in found.failed:
                self._leave(each)
            else:
                self._judge(each, found)

    def _judge(self, doubt: _RowInDoubt, found: Found) -> None:
        row, fires = doubt.row, bool(doubt.row.job.triggers)
        live = found.records.get(row.job.id)
        settle = None
        if row.job.id in found.missing:
            doubt.reads = len(READ_AT_S) - 1  # a further read would show nothing new
        elif live is None and self._waits_for_the_server(doubt):
            heappush(self._due, (self.clock.now() + READ_AT_S[1], self._next(), doubt))
            return
        doubt.reads += 1
        if live is not None:
            doubt.live = row.live = live
            row.read_at = found.at[row.job.id]
            settle = read_back(row.image, live, doubt.question, self.lookup.api.schema, fires=fires)
            settle = settle and with_losses(row, settle, live, self.lookup.api.schema)
        if settle is None and self._is_enough(doubt, live):
            settle = give_up(row.image, doubt.live, doubt.question, self.lookup.api.schema, fires=fires)
        if settle is None:
            self._put(doubt)
        else:
            self._settle(doubt, settle)

    def _settle(self, doubt: _RowInDoubt, settle: Settle) -> None:
        self._open -= 1
        self._unproven.discard(doubt.row)
        if settle.status is Status.APPLIED:
            self._trusted.add(doubt.question.reason)
            self.succeeded()
        self.outcomes.settle(doubt.row, settle, doubt.outcome)
        self.bells.rows.ring()  # `holds` may have ended
        self.bells.room.ring()  # `is_full` may have ended

    def _leave(self, doubt: _RowInDoubt) -> None:
        """Leave a row to a later process, which finds the doubt in the journal."""
        self._open -= 1
        doubt.row.state = step(doubt.row.state, Event.STOP)

    async def _wait(self) -> None:
        due = self._due[0][0] - self.clock.now() if self._due else None
        with anyio.move_on_after(due):
            await self.bells.doubts.wait()
