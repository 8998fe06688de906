"""Others on the same quota who are not processes of ours: found by what the server counts, and expected to go on."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

MORE: Final = 1.05
"""Requests expected for each that was found: our own are counted generously, which hides some of theirs."""


class Strangers:
    """Requests of others, as found between two looks.

    As many again are expected until the next look: what they took by then cannot be had.

    Attributes:
        found: times that were given to them, oldest first.
        rate: requests a second that are expected of them.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        self.found: list[float] = []
        self.rate = 0.0
        self._looked_at = -math.inf
        self._peaks = (0, 0)
        self._peak_since = -math.inf

    def meet(self, count: int, interval: float, now: float) -> list[float]:
        """So many are new in the last `interval` seconds: spread over the time since the last look.

        Returns:
            The times given to them.
        """
        since = max(self._looked_at, now - interval)
        new = [now - (now - since) * each / count for each in range(count)]
        self.found = sorted([*self.found, *new])
        return new

    def expect(self, interval: float, now: float) -> None:
        """A look is over: expect for the next as many as were there at most in this `interval` and the one before."""
        del self.found[: bisect_left(self.found, now - interval)]
        if now - self._peak_since > interval:
            self._peak_since, self._peaks = now, (self._peaks[1], 0)
        self._peaks = self._peaks[0], max(self._peaks[1], len(self.found))
        self.rate = max(self._peaks) / interval * MORE
        self._looked_at = now

    def still_expected(self, interval: float, now: float) -> int:
        """How many of those expected in a window have not been found yet."""
        seen = len(self.found) - bisect_left(self.found, now - interval)
        return max(0, math.ceil(self.rate * interval) - seen)

    def without(self, stamps: Sequence[float]) -> list[float]:
        """The stamps that are not theirs."""
        return sorted((Counter(stamps) - Counter(self.found)).elements())
