"""Look up records for the sequencer, read them, and read them again."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import anyio

from jobs.changes.overtaking import overtaken_by
from jobs.model import Path, Unsendable
from worker.clock import Clock
from worker.lane.reads import Lookup
from worker.policy.guards import Guards
from worker.policy.row import MAX_READ_AGE_S, READ_LAG_S, Found, InFlightRow, RecentWrites
from worker.policy.sequencer import KeyPage, ReadPage, Sequencer
from worker.stop import Stop


def not_overtaken(_row: int, _resource_id: str) -> Collection[Path]:
    """Return no paths: without an earlier process, no later row has changed anything."""
    return ()


@dataclass(slots=True)
class Reading:
    """Reads pages of records, and passes them to the sequencer until the run ends.

    Attributes:
        recent: the latest writes of the run.
        written: when (seconds since the epoch) earlier processes wrote records, by id; only the latest seconds.
        overtaken: returns the paths that later rows of a record have changed, or may have.
    """

    sequencer: Sequencer
    lookup: Lookup
    guards: Guards
    recent: RecentWrites
    clock: Clock
    stop: Stop
    written: Mapping[str, float] = field(default_factory=dict)
    overtaken: Callable[[int, str], Collection[Path]] = not_overtaken
    _freshening: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))

    async def look_up(self, page: KeyPage) -> None:
        """Look up the records of rows that name a reference."""
        self.guards.reading(page.numbers)
        wanted: dict[str, list[str]] = {}
        for row in page.rows:
            wanted.setdefault(row.job.type, []).append(row.job.reference)
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        failed: dict[tuple[str, str], str] = {}
        for type_name, references in wanted.items():
            looked_up = await self.lookup.referenced(type_name, references)
            found.update({(type_name, reference): ids for reference, ids in looked_up.ids.items()})
            failed.update({(type_name, reference): why for reference, why in looked_up.failed.items()})
        if not self.stop.reason:
            self.sequencer.found(found, dict(self._late(page, found)), failed)

    async def read(self, page: ReadPage) -> None:
        """Read the records of a page, and let the sequencer decide its rows."""
        self.guards.reading(row.number for row in page.rows)
        await self._outlast(page)
        found = await self._found(page)
        if not self.stop.reason:
            self.sequencer.read(page, found)

    async def again(self, row: InFlightRow) -> None:
        """Read the record of a row in hand again, and let the sequencer decide the row anew."""
        await self._reread(self.sequencer.reread(row))

    async def freshen(self, row: InFlightRow) -> None:
        """Read the stale record of a row in hand again, together with records that will soon be stale."""
        async with self._freshening:
            if self.is_stale(row):  # another row's page has not included it meanwhile
                await self._reread(self.sequencer.reread(row, self._is_aging))

    async def answers(self, row: InFlightRow) -> bool:
        """Read a row's record; return True if a server that was down answers again."""
        return await self.lookup.record(row.job.type, row.job.id) is not None

    def is_stale(self, row: InFlightRow) -> bool:
        """Return True if a row's record was read too long ago to send the row."""
        return row.live is not None and self.clock.age(row.read_at) > MAX_READ_AGE_S

    def _is_aging(self, row: InFlightRow) -> bool:
        return self.clock.age(row.read_at) > MAX_READ_AGE_S / 2

    async def _reread(self, page: ReadPage) -> None:
        found = await self._found(page)
        if not self.stop.reason:
            self.sequencer.fresh(page, found)

    async def _found(self, page: ReadPage) -> Found:
        """Read the records of a page, with what the run has just written; once more where that cannot be laid over."""
        found = await self._read(page)
        if any(not page.fields <= live.fields for live in found.records.values()):
            await self.stop.sleep(READ_LAG_S)  # by then a read shows it
            found = await self._read(page)
        return found

    async def _read(self, page: ReadPage) -> Found:
        found = await self.lookup.live(page.type, list(dict.fromkeys(page.ids)), page.fields)
        now = self.clock.now()
        records = {each: self.recent.over(each, live, now) for each, live in found.records.items()}
        return replace(found, records=records)

    async def _outlast(self, page: ReadPage) -> None:
        """Wait until reads show what the run has just written into the page's records.

        A row that is merged into the state before that would undo an earlier row of its record. What this process wrote
        is laid over what a read shows (`RecentWrites`), which is enough unless an update is built on more than that.
        """
        wait = 0.0
        if self.written:
            wait = max(self.written.get(each, 0.0) for each in page.ids) + READ_LAG_S - self.clock.wall()
        if lag := self.lookup.api.resource(page.type).lag_s(page.fields):
            now = self.clock.now()
            wait = max(wait, lag - min(self.recent.age(each, now) for each in page.ids))
        if wait > 0.0:
            await self.stop.sleep(min(READ_LAG_S, wait))

    def _late(
        self, page: KeyPage, found: Mapping[tuple[str, str], tuple[str, ...]]
    ) -> Iterator[tuple[int, Unsendable]]:
        """Yield the rows that were overtaken by later rows of the record found."""
        for row in page.rows:
            ids = found.get((row.job.type, row.job.reference), ())
            if len(ids) == 1 and (taken := self.overtaken(row.number, ids[0])):
                yield row.number, overtaken_by(row.job, taken, self.lookup.api.schema)
