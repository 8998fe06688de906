"""The two clocks of a run, so that tests can bring their own."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import field, replace

from jobs.values import valueclass
from worker.policy.row import Moment

__all__ = ["Clock", "Moment"]


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


@valueclass(frozen=True, slots=True)
class Clock:
    """What a run takes from outside besides bytes: two clocks and dice.

    Attributes:
        now: seconds of the event loop's monotonic clock: intervals and pace.
        wall: seconds since the epoch: what is written down.
        sample: uniform random numbers in [0, 1): jitter.
    """

    now: Callable[[], float] = _loop_time
    wall: Callable[[], float] = time.time
    sample: Callable[[], float] = field(default_factory=lambda: random.Random().random)  # noqa: S311  # jitter, not a secret

    def moment(self) -> Moment:
        """Return the present."""
        return Moment(self.now(), self.wall())

    def age(self, then: Moment) -> float:
        """Return the seconds since `then`, by the clock that counts more of them."""
        return max(self.now() - then.loop, self.wall() - then.wall)

    def bound(self) -> "Clock":
        """Return the clock bound to the running loop: to ask which loop runs costs a system call on Python 3.11."""
        return replace(self, now=asyncio.get_running_loop().time) if self.now is _loop_time else self
