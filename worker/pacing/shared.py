"""One pace for all processes of a host that use the same quota, shared through a file.

Every process keeps its own log, as it would alone, and adds to it the responses and the claimed slots that the others
record in the file. A slot is claimed in the file, under its lock, before its request leaves: so all processes together
keep to the windows. Where limits are large, a process claims several slots at once. Slots of a killed process count as
used when it is found gone. While no window is known, a request costs nothing here: the few slots that may be in flight
are claimed once.
"""

import contextlib
import math
from collections.abc import Iterable, Sequence
from typing import Final

from worker.clock import Clock
from worker.pacing.peers import HEARTBEAT_S, Peers, alike
from worker.pacing.quota_file import Header, KnownLimits, PaceMemory, Stamp
from worker.policy.inference import MAX_TRIAL_REST_S
from worker.policy.pace import Pace, Window
from worker.policy.ratelimit import LONGEST_INTERVAL

LOCK_RETRY_S: Final = 0.002
"""Seconds until a file that another process holds is tried again."""

RECORDED_WITHIN_S: Final = 3 * HEARTBEAT_S
"""Maximum seconds until a response is recorded in the file."""

STUCK_LOCK_S: Final = 2.0
"""Seconds that the file may stay locked (a few microseconds are usual) before a process goes on without it."""

POLL_S: Final = 0.02
"""Seconds between two looks at the file while all free slots are claimed by other processes."""

YIELD_S: Final = 0.02
"""Seconds by which a process that has had more than its share lets the others go first."""

MAX_LEASE_SLOTS: Final = 8
"""Maximum number of slots claimed at once."""

LEASE_SHARE: Final = 16
"""All leases together are at most one part in so many of the smallest limit."""


