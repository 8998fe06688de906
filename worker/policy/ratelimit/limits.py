"""The limits that a reply can state, as a value."""

from collections.abc import Iterable
from typing import Final

from jobs.values import valueclass
from worker.policy.pace import Window
from worker.policy.quota import Allowance

LARGEST_LIMIT: Final = 1_000_000
"""Requests per window beyond which a limit has no effect except the cost of its bookkeeping."""

LONGEST_INTERVAL: Final = 86_400.0
"""Longest window in seconds that is taken seriously: nobody waits longer than a day for a slot."""

LONGEST_LOGGED: Final = 3600.0
"""Seconds of a window beyond which the server's own count replaces our log.

To log a whole day, and save it every second, would be useless: nobody waits for its slots, and the server's count is
more exact.
"""


@valueclass(frozen=True, slots=True)
class Limits:
    """The limits in one reply.

    Attributes:
        windows: limits with their interval, widest first.
        counts: requests left in some of those windows, narrowest first.
        allowances: requests left until a reset, for limits without an interval.
        pause: seconds for which the server asks all to wait, although it served this request.
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
        """True if the reply states counts, and something is left of every limit."""
        return bool(self.counts) and not self.spent and all(each.remaining for each in self.allowances)


SILENT: Final = Limits()
"""Limits of a reply without such headers."""


def one(
    name: str,
    *,
    limit: float | None = None,
    interval: float | None = None,
    remaining: float | None = None,
    resets_in: float | None = None,
) -> Limits:
    """Make one limit from what is known of it: a window with its interval, otherwise an allowance until its reset.

    Args:
        name: of the limit.
        limit: requests.
        interval: seconds.
        remaining: requests left.
        resets_in: seconds until the limit is reset.
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
    """Merge the limits from several headers of one reply."""
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
