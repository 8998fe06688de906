"""Quotas: requests left until a reset, for limits whose interval the server does not state."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from jobs.values import valueclass

RESET_GUARD: Final = 1.0
"""Seconds added to every reset: servers state it in whole seconds, and round either way."""

MOST_QUOTAS: Final = 16
"""Maximum number of quotas stored per server: their names come from its replies, and must not grow without bound."""


@valueclass(frozen=True, slots=True)
class Allowance:
    """What one reply says about one quota.

    Attributes:
        name: of the quota.
        remaining: requests left.
        resets_in: seconds until the quota is reset.
        limit: requests of a whole period, 0 if not stated.
    """

    name: str
    remaining: int
    resets_in: float
    limit: int = 0


def share(limit: int, headroom: float) -> int:
    """Return our share of a limit, with `headroom` per cent left to others, but never less than one request."""
    return max(1, math.floor(limit * (100 - headroom) / 100))


@dataclass(slots=True)
class _Quota:
    """A quota in force.

    Attributes:
        usable: requests that were left when the reply was sent, less the headroom.
        most: requests of a whole period.
        resets_from: earliest time of its reset; `resets_at`: latest.
        learned_at: when the reply arrived; its count does not include requests that leave later.
        untold: times of later answers that did not mention the quota: its count may not include them either.
    """

    usable: int
    most: float
    resets_from: float
    resets_at: float
    learned_at: float
    untold: list[float]

    def replaces(self, known: "_Quota", sent_at: float, now: float) -> bool:
        """Return True if this count, which arrived `now` for a request sent at `sent_at`, is newer than the known one.

        A request that left after the known count arrived was counted later. Of two requests in flight together, the
        server counted the later one in a later period or, within one period, with less left.
        """
        if now >= known.resets_at or sent_at >= known.learned_at or self.resets_from >= known.resets_at:
            return True
        return self.usable < known.usable and self.resets_at > known.resets_from

    def is_used_up(self, now: float) -> bool:
        """Return True if nothing is left before the reset, even without counting the requests in flight."""
        return now < self.resets_at and self.usable <= len(self.untold)

    def wait(self, in_flight: int, now: float) -> float:
        """Return the seconds until a request may leave.

        After the reset, at most one period's requests may be in flight until a reply states the new count.
        """
        if now >= self.resets_at:
            return math.inf if in_flight >= self.most else 0.0
        return self.resets_at - now if self.usable - len(self.untold) - in_flight <= 0 else 0.0


class Quotas:
    """All quotas that one server stated. Times are seconds of one monotonic clock, passed in by the caller.

    Every request in flight counts against what is left, until its own answer brings a newer count.
    """

    def __init__(self, headroom: float) -> None:
        """Start with none; leave `headroom` per cent of every known limit to others."""
        self._headroom = headroom
        self._quotas: dict[str, _Quota] = {}

    @property
    def are_known(self) -> bool:
        """True if the server stated any."""
        return bool(self._quotas)

    def answered(self, now: float) -> None:
        """Count a request that was answered, or given up on: the server has probably counted it too."""
        for quota in self._quotas.values():
            if now < quota.resets_at:
                quota.untold.append(now)

    def learn(self, told: Iterable[Allowance], sent_at: float, now: float) -> None:
        """Learn from a reply that arrived at `now`, after `answered`; its request left at `sent_at`."""
        for allowance in told:
            self._learn(allowance, sent_at, now)

    def wait(self, in_flight: int, now: float) -> float:
        """Return the seconds until a request may leave, infinity if only an answer can tell."""
        if not self._quotas:
            return 0.0
        return max(quota.wait(in_flight, now) for quota in self._quotas.values())

    def used_up(self, now: float) -> float:
        """Return the seconds until every used-up quota has been reset; 0 if there is none."""
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
