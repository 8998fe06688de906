"""How often to try again, how long to wait first, and when to stop waiting: for rows, reads and tokens.

Each has its own numbers. A request counts separately its failures (for a temporary reason), throttles (refusals for
pace, which cost no attempt) and races (its record changed between reading and writing).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.apis.meanings import SLOWS_DOWN, Meaning
from jobs.values import valueclass
from worker.policy.backoff import Circuit, full_jitter
from worker.policy.pace import Window

FIRST_PAUSE: Final = 1.0
"""Seconds to wait after a refusal by a server that states no limits; doubled at each further one in a row."""

LONGEST_PAUSE: Final = 60.0
"""Maximum seconds of such a pause."""

LONGEST_WINDOW: Final = 300.0
"""Maximum seconds to wait for a window if the server states no pause: with an hourly quota, ask more often."""


@valueclass(frozen=True, slots=True)
class Patience:
    """How often one kind of request is tried again, and after how long.

    Attributes:
        attempts: attempts of one request that may fail for a temporary reason.
        throttles: refusals for pace of one request; as many in a row, of any requests, park the run.
        races: times that a row is decided anew because its record changed between reading and writing.
        base, cap: seconds, the bound of the backoff after the first failure and the largest one.
        rest: seconds added to each backoff.
        pause: seconds of the longest pause that is worth waiting for.
    """

    attempts: int = 5
    throttles: int = 30
    races: int = 3
    base: float = 0.5
    cap: float = 20.0
    rest: float = 0.0
    pause: float = math.inf

    def attempts_left(self, failures: int) -> int:
        """Return how many attempts a request has after this one, which follows `failures` failures."""
        return self.attempts - failures - 1

    def throttles_left(self, throttles: int) -> int:
        """Return how many more refusals for pace a request may meet after this one, which follows `throttles`."""
        return self.throttles - throttles - 1

    def races_left(self, races: int) -> int:
        """Return how many more times a row may be decided anew after `races` times."""
        return self.races - races

    def backoff(self, failures: int, sample: float) -> float:
        """Return the seconds to wait before the next attempt.

        Args:
            failures: of the request so far; 0 counts as 1.
            sample: a uniform random number in [0, 1).
        """
        return self.rest + full_jitter(max(1, failures), sample, base=self.base, cap=self.cap)

    def parking(self, pause: float, refusals: int = 0) -> str:
        """Return why the run should be parked, empty while waiting makes sense.

        Args:
            pause: seconds for which nobody may send.
            refusals: refusals for pace in a row.
        """
        if pause > self.pause:
            return f"the server asks for a pause of {pause:.0f} s; go on after that"
        if refusals >= self.throttles:
            return f"the server asked {refusals} times in a row to slow down; go on later"
        return ""

    def outlasting(self, wait: float) -> str:
        """Return why the run should be parked if its limits leave nothing for `wait` seconds; empty to wait.

        A wait that only an answer can end is infinite, and never too long.
        """
        if self.pause < wait < math.inf:
            return f"the limits leave nothing for {wait:.0f} s; go on after that"
        return ""


PATIENT: Final = Patience()
"""The default numbers, and no limit on a pause."""


@dataclass(slots=True)
class Tries:
    """The failures and refusals of a read so far."""

    patience: Patience
    failures: int = 0
    throttles: int = 0

    def go_on(self, *, waits: bool) -> bool:
        """Return True if the read may be sent (again); one that `waits` for a server may fail any number of times."""
        return (waits or self.failures < self.patience.attempts) and self.throttles < self.patience.throttles

    def count(self, meaning: Meaning, *, free: bool) -> bool:
        """Count an outcome that was no answer; return True if the next try needs a backoff.

        A refused token costs nothing: the credential knows when to give up. After a refusal for pace the limiter makes
        all senders wait anyway. A failure is `free` if the server is down for all and the read waits for it.
        """
        if meaning is Meaning.TOKEN_REFUSED:
            return False
        if meaning in SLOWS_DOWN:
            self.throttles += 1
            return False
        self.failures += not free
        return True


@dataclass(slots=True)
class Throttle:
    """The refusals of one (origin, method) in a row."""

    refusals: int = 0

    def refused(self, windows: Sequence[Window], retry_after: float | None, *, again: bool) -> float:
        """Return the seconds for which nobody may send after a refusal.

        That is at least the server's `Retry-After`, and at least one whole window if windows are known, since counts
        are never reset; otherwise a pause that doubles. A `Retry-After` of 0 is therefore never obeyed literally.

        Args:
            windows: the windows in force.
            retry_after: seconds the server asked for, None if it did not.
            again: the refused request left after the last pause; requests that were in flight together count once.
        """
        self.refusals += again or not self.refusals
        floor = min(LONGEST_WINDOW, max((window.interval for window in windows), default=0.0))
        if not floor:
            floor = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.refusals - 1, 10))
        return max(floor, retry_after or 0.0)

    def accepted(self) -> None:
        """Reset the count: a request got through."""
        self.refusals = 0


def outage(circuit: Circuit, why: str) -> str:
    """Return a message, with the reason `why`, once waiting for the server is no use; empty before that."""
    if not circuit.is_hopeless:
        return ""
    if not circuit.heard.answered:
        return f"nothing was ever answered ({why}); check the URL and the network, then go on"
    return f"the server has been down for too long ({why}); go on later"
