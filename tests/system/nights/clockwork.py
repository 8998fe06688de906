"""Nights in virtual time on the network in memory: a day is a jump of the clock, and a process dies when told to."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import anyio.to_thread

from tests.system.simulation.network import CLIENT, Client, Network, Stuck
from tests.virtual_time import VirtualTimeLoop
from worker.clock import Clock

EPOCH: Final = 1_796_090_400.0
"""Wall-clock seconds at virtual time 0: 2026-12-01 02:00 UTC, the first night."""

DAY: Final = 86_400.0

LONGEST: Final = 40_000.0
"""Seconds after which a night counts as one that never ends."""


class NightLoop(Network):
    """A network whose clock goes on for weeks, and whose threads do their work at once.

    Attributes:
        on_point: is told at each point at which a process may die.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_point: Callable[[str], None] = lambda _: None
        self.on_event = self._told
        self._dawn = LONGEST

    def dusk(self, longest: float = LONGEST) -> None:
        """Begin a night, or whatever else shall not take longer than so many seconds."""
        self._dawn = self.time() + longest

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Do the work of a thread at once: it is written down whole, or not at all."""
        self.on_point("before a thread")
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # whoever waits for the thread gets it
            done.set_exception(error)
        self.on_point("after a thread")
        return done

    def _told(self, name: str) -> None:
        self.on_point(name)

    def _select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or self.time() > self._dawn:
            raise Stuck
        return VirtualTimeLoop._select(self, timeout)


async def _at_once(func: Any, *args: Any, **_: Any) -> Any:
    """Stand for `anyio.to_thread.run_sync`."""
    return await loop().run_in_executor(None, func, *args)


def loop() -> NightLoop:
    """Return the running loop."""
    running = asyncio.get_running_loop()
    assert isinstance(running, NightLoop)
    return running


def wall() -> float:
    """Return the seconds since the epoch, by the clock on the wall of the story."""
    return EPOCH + loop().time()


def clock(seed: object) -> Clock:
    """Return the clock of a process, with dice of its own."""
    return Clock(wall=wall, sample=Random(f"jitter:{seed}").random)


@contextmanager
def nights_loop() -> Iterator[asyncio.Runner]:
    """Give what runs a story: in UTC, with threads that work at once; the directory is as before afterwards."""
    here, zone = Path.cwd(), os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        with patch.object(anyio.to_thread, "run_sync", _at_once), asyncio.Runner(loop_factory=NightLoop) as runner:
            yield runner
    finally:
        os.chdir(here)
        del os.environ["TZ"]
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a process came to: a value, an error, or nothing since it was killed."""

    value: Any = None
    error: BaseException | None = None
    killed_at: str = ""


@dataclass(slots=True)
class Machine:
    """A machine with a home for everything that survives a process.

    Attributes:
        home: recipe, sheets, memory, runs.
        number: of the next process.
        longest: seconds after which a process counts as one that never ends.
    """

    home: Path
    number: int = 0
    longest: float = LONGEST

    async def process(self, work: Callable[[], Any], *, kill_at: int = 0, kill_on: str = "") -> Outcome:
        """Run a process to its end.

        Args:
            work: makes the coroutine.
            kill_at: number of the point at which it dies: its home stays as it lies on the disk this very moment.
            kill_on: count only points of this name.
        """
        network, client = loop(), Client(self.number)
        self.number += 1
        context = copy_context()
        context.run(CLIENT.set, client)
        os.chdir(self.home)
        left = self.home.with_name("left")
        points, died = 0, ""
        task: asyncio.Task[Any] | None = None

        def point(name: str) -> None:
            nonlocal points, died
            points += kill_on in {"", name}
            if points == kill_at and task is not None and not client.dead and kill_on in {"", name}:
                died = f"{points}: {name}"
                shutil.copytree(self.home, left)
                network.kill(client, silently=False)
                task.cancel()

        network.on_point = point
        network.dusk(self.longest)
        task = network.create_task(work(), context=context)
        await asyncio.wait({task})
        network.on_point = lambda _: None
        if died:
            with suppress(BaseException):  # whatever a dead process still thinks
                task.result()
            os.chdir(self.home.parent)
            shutil.rmtree(self.home)
            left.rename(self.home)
            os.chdir(self.home)
            return Outcome(killed_at=died)
        error = task.exception()
        return Outcome(error=error) if error else Outcome(task.result())
