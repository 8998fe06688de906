"""The loop that the scenarios run in: fast, true to the order of events, and the same every time."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.system.scenarios.harness import Case, play, references
from tests.virtual_time import LEAST_JUMP, run
from worker.sandbox import SandboxSettings


def test_an_hour_passes_at_once() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    begun = time.monotonic()
    assert 3600 <= run(main()) < 3600.001
    assert time.monotonic() - begun < 5


def test_timers_fire_in_their_order() -> None:
    async def main() -> list[int]:
        fired: list[int] = []
        loop = asyncio.get_running_loop()
        for delay in (30, 10, 20):
            loop.call_later(delay, fired.append, delay)
        await asyncio.sleep(40)
        return fired

    assert run(main()) == [10, 20, 30]


def test_the_shortest_wait_moves_the_clock() -> None:
    async def main() -> float:
        for _ in range(10):
            await asyncio.sleep(1e-12)
        return asyncio.get_running_loop().time()

    assert 0 < run(main()) <= 20 * LEAST_JUMP


def test_the_outside_world_is_waited_for_and_takes_no_virtual_time() -> None:
    async def main() -> float:
        with ThreadPoolExecutor(1) as pool:  # not the loop's own: its shutdown waits by the loop's clock
            await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.05)
        return asyncio.get_running_loop().time()

    assert run(main()) == 0.0


def test_the_same_seeds_tell_the_same_story_to_the_bit(tmp_path: Path) -> None:
    world = SandboxSettings(seed=("stripe_payments=100",), limit=(100, 60.0), latency=0.024, faults=0.1)
    first, second = (play(Case(references(100)), tmp_path / name, world) for name in ("one", "two"))
    assert first.ledger == second.ledger
    assert first.results == second.results