class SharedPace:
    """A pace, and the file that ties it to those of other processes. If the file fails, only the sharing is lost."""

    def __init__(self, pace: Pace, memory: PaceMemory, clock: Clock) -> None:
        """Begin with the stored limits."""
        self.pace = pace
        self._memory = memory
        self._clock = clock
        self._works = True
        self._others = Peers(memory)
        self._joined = self._active = False
        self._version = self._seen = self._claimed = 0
        self._looked_at = self._beat_at = self._took_in_at = -math.inf
        self._stuck_since: float | None = None
        self._closed_until = 0.0
        self._lease, self._tag, self._longest, self._largest = 1, 0, 0.0, 0
        self._measured: tuple[Sequence[Window], int] = (), 0
        self._pending: list[float] = []
        self._written = self._inferred = memory.limits()
        pace.restore(self._written.told, ())
        pace.infer(self._written.inferred)

    @property
    def abandoned(self) -> int:
        """Requests of processes that are gone; each counts as answered when its process was found gone."""
        return self._others.abandoned

    @property
    def inferred(self) -> tuple[tuple[Window, ...], float]:
        """Limits that the server does not state, and the loop time from which a higher rate may be tried."""
        later = self._inferred.trial_at - self._clock.wall()
        return self._inferred.inferred, self._clock.now() + max(0.0, min(later, MAX_TRIAL_REST_S))

    def infer(self, windows: tuple[Window, ...], trial_at: float) -> None:
        """Remember limits that the server does not state."""
        self._inferred = KnownLimits((), windows, self._clock.wall() + max(0.0, trial_at - self._clock.now()))

    def begin(self) -> float:
        """Join the other processes, and read the file.

        Returns:
            Time (seconds since the epoch) up to which the file knows all responses; 0 if it knows none.
        """
        if self.pace.is_unlimited:
            self._works = False
        saved_at = 0.0
        with contextlib.suppress(OSError):
            if self._works:
                self._memory.open()
                saved_at = self._memory.header().saved_at
                self._transact(self._clock.now())
        return saved_at if self._active else 0.0

    def reserve(self, now: float) -> float:
        """Reserve a slot as `Pace.reserve` does, counting those of all processes."""
        leased = self._active and self._claimed > self.pace.in_flight + len(self._pending)
        if leased or not (self._works and self.pace.windows):
            wait = self.pace.reserve(now)
            if not (wait and leased):
                return wait
        shared = self._transact(now, take=True)
        if shared is None:
            return LOCK_RETRY_S if self._works and not self._is_stuck(now) else self.pace.reserve(now)
        if shared and self.pace.elsewhere:
            shared = POLL_S if math.isinf(shared) else min(shared, HEARTBEAT_S)
        return shared + YIELD_S * self._others.has_had_more if shared else 0.0

    def recall(self, times: Iterable[float]) -> None:
        """Add responses (seconds since the epoch) that the file does not know.

        Some may lie in the future: the server may count a request that a killed process left open as late as its
        time-out. Of the past ones, leave out the latest, one for each abandoned slot that is not among the future
        ones: the file has counted those already.
        """
        now, wall = self._clock.now(), self._clock.wall()
        known = sorted(times)
        settled = [at for at in known if at <= wall]
        ahead = known[len(settled) :]
        known = [*settled[: max(0, len(settled) - max(0, self.abandoned - len(ahead)))], *ahead]
        self.pace.overhear(now + at - wall for at in known)
        if self._active:
            self._pending += known
            self._transact(now)

    def answered(self, now: float) -> None:
        """Give back the slot of an answered request as `Pace.answered` does, and record it in the file."""
        self.pace.answered(now)
        if self._active:
            self._pending.append(self._clock.wall())
        self._settle(now)

    def cancelled(self) -> None:
        """Give back the slot of a request that never left, as `Pace.cancelled` does."""
        self.pace.cancelled()
        self._settle(self._clock.now())

    def look(self, now: float) -> None:
        """Read what the others did, before a reply's count is compared with the log."""
        if self._active and not self._is_prompt:
            with contextlib.suppress(OSError):
                if self._memory.header().version == self._version:
                    return
            self._transact(now)

    def close(self, pause: float) -> None:
        """Close the pace for `pause` seconds in all processes, later ones included."""
        self._closed_until = max(self._closed_until, self._clock.wall() + min(pause, LONGEST_INTERVAL))
        if self._works:
            self._transact(self._clock.now())

    def heartbeat(self) -> None:
        """Send a heartbeat, give back claimed slots that are not needed, and find processes that are gone."""
        if self._works:
            self._looked_at = -math.inf  # so that the other processes are examined, too
            self._transact(self._clock.now())

    def end(self) -> None:
        """Leave: count the requests still in flight as answered now."""
        if self._joined:
            self._pending += [self._clock.wall()] * self.pace.in_flight
            self._transact(self._clock.now(), leave=True)
        self._memory.close()
        self._works = False

    def _settle(self, now: float) -> None:
        if self._active and self._is_prompt:
            self._transact(now)

    @property
    def _is_prompt(self) -> bool:
        """True if others wait for each freed slot; otherwise it is recorded with the next request or heartbeat."""
        return self._others.count > 0 and self._lease == 1

    def _is_stuck(self, now: float) -> bool:
        if self._stuck_since is None:
            self._stuck_since = now
        return now - self._stuck_since > STUCK_LOCK_S

    def _transact(self, now: float, *, take: bool = False, leave: bool = False) -> float | None:
        """Read and write the file under its lock.

        Args:
            now: loop time, in seconds.
            take: reserve a slot.
            leave: give up this process's entry.

        Returns:
            Seconds to wait, from `Pace.reserve`, or 0 if no slot was asked for; None if the file is not available.
        """
        wait = None
        try:
            if not self._hold():
                return None
            try:
                header = self._memory.header()
                before = header.head, header.used
                self._take_in(header, now)
                wait = self.pace.reserve(now) if take else 0.0
                claimed = 0 if leave else self._needed(took=take and not wait)
                if leave or (header.head, header.used) != before or self._has_news(header, claimed):
                    self._write_down(header, claimed, leave=leave)
                self._version = header.version
            finally:
                self._memory.unlock()
        except OSError:  # a full disk, a directory that is gone: go on without the others
            self._works = self._joined = self._active = False
            self._claimed = self.pace.elsewhere = 0
            self._pending.clear()
            self._memory.close()
        return wait

    def _hold(self) -> bool:
        self._memory.open()
        if not self._memory.lock():
            return False
        self._stuck_since = None
        return True

    def _take_in(self, header: Header, now: float) -> None:
        wall, pace = self._clock.wall(), self.pace
        if header.version != self._version or wall - self._looked_at >= HEARTBEAT_S or wall < self._looked_at:
            self._others.meet(header, wall, self._tag, self._largest)
            pace.elsewhere, pace.has_company, self._looked_at = self._others.claimed, self._others.count > 0, wall
        self._joined = True
        if header.closed_until > wall and header.closed_until > self._closed_until + LOCK_RETRY_S:
            self._closed_until = header.closed_until
            pace.close(now + min(header.closed_until - wall, LONGEST_INTERVAL))
        if not pace.windows:
            return
        if self._measured != (pace.windows, self._others.count):
            self._measure()
        if not self._active:
            self._active = True
            self._pending = [wall - (now - stamp) for stamp in pace.stamps]
        if header.head != self._seen:
            since = self._seen if self._seen <= header.head else 0
            pace.overhear(self._translated(self._memory.stamps(header, since), now, wall))
            self._seen = header.head
        self._took_in_at = now

    def _measure(self) -> None:
        """Derive from the windows in force: the size of a lease, the tag, and for how long a response matters."""
        windows = self.pace.windows
        smallest = min(window.limit for window in windows)
        self._lease = max(1, min(MAX_LEASE_SLOTS, smallest // (LEASE_SHARE * (1 + self._others.count))))
        self._tag = max((window.limit for window in self.pace.learned), default=0)
        self._longest = max(window.interval for window in windows)
        self._largest = max(window.limit for window in windows)
        self._measured = windows, self._others.count

    def _translated(self, stamps: Iterable[Stamp], now: float, wall: float) -> list[float]:
        """Return the loop times of responses of other processes, without those too old to matter.

        A response from the future counts as now. So does one that seems to be from before the last look at the file,
        which should have shown it: the wall clock was set.
        """
        oldest = now - self._took_in_at + RECORDED_WITHIN_S
        others = (stamp.at for stamp in stamps if stamp.owner != self._others.owner and alike(self._tag, stamp.tag))
        ages = (wall - at if 0.0 <= wall - at <= oldest else 0.0 for at in others)
        return [now - age for age in ages if age <= self._longest]

    def _needed(self, *, took: bool) -> int:
        """Return the slots to claim: those in flight and a lease; without a known window, all that may be in flight."""
        if not self._active:
            return self.pace.cap
        return max(0, self.pace.in_flight) + (self._lease - 1 if took else 0)

    def _has_news(self, header: Header, claimed: int) -> bool:
        """Return True if the file has to be written."""
        told = self._limits == self._written and self._closed_until <= header.closed_until
        return bool(self._pending) or claimed != self._claimed or not told or self._is_due()

    @property
    def _limits(self) -> KnownLimits:
        return self._inferred._replace(told=self.pace.learned)

    def _is_due(self) -> bool:
        return not 0.0 <= self._clock.wall() - self._beat_at < HEARTBEAT_S / 2

    def _write_down(self, header: Header, claimed: int, *, leave: bool) -> None:
        wall, limits = self._clock.wall(), self._limits
        if self._pending:
            self._memory.grow(header, self._largest)
            self._memory.append(header, [Stamp(at, self._others.owner, self._tag) for at in self._pending])
        self._others.record(self._tag, wall, claimed, leave=leave)
        if limits != self._written or not header.version:
            self._memory.write_limits(limits)
        header.version, header.saved_at = header.version + 1, wall
        header.closed_until = max(header.closed_until, self._closed_until)
        self._memory.write_header(header)
        self._pending.clear()
        self._seen = header.head if self._active else 0
        self._written, self._claimed, self._beat_at = limits, claimed, wall
