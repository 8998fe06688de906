"""What a reply can say about the server's limits, as a value."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from worker.policy.pace import Window
from worker.policy.quota import Allowance

LARGEST_LIMIT: Final = 1_000_000
"""Requests a window beyond which a limit limits nothing, and only its bookkeeping costs."""

LONGEST_INTERVAL: Final = 86_400.0
"""Seconds of a window beyond which it cannot be meant: nobody waits longer than a day for a slot."""

LONGEST_LOGGED: Final = 3600.0
"""Seconds of a window beyond which the server's count is taken instead of a log of our own.

A log of a day is kept, and saved every second, for nothing: nobody waits for its slots, and the server knows better.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reply says.

    Attributes:
        windows: limits with their interval, widest first.
        counts: requests left in some of those windows, narrowest first.
        allowances: requests left until a reset, where no interval is told.
        pause: seconds for which the server wants to see nobody, although it did what was asked.
    """

    windows: tuple[Window, ...] = ()
    counts: tuple[tuple[Window, int], ...] = ()
    allowances: tuple[Allowance, ...] = ()
    pause: float = 0.0

    @property
    def spent(self) -> tuple[Window, ...]:
        """The windows of which nothing is left."""
        return tuple(window for window, left in self.counts if not left)

    @property
    def has_room(self) -> bool:
        """Whether something is left of every limit, by the server's own count, which says so."""
        return bool(self.counts) and not self.spent and all(each.remaining for each in self.allowances)


SILENT: Final = Limits()
"""What a reply says that says nothing."""


def one(
    name: str,
    *,
    limit: float | None = None,
    interval: float | None = None,
    remaining: float | None = None,
    resets_in: float | None = None,
) -> Limits:
    """One limit as far as it is told: a window if its interval is known, otherwise what is left until its reset.

    Args:
        name: which of the server's limits this is.
        limit: requests.
        interval: seconds.
        remaining: requests left.
        resets_in: seconds until `remaining` is no longer true.
    """
    most = int(limit) if limit is not None and 1 <= limit <= LARGEST_LIMIT else 0
    left = int(remaining) if remaining is not None and 0 <= remaining <= LARGEST_LIMIT else None
    length = interval if most and interval is not None and 0 < interval <= LONGEST_INTERVAL else None
    if length is not None and (left is None or length <= LONGEST_LOGGED):
        window = Window(most, length)
        return Limits((window,), () if left is None else ((window, left),))
    until = length if resets_in is None else resets_in
    if left is None or until is None or until > LONGEST_INTERVAL:
        return Limits()
    return Limits(allowances=(Allowance(name, left, max(0.0, until), most),))


def together(parts: Iterable[Limits]) -> Limits:
    """Everything that several headers of one reply say."""
    told = list(parts)
    windows = {window for part in told for window in part.windows}
    counts = {count for part in told for count in part.counts}
    return Limits(
        tuple(sorted(windows, key=_width, reverse=True)),
        tuple(sorted(counts, key=lambda count: (_width(count[0]), count[1]))),
        tuple(allowance for part in told for allowance in part.allowances),
        max((part.pause for part in told), default=0.0),
    )


def _width(window: Window) -> tuple[float, int]:
    return window.interval, window.limit
