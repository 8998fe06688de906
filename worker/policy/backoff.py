"""How long until the next attempt, and how many retries a run can afford."""

import math
from dataclasses import dataclass, field


def full_jitter(attempt: int, sample: float, *, base: float, cap: float) -> float:
    """Return the seconds to wait after the `attempt`-th failure: uniform in [0, min(cap, base * 2^(attempt-1))].

    The jitter comes after the cap ("full jitter"), so that many workers that failed together do not return together.

    Args:
        attempt: which failure of the row this is, 1-based.
        sample: a uniform random number in [0, 1).
        base: seconds, the bound after the first failure.
        cap: seconds, the largest bound.
    """
    exponent = min(attempt - 1, 62)  # beyond that only the cap counts, and floats stay finite
    return sample * min(cap, base * 2.0**exponent)


@dataclass(slots=True)
class RetryBudget:
    """The retries that a run can afford: a share of its requests, plus a few per second.

    Without a budget, an outage multiplies the load by the attempts per row; with it, by `1 + ratio` plus a trickle.

    Attributes:
        ratio: retries allowed per request.
        per_second: retries allowed per second, whatever the traffic.
        capacity: unspent retries that can be saved up.
    """

    ratio: float = 0.2
    per_second: float = 10.0
    capacity: float = 50.0
    tokens: float = 50.0
    updated: float | None = None

    def request(self) -> None:
        """Count a first attempt, which adds a share of a retry."""
        self.tokens += self.ratio  # `withdraw` applies the capacity: it is called seldom, with the same result

    def withdraw(self, now: float) -> bool:
        """Spend one retry at `now`; return False if none is left."""
        passed = now - self.updated if self.updated is not None else 0.0
        self.tokens, self.updated = min(self.capacity, self.tokens + passed * self.per_second), now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class Heard:
    """A shared note whether a host has answered anything at all, to a read or to an update."""

    answered: bool = False


@dataclass(slots=True)
class Circuit:
    """Opens when the server seems to be down, so that one request at a time finds out when it is back.

    Attributes:
        threshold: failures in a row that open it.
        base, cap: bounds in seconds of the pause before a probe; the cap bounds how late a recovery is noticed.
        hopeless_at_first: failures that make waiting pointless if there was never a success.
        hopeless_later: failures in a row that make it pointless after a success.
        hopeless_unanswered: seconds of failures that make it pointless, with the circuit open, if nothing was ever
            answered: a wrong host or port, or no network.
    """

    threshold: int = 10
    base: float = 0.5
    cap: float = 5.0
    hopeless_at_first: int = 30
    hopeless_later: int = 100
    hopeless_unanswered: float = 5.0
    failures: int = 0
    has_succeeded: bool = False
    heard: Heard = field(default_factory=Heard)
    failing_since: float = math.inf
    failed_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """True while only probes go out."""
        return self.failures >= self.threshold

    @property
    def is_hopeless(self) -> bool:
        """True if the server has been down for so long that the run should stop and be resumed later."""
        if not self.heard.answered:
            return self.is_open and self.failed_at - self.failing_since >= self.hopeless_unanswered
        return self.failures >= (self.hopeless_later if self.has_succeeded else self.hopeless_at_first)

    def succeeded(self) -> None:
        """Close the circuit: the server works."""
        self.failures, self.failing_since = 0, math.inf
        self.has_succeeded = self.heard.answered = True

    def failed(self, sample: float, now: float, *, answered: bool = False) -> float | None:
        """Count a failure at `now`; `answered` if the server replied at all; `sample` is uniform in [0, 1).

        Returns:
            None while closed; when open, seconds until the next probe (at least half the bound, so that probes
            never become a storm).
        """
        self.failing_since = min(self.failing_since, now)
        self.failed_at = now
        self.failures += 1
        self.heard.answered = self.heard.answered or answered
        if not self.is_open:
            return None
        bound = full_jitter(self.failures - self.threshold + 1, 1.0, base=self.base, cap=self.cap)
        return bound * (0.5 + 0.5 * sample)

    def exhaust(self) -> None:
        """Open the circuit because the retry budget is used up."""
        self.failures = max(self.failures, self.threshold)
