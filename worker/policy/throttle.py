"""How long everybody waits when the server says "slower"."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.policy.pace import Window

FIRST_PAUSE: Final = 1.0
"""Seconds to wait after a refusal of a server that says nothing about its limits; doubled at each one in a row."""

LONGEST_PAUSE: Final = 60.0
"""Seconds such a pause grows to."""

LONGEST_WINDOW: Final = 300.0
"""Seconds to wait for a window at most when the server does not say: an hourly quota is asked about more often."""


@dataclass(slots=True)
class Throttle:
    """The refusals of one (origin, method) in a row."""

    refusals: int = 0

    def refused(self, windows: Sequence[Window], retry_after: float | None, *, again: bool) -> float:
        """Return the seconds for which nobody may send after a refusal.

        At least the server's `Retry-After`; at least one whole window where windows are known, since counts are never
        reset; otherwise a pause that doubles. A `Retry-After` of 0 is therefore never obeyed literally.

        Args:
            windows: the windows in force.
            retry_after: seconds the server asked for, None when it did not.
            again: the refused request left after the last pause; those that were in flight together count once.
        """
        self.refusals += again or not self.refusals
        floor = min(LONGEST_WINDOW, max((window.interval for window in windows), default=0.0))
        if not floor:
            floor = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.refusals - 1, 10))
        return max(floor, retry_after or 0.0)

    def accepted(self) -> None:
        """Begin anew: a request got through."""
        self.refusals = 0
