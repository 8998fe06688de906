"""The other processes that use a quota, as its file shows them: which are alive, what they hold, which are gone."""

import functools
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from worker.pacing.quota_file import MOST_PROCESSES, Entry, Header, PaceMemory, Stamp

HEARTBEAT_S: Final = 1.0
"""Seconds between two heartbeats."""

SILENCE_S: Final = 5.0
"""Seconds without a heartbeat after which a process counts as gone."""

CHECK_PROCESS_AFTER_S: Final = 0.25
"""Seconds without a heartbeat after which the operating system is asked whether the process still exists."""

RECENT_RESPONSES: Final = 1000
"""Latest responses that are examined to see which process had more than its share."""


class Peers:
    """The other processes, as this one sees them. Every method needs the file's lock, and may raise OSError.

    Attributes:
        owner: random number by which the others know this process. `pid`: its process id.
        count: of the others. `claimed`: slots they hold.
        abandoned: slots held by processes that are gone; each counts as answered when its process was found gone.
        has_had_more: whether this process had more than its share of the latest responses.
    """

    def __init__(self, memory: PaceMemory) -> None:
        """Begin without knowing any other process."""
        self.owner = secrets.randbits(32) or 1
        self.count = self.claimed = self.abandoned = 0
        self.has_had_more = False
        self.pid = os.getpid()
        self._memory = memory
        self._place = -1

    def meet(self, header: Header, wall: float, tag: int, largest: int) -> None:
        """Count the other processes, spend the slots of those that are gone, and find a place in the table.

        Args:
            header: of the file.
            wall: seconds since the epoch.
            tag: limit that the server states to this process; a process with another limit uses another counter.
            largest: largest limit of the windows in force.
        """
        pause = CHECK_PROCESS_AFTER_S if self._place >= 0 else 0.0
        free, self._place = -1, -1
        self.count = self.claimed = 0
        for place, entry in enumerate(self._memory.entries(header)):
            if entry.owner == self.owner:
                self._place = place
            elif entry.owner and not _is_gone(entry, wall, pause):
                self.count += 1
                self.claimed += entry.claimed * alike(tag, entry.tag)
                if entry.beat > wall + HEARTBEAT_S:  # the clock was set back
                    self._memory.write_entry(place, replace(entry, beat=wall))
            else:
                self._bury(header, place, entry, wall)
                free = place
        if self._place < 0:
            self._place = _register(header, free)
        self.has_had_more = self.count > 0 and self._has_had_more(header, tag, largest)

    def record(self, tag: int, wall: float, claimed: int, *, leave: bool) -> None:
        """Record that this process is alive and how many slots it holds; or, to `leave`, free its entry."""
        entry = Entry(0 if leave else self.owner, tag, wall, claimed, self.pid, _space())
        self._memory.write_entry(self._place, entry)

    def _has_had_more(self, header: Header, tag: int, largest: int) -> bool:
        recent = self._memory.stamps(header, max(0, header.head - RECENT_RESPONSES))
        latest = [stamp.owner for stamp in recent if alike(tag, stamp.tag)][-largest:]
        return latest.count(self.owner) * (1 + self.count) > len(latest)

    def _bury(self, header: Header, place: int, entry: Entry, wall: float) -> None:
        if entry.owner:
            held = min(entry.claimed, header.capacity)
            self._memory.append(header, [Stamp(wall, 0, entry.tag)] * held)
            self._memory.write_entry(place, Entry(0, 0, 0.0, 0))
            self.abandoned += held


def alike(mine: int, theirs: int) -> bool:
    """Return True if two limits that the server states belong to one counter: types may have different ones for reads.

    A limit of 0 is not known yet, and counts as alike.
    """
    return not theirs or not mine or theirs == mine


def _register(header: Header, free: int) -> int:
    if free >= 0:
        return free
    if header.used == MOST_PROCESSES:
        raise OSError("too many processes")
    header.used += 1
    return header.used - 1


def _is_gone(entry: Entry, wall: float, pause: float) -> bool:
    """Return True if a process ended without leaving: its heartbeat stopped, or the operating system says so."""
    silent = wall - entry.beat
    if not silent <= SILENCE_S:  # true for NaN as well, which a damaged file may hold
        return True
    if silent < pause or entry.space != _space():
        return False
    try:
        os.kill(entry.pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


@functools.cache
def _space() -> int:
    """Return the id of the name space of process ids, 0 on a system with only one."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino & 0xFFFFFFFF
    except OSError:
        return 0
