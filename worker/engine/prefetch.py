"""Records are read a page at a time, ahead of the PATCHes, no further than what was read stays fresh."""

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
"""Results that may wait for the journal before the reading of further rows does."""

MAX_FED_ROWS: Final = 500
"""Rows fed in one go at most, so that signals and replies get their turn in a sheet full of unsendable rows."""


@dataclass(slots=True)
class Prefetch:
    """Feeds the sequencer, and reads the pages that it wants.

    Attributes:
        rows: what is to be run, in file order.
        drain: carries out what the sequencer has said.
        room: how many rows may be ahead of the senders.
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
        """Read on until there is nothing left to read; several may run at once."""
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
        self.bells.ring()  # the others wait for rows that will not come

    async def _read(self, page: ReadPage | KeyPage, room: int) -> None:
        if self.sequencer.reads_on(room):
            self.bells.room.ring()  # there is room for another page
        if isinstance(page, ReadPage):
            await self.reading.read(page)
        else:
            await self.reading.look_up(page)
        self.drain()

    def _next_page(self, room: int) -> tuple[ReadPage | KeyPage | None, bool]:
        """Feed the sequencer; return the page to read next, if there is one, and whether more is to be fed."""
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
        """Return whether the journal has written down enough for further rows, once it has; False: the run ends."""
        if self.journal.backlog >= MAX_BACKLOG:
            try:
                await self.journal.flush()
            except JournalError as error:
                self.stop.request("journal_failed", str(error))
        return not self.stop.reason
