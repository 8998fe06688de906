"""What a client is to the harness, and ours: the limiter and the pace of a run, as its attempt loop uses them."""

import asyncio
from collections.abc import Callable, Iterable
from random import Random
from typing import Protocol

from jobs.apis.meanings import SLOWS_DOWN
from jobs.model import Outcome, Request
from tests.commerce_layer import meaning_of
from tests.system.pace.server import Limit
from worker.clock import Clock
from worker.pacing.limiter import Limiter
from worker.policy.pace import Pace, Window
from worker.settings import Attempts
from worker.stop import Stop

UPDATE = Request("PATCH", "/api/skus/x", b"{}")

EPOCH = 1_750_000_000.0
"""Wall-clock seconds at loop time 0."""


class Client(Protocol):
    """Lets requests through, is told what became of them, and says how long a refused one waits."""

    async def admit(self) -> None:
        """Wait until the next request may leave."""

    def replied(self, outcome: Outcome, sent_at: float) -> None:
        """What became of a request that left at `sent_at`."""

    def wait(self, outcome: Outcome, failures: int) -> float:
        """Seconds until a request that failed for the n-th time may ask to be let through again."""

    def reborn(self) -> "Client":
        """The client of the next process, after a kill."""


Maker = Callable[["Terms"], Client]


class Terms:
    """What every client is given: the limits as the server's documentation tells them, and a ceiling in flight."""

    def __init__(self, limits: Iterable[Limit], concurrency: int, seed: int) -> None:
        self.limits = tuple(limits)
        self.concurrency = concurrency
        self.dice = Random(seed)

    @property
    def slowest(self) -> float:
        """Requests a second that the limits allow in the long run."""
        return min((limit.requests / limit.interval for limit in self.limits), default=1e9)


class Ours:
    """`Limiter` and `Pace`, wired as `lane.connect` and `engine.attempt` do it; headroom 0, so that all is used."""

    def __init__(self, terms: Terms, *, learned: Iterable[Window] = (), headroom: float = 0.0) -> None:
        self._terms, self._headroom = terms, headroom
        self.clock = Clock(wall=lambda: EPOCH + asyncio.get_running_loop().time(), sample=terms.dice.random).bound()
        self.pace = Pace(headroom=headroom, max_in_flight=terms.concurrency)
        self.pace.restore(learned, ())
        self.limiter = Limiter(self.pace, self.clock, Stop())
        self._attempts = Attempts()

    async def admit(self) -> None:
        await self.limiter.admit()

    def replied(self, outcome: Outcome, sent_at: float) -> None:
        self.limiter.account(outcome, meaning_of(UPDATE, outcome), sent_at)

    def wait(self, outcome: Outcome, failures: int) -> float:
        if meaning_of(UPDATE, outcome) in SLOWS_DOWN:
            return 0.0  # the limiter is closed for everybody
        return self._attempts.retrying.backoff(failures, self._terms.dice.random())

    def reborn(self) -> "Ours":
        """The window goes on where it was; what was in flight counts as late as its timeout, as `Run` has it."""
        successor = Ours(self._terms, headroom=self._headroom)
        later = [self.clock.now() + self._attempts.timeout] * self.pace.in_flight
        successor.pace.restore(self.pace.learned, (*self.pace.stamps, *later))
        return successor
