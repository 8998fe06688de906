"""The slots of one quota in a file of the user's state directory, for the processes of a host and for the next run.

Layout: a header, the limits learned, the limits inferred, a table of the processes, a ring of responses. It is read and
written under an `flock`, which a kill releases, and never synced. Losing it is harmless: the run then shares with no
other process, and starts as if it were the first. Times are seconds since the epoch. The file holds nothing but
numbers, and its name is a hash: nothing in it is secret.
"""

import contextlib
import fcntl
import hashlib
import math
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from jobs.values import valueclass
from worker.policy.pace import Window

_MAGIC: Final = b"rowpace1"
_HEADER: Final = struct.Struct("<8sIIQQdd")
_WINDOW: Final = struct.Struct("<dd")
_TRIAL: Final = struct.Struct("<d8x")
_ENTRY: Final = struct.Struct("<IIdIIII")
_STAMP: Final = struct.Struct("<dII")
_WINDOWS_AT: Final = 64
_INFERRED_AT: Final = 192
_TRIAL_AT: Final = 240
_TABLE_AT: Final = 256
_RING_AT: Final = 4096

MOST_WINDOWS: Final = 8
MOST_INFERRED: Final = 3
MOST_PROCESSES: Final = 64
LEAST_CAPACITY: Final = 4096
"""Minimum number of responses that the ring holds; a larger limit needs more."""

MOST_CAPACITY: Final = 1 << 21


@dataclass(slots=True)
class Header:
    """The facts about the quota as a whole.

    Attributes:
        capacity: responses that the ring holds.
        used: entries of the table that may be in use.
        version: grows with every change.
        head: responses ever put into the ring.
        saved_at: when the header was last written, 0 if never.
        closed_until: time before which nobody may send.
    """

    capacity: int = LEAST_CAPACITY
    used: int = 0
    version: int = 0
    head: int = 0
    saved_at: float = 0.0
    closed_until: float = 0.0


@valueclass(frozen=True, slots=True)
class Entry:
    """One process that uses the quota.

    Attributes:
        owner: random number, 0 for a free entry.
        tag: limit that the server states to it, 0 while that is not known.
        beat: time of its last heartbeat.
        claimed: slots it holds, or may take without asking.
        pid, space: its process id, and the name space in which that id is valid.
    """

    owner: int
    tag: int
    beat: float
    claimed: int
    pid: int = 0
    space: int = 0


@valueclass(frozen=True, slots=True)
class Stamp:
    """A response at `at`, with the `owner` and `tag` of its process; the owner is 0 if that process is gone."""

    at: float
    owner: int
    tag: int


class KnownLimits(NamedTuple):
    """The limits of a server as far as they are known.

    Attributes:
        told: limits that the server stated.
        inferred: further limits, inferred from its refusals.
        trial_at: time before which no higher rate than the inferred one is tried.
    """

    told: tuple[Window, ...] = ()
    inferred: tuple[Window, ...] = ()
    trial_at: float = 0.0


