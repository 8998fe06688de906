"""Bad luck, seeded: server errors and lost connections before and after applying, and log-normal latency."""

import math
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from worker.sandbox.jsonapi import Reply

_LATENCY_SIGMA: Final = math.log(76 / 24) / 1.645
"""Spread of the latency: the recorded median is 24 ms and the 95th percentile 76 ms."""

_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
)


class Fault(StrEnum):
    """What goes wrong with a request, and on which side of applying it."""

    ERROR_500_BEFORE = "500-before"
    ERROR_503_BEFORE = "503-before"
    ERROR_500_AFTER = "500-after"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    LOST_AFTER = "lost-after"

    @property
    def before(self) -> bool:
        """Whether it strikes before the request is looked at."""
        return self.endswith("-before")

    @property
    def resets(self) -> bool:
        """Whether the connection is reset and no reply is sent."""
        return self in {Fault.RESET_BEFORE, Fault.RESET_AFTER}

    @property
    def status(self) -> int:
        """HTTP status of a server error, 0 for the others."""
        number = self.partition("-")[0]
        return int(number) if number.isdigit() else 0


_OF_WRITES: Final = tuple(Fault)
_OF_READS: Final = (Fault.ERROR_500_BEFORE, Fault.RESET_BEFORE)


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds a request spends on its way: before the server has read it, and before its reply leaves."""

    there: float = 0.0
    back: float = 0.0


class Luck:
    """The dice of a sandbox: the same seed and the same requests give the same faults and delays."""

    def __init__(self, random_seed: int, faults: float, latency: float) -> None:
        self._faults = faults
        self._latency = latency
        self._fault_dice = Random(f"faults:{random_seed}")
        self._delay_dice = Random(f"delays:{random_seed}")

    def fault(self, method: str) -> Fault | None:
        """Draw the fault that the next request of that method meets, mostly None."""
        if not self._faults or self._fault_dice.random() >= self._faults:
            return None
        return self._fault_dice.choice(_OF_READS if method == "GET" else _OF_WRITES)

    def delay(self) -> Delay:
        """Draw the delay of the next request, in parts on the way there and back: arrivals bunch as real ones do."""
        if not self._latency:
            return Delay()
        total = self._latency * self._delay_dice.lognormvariate(0.0, _LATENCY_SIGMA)
        share = self._delay_dice.random()
        return Delay(total * share, total * (1 - share))

    def error(self, status: int) -> Reply:
        """Return a server error as an edge sends it: HTML, or an empty body."""
        return Reply(status, self._fault_dice.choice((_HTML, b"")), "text/html")

    def cut(self, length: int) -> int:
        """Draw the number of bytes after which a body of that length breaks off."""
        return self._fault_dice.randrange(length) if length else 0
