"""The other processes that use a quota, by what they write into its file: who is there, what they hold, who is gone."""

import functools
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from worker.pacing.quota_file import MOST_PROCESSES, Entry, Header, PaceMemory, Stamp

BEAT: Final = 1.0
"""Seconds between two signs of life."""

SILENCE: Final = 5.0
"""Seconds without one after which a process counts as gone, if nothing says so earlier."""

PAUSE: Final = 0.25
"""Seconds without one after which the system is asked whether the process is still there."""

RECENT: Final = 1000
"""Latest responses that are looked at to see who had more than its part."""


class Companions:
    """The others, as this process sees them; everything here is done under the file's lock, and may raise OSError.

    Attributes:
        owner: a random number, by which this process is known to the others. `pid`: its process id.
        count: of the others. `claimed`: slots they hold.
        abandoned: slots that processes held that are gone by now; they count as answered when that was noticed.
        has_had_more: whether more of the latest responses are this process's than one of so many should have.
    """

    def __init__(self, memory: PaceMemory) -> None:
        """Know nobody yet."""
        self.owner = secrets.randbits(32) or 1
        self.count = self.claimed = self.abandoned = 0
        self.has_had_more = False
        self.pid = os.getpid()
        self._memory = memory
        self._place = -1

    def meet(self, header: Header, wall: float, tag: int, largest: int) -> None:
        """See who is there, count what those who are gone held, and find a place in the table.

        Args:
            header: of the file.
            wall: seconds since the epoch.
            tag: the limit the server states to this process: others with another one use another counter.
            largest: limit of a window in force.
        """
        pause = PAUSE if self._place >= 0 else 0.0
        free, self._place = -1, -1
        self.count = self.claimed = 0
        for place, entry in enumerate(self._memory.entries(header)):
            if entry.owner == self.owner:
                self._place = place
            elif entry.owner and not _is_gone(entry, wall, pause):
                self.count += 1
                self.claimed += entry.claimed * alike(tag, entry.tag)
                if entry.beat > wall + BEAT:  # the clock was set back
                    self._memory.write_entry(place, replace(entry, beat=wall))
            else:
                self._bury(header, place, entry, wall)
                free = place
        if self._place < 0:
            self._place = _register(header, free)
        self.has_had_more = self.count > 0 and self._has_had_more(header, tag, largest)

    def tell(self, tag: int, wall: float, claimed: int, *, leave: bool) -> None:
        """Write down that this process is there, and what it holds; or that it is no longer."""
        entry = Entry(0 if leave else self.owner, tag, wall, claimed, self.pid, _space())
        self._memory.write_entry(self._place, entry)

    def _has_had_more(self, header: Header, tag: int, largest: int) -> bool:
        recent = self._memory.stamps(header, max(0, header.head - RECENT))
        latest = [stamp.owner for stamp in recent if alike(tag, stamp.tag)][-largest:]
        return latest.count(self.owner) * (1 + self.count) > len(latest)

    def _bury(self, header: Header, place: int, entry: Entry, wall: float) -> None:
        if entry.owner:
            held = min(entry.claimed, header.capacity)
            self._memory.append(header, [Stamp(wall, 0, entry.tag)] * held)
            self._memory.write_entry(place, Entry(0, 0, 0.0, 0))
            self.abandoned += held


def alike(mine: int, theirs: int) -> bool:
    """Whether two limits, as stated by the server, are of one counter: reads of different types may have others."""
    return not theirs or not mine or theirs == mine


def _register(header: Header, free: int) -> int:
    if free >= 0:
        return free
    if header.used == MOST_PROCESSES:
        raise OSError("too many processes")
    header.used += 1
    return header.used - 1


def _is_gone(entry: Entry, wall: float, pause: float) -> bool:
    """Whether a process has ended without leaving: nothing was heard of it, or the system says so."""
    silent = wall - entry.beat
    if not silent <= SILENCE:  # no number, in a damaged file, is silence too
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
    """In which name space process ids mean what they mean here; 0 where the system has but one."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino & 0xFFFFFFFF
    except OSError:
        return 0