class PaceMemory:
    """The file of one (origin, credential, method). Every method that touches it may raise OSError."""

    def __init__(self, directory: Path, origin: str, credential: str, method: str) -> None:
        """Name the file; nothing is read or written yet.

        Args:
            directory: the user's state directory.
            origin: of the API.
            credential: that the quota belongs to, already hashed; empty if the server does not count by credential.
            method: that the quota belongs to.
        """
        key = hashlib.sha256(f"{method} {origin} {credential}".encode()).hexdigest()[:24]
        self._directory = directory
        self.path = directory / "pace" / f"{key}.slots"
        self._file = -1

    def limits(self) -> KnownLimits:
        """Read the stored limits; return none of them if there is no usable file."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                return _limits(os.pread(descriptor, _TABLE_AT, 0))
            finally:
                os.close(descriptor)
        return KnownLimits()

    def open(self) -> None:
        """Open the file, or create it; only its owner may read it, whatever the umask."""
        if self._file >= 0:
            return
        for directory in (self._directory, self.path.parent):
            if not directory.is_dir():
                directory.mkdir(parents=True, exist_ok=True)
                directory.chmod(0o700)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.fstat(self._file).st_mode & 0o777 != 0o600:  # the umask, or an older file
            os.fchmod(self._file, 0o600)

    def close(self) -> None:
        """Close the file, which releases its lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def lock(self) -> bool:
        """Lock the file; return False if another process has. Never wait: a stopped process would stop the others."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self) -> None:
        """Unlock the file."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def header(self) -> Header:
        """Read the header; return that of a new file if there is no valid one."""
        found = os.pread(self._file, _HEADER.size, 0)
        if len(found) < _HEADER.size or not found.startswith(_MAGIC):
            return Header()
        _, *fields = _HEADER.unpack(found)
        header = Header(*fields)
        sound = LEAST_CAPACITY <= header.capacity <= MOST_CAPACITY and header.used <= MOST_PROCESSES
        sound = sound and max(header.version, header.head) < 1 << 62
        return header if sound and math.isfinite(header.saved_at) else Header()

    def write_header(self, header: Header) -> None:
        """Write the header."""
        fields = (header.capacity, header.used, header.version, header.head, header.saved_at, header.closed_until)
        os.pwrite(self._file, _HEADER.pack(_MAGIC, *fields), 0)

    def write_limits(self, limits: KnownLimits) -> None:
        """Write the limits."""
        os.pwrite(self._file, _packed(limits.told, MOST_WINDOWS), _WINDOWS_AT)
        inferred = _packed(limits.inferred, MOST_INFERRED) + _TRIAL.pack(limits.trial_at)
        os.pwrite(self._file, inferred, _INFERRED_AT)

    def entries(self, header: Header) -> list[Entry]:
        """Read the entries of the table that are in use."""
        found = os.pread(self._file, header.used * _ENTRY.size, _TABLE_AT)
        whole = found[: len(found) // _ENTRY.size * _ENTRY.size]
        return [Entry(*fields[:-1]) for fields in _ENTRY.iter_unpack(whole)]

    def write_entry(self, place: int, entry: Entry) -> None:
        """Write one entry of the table."""
        fields = (entry.owner, entry.tag, entry.beat, entry.claimed, entry.pid, entry.space, 0)
        os.pwrite(self._file, _ENTRY.pack(*fields), _TABLE_AT + place * _ENTRY.size)

    def stamps(self, header: Header, since: int) -> list[Stamp]:
        """Read the responses from number `since` on, as far as the ring still holds them."""
        first = max(since, header.head - header.capacity)
        found: list[Stamp] = []
        while first < header.head:
            place = first % header.capacity
            count = min(header.head - first, header.capacity - place)
            data = os.pread(self._file, count * _STAMP.size, _RING_AT + place * _STAMP.size)
            whole = data[: len(data) // _STAMP.size * _STAMP.size]
            found += [stamp for fields in _STAMP.iter_unpack(whole) if math.isfinite((stamp := Stamp(*fields)).at)]
            first += count
        return found

    def append(self, header: Header, stamps: Iterable[Stamp]) -> None:
        """Append responses to the ring, and count them in `header`, which the caller writes."""
        data = b"".join(_STAMP.pack(stamp.at, stamp.owner, stamp.tag) for stamp in stamps)
        data = data[-header.capacity * _STAMP.size :]
        while data:
            place = header.head % header.capacity
            part = data[: (header.capacity - place) * _STAMP.size]
            os.pwrite(self._file, part, _RING_AT + place * _STAMP.size)
            header.head += len(part) // _STAMP.size
            data = data[len(part) :]

    def grow(self, header: Header, limit: int) -> None:
        """Make room for twice `limit` responses; update `header`, which the caller writes."""
        capacity = header.capacity
        while capacity < min(2 * limit, MOST_CAPACITY):
            capacity *= 2
        if capacity > header.capacity:
            kept = self.stamps(header, 0)
            header.capacity, header.head = capacity, header.head - len(kept)
            self.append(header, kept)


def _limits(found: bytes) -> KnownLimits:
    if len(found) < _TABLE_AT or not found.startswith(_MAGIC):
        return KnownLimits()
    (trial_at,) = _TRIAL.unpack(found[_TRIAL_AT:_TABLE_AT])
    told, inferred = _unpacked(found[_WINDOWS_AT:_INFERRED_AT]), _unpacked(found[_INFERRED_AT:_TRIAL_AT])
    return KnownLimits(told, inferred, trial_at if math.isfinite(trial_at) else 0.0)


def _packed(windows: Sequence[Window], most: int) -> bytes:
    pairs = [(window.limit, window.interval) for window in windows[:most]]
    return b"".join(_WINDOW.pack(*pair) for pair in [*pairs, *[(0, 0.0)] * (most - len(pairs))])


def _unpacked(found: bytes) -> tuple[Window, ...]:
    usable = (p for p in _WINDOW.iter_unpack(found) if all(map(math.isfinite, p)) and p[0] >= 1 and p[1] > 0)
    return tuple(Window(int(limit), interval) for limit, interval in usable)
