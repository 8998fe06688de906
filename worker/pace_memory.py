"""What was learned about a server's limits, remembered between runs in the user's state directory.

One small JSON file per (origin, method). It is advice: a file that is missing, unreadable or from the future costs
speed or a refusal, never a row; so it is replaced by rename but not synced.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.clock import Clock
from worker.policy.pace import Pace, Window


@dataclass(frozen=True, slots=True)
class Remembered:
    """The state of one pace. Times are seconds since the epoch.

    Attributes:
        stamps: responses that may still occupy a slot.
        saved_at: when this was written; 0 when nothing was remembered.
    """

    learned: tuple[Window, ...] = ()
    stamps: tuple[float, ...] = ()
    saved_at: float = 0.0


class PaceMemory:
    """The remembered state of one (origin, method)."""

    def __init__(self, directory: Path, origin: str, method: str) -> None:
        """Name the file; nothing is read or written yet."""
        self._origin, self._method = origin, method
        key = hashlib.sha256(f"{method} {origin}".encode()).hexdigest()[:24]
        self._path = directory / "pace" / f"{key}.json"

    def load(self) -> Remembered:
        """What is remembered; nothing where the file cannot be understood."""
        try:
            found: Any = json.loads(self._path.read_text(encoding="utf-8"))
            learned = tuple(Window(int(limit), float(interval)) for limit, interval in found["learned"])
            stamps = tuple(float(stamp) for stamp in found["stamps"])
            usable = all(window.limit > 0 and window.interval > 0 for window in learned)
            return Remembered(learned, stamps, float(found["saved_at"])) if usable else Remembered()
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return Remembered()

    def save(self, pace: Pace, clock: Clock) -> None:
        """Remember the pace as it is now; requests in flight count as answered now."""
        wall, now = clock.wall(), clock.now()
        longest = max((window.interval for window in pace.windows), default=0.0)
        stamps = [round(wall - (now - stamp), 4) for stamp in pace.stamps if now - stamp <= longest]
        state = {
            "origin": self._origin,
            "method": self._method,
            "learned": [[window.limit, window.interval] for window in pace.learned],
            "stamps": stamps + [round(wall, 4)] * pace.in_flight,
            "saved_at": wall,
        }
        with contextlib.suppress(OSError):  # a read-only home costs the memory, not the run
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(state), encoding="utf-8")
            draft.replace(self._path)


def restore(pace: Pace, remembered: Remembered, later: Iterable[float], clock: Clock) -> None:
    """Go on where the last process was.

    Args:
        pace: a new pace.
        remembered: what was saved.
        later: times (seconds since the epoch) of responses since then that the journal knows of; they may lie ahead:
            the server may count what a killed process left open until the time it would have been given up on.
        clock: to translate times; a remembered stamp from the future (the clock was set back) counts as now.
    """
    wall, now = clock.wall(), clock.now()
    remembered_stamps = (now - max(0.0, wall - stamp) for stamp in remembered.stamps)
    pace.restore(remembered.learned, (*remembered_stamps, *(now + stamp - wall for stamp in later)))
