"""How long all senders wait when the server asks them to slow down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.policy.pace import Window

FIRST_PAUSE: Final = 1.0
"""Seconds to wait after a refusal by a server that states no limits; doubled at each further one in a row."""

LONGEST_PAUSE: Final = 60.0
"""Maximum seconds of such a pause."""

LONGEST_WINDOW: Final = 300.0
"""Maximum seconds to wait for a window if the server states no pause: with an hourly quota, ask more often."""


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
