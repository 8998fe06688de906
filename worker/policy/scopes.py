"""Limits and pauses that count apart: for each record, path, or value of a variable. Times are seconds of one clock.

As in `pace`, a slot is free again one interval after the response, so that no window of the server can hold more than
its limit. Only what was used within the longest interval is remembered.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from jobs.apis.limits import Place
from worker.policy.pace import GUARD, Window
from worker.policy.patience import Throttle

SWEEP_FROM: Final = 1024
"""Values beyond which those that no longer matter are forgotten, whenever their number has doubled."""


@dataclass(slots=True)
class _Log:
    """What is known of one value: requests in flight, and the times of responses, oldest first."""

    in_flight: int = 0
    stamps: list[float] = field(default_factory=list)

    def wait(self, window: Window, now: float) -> float:
        """Return the seconds until the window has room."""
        free = window.limit - self.in_flight
        if free <= 0:
            return math.inf
        return self.stamps[-free] + window.interval + GUARD - now if len(self.stamps) >= free else 0.0

    def take(self) -> None:
        """Count a request in flight."""
        self.in_flight += 1

    def give_back(self) -> None:
        """Count one less."""
        self.in_flight -= 1

    def note(self, now: float, most: int) -> None:
        """Note a response; remember `most` at least."""
        self.stamps.append(now)
        if len(self.stamps) > 2 * most:
            del self.stamps[:-most]


class ScopedWindows:
    """Windows, and a maximum in flight, that hold for each value by itself."""

    def __init__(self, windows: Iterable[Window], in_flight: int = 0) -> None:
        """Begin with nothing in flight; an `in_flight` of 0 is any number."""
        self._windows = tuple(windows)
        self._most = in_flight or math.inf
        self._longest = max((window.interval for window in self._windows), default=0.0) + GUARD
        self._largest = max((window.limit for window in self._windows), default=0)
        self._logs: dict[str, _Log] = {}
        self._sweep_at = SWEEP_FROM

    def __len__(self) -> int:
        """Return the number of values that are remembered."""
        return len(self._logs)

    def wait(self, value: str, now: float) -> float:
        """Return the seconds until a request may leave; 0 for now, infinity if only an answer can tell."""
        log = self._logs.get(value)
        if log is None:
            return 0.0
        if log.in_flight >= self._most:
            return math.inf
        return max([0.0, *(log.wait(window, now) for window in self._windows)])

    def reserve(self, value: str, now: float) -> float:
        """Take a slot and return 0, or return what `wait` does."""
        wait = self.wait(value, now)
        if not wait:
            if value not in self._logs:
                self._sweep(now)
                self._logs[value] = _Log()
            self._logs[value].take()
        return wait

    def answered(self, value: str, now: float) -> None:
        """Give back the slot of a request that was answered, or given up on, at `now`."""
        if self._windows:
            self._logs[value].note(now, self._largest)
        self.cancelled(value)

    def cancelled(self, value: str) -> None:
        """Give back the slot of a request that never left."""
        log = self._logs[value]
        log.give_back()
        if not (log.in_flight or log.stamps):
            del self._logs[value]

    def _sweep(self, now: float) -> None:
        """Forget the values without a request in flight, or in the longest window."""
        if len(self._logs) < self._sweep_at:
            return
        since = now - self._longest
        self._logs = {
            value: log
            for value, log in self._logs.items()
            if log.in_flight or bisect_right(log.stamps, since) < len(log.stamps)
        }
        self._sweep_at = max(SWEEP_FROM, 2 * len(self._logs))


@dataclass(slots=True)
class ScopedPauses:
    """Pauses that the server asks of some requests alone, by the place where these are counted."""

    _until: dict[Place, float] = field(default_factory=dict)
    _refusals: dict[Place, Throttle] = field(default_factory=dict)

    def wait(self, place: Place, now: float) -> float:
        """Return the seconds until the pause of a place is over; 0 if there is none."""
        return max(0.0, self._until[place] - now) if place in self._until else 0.0

    def refused(self, place: Place, asked: float | None, sent_at: float, now: float) -> float:
        """Pause after a refusal.

        Args:
            place: where the request was counted.
            asked: seconds that the server asked for; None, and a pause that doubles, if it did not.
            sent_at: when the request left: those that were in flight together count once.
            now: when the refusal arrived.

        Returns:
            Seconds of the pause.
        """
        before = self._until.get(place, -math.inf)
        pause = self._refusals.setdefault(place, Throttle()).refused((), asked, again=sent_at >= before)
        self._until[place] = max(before, now + pause)
        return self._until[place] - now

    def accepted(self, place: Place, sent_at: float) -> None:
        """Forget the refusals of a place: a request that left after its pause got through."""
        if place in self._until and sent_at >= self._until[place]:
            del self._until[place], self._refusals[place]
