"""One pace for all processes of a host that use the same quota, by way of a file.

Every process keeps its own log, as it does alone, and puts into it what the others write down: their responses, and
the slots that they hold. A slot is claimed in the file, under its lock, before its request leaves; that is why the sum
keeps to the windows. Where limits are large, several are claimed at once. What a killed process held counts as used
when that is noticed. While no window is known a request costs nothing here: the few that may be in flight are claimed
once.
"""

import contextlib
import math
from collections.abc import Iterable, Sequence
from typing import Final

from worker.clock import Clock
from worker.pacing.peers import BEAT, Companions, alike
from worker.pacing.quota_file import Header, KnownLimits, PaceMemory, Stamp
from worker.policy.inference import LONGEST_HELD
from worker.policy.pace import Pace, Window
from worker.policy.ratelimit import LONGEST_INTERVAL

BUSY: Final = 0.002
"""Seconds until a file that another process holds is tried again."""

LATEST_NEWS: Final = 3 * BEAT
"""Seconds that a response may take to be written down."""

STUCK: Final = 2.0
"""Seconds for which a file may be held (a few microseconds are usual) before a process goes on without it."""

POLL: Final = 0.02
"""Seconds until a process looks again whether another has given back what it waits for."""

YIELD: Final = 0.02
"""Seconds by which a process that has had more than its part lets the others go first."""

LARGEST_LEASE: Final = 8
"""Slots claimed at once at most."""

LEASE_SHARE: Final = 16
"""A lease is at most such a part of the smallest limit, for all processes together."""


