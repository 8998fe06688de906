"""Rows in doubt: their records are read again and again for some seconds, beside the run, until one proves something.

A record that holds the old value proves nothing: reads lag behind writes, and an update may land after its reply, or
after the connection broke. So nobody waits for a first read, and nobody is held up by the last: the rows of other
records go on meanwhile, and those of the same record wait.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from heapq import heappop, heappush
from math import ceil
from operator import or_
from typing import Final

import anyio

from jobs.apis.commercelayer import PAGE_SIZE
from jobs.apis.retry_after import read_retry_after
from jobs.changes.diff import fields
from jobs.model import Live, Outcome, Reply, Status
from worker.clock import Clock
from worker.engine.effort import LAG, Effort
from worker.lane.reads import Found, Lookup
from worker.policy.decision import give_up, read_back
from worker.policy.lifecycle import Event, step
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

READ_AT: Final = (0.0, 0.5, 1.5, 3.5, 6.0, 10.0)
"""Seconds after the doubt at which the record is read: what shows up within 5 s is seen, what takes longer is not."""

BEAT: Final = 0.25
"""Seconds between two moments at which records are read, so that the rows of a page are due together."""

LONGEST_DELAY: Final = 30.0
"""Seconds by which `Retry-After` of a 202 puts off the first read at most."""

FAILED: Final = 3
"""Reads of a record that may fail, each after a few tries of its own."""

LONGEST_OUTAGE: Final = 60.0
"""Seconds after the doubt for which a server that is down is waited for."""

MOST: Final = 1000
"""Rows in doubt that a run has at most before it reads further ones."""

LEAST: Final = 20
"""Open rows in doubt, without a success since, at which nothing more is sent until one of them is settled."""

_ACCEPTED: Final = 202


@dataclass(slots=True, eq=False)
class _Open:
    """One row in doubt: what is asked, since when (loop time), how often its record was read, and what it held last.

    `failed` reads are among the `reads`.
    """

    effort: Effort
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
        settled: takes a row that is settled, and the outcome of its last attempt.
        is_down: whether nobody gets an answer, to reads and updates alike.
    """

    lookup: Lookup
    clock: Clock
    stop: Stop
    settled: Callable[[Effort, Settle, Outcome | None], None]
    is_down: Callable[[], bool]
    _due: list[tuple[float, int, _Open]] = field(default_factory=list)
    _added: int = 0
    _open: int = 0
    _unproven: set[Effort] = field(default_factory=set)
    _trusted: set[str] = field(default_factory=set)
    _done: bool = False
    _news: anyio.Event = field(default_factory=anyio.Event)

    @property
    def is_full(self) -> bool:
        """Whether so many rows are in doubt that no further ones had better be read."""
        return self._open >= MOST

    @property
    def holds(self) -> bool:
        """Whether nothing more had better be sent: something that answers every row may not be the API at all.

        Once a row with the same reason has turned out to be applied, further ones hold nobody up.
        """
        return len(self._unproven) >= LEAST

    def succeeded(self) -> None:
        """Take note of a row that was applied."""
        self._unproven.clear()

    def add(self, effort: Effort, question: ReadBack, outcome: Outcome | None) -> None:
        """Take a row in doubt."""
        self._open += 1
        if question.reason not in self._trusted:
            self._unproven.add(effort)
        since = max(self.clock.now() + self._delay(outcome), effort.written_at + LAG)
        self._put(_Open(effort, question, outcome, since))
        self.wake()

    def end(self) -> None:
        """Let the readers end: no row is left that could come to be in doubt."""
        self._done = True
        self.wake()

    def wake(self) -> None:
        """Have the readers look again."""
        self._news.set()

    async def run(self) -> None:
        """Read what is due until the run ends; several may run at once."""
        while not (self.stop.reason or self._done):
            page = self._page(self.clock.now())
            if page:
                await self._read(page)
            else:
                await self._wait()
        while self._due:
            self._leave(heappop(self._due)[2])

    def _delay(self, outcome: Outcome | None) -> float:
        """Seconds before the first read: what a 202 asks for."""
        if not isinstance(outcome, Reply) or outcome.status != _ACCEPTED:
            return 0.0
        return min(LONGEST_DELAY, read_retry_after(outcome.headers, self.clock.wall()) or 0.0)

    def _put(self, row: _Open) -> None:
        due = ceil((row.since + READ_AT[row.reads]) / BEAT) * BEAT
        heappush(self._due, (due, self._next(), row))

    def _next(self) -> int:
        """Return a number that keeps rows in their order which are due at one moment."""
        self._added += 1
        return self._added

    def _is_enough(self, row: _Open, live: Live | None) -> bool:
        """Whether a last read has shown the record late enough, or none can be had."""
        row.failed += live is None
        late = self.clock.now() - row.since >= READ_AT[-1]
        return row.reads == len(READ_AT) or (late and (live is not None or row.failed >= FAILED))

    def _waits_for_the_server(self, row: _Open) -> bool:
        """Whether the read failed because nobody gets an answer: that is no answer about this row."""
        return self.is_down() and self.clock.now() - row.since < LONGEST_OUTAGE

    def _page(self, now: float) -> list[_Open]:
        """The rows that are due: those of one type, a page at most."""
        page: list[_Open] = []
        others: list[tuple[float, int, _Open]] = []
        while self._due and self._due[0][0] <= now and len(page) < PAGE_SIZE:
            entry = heappop(self._due)
            if page and entry[2].effort.job.type != page[0].effort.job.type:
                others.append(entry)
            else:
                page.append(entry[2])
        for entry in others:
            heappush(self._due, entry)
        return page

    async def _read(self, page: list[_Open]) -> None:
        wanted = reduce(or_, (fields(row.effort.job) for row in page))
        ids = [row.effort.job.id for row in page]
        found = await self.lookup.live(page[0].effort.job.type, ids, wanted, patient=False)
        for row in page:
            if self.stop.reason and row.effort.job.id in found.failed:
                self._leave(row)
            else:
                self._judge(row, found)

    def _judge(self, row: _Open, found: Found) -> None:
        effort = row.effort
        fires = bool(effort.job.triggers)
        live = found.records.get(effort.job.id)
        settle = None
        if effort.job.id in found.missing:
            row.reads = len(READ_AT) - 1  # nothing more will be seen of it
        elif live is None and self._waits_for_the_server(row):
            heappush(self._due, (self.clock.now() + READ_AT[1], self._next(), row))
            return
        row.reads += 1
        if live is not None:
            row.live = effort.live = live
            effort.read_at = found.at[effort.job.id]
            settle = read_back(effort.image, live, row.question, fires=fires)
        if settle is None and self._is_enough(row, live):
            settle = give_up(effort.image, row.live, row.question, fires=fires)
        if settle is None:
            self._put(row)
        else:
            self._open -= 1
            self._unproven.discard(effort)
            if settle.status is Status.APPLIED:
                self._trusted.add(row.question.reason)
                self.succeeded()
            self.settled(effort, settle, row.outcome)

    def _leave(self, row: _Open) -> None:
        """Leave a row for a later process, which finds the doubt in the journal."""
        self._open -= 1
        row.effort.state = step(row.effort.state, Event.STOP)

    async def _wait(self) -> None:
        self._news = anyio.Event() if self._news.is_set() else self._news
        due = self._due[0][0] - self.clock.now() if self._due else None
        with anyio.move_on_after(due):
            await self._news.wait()
