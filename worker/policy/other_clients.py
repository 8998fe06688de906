"""Other clients of the same quota that are not our processes: found by the server's count, and expected to go on."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

EXPECTED_PER_FOUND: Final = 1.05
"""Requests to expect for each one found: our own are counted generously, which hides some of theirs."""


class OtherClients:
    """Requests of other clients, found at one look at the server's count after another.

    The same number is expected until the next look: those slots are not available to us.

    Attributes:
        found: times assigned to them, oldest first.
        rate: requests per second to expect of them.
    """

    def __init__(self) -> None:
        """Begin without other clients."""
        self.found: list[float] = []
        self.rate = 0.0
        self._looked_at = -math.inf
        self._peaks = (0, 0)
        self._peak_since = -math.inf

    def meet(self, count: int, interval: float, now: float) -> list[float]:
        """Add `count` requests of the last `interval` seconds, spread over the time since the last look.

        Returns:
            The times assigned to them.
        """
        since = max(self._looked_at, now - interval)
        new = [now - (now - since) * each / count for each in range(count)]
        self.found = sorted([*self.found, *new])
        return new

    def expect(self, interval: float, now: float) -> None:
        """End a look: from now on expect the largest number of requests in this `interval` or the one before."""
        del self.found[: bisect_left(self.found, now - interval)]
        if now - self._peak_since > interval:
            self._peak_since, self._peaks = now, (self._peaks[1], 0)
        self._peaks = self._peaks[0], max(self._peaks[1], len(self.found))
        self.rate = max(self._peaks) / interval * EXPECTED_PER_FOUND
        self._looked_at = now

    def still_expected(self, interval: float, now: float) -> int:
        """Return how many requests expected in a window of `interval` seconds have not been found yet."""
        seen = len(self.found) - bisect_left(self.found, now - interval)
        return max(0, math.ceil(self.rate * interval) - seen)

    def without(self, stamps: Sequence[float]) -> list[float]:
        """Return the stamps that are not theirs."""
        return sorted((Counter(stamps) - Counter(self.found)).elements())