class SharedPace:
    """A pace, and the file that ties it to those of the other processes. A file that fails costs the sharing alone."""

    def __init__(self, pace: Pace, memory: PaceMemory, clock: Clock) -> None:
        """Begin with the limits that are remembered."""
        self.pace = pace
        self._memory = memory
        self._clock = clock
        self._works = True
        self._others = Companions(memory)
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
        """Requests of processes that are gone, which were counted as answered when that was noticed."""
        return self._others.abandoned

    @property
    def inferred(self) -> tuple[tuple[Window, ...], float]:
        """Limits that are not told, and from when on more may be tried, by the clock."""
        later = self._inferred.trial_at - self._clock.wall()
        return self._inferred.inferred, self._clock.now() + max(0.0, min(later, LONGEST_HELD))

    def infer(self, windows: tuple[Window, ...], trial_at: float) -> None:
        """Remember limits that are not told."""
        self._inferred = KnownLimits((), windows, self._clock.wall() + max(0.0, trial_at - self._clock.now()))

    def begin(self) -> float:
        """Join the others, and take in what the file says.

        Returns:
            Until when the file knows of responses, in seconds since the epoch; 0 where it knows of none.
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
        """As `Pace.reserve`, for all processes."""
        leased = self._active and self._claimed > self.pace.in_flight + len(self._pending)
        if leased or not (self._works and self.pace.windows):
            wait = self.pace.reserve(now)
            if not (wait and leased):
                return wait
        shared = self._transact(now, take=True)
        if shared is None:
            return BUSY if self._works and not self._is_stuck(now) else self.pace.reserve(now)
        if shared and self.pace.elsewhere:
            shared = POLL if math.isinf(shared) else min(shared, BEAT)
        return shared + YIELD * self._others.has_had_more if shared else 0.0

    def recall(self, times: Iterable[float]) -> None:
        """Take in responses (seconds since the epoch) that the file does not know of.

        They may lie ahead: the server may count what a killed process left open until the time it would have been given
        up on. Of the others the latest are left out, one for each request of a process that is gone: those were counted
        already.
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
        """As `Pace.answered`."""
        self.pace.answered(now)
        if self._active:
            self._pending.append(self._clock.wall())
        self._settle(now)

    def cancelled(self) -> None:
        """As `Pace.cancelled`."""
        self.pace.cancelled()
        self._settle(self._clock.now())

    def look(self, now: float) -> None:
        """Take in what others did, before a reply is compared with what is known."""
        if self._active and not self._is_prompt:
            with contextlib.suppress(OSError):
                if self._memory.header().version == self._version:
                    return
            self._transact(now)

    def close(self, pause: float) -> None:
        """Let nobody through for `pause` seconds, in any process, this one's successors included."""
        self._closed_until = max(self._closed_until, self._clock.wall() + min(pause, LONGEST_INTERVAL))
        if self._works:
            self._transact(self._clock.now())

    def beat(self) -> None:
        """Give a sign of life, give back what was claimed and is not needed, and see who is gone."""
        if self._works:
            self._looked_at = -math.inf  # so that the others are looked at, too
            self._transact(self._clock.now())

    def end(self) -> None:
        """Leave: what is still in flight counts as answered now."""
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
        """Whether somebody waits for the news: otherwise it is written down with the next request, or the next beat."""
        return self._others.count > 0 and self._lease == 1

    def _is_stuck(self, now: float) -> bool:
        if self._stuck_since is None:
            self._stuck_since = now
        return now - self._stuck_since > STUCK

    def _transact(self, now: float, *, take: bool = False, leave: bool = False) -> float | None:
        """Read and write the file under its lock.

        Args:
            now: of the clock.
            take: reserve a slot.
            leave: for the last time.

        Returns:
            What `Pace.reserve` says; None when that was not asked, because the file cannot be had.
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
        except OSError:  # a full disk, a directory that is gone: on without the others
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
        if header.version != self._version or wall - self._looked_at >= BEAT or wall < self._looked_at:
            self._others.meet(header, wall, self._tag, self._largest)
            pace.elsewhere, pace.has_company, self._looked_at = self._others.claimed, self._others.count > 0, wall
        self._joined = True
        if header.closed_until > wall and header.closed_until > self._closed_until + BUSY:
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
        """What follows from the windows in force: the slots claimed at once, the tag, how far back responses matter."""
        windows = self.pace.windows
        smallest = min(window.limit for window in windows)
        self._lease = max(1, min(LARGEST_LEASE, smallest // (LEASE_SHARE * (1 + self._others.count))))
        self._tag = max((window.limit for window in self.pace.learned), default=0)
        self._longest = max(window.interval for window in windows)
        self._largest = max(window.limit for window in windows)
        self._measured = windows, self._others.count

    def _translated(self, stamps: Iterable[Stamp], now: float, wall: float) -> list[float]:
        """Responses of others on this clock, as far as they still matter.

        One from the future counts as now, and so does one that seems older than what was not there at the last look
        can be: the wall clock was set.
        """
        oldest = now - self._took_in_at + LATEST_NEWS
        others = (stamp.at for stamp in stamps if stamp.owner != self._others.owner and alike(self._tag, stamp.tag))
        ages = (wall - at if 0.0 <= wall - at <= oldest else 0.0 for at in others)
        return [now - age for age in ages if age <= self._longest]

    def _needed(self, *, took: bool) -> int:
        """Slots to hold: what is in flight and a lease; before a window is known, all that may be in flight."""
        if not self._active:
            return self.pace.cap
        return max(0, self.pace.in_flight) + (self._lease - 1 if took else 0)

    def _has_news(self, header: Header, claimed: int) -> bool:
        """Whether there is anything to write down."""
        told = self._limits == self._written and self._closed_until <= header.closed_until
        return bool(self._pending) or claimed != self._claimed or not told or self._is_due()

    @property
    def _limits(self) -> KnownLimits:
        return self._inferred._replace(told=self.pace.learned)

    def _is_due(self) -> bool:
        return not 0.0 <= self._clock.wall() - self._beat_at < BEAT / 2

    def _write_down(self, header: Header, claimed: int, *, leave: bool) -> None:
        wall, limits = self._clock.wall(), self._limits
        if self._pending:
            self._memory.grow(header, self._largest)
            self._memory.append(header, [Stamp(at, self._others.owner, self._tag) for at in self._pending])
        self._others.tell(self._tag, wall, claimed, leave=leave)
        if limits != self._written or not header.version:
            self._memory.write_limits(limits)
        header.version, header.saved_at = header.version + 1, wall
        header.closed_until = max(header.closed_until, self._closed_until)
        self._memory.write_header(header)
        self._pending.clear()
        self._seen = header.head if self._active else 0
        self._written, self._claimed, self._beat_at = limits, claimed, wall
