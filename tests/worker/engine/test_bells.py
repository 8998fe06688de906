"""A bell wakes those who wait when it rings, and nobody later."""

import anyio

from worker.engine.bells import Bells


async def test_all_who_wait_are_woken_and_who_comes_later_waits_again() -> None:
    bells, woken = Bells(), list[int]()

    async def wait(number: int) -> None:
        await bells.rows.wait()
        woken.append(number)

    async with anyio.create_task_group() as group:
        bells.rows.ring()  # nobody hears it
        for number in (1, 2):
            group.start_soon(wait, number)
        await anyio.wait_all_tasks_blocked()
        assert woken == []
        bells.ring()
        await anyio.wait_all_tasks_blocked()
        assert sorted(woken) == [1, 2]
        group.start_soon(wait, 3)
        await anyio.wait_all_tasks_blocked()
        assert len(woken) == 2
        bells.rows.ring()
    assert len(woken) == 3
