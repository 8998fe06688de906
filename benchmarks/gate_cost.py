"""What a request costs at the limiter in CPU, alone and with the file that other processes share: ratios of one run."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from jobs.apis.meanings import Meaning
from jobs.model import Reply
from worker.clock import Clock
from worker.pacing.limiter import Limiter
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.pace import Pace, Window
from worker.stop import Stop

REPLY = Reply(200, {})


class Wheel:
    """A clock that advances by a fixed step with every request, so that no window is ever full."""

    def __init__(self, step: float) -> None:
        self.step, self.time = step, 0.0

    def clock(self) -> Clock:
        """Return the clock."""
        return Clock(now=lambda: self.time, wall=lambda: 1_750_000_000.0 + self.time)


def made(windows: tuple[Window, ...], wheel: Wheel, directory: Path | None) -> tuple[Limiter, SharedPace | None]:
    """Make a limiter with these windows, shared through `directory` unless that is None."""
    pace = Pace(ceiling=windows, max_in_flight=16)
    if directory is None:
        return Limiter(pace, wheel.clock(), Stop()), None
    shared = SharedPace(pace, PaceMemory(directory, "https://a.example", "", "PATCH"), wheel.clock())
    shared.begin()
    return Limiter(pace, wheel.clock(), Stop(), shared), shared


async def cost(limiter: Limiter, wheel: Wheel, count: int) -> float:
    """Measure the CPU that a request costs at the limiter, in microseconds."""
    began = time.process_time()
    for _ in range(count):
        await limiter.admit()
        limiter.account(REPLY, Meaning.SERVED, wheel.time)
        wheel.time += wheel.step
    return (time.process_time() - began) / count * 1e6


async def compare(name: str, windows: tuple[Window, ...], count: int) -> None:
    """Print the cost alone, shared, and shared with a second process that is just as busy."""
    wheel = Wheel(windows[0].interval / windows[0].limit * 1.2 if windows else 0.001)
    with tempfile.TemporaryDirectory() as place:
        alone, _ = made(windows, wheel, None)
        shared, ending = made(windows, wheel, Path(place))
        least = [await cost(limiter, wheel, count) for _ in range(3) for limiter in (alone, shared)]
        bare, with_file = min(least[::2]), min(least[1::2])
        wheel.step *= 2
        other, ending_too = made(windows, wheel, Path(place))
        both = 0.0
        for _ in range(count):
            await other.admit()
            other.account(REPLY, Meaning.SERVED, wheel.time)
            both += await cost(shared, wheel, 1)
        more = f"+{with_file - bare:.1f} us with the file, +{both / count - bare:.1f} us with a second process"
        print(f"{name}: {bare:.1f} us alone, {more}")
        for each in (ending, ending_too):
            if each is not None:
                each.end()


def main() -> None:
    """Compare without windows, with slow ones, and with fast ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    count = parser.parse_args().requests
    asyncio.run(compare("no window known ", (), count))
    asyncio.run(compare("100/60s, 25/10s ", (Window(100, 60.0), Window(25, 10.0)), count))
    asyncio.run(compare("1000/1s, 250/167ms", (Window(1000, 1.0), Window(250, 1 / 6)), count))


if __name__ == "__main__":
    main()
