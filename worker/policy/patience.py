"""How often to try again, how long to wait before that, and when waiting makes no sense: for rows, reads and tokens.

Each has its own numbers. A request counts failures (a passing reason), throttles (refusals for pace, which cost no
attempt) and races (its record changed between reading and writing), each for itself.
"""

import math
from dataclasses import dataclass
from typing import Final

from jobs.apis.meanings import SLOWS_DOWN, Meaning
from worker.policy.backoff import Circuit, full_jitter


@dataclass(frozen=True, slots=True)
class Patience:
    """How stubbornly one kind of request is sent.

    Attributes:
        attempts: attempts of one request that may fail for a passing reason.
        throttles: refusals for pace of one request; as many in a row, of any requests, park the run.
        races: times that a row is decided anew because its record changed between reading and writing.
        base, cap: seconds, the bound of the backoff after the first failure and the largest one.
        rest: seconds that each backoff takes besides.
        pause: seconds of a pause that are worth waiting for.
    """

    attempts: int = 5
    throttles: int = 30
    races: int = 3
    base: float = 0.5
    cap: float = 20.0
    rest: float = 0.0
    pause: float = math.inf

    def attempts_left(self, failures: int) -> int:
        """Return how many attempts a request has after this one, which follows so many failures."""
        return self.attempts - failures - 1

    def throttles_left(self, throttles: int) -> int:
        """Return how many more refusals for pace a request has after this one, which follows so many."""
        return self.throttles - throttles - 1

    def races_left(self, races: int) -> int:
        """Return how many more times a row may be decided anew after so many."""
        return self.races - races

    def backoff(self, failures: int, sample: float) -> float:
        """Return the seconds to wait before the next attempt.

        Args:
            failures: of the request so far; where none was counted, the bound is that of the first.
            sample: a uniform random number in [0, 1).
        """
        return self.rest + full_jitter(max(1, failures), sample, base=self.base, cap=self.cap)

    def parking(self, pause: float, refusals: int = 0) -> str:
        """Return why waiting makes no sense any more, empty while it does.

        Args:
            pause: seconds for which nobody may send.
            refusals: refusals for pace in a row.
        """
        if pause > self.pause:
            return f"the server asks for a pause of {pause:.0f} s; resume the run after that"
        if refusals >= self.throttles:
            return f"the server asked {refusals} times in a row to slow down; resume the run later"
        return ""


PATIENT: Final = Patience()
"""The usual numbers; every pause is waited for."""


@dataclass(slots=True)
class Tries:
    """What a read has cost so far."""

    patience: Patience
    failures: int = 0
    throttles: int = 0

    def go_on(self, *, waits: bool) -> bool:
        """Return True if the read may be sent (again); `waits` for a server that is down, whatever that costs."""
        return (waits or self.failures < self.patience.attempts) and self.throttles < self.patience.throttles

    def count(self, meaning: Meaning, *, free: bool) -> bool:
        """Count an outcome that was no answer; return True if a backoff comes before the next try.

        A refused token costs nothing, since the credential knows when to give up. After a refusal for pace the limiter
        has everybody wait anyway. A failure is `free` where the server is down for all and the read waits for it.
        """
        if meaning is Meaning.TOKEN_REFUSED:
            return False
        if meaning in SLOWS_DOWN:
            self.throttles += 1
            return False
        self.failures += not free
        return True


def outage(circuit: Circuit, why: str) -> str:
    """Return that the server is down, and `why`, once it is no use to wait for it; empty before that."""
    if not circuit.is_hopeless:
        return ""
    if not circuit.heard.answered:
        return f"nothing was ever answered ({why}); check --url and the network, then resume the run"
    return f"the server has been down for too long ({why}); resume the run later"
