"""How many: what a server says is left until a reset, where it does not say of which interval."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

RESET_GUARD: Final = 1.0
"""Seconds added to every reset: they are told in whole seconds, and servers round either way."""

MOST_QUOTAS: Final = 16
"""Quotas kept of one server; names come from its replies, and must not grow without end."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one reply says about one quota.

    Attributes:
        name: which of the server's quotas.
        remaining: requests left.
        resets_in: seconds until that is no longer true.
        limit: requests of a whole period, 0 when that is not told.
    """

    name: str
    remaining: int
    resets_in: float
    limit: int = 0


def share(limit: int, headroom: float) -> int:
    """What is ours of a limit with `headroom` per cent left to others, but never less than one request."""
    return max(1, math.floor(limit * (100 - headroom) / 100))


@dataclass(slots=True)
class _Quota:
    """A quota in force.

    Attributes:
        usable: requests that were left when the reply was sent, less the headroom.
        most: requests of a whole period.
        resets_from: when it is reset at the earliest; `resets_at`: at the latest.
        learned_at: when the reply arrived; what leaves from then on is not in its count.
        untold: times of answers since then that said nothing about the quota: they may not be in its count either.
    """

    usable: int
    most: float
    resets_from: float
    resets_at: float
    learned_at: float
    untold: list[float]

    def replaces(self, known: "_Quota", sent_at: float, now: float) -> bool:
        """Whether the reply that arrived `now` to what left at `sent_at` is to be believed rather than the known one.

        What left after the known one had arrived was counted later. Of two that were under way together, the server
        counted the one later that is of a later period or, within one period, has less left.
        """
        if now >= known.resets_at or sent_at >= known.learned_at or self.resets_from >= known.resets_at:
            return True
        return self.usable < known.usable and self.resets_at > known.resets_from

    def is_used_up(self, now: float) -> bool:
        """Whether nothing is left before the reset, whatever those in flight bring."""
        return now < self.resets_at and self.usable <= len(self.untold)

    def wait(self, in_flight: int, now: float) -> float:
        """Seconds until a request may leave. After the reset at most a period's worth is in flight until one tells."""
        if now >= self.resets_at:
            return math.inf if in_flight >= self.most else 0.0
        return self.resets_at - now if self.usable - len(self.untold) - in_flight <= 0 else 0.0


class Quotas:
    """All quotas that one server told of. Times are seconds of one monotonic clock, handed in by the caller.

    Whatever is in flight counts against what is left, until its own answer says better.
    """

    def __init__(self, headroom: float) -> None:
        """Start with none; `headroom` per cent of every limit that is known are left to others."""
        self._headroom = headroom
        self._quotas: dict[str, _Quota] = {}

    @property
    def are_known(self) -> bool:
        """Whether the server told of any."""
        return bool(self._quotas)

    def answered(self, now: float) -> None:
        """A request was answered, or given up on: the server has probably counted it."""
        for quota in self._quotas.values():
            if now < quota.resets_at:
                quota.untold.append(now)

    def learn(self, told: Iterable[Allowance], sent_at: float, now: float) -> None:
        """Take over what the reply said that arrived at `now`, after `answered`; its request left at `sent_at`."""
        for allowance in told:
            self._learn(allowance, sent_at, now)

    def wait(self, in_flight: int, now: float) -> float:
        """Seconds until a request may leave, infinity when only an answer can tell."""
        if not self._quotas:
            return 0.0
        return max(quota.wait(in_flight, now) for quota in self._quotas.values())

    def used_up(self, now: float) -> float:
        """Seconds until the reset of the last quota of which nothing is left; 0 when there is none."""
        return max((quota.resets_at - now for quota in self._quotas.values() if quota.is_used_up(now)), default=0.0)

    def _learn(self, allowance: Allowance, sent_at: float, now: float) -> None:
        known = self._quotas.get(allowance.name)
        if known is None:
            if len(self._quotas) < MOST_QUOTAS:
                self._quotas[allowance.name] = self._quota(allowance, sent_at, now, [])
            return
        if known.untold[-1:] == [now]:
            known.untold.pop()  # this very reply
        since = [time for time in known.untold if time >= sent_at]
        told = self._quota(allowance, sent_at, now, since)
        if told.replaces(known, sent_at, now):
            self._quotas[allowance.name] = told

    def _quota(self, allowance: Allowance, sent_at: float, now: float, untold: list[float]) -> _Quota:
        ours = share(allowance.limit, self._headroom) if allowance.limit else 0
        return _Quota(
            usable=allowance.remaining - (allowance.limit - ours),
            most=ours or math.inf,
            resets_from=sent_at + allowance.resets_in,
            resets_at=now + allowance.resets_in + RESET_GUARD,
            learned_at=now,
            untold=untold,
        )
