"""One quota's slots in a file of the user's state directory: a host's processes share them, and the next run goes on.

Layout: a header, the limits learned, those inferred, a table of the processes, a ring of responses. It is read and
written under an `flock`, which a kill releases, and never synced. It is advice: without it a run is alone, and starts
as if it were the first. Times are seconds since the epoch. It holds numbers only: its name is a hash, and nothing in it
is secret.
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
"""Responses that the ring holds at least; more where a limit is larger."""

MOST_CAPACITY: Final = 1 << 21


@dataclass(slots=True)
class Header:
    """What is true of the quota as a whole.

    Attributes:
        capacity: responses that the ring holds.
        used: entries of the table that may be in use.
        version: grows with every change.
        head: responses ever put into the ring.
        saved_at: when this was written; 0 when it never was.
        closed_until: nobody may send before that.
    """

    capacity: int = LEAST_CAPACITY
    used: int = 0
    version: int = 0
    head: int = 0
    saved_at: float = 0.0
    closed_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One process that uses the quota.

    Attributes:
        owner: a random number, 0 for nobody.
        tag: the limit the server states to it, 0 while that is not known.
        beat: when it was last heard of.
        claimed: slots it holds, or may take without asking.
        pid, space: its process id, and the name space in which that means something.
    """

    owner: int
    tag: int
    beat: float
    claimed: int
    pid: int = 0
    space: int = 0


@dataclass(frozen=True, slots=True)
class Stamp:
    """A response at `at`. `owner` and `tag` are those of the process whose it was; an owner of 0 is no longer there."""

    at: float
    owner: int
    tag: int


class KnownLimits(NamedTuple):
    """What is remembered of a server's limits.

    Attributes:
        told: those it stated.
        inferred: those inferred from its refusals, beside what it stated.
        trial_at: no more than those is tried before that time.
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
            credential: whose quota it is, already hashed; empty where the server does not count by credential.
            method: whose quota it is.
        """
        key = hashlib.sha256(f"{method} {origin} {credential}".encode()).hexdigest()[:24]
        self._directory = directory
        self.path = directory / "pace" / f"{key}.slots"
        self._file = -1

    def limits(self) -> KnownLimits:
        """The limits that are remembered; none where there is no usable file."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                return _limits(os.pread(descriptor, _TABLE_AT, 0))
            finally:
                os.close(descriptor)
        return KnownLimits()

    def open(self) -> None:
        """Open the file, made if need be: for its owner only, whatever the umask."""
        if self._file >= 0:
            return
        for directory in (self._directory, self.path.parent):
            if not directory.is_dir():
                directory.mkdir(parents=True, exist_ok=True)
                directory.chmod(0o700)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.fstat(self._file).st_mode & 0o777 != 0o600:  # for its owner only
            os.fchmod(self._file, 0o600)

    def close(self) -> None:
        """Close the file, and thereby release it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def lock(self) -> bool:
        """Hold the file; False when somebody else does. Nobody waits: a process that is stopped would stop them all."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self) -> None:
        """Let go of the file."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def header(self) -> Header:
        """The header; that of a new file where there is none that can be understood."""
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
        """Remember limits."""
        os.pwrite(self._file, _packed(limits.told, MOST_WINDOWS), _WINDOWS_AT)
        inferred = _packed(limits.inferred, MOST_INFERRED) + _TRIAL.pack(limits.trial_at)
        os.pwrite(self._file, inferred, _INFERRED_AT)

    def entries(self, header: Header) -> list[Entry]:
        """The table, as far as it is used."""
        found = os.pread(self._file, header.used * _ENTRY.size, _TABLE_AT)
        whole = found[: len(found) // _ENTRY.size * _ENTRY.size]
        return [Entry(*fields[:-1]) for fields in _ENTRY.iter_unpack(whole)]

    def write_entry(self, place: int, entry: Entry) -> None:
        """Write one row of the table."""
        fields = (entry.owner, entry.tag, entry.beat, entry.claimed, entry.pid, entry.space, 0)
        os.pwrite(self._file, _ENTRY.pack(*fields), _TABLE_AT + place * _ENTRY.size)

    def stamps(self, header: Header, since: int) -> list[Stamp]:
        """The responses from number `since` on, as far as the ring still holds them."""
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
        """Put responses into the ring, and count them in `header`, which the caller writes."""
        data = b"".join(_STAMP.pack(stamp.at, stamp.owner, stamp.tag) for stamp in stamps)
        data = data[-header.capacity * _STAMP.size :]
        while data:
            place = header.head % header.capacity
            part = data[: (header.capacity - place) * _STAMP.size]
            os.pwrite(self._file, part, _RING_AT + place * _STAMP.size)
            header.head += len(part) // _STAMP.size
            data = data[len(part) :]

    def grow(self, header: Header, limit: int) -> None:
        """Have room for twice the responses of the largest window, counted in `header`, which the caller writes."""
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
