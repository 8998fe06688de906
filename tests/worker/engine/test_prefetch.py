"""The look-ahead reads as far as there is room, and ends when there is nothing left to read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from jobs.model import Live, RowRef, Unsendable, UpdateJob
from tests.worker.policy.sizes import Sizes
from worker.engine.bells import Bells
from worker.engine.prefetch import MAX_BACKLOG, MAX_FED_ROWS, Prefetch
from worker.journal import JournalError
from worker.policy.row import NEVER, Found, InFlightRow
from worker.policy.sequencer import KeyPage, ReadPage, Refused, Sequencer
from worker.policy.verdict import Settle
from worker.stop import Stop

FIELDS = frozenset({"name"})


@dataclass
class Desk:
    """A sequencer whose rows are all as wanted, and a journal that may be behind."""

    blind: bool = False
    space: int = 100
    backlog: int = 0
    broken: bool = False
    lags: bool = False
    halts: bool = False
    bells: Bells = field(default_factory=Bells)
    stop: Stop = field(default_factory=Stop)
    drained: int = 0
    flushed: int = 0
    read_pages: list[list[int]] = field(default_factory=list)
    reading: int = 0
    at_once: int = 0
    untold: int = 0

    def __post_init__(self) -> None:
        self.sequencer = Sequencer(
            lambda _row, _live: Settle("as_wanted"), Sizes(2, 2), lambda _: (), facts={}, blind=self.blind
        )

    def prefetch(self, rows: Iterator[InFlightRow | Refused]) -> Prefetch:
        this: Any = self
        return Prefetch(self.sequencer, rows, this, self.drain, self.room, this, self.bells, self.stop)

    def drain(self) -> None:
        self.drained += len(self.sequencer.out)
        self.sequencer.out = []
        if self.halts:
            self.stop.request("stop_after")

    def room(self) -> int:
        return self.space

    async def flush(self) -> None:
        self.flushed += 1
        self.untold += len(self.sequencer.out)
        if self.broken:
            raise JournalError("disk full")
        self.backlog = 0

    async def read(self, page: ReadPage) -> None:
        self.read_pages.append([row.number for row in page.rows])
        self.reading += 1
        self.at_once = max(self.at_once, self.reading)
        await anyio.lowlevel.checkpoint()
        self.reading -= 1
        self.backlog = MAX_BACKLOG if self.lags else 0
        live = {each: Live("orders", {"name": "new"}, fields=page.fields) for each in page.ids}
        self.sequencer.read(page, Found(live, dict.fromkeys(live, NEVER)))

    async def look_up(self, page: KeyPage) -> None:
        self.sequencer.found({("orders", row.job.reference): (row.job.reference,) for row in page.rows}, {})


def rows(count: int, reference: str = "") -> Iterator[InFlightRow]:
    for number in range(1, count + 1):
        key, by = ("", f"{reference}{number}") if reference else (f"k{number}", "")
        yield InFlightRow(
            UpdateJob(RowRef(number, number, b""), "orders", key, {"name": "new"}, reference=by), "orders"
        )


@pytest.mark.parametrize("readers", [1, 4])
@pytest.mark.parametrize("reference", ["", "r"])
async def test_everything_is_read_and_all_readers_end(readers: int, reference: str) -> None:
    desk = Desk()
    prefetch = desk.prefetch(rows(7, reference))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(readers):
                group.start_soon(prefetch.run)
    assert sorted(number for page in desk.read_pages for number in page) == list(range(1, 8))
    assert desk.sequencer.is_done


async def test_nothing_is_read_while_there_is_no_room() -> None:
    desk = Desk(space=0)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(desk.prefetch(rows(2)).run)
            await anyio.wait_all_tasks_blocked()
            assert desk.read_pages == []
            desk.space = 100
            desk.bells.room.ring()
    assert desk.read_pages == [[1, 2]]


async def test_a_sheet_full_of_rows_that_cannot_be_sent_lets_others_have_their_turn() -> None:
    refused = (Refused(Unsendable(RowRef(n, n, b""), "empty"), Settle("as_wanted")) for n in range(3 * MAX_FED_ROWS))
    desk, turns = Desk(), list[int]()

    async def beside() -> None:
        while not desk.sequencer.is_done:
            turns.append(desk.drained)
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(beside)
        group.start_soon(desk.prefetch(refused).run)
    assert len(set(turns)) >= 3


async def test_rows_wait_while_the_journal_is_far_behind() -> None:
    desk = Desk(backlog=MAX_BACKLOG)
    await desk.prefetch(rows(2)).run()
    assert (desk.flushed, desk.read_pages) == (1, [[1, 2]])


async def test_a_journal_that_cannot_write_ends_the_run() -> None:
    desk = Desk(backlog=MAX_BACKLOG, broken=True)
    await desk.prefetch(rows(2)).run()
    assert (desk.stop.reason, desk.read_pages) == ("journal_failed", [])


async def test_a_run_that_ends_reads_nothing_more() -> None:
    desk = Desk()
    desk.stop.request("interrupted")
    await desk.prefetch(rows(2)).run()
    assert desk.read_pages == []


async def test_a_run_that_ends_over_a_row_that_was_just_fed_waits_for_nothing() -> None:
    refused = Refused(Unsendable(RowRef(1, 1, b""), "empty"), Settle("as_wanted"))
    desk = Desk(blind=True, space=1, halts=True)
    with anyio.fail_after(1):
        await desk.prefetch(iter([refused, *rows(3)])).run()
    assert (desk.stop.reason, desk.sequencer.is_done) == ("stop_after", False)


async def test_readers_that_wait_are_woken_as_soon_as_there_is_room_for_another_page() -> None:
    """Rows that turn out not to be sent are soon expected to be few."""
    desk = Desk(space=2)
    prefetch = desk.prefetch(rows(12))
    with anyio.fail_after(1):
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(prefetch.run)
    assert (desk.at_once, len(desk.read_pages)) == (2, 6)


async def test_what_was_found_is_told_before_the_journal_is_waited_for() -> None:
    desk = Desk(lags=True)
    await desk.prefetch(rows(6)).run()
    assert (desk.flushed, desk.untold, desk.drained) == (3, 0, 7)  # six rows, and the end
