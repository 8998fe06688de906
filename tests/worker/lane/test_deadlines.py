import asyncio
import time

import pytest

from worker.lane.deadlines import Deadlines

QUICK = 0.05


async def slept(deadlines: Deadlines, seconds: float, within: float | None = None) -> str:
    """What becomes of something that takes so long."""
    deadline = deadlines.begin(within)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if not deadline.has_cancelled():
            raise
        return "too long"
    else:
        return "in time"
    finally:
        deadline.end()


@pytest.fixture
async def deadlines() -> Deadlines:
    return Deadlines(asyncio.get_running_loop(), 4 * QUICK)


async def test_what_takes_too_long_is_cancelled_when_its_own_time_is_over_and_nothing_else(
    deadlines: Deadlines,
) -> None:
    began = time.monotonic()

    async def later(delay: float, seconds: float) -> tuple[str, float]:
        await asyncio.sleep(delay)
        return await slept(deadlines, seconds), time.monotonic() - began

    told = await asyncio.gather(later(0, 60), later(0, QUICK), later(2 * QUICK, 60), later(2 * QUICK, QUICK))
    assert [what for what, _ in told] == ["too long", "in time", "too long", "in time"]
    assert 4 * QUICK <= told[0][1] < 6 * QUICK <= told[2][1]


async def test_less_time_than_usual_ends_sooner_and_more_does_not_end_later(deadlines: Deadlines) -> None:
    began = time.monotonic()
    assert await slept(deadlines, 60, within=QUICK) == "too long"
    assert time.monotonic() - began < 3 * QUICK
    assert await slept(deadlines, 60, within=60) == "too long"
    assert time.monotonic() - began < 10 * QUICK


async def test_a_task_that_somebody_else_cancels_stays_cancelled(deadlines: Deadlines) -> None:
    task = asyncio.create_task(slept(deadlines, 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_somebody_else_cancels_as_its_time_ends_stays_cancelled(deadlines: Deadlines) -> None:
    task = asyncio.create_task(slept(deadlines, 60, within=QUICK))
    asyncio.get_running_loop().call_later(QUICK, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_goes_on_after_its_time_was_over(deadlines: Deadlines) -> None:
    assert await slept(deadlines, 60, within=QUICK) == "too long"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await slept(deadlines, QUICK) == "in time"


async def test_no_timer_is_left_when_nothing_is_going_on(deadlines: Deadlines) -> None:
    await slept(deadlines, 0)
    assert deadlines._timer is None
