"""When a commit waits for company."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from worker.journal import WriterThread
from worker.journal.committer import BUSY_SHARE, BUSY_SPAN_S


class Times:
    """Seconds on a clock, and of CPU."""

    def __init__(self) -> None:
        self.now = self.used = 0.0


@asynccontextmanager
async def writer(times: Times) -> AsyncIterator[WriterThread]:
    thread = WriterThread(lambda: times.used, lambda: times.now)
    try:
        yield thread
    finally:
        thread.close()


async def waits(thread: WriterThread) -> bool:
    """Whether others get their turn before the commit goes on."""
    had_their_turn = False

    def turn() -> None:
        nonlocal had_their_turn
        had_their_turn = True

    asyncio.get_running_loop().call_soon(turn)
    await thread.coalesce()
    return had_their_turn


async def commit_for(thread: WriterThread, times: Times, seconds: float) -> None:
    def commit() -> None:
        times.now += seconds

    await thread(commit)


@pytest.mark.parametrize(
    ("computing", "committing", "expected"),
    [
        (0.0, 0.0, False),  # the run waits for the server or its pace
        (0.2, 0.1, False),  # and still does
        (1.0, 0.0, True),  # it computes all the time
        (0.1, 0.9, True),  # the disk is what it waits for
        (BUSY_SHARE / 2 + 0.05, BUSY_SHARE / 2 + 0.05, True),  # the two by turns
    ],
)
async def test_a_commit_waits_for_company_where_computing_and_committing_is_what_takes_the_time(
    computing: float, committing: float, expected: bool
) -> None:
    times = Times()
    async with writer(times) as thread:
        await commit_for(thread, times, committing * BUSY_SPAN_S)
        times.now, times.used = 1.01 * BUSY_SPAN_S, computing * BUSY_SPAN_S
        assert await waits(thread) is expected


async def test_what_was_measured_holds_until_the_next_span_is_over() -> None:
    times = Times()
    async with writer(times) as thread:
        assert not await waits(thread)
        times.now, times.used = BUSY_SPAN_S, BUSY_SPAN_S
        assert await waits(thread)
        times.now = 1.5 * BUSY_SPAN_S
        assert await waits(thread)
        times.now = 2.1 * BUSY_SPAN_S
        assert not await waits(thread)


async def test_a_commit_that_fails_fails_for_who_waits_for_it() -> None:
    def commit() -> None:
        raise OSError("no room")

    async with writer(Times()) as thread:
        with pytest.raises(OSError, match="no room"):
            await thread(commit)
