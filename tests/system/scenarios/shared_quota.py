"""Processes that share a quota, in virtual time: each with its own limiter, all on one strict server and one directory.

    python -m tests.system.scenarios.shared_quota --minutes 60 --processes 4

prints what became of so many virtual minutes, with processes side by side and with one that is restarted every 20 s.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from jobs.apis.meanings import Meaning
from jobs.model import Reply
from tests.virtual_time import run
from worker.clock import Clock
from worker.pacing.limiter import Limiter
from worker.pacing.peers import HEARTBEAT_S
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.concurrency import Concurrency
from worker.policy.pace import Pace, Window
from worker.stop import Stop

EPOCH = 1_750_000_000.0
"""Wall-clock seconds at virtual time 0."""


@dataclass(slots=True)
class StrictServer:
    """Sliding windows; a request is stamped somewhere between its send and its response.

    Attributes:
        accepted: times of those that were let through, and whose they were. `refused`: how many were not.
    """

    windows: Sequence[Window] = (Window(100, 60.0), Window(25, 10.0))
    headers: bool = True
    dice: Random = field(default_factory=lambda: Random(1))
    accepted: list[tuple[float, str]] = field(default_factory=list)
    refused: int = 0
    _held: list[deque[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._held = [deque() for _ in self.windows]

    async def answer(self, who: str) -> Reply:
        total = 3.0 if self.dice.random() < 0.002 else 0.024 * self.dice.lognormvariate(0.0, 0.7)
        there = total * self.dice.random()
        await asyncio.sleep(there)
        status, said = self._judge(who)
        await asyncio.sleep(total - there)
        return Reply(status, said)

    def _judge(self, who: str) -> tuple[int, dict[str, str]]:
        now = asyncio.get_running_loop().time()
        for window, held in zip(self.windows, self._held, strict=True):
            while held and held[0] <= now - window.interval:
                held.popleft()
        fits = all(len(held) < window.limit for window, held in zip(self.windows, self._held, strict=True))
        if fits:
            for held in self._held:
                held.append(now)
            self.accepted.append((now, who))
        self.refused += not fits
        average = self.windows[0]
        said = {
            "x-ratelimit-limit": str(average.limit),
            "x-ratelimit-interval": f"{average.interval:g}",
            "x-ratelimit-remaining": str(average.limit - len(self._held[0])),
        }
        return 200 if fits else 429, said if self.headers else {}

    def share(self, since: float, until: float) -> float:
        """What was let through between two times, as a share of the first window's quota."""
        count = sum(since <= at < until for at, _ in self.accepted)
        return count / (self.windows[0].limit * (until - since) / self.windows[0].interval)

    def of(self, who: str) -> int:
        """What was let through of one process."""
        return sum(each == who for _, each in self.accepted)


@dataclass(slots=True)
class Host:
    """A state directory, and a wall clock that can be set."""

    directory: Path
    wall: float = EPOCH

    @property
    def clock(self) -> Clock:
        now = asyncio.get_running_loop().time
        return Clock(now=now, wall=lambda: self.wall + now(), sample=lambda: 0.5)

    def shared(self, method: str, origin: str) -> SharedPace:
        pace = Pace(max_in_flight=16)
        pace._concurrency = Concurrency(16, fixed=True)  # how many the server bears is another matter
        return SharedPace(pace, PaceMemory(self.directory, origin, "", method), self.clock)


async def work(
    host: Host,
    server: StrictServer,
    who: str,
    *,
    seconds: float,
    method: str = "PATCH",
    origin: str = "https://a.example",
    killed: bool = False,
) -> None:
    """A process with rows without end, for so many seconds; `killed` ones leave nothing behind but what they wrote."""
    shared = host.shared(method, origin)
    stop = Stop()
    shared.begin()
    limiter = Limiter(shared.pace, host.clock, stop, shared)

    async def worker() -> None:
        while await limiter.admit():
            sent_at = host.clock.now()
            reply = await server.answer(who)
            limiter.account(reply, Meaning.SERVED if reply.status == 200 else Meaning.THROTTLED, sent_at)

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            limiter.heartbeat()

    tasks = [asyncio.create_task(each) for each in (beat(), *(worker() for _ in range(16)))]
    await asyncio.sleep(seconds)
    if killed:
        shared._memory.close()
    else:
        stop.request("done")
        await asyncio.gather(*tasks[1:])
        shared.end()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def together(host: Host, server: StrictServer, processes: int, *, seconds: float) -> StrictServer:
    """So many processes side by side."""
    await asyncio.gather(*(work(host, server, f"p{number}", seconds=seconds) for number in range(processes)))
    return server


async def restarted(host: Host, server: StrictServer, *, minutes: int, killed: bool) -> StrictServer:
    """One process after the other, for 20 s each."""
    for _ in range(3 * minutes):
        await work(host, server, "p", seconds=20, killed=killed)
    return server


def main() -> int:
    """Run the long ones; 1 when the server had to refuse anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--processes", type=int, default=4)
    asked = parser.parse_args()
    seconds = 60.0 * asked.minutes
    refused = 0
    for killed in (False, True):
        with tempfile.TemporaryDirectory() as place:
            server = run(restarted(Host(Path(place)), StrictServer(), minutes=asked.minutes, killed=killed))
            how = "killed" if killed else "ended"
            print(f"{how} every 20 s: {server.refused} refusals, {server.share(60, seconds):.1%} of the quota")
            refused += server.refused
    with tempfile.TemporaryDirectory() as place:
        server = run(together(Host(Path(place)), StrictServer(), asked.processes, seconds=seconds))
        parts = [server.of(f"p{number}") for number in range(asked.processes)]
        print(f"side by side: {server.refused} refusals, {server.share(60, seconds):.1%} of the quota, as {parts}")
        refused += server.refused
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
