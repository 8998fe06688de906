"""The look-ahead: records are read a page at a time, ahead of the PATCHes, and rows are decided by what they hold."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Final, Protocol

import anyio
import anyio.lowlevel

from jobs.apis.commercelayer import PAGE_SIZE
from jobs.apis.schema import resource_type
from jobs.changes.diff import AS_A_SHEET, Change, Terms, as_written, fields
from jobs.model import Fields, Live, UpdateJob
from worker.clock import Moment
from worker.engine.effort import FRESH, LAG, Effort
from worker.engine.intake import Intake
from worker.engine.recent import RecentWrites
from worker.journal import Journal, JournalError
from worker.lane.reads import Found, Lookup
from worker.policy.decision import Asked, decide
from worker.policy.lifecycle import State
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

BACKLOG: Final = 2000
"""Results that may wait for the journal before the reading of further rows does."""

MOST: Final = 8 * PAGE_SIZE
"""Rows that are read and not yet sent, however fast they can be sent."""


class Sink(Protocol):
    """Who takes the rows that are decided: the pool, which sends them, or a plan."""

    def queued(self) -> int:
        """Rows that are read and wait to be sent."""

    def rate(self) -> float:
        """Rows a second that can be sent, infinity when nothing is known."""

    def reading(self, rows: Iterable[int]) -> None:
        """Take note of rows whose records are being looked up, in their order."""

    def change(self, effort: Effort) -> None:
        """Take a row that is to be sent."""

    def settle(self, effort: Effort, settle: Settle) -> None:
        """Take a row that is settled by what was read."""

    def doubt(self, effort: Effort, question: ReadBack) -> None:
        """Take a row whose record does not settle yet what an earlier process left in doubt."""

    @property
    def is_full(self) -> bool:
        """Whether too many rows are in doubt for further ones to be read."""

    def exhausted(self) -> None:
        """Take note that no more rows come: the last ones may have been such as nobody sends."""


@dataclass(slots=True)
class LookAhead:
    """Hands rows to `sink`, no further ahead than what was read of them stays fresh.

    Attributes:
        terms: how rows are compared with their records.
        recent: what the run wrote a moment ago.
    """

    intake: Intake
    lookup: Lookup
    journal: Journal
    stop: Stop
    sink: Sink
    terms: Terms = AS_A_SHEET
    recent: RecentWrites = field(default_factory=RecentWrites)
    _following: deque[tuple[Effort, Live | None, Moment]] = field(default_factory=deque)
    _draining: bool = False
    _reading: int = 0
    _share: float = 1.0
    _room: anyio.Event = field(default_factory=anyio.Event)
    _aiming: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))

    async def run(self) -> None:
        """Read on until there is nothing left to read; several may run at once."""
        while not (self.stop.reason or self.intake.is_done):
            page = await self._next_page()
            if not page:
                if not self.intake.is_done:
                    await self._wait()
                continue
            self._reading += len(page)
            try:
                await self._look_up(page)
            finally:
                self._reading -= len(page)
            self.wake()
        self.wake()  # the others, who wait for rows that will not come
        self.sink.exhausted()

    def wake(self) -> None:
        """There may be room, or a row to be read."""
        self._room.set()

    @property
    def has_room(self) -> bool:
        """Whether further rows may be read without growing stale before they are sent."""
        ahead = self.sink.queued() + self._reading * self._share
        if ahead >= MOST or self.sink.is_full:
            return False
        rate = self.sink.rate()
        return math.isinf(rate) or ahead < max(PAGE_SIZE, int(rate * FRESH / 2))

    async def recheck(self, effort: Effort) -> Settle | ReadBack | None:
        """Read a single record again right before it is sent; the verdict on its row if it is not to be sent."""
        await self.refresh([effort])
        return effort.verdict

    async def refresh(self, efforts: list[Effort]) -> None:
        """Read the records of rows of one type again, and decide anew on those that have not left meanwhile."""
        wanted = reduce(or_, (fields(effort.job) for effort in efforts))
        found = await self.lookup.live(efforts[0].job.type, [effort.job.id for effort in efforts], wanted)
        if self.stop.reason:
            return
        for effort in efforts:
            if effort is efforts[0] or effort.state is State.QUEUED:
                verdict = self._judge(effort, found)
                if isinstance(verdict, Change):
                    effort.take(verdict)
                else:
                    effort.verdict = verdict

    def follow(self, effort: Effort, live: Live | None, read_at: Moment) -> None:
        """The row is next of its id, and `live` is what the one before left; it is read only where that is not enough.

        Args:
            effort: the row.
            live: None when it is not known.
            read_at: when that was true.
        """
        self._following.append((effort, live, read_at))
        if self._draining:
            return  # the row before it was settled in here: a thousand rows of one id must not nest
        self._draining = True
        try:
            while self._following:
                self._follow(*self._following.popleft())
        finally:
            self._draining = False
        self.wake()

    def _follow(self, effort: Effort, live: Live | None, read_at: Moment) -> None:
        if live is None or self.intake.blind or not fields(effort.job) <= live.fields:
            self.intake.line_up(effort)
        else:
            self._decide(effort, Found({effort.job.id: live}, {effort.job.id: read_at}))

    def reroute(self, effort: Effort) -> None:
        """The API does not update the row's own type: send it by the record's concrete type, looked up if need be."""
        if effort.live is not None and effort.live.type != effort.job.type:
            self._route(effort, effort.live.type)
            self.sink.change(effort)
        else:
            self.intake.line_up(effort)
            self.wake()

    async def _next_page(self) -> list[Effort]:
        if self.journal.backlog >= BACKLOG and not await self._flush():
            return []
        if not (self.has_room or self.intake.is_urgent):
            return []
        self.intake.read_on()
        while self.intake.ready:
            self.sink.change(self.intake.ready.popleft())
        page = self.intake.page()
        if not page and self.intake.unaimed:
            await self._aim()
        elif not page and self.intake.has_pages:
            await anyio.lowlevel.checkpoint()
            self.wake()
        return page

    async def _aim(self) -> None:
        """Look up the records of rows that name a reference; one page at a time, since rows go in file order."""
        async with self._aiming:
            self.sink.reading(row.ref.row for row in self.intake.unaimed)
            wanted: dict[str, list[str]] = {}
            for row in self.intake.unaimed:
                if isinstance(row, UpdateJob) and not row.id:
                    wanted.setdefault(row.type, []).append(row.reference)
            found: dict[tuple[str, str], tuple[str, ...]] = {}
            for type_name, references in wanted.items():
                ids = await self.lookup.referenced(type_name, references)
                found.update({(type_name, reference): each for reference, each in ids.items()})
            if wanted and not self.stop.reason:
                self.intake.take_aimed(found)
        self.wake()

    async def _wait(self) -> None:
        if self._room.is_set():
            self._room = anyio.Event()
            await anyio.lowlevel.checkpoint()
            return
        await self._room.wait()

    async def _look_up(self, page: list[Effort]) -> None:
        self.sink.reading(effort.job.ref.row for effort in page)
        await self._outlast(page)
        wanted = reduce(or_, map(self._fields, page))
        found = await self.lookup.live(page[0].job.type, list({effort.job.id: None for effort in page}), wanted)
        if self.stop.reason:
            return
        changed = sum(self._decide(effort, found) for effort in page)
        self.intake.checking = False
        self._share += 0.3 * (changed / len(page) - self._share)

    async def _outlast(self, page: list[Effort]) -> None:
        """Wait until reads show what an earlier process of the run has just written into the page's records.

        Merged into what was there before that, a row would take back what an earlier one of its record has set.
        """
        wait = max(map(self.intake.written_at, page)) + LAG - self.intake.clock.wall()
        if wait > 0.0:
            await self.stop.sleep(min(LAG, wait))

    def _fields(self, effort: Effort) -> Fields:
        if self.intake.blind and effort.may_resend:
            return Fields()  # only its concrete type is wanted
        return fields(effort.job)

    def _decide(self, effort: Effort, found: Found) -> bool:
        """Settle the row, or have it sent; whether it is sent."""
        verdict = self._judge(effort, found)
        if isinstance(verdict, Change):
            effort.take(verdict)
            self.sink.change(effort)
            return True
        if isinstance(verdict, ReadBack):
            self.sink.doubt(effort, verdict)
        else:
            self.sink.settle(effort, verdict)
        return False

    def _judge(self, effort: Effort, found: Found) -> Change | Settle | ReadBack:
        job = effort.job
        live = found.records.get(job.id)
        if live is None:
            return self._absent(effort, found)
        kind = resource_type(job.type)
        if self.intake.needs_concrete(effort):
            if kind is None or live.type not in kind.abstract_over:
                return Settle(effort.doubt or "lookup_failed", "the API does not say the record's concrete type")
            self._route(effort, live.type)
        if self.intake.blind and effort.may_resend:
            return as_written(job)
        live = self.recent.over(job.id, live, self.intake.clock.now())
        effort.live, effort.read_at = live, found.at[job.id]
        earlier = effort.image or as_written(job).edits
        asked = Asked(self.terms, effort.doubt, earlier, effort.may_resend, effort.expected)
        return decide(job, live, asked)

    def _absent(self, effort: Effort, found: Found) -> Settle:
        if effort.job.id in found.missing:
            return Settle(effort.doubt or "not_found", f"no {effort.job.type} with this id")
        return Settle(effort.doubt or "lookup_failed", found.failed[effort.job.id])

    def _route(self, effort: Effort, concrete: str) -> None:
        """What is refused although it exists is refused for its type."""
        self.intake.learn_route(effort.job.type, "concrete")
        effort.route(concrete)

    async def _flush(self) -> bool:
        try:
            await self.journal.flush()
        except JournalError as error:
            self.stop.request("journal_failed", str(error))
        return not self.stop.reason
