"""Read records a page at a time, ahead of the PATCHes, but no further than reads stay fresh."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio.lowlevel

from worker.engine.bells import Bells
from worker.engine.reading import Reading
from worker.journal import Journal, JournalError
from worker.policy.row import InFlightRow
from worker.policy.sequencer import KeyPage, ReadPage, Refused, Sequencer
from worker.stop import Stop

MAX_BACKLOG: Final = 2000
"""Maximum number of results that may wait for the journal; beyond that, no further rows are read."""

MAX_FED_ROWS: Final = 500
"""Maximum number of rows fed at a time, so that signals and replies get a turn in a sheet full of unsendable rows."""


@dataclass(slots=True)
class Prefetch:
    """Feeds the sequencer, and reads the pages that it wants.

    Attributes:
        rows: to be run, in file order.
        drain: carries out the effects of the sequencer.
        room: returns how many rows may be ahead of the senders.
    """

    sequencer: Sequencer
    rows: Iterator[InFlightRow | Refused]
    reading: Reading
    drain: Callable[[], None]
    room: Callable[[], int]
    journal: Journal
    bells: Bells
    stop: Stop

    async def run(self) -> None:
        """Read until there is nothing left to read; several tasks may run this at once."""
        while await self._has_kept_up():
            room = self.room()
            page, hungry = self._next_page(room)
            if page is not None:
                await self._read(page, room)
            elif hungry:
                await anyio.lowlevel.checkpoint()
            elif self.stop.reason or self.sequencer.is_done:
                break
            else:
                await self.bells.room.wait()
        self.bells.ring()  # wake the others: they wait for rows that will not come

    async def _read(self, page: ReadPage | KeyPage, room: int) -> None:
        if self.sequencer.reads_on(room):
            self.bells.room.ring()  # there is room for another page
        if isinstance(page, ReadPage):
            await self.reading.read(page)
        else:
            await self.reading.look_up(page)
        self.drain()

    def _next_page(self, room: int) -> tuple[ReadPage | KeyPage | None, bool]:
        """Feed the sequencer; return the page to read next, if any, and whether to feed more rows first."""
        hungry, fed = self.sequencer.wants(room), 0
        while hungry and fed < MAX_FED_ROWS:
            row = next(self.rows, None)
            if row is None:
                self.sequencer.end()
                break
            hungry, fed = self.sequencer.feed(row, room), fed + 1
        if self.sequencer.out:
            self.drain()
        return self.sequencer.next_page(room), hungry and fed == MAX_FED_ROWS

    async def _has_kept_up(self) -> bool:
        """Wait until the journal's backlog allows further rows; return False if the run ends."""
        if self.journal.backlog >= MAX_BACKLOG:
            try:
                await self.journal.flush()
            except JournalError as error:
                self.stop.request("journal_failed", str(error))
        return not self.stop.reason
