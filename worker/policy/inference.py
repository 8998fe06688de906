"""Limits of a server that does not tell them, inferred from what it accepts and what it refuses.

A refusal costs, so there are few: the first burst runs into the limit once. Then the pool is quiet until a single
request gets through; how long that took, and how much had been accepted in as long a time before, is the limit. From
then on requests are spaced evenly, so that running into a second, wider window costs one refusal and not a burst of
them. More is tried only where the inferred limit was used up, after a long time without a refusal, and less and less
often.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from worker.policy.pace import Window, spacing

CANDIDATES: Final = (1.0, 10.0, 60.0, 600.0)
"""Seconds that windows usually have. What lies between is taken for the next longer one, and grown into."""

_QUIET_FIRST: Final = 1
"""Index of the candidate that the first quiet time tests: a wait of 10 s for a window of 1 s costs no refusal."""

MARGIN: Final = 0.98
"""Share of what was accepted that is held to once it is known that more is refused."""

SHRUNK: Final = 0.9
"""Share of what was accepted that is held to after a refusal that was not provoked: others use the quota too."""

CLEAN: Final = 60.0
"""Seconds without a refusal, and three windows, before more is tried: a second window of a minute shows by then."""

HELD: Final = 620.0
"""Seconds without a trial after one was refused; doubled with every further one."""

LONGEST_HELD: Final = 3600.0

_LEAP, _STEP = 1.15, 1.02
"""How much more is tried: before any trial was refused, and after."""

_USED_UP: Final = 0.85
"""Share of the limit that must have been used for the limit to be what held the run up."""


_FEW: Final = 50
"""Requests below which a step of one is more than a small step."""


@dataclass(slots=True)
class Tally:
    """How many requests were accepted, and when, in constant memory: an hour in quarters of a second."""

    _counts: deque[list[float]] = field(default_factory=lambda: deque(maxlen=14_400))

    def add(self, now: float) -> None:
        """One was accepted at `now`."""
        quarter = math.floor(now * 4) / 4
        if self._counts and self._counts[-1][0] == quarter:
            self._counts[-1][1] += 1
        else:
            self._counts.append([quarter, 1])

    def since(self, then: float) -> int:
        """How many were accepted in the quarters of a second after `then`."""
        total = 0.0
        for quarter, count in reversed(self._counts):
            if quarter <= then - 0.25:
                break
            total += count
        return int(total)


@dataclass(slots=True)
class Inference:
    """What is inferred of one (origin, method). Times are seconds of one monotonic clock.

    Attributes:
        windows: the inferred windows, narrowest interval first; empty until something was refused.
        trials_from: when more may be tried.
        is_gentle: a trial was refused once, so that the next ones are small.
    """

    windows: tuple[Window, ...] = ()
    trials_from: float = math.inf
    is_gentle: bool = False
    _tally: Tally = field(default_factory=Tally)
    _quiet_until: float = -math.inf
    _tested: int | None = None
    _refused_at: float = 0.0
    _in_a_row: int = 0
    _held: float = HELD
    _before_trial: tuple[Window, ...] = ()
    _may_be_a_second: bool = False
    _tries_a_second: bool = False

    def resume(self, windows: tuple[Window, ...], trials_from: float, accepted: Iterable[float], now: float) -> None:
        """Go on from what an earlier process inferred; the limit may have grown since, which is tried as at first.

        Args:
            windows: what it held to, if it came so far.
            trials_from: as it had it.
            accepted: when requests were accepted that are still in the windows, oldest first.
            now: when that is.
        """
        if windows:
            self.is_gentle, self.trials_from = trials_from > now, trials_from
            for at in accepted:
                self._tally.add(at)
            self._hold(windows, now)

    @property
    def settled(self) -> tuple[Window, ...]:
        """The windows that are known to be borne: during a trial, those from before."""
        return self._before_trial or self.windows

    @property
    def no_trial_before(self) -> float:
        """Until when no more is tried because a trial was refused; minus infinity while none was."""
        return self.trials_from if self.is_gentle else -math.inf

    @property
    def is_daring(self) -> bool:
        """Whether ten times as much is being tried: one at a time, so that it costs one refusal."""
        return self._tries_a_second and bool(self._before_trial)

    @property
    def _spacing(self) -> float:
        return spacing(self.windows)

    def accepted(self, now: float, sent_at: float) -> bool:
        """A request that left at `sent_at` was accepted; whether that changes the windows."""
        if sent_at < self._quiet_until:
            self._tally.add(now)
            return False  # it left before the refusal, and says nothing about the time after it
        probed = self._tested is not None and self._ends_the_quiet(CANDIDATES[self._tested], now)
        self._tally.add(now)
        self._in_a_row = 0
        return probed or (bool(self.windows) and self._tries_more(now))

    def refused(self, now: float, sent_at: float, retry_after: float | None) -> float:
        """A request that left at `sent_at` was refused for pace.

        Args:
            now: when.
            sent_at: requests that were in flight together are refused together, and count once.
            retry_after: seconds the server asked for, None when it did not.

        Returns:
            Seconds for which nobody may send; then one request goes first.
        """
        if sent_at < self._quiet_until:
            return self._quiet_until - now
        self._in_a_row += 1
        self._refused_at = now
        asked = retry_after or 0.0
        pause = self._learn_more(now, asked) if self.windows else self._learn_first(now, asked)
        self._quiet_until = now + pause
        return pause

    def _ends_the_quiet(self, interval: float, now: float) -> bool:
        """A request got through after so long a quiet time; whether that says anything about the limit."""
        self._may_be_a_second, self._tested = self._tested == _QUIET_FIRST, None
        if not self._tally.since(self._refused_at - interval):
            return False  # nothing had been accepted: others had used it up, or it was no matter of pace
        self._hold((self._window(interval, self._refused_at),), now)
        return True

    def _learn_first(self, now: float, asked: float) -> float:
        if asked:
            if self._tally.since(now - _candidate(asked)):
                self._hold((self._window(_candidate(asked), now),), now)
            return max(asked, self._spacing, CANDIDATES[0])
        last = len(CANDIDATES) - (1 if self._tally.since(-math.inf) else 2)  # longer, if there is something to learn
        self._tested = _QUIET_FIRST if self._tested is None else min(self._tested + 1, last)
        return CANDIDATES[self._tested]

    def _learn_more(self, now: float, asked: float) -> float:
        """Refused although the windows were kept to: a trial failed, there is a wider one, or others use the quota."""
        widest = self.windows[-1]
        if self._before_trial:
            self._end_trial(now)
        elif self._in_a_row > 1 or widest.interval >= CANDIDATES[2]:
            accepted = min(widest.limit, self._window(widest.interval, now).limit)
            self._hold((*self.windows[:-1], _scaled(Window(accepted, widest.interval), SHRUNK)), now)
        else:
            wider = self._window(_candidate(max(asked, 2 * widest.interval, CANDIDATES[2])), now)
            self._hold((*self.windows, _scaled(wider, MARGIN)), now)
        if self._in_a_row == 1:
            return max(asked, self._spacing)
        return max(asked, min(self.windows[-1].interval, self._spacing * 2.0 ** min(self._in_a_row, 20)))

    def _window(self, interval: float, until: float) -> Window:
        """What was accepted in the `interval` before `until`."""
        return Window(max(1, self._tally.since(until - interval)), interval)

    def _end_trial(self, now: float) -> None:
        """More was tried, and refused."""
        kept, tried = self._before_trial, self.windows
        if self._tries_a_second:
            self._hold(kept, now)
            self.trials_from = now + self._held
            return
        self._hold(tuple(map(partial(self._between, now), kept, tried)), now)
        self.is_gentle, self.trials_from = True, now + self._held
        self._held = min(LONGEST_HELD, 2 * self._held)

    def _between(self, now: float, kept: Window, tried: Window) -> Window:
        """What was accepted of a trial that was refused in the end, and a little less, since that took time to show."""
        accepted = self._window(kept.interval, now).limit if kept.limit >= _FEW else 0
        return _scaled(Window(max(kept.limit, min(tried.limit, accepted)), kept.interval), MARGIN)

    def _hold(self, windows: tuple[Window, ...], now: float) -> None:
        self.windows, self._before_trial = windows, ()
        clean = min(HELD, max(CLEAN, 3 * windows[-1].interval))
        self.trials_from = max(now + clean, self.trials_from if self.is_gentle else 0.0)

    def _tries_more(self, now: float) -> bool:
        binding = min(self.windows, key=lambda window: window.limit / window.interval)
        if now < self.trials_from or self._tally.since(now - binding.interval) < _USED_UP * binding.limit:
            return False
        self._before_trial = self.windows
        self.windows = self._more()
        self.trials_from = now + max(CANDIDATES[1], binding.interval)
        return True

    def _more(self) -> tuple[Window, ...]:
        self._tries_a_second = self._may_be_a_second and len(self.windows) == 1
        self._may_be_a_second = False
        if self._tries_a_second:
            return (Window(self.windows[0].limit, CANDIDATES[0]),)
        factor = _STEP if self.is_gentle else _LEAP
        return tuple(_scaled(window, factor) for window in self.windows)


def _scaled(window: Window, factor: float) -> Window:
    """A window with that much more or less room: a few requests cannot be divided, but their time can."""
    if window.limit < _FEW:
        return Window(window.limit, window.interval / factor)
    return Window(math.floor(window.limit * factor), window.interval)


def _candidate(seconds: float) -> float:
    """The usual window that is at least so long."""
    return next((each for each in CANDIDATES if each >= seconds), CANDIDATES[-1])
