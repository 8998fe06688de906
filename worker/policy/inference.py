"""Limits that a server does not state, inferred from what it accepts and refuses: alone, or besides stated limits.

A refusal is expensive, so there should be few. After one, all senders pause, and one request asks again at the moments
at which a window of a usual length would have room: half a second after the burst, 2 s, 10 s, a minute. Each answer
rules windows out. A window of length `c` was full when the last request was refused, and had room when one was
accepted. So `c` seconds after the first request in it lie between those two moments, and its limit is the number of
requests accepted in it. The longest window that fits is kept, evenly, since it may not be the only one: a wider window
shows later, is found in the same way, and is kept as well. A leaky bucket is approximated by ever wider windows.

A higher rate is tried only if the inferred limit was used up, and after a time without a refusal. Once a trial has been
refused, further trials take small steps and become rarer.
"""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from jobs.values import valueclass
from worker.policy.pace import Window, rate_of, spacing

USUAL: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 300.0, 600.0, 3600.0)
"""Usual lengths of windows in seconds. A length in between counts as the next longer one; trials find the rest."""

ASKED: Final = (0.5, 2.0, 5.0, 10.0, 60.0, 300.0, 600.0, 3600.0)
"""Lengths of windows, in seconds, that a question tells apart: each "no" costs a refusal."""

PAUSES: Final = (0.5, 2.0, 5.0, 10.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds after the refusal at which to ask again if no window's length suggests a better moment."""

SOON: Final = 0.25
"""Minimum seconds between two questions."""

LATE: Final = 0.01
"""Seconds added to such a moment: clocks and timers are not exact."""

MARGIN: Final = 0.98
"""Share of the accepted rate to keep once a higher rate has been refused."""

SHRUNK: Final = 0.9
"""Share of the accepted rate to keep after a refusal that no window explains: other clients use the quota too."""

CLEAN: Final = 5.0
"""Seconds without a refusal, besides two windows, before a higher rate is tried."""

TRIAL_REST_S: Final = 900.0
"""Seconds without a trial after a small one was refused; four times as long with every further one."""

MAX_TRIAL_REST_S: Final = 3600.0

_DOUBLE, _LEAP, _STEP = 2.0, 1.15, 1.02
"""Factors of a trial: if a window of half the length fits too; before any trial was refused; after one was."""

_FILLED: Final = 1.25
"""Length of a trial in windows: until all requests of one window were sent at the higher rate."""

_USED_UP: Final = 0.85
"""Share of the limit that must have been used for the limit to count as the bottleneck."""

_FEW: Final = 50
"""Requests below which a step of one request is no small step."""

_EVIDENCE: Final = 5
"""Accepted requests below which a window has hardly any evidence: the refusal may have had another cause."""

_HARDLY: Final = 2
"""Maximum number of windows with so little evidence: a server that refuses at random would slow us down for good."""

_PLAUSIBLE: Final = 0.1
"""Share of the known rate that a window with so little evidence must allow."""

LEFT: Final = 0.2
"""Minimum share of the rate found to keep, until a window with more requests in it is found: other clients may use most
of a quota, but a server that still refuses at this rate refuses for another reason than pace.
"""

SLOWEST: Final = 1 / 60
"""Requests per second below which no window is kept: at such a rate, asking again and again costs little."""

_MOMENT: Final = 120.0
"""Seconds after the refusal within which to wait for a window's own moment at once, rather than ask after pauses."""

_REMEMBERED: Final = 256
"""Refusals in the log whose times are known."""


def _unlimited() -> float:
    return math.inf


@valueclass(frozen=True, slots=True)
class _Question:
    """The question when there will be room again.

    Attributes:
        refused_at: time of the refusal that raised it.
        full_at: latest time at which there was no room.
        asked: how often it was asked in vain.
    """

    refused_at: float
    full_at: float
    asked: int = 0


@dataclass(slots=True)
class Inference:
    """The limits inferred for one (origin, method). Times are seconds of one monotonic clock.

    The methods take the log: the times of all responses so far, oldest first.

    Attributes:
        windows: the inferred windows, narrowest interval first; empty until a request was refused.
        trials_from: time from which a higher rate may be tried.
        is_gentle: a trial was refused, so the next ones are small.
    """

    windows: tuple[Window, ...] = ()
    trials_from: float = math.inf
    is_gentle: bool = False
    _question: _Question | None = None
    _quiet_until: float = -math.inf
    _refusals: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _held: float = TRIAL_REST_S
    _shortest: float = math.inf
    _before_trial: tuple[Window, ...] = ()
    _kept: tuple[Window, ...] = ()
    _doubtful_until: float = -math.inf
    _found: Window = field(default=Window(0, math.inf))

    def resume(self, windows: tuple[Window, ...], trials_from: float, now: float) -> None:
        """Continue from what an earlier process inferred. The limit may have grown since, so it is tried as at first.

        Args:
            windows: inferred by that process, may be empty.
            trials_from: of that process.
            now: the time.
        """
        if windows:
            self.is_gentle, self.trials_from = trials_from > now, trials_from
            self._found = windows[-1]
            self._hold(windows, now)

    @property
    def settled(self) -> tuple[Window, ...]:
        """The windows that the server is known to bear: during a trial, those from before it."""
        return self._before_trial or self.windows

    @property
    def no_trial_before(self) -> float:
        """Time before which no higher rate is tried because a trial was refused; minus infinity if none was."""
        return self.trials_from if self.is_gentle else -math.inf

    @property
    def is_idle(self) -> bool:
        """True if an accepted request cannot change anything."""
        return self._question is None and not self.windows

    def accepted(
        self, now: float, sent_at: float, log: Sequence[float], others: Callable[[], float] = _unlimited
    ) -> bool:
        """Learn from an accepted request; return True if that changes the windows.

        Args:
            now: when its response arrived.
            sent_at: when it left; if that was before a refusal, it says nothing about the time after it.
            log: see the class.
            others: requests per second that the other windows in force allow: to try more than that is useless.
        """
        if sent_at < self._quiet_until:
            return False
        if self._question is not None:
            return self._conclude(self._question, sent_at, now, log)
        if now < self.trials_from or not self.windows:
            return False
        return self._tries_more(now, log, others)

    def refused(self, now: float, sent_at: float, retry_after: float | None, log: Sequence[float]) -> float:
        """Learn from a request that was refused for pace.

        Args:
            now: when its response arrived.
            sent_at: when it left; requests that were in flight together are refused together, and count once.
            retry_after: seconds the server asked for, None if it did not.
            log: see the class.

        Returns:
            Seconds for which nobody may send; then one request goes first.
        """
        if bisect_left(log, now) < bisect_right(log, now):
            self._refusals.append(now)
        if sent_at < self._quiet_until:
            return max(self._quiet_until - now, retry_after or 0.0)
        asked = retry_after or 0.0
        if self._before_trial:
            self._end_trial(now, log)
            pause = max(asked, spacing(self.windows))
        elif now < self._doubtful_until:
            self._doubtful_until = -math.inf
            self._hold(self._kept, now)
            pause = max(asked, spacing(self.windows))
        else:
            known = self._question
            self._question = (
                _Question(now, now) if known is None else replace(known, full_at=sent_at, asked=known.asked + 1)
            )
            pause = self._pause(self._question, now, asked, log)
        self._quiet_until = now + pause
        return pause

    def _pause(self, question: _Question, now: float, asked: float, log: Sequence[float]) -> float:
        """Return the seconds after which to ask again."""
        if asked and not question.asked:
            return asked
        began = question.refused_at
        longest = PAUSES[min(question.asked, len(PAUSES) - 1)]
        sent_for = min(began - log[0], _MOMENT) if log else 0.0
        moments = (self._room(length, question, log)[1] + LATE for length in ASKED if length > self._kept_to)
        moment = min((at for at in moments if at >= now + self._soon), default=math.inf)
        if moment - began > max(longest, sent_for if question.asked else sent_for / 2):
            moment = began + longest if began + longest >= now + 0.4 * longest else now + longest
        return max(asked, moment - now)

    def _room(self, length: float, question: _Question, log: Sequence[float]) -> tuple[float, float]:
        """Return the earliest and the latest time at which a window of `length` seconds has room after the refusal.

        The latest is for a server that counts refused requests, too. Both are minus infinity if the window was empty.
        """
        began = question.refused_at
        first, end = bisect_right(log, began - length), bisect_left(log, began)
        if first >= end:
            return -math.inf, -math.inf
        refused = sum(began - length < at <= question.full_at for at in self._refusals)
        return log[first] + length, log[min(first + refused, end - 1)] + length

    def _conclude(self, question: _Question, sent_at: float, now: float, log: Sequence[float]) -> bool:
        """Infer a window from a request that got through after a pause; return False if it says nothing about one."""
        self._question = None
        full_at = question.full_at
        rooms = {each: self._room(each, question, log) for each in USUAL if each > self._kept_to}
        tellable = question.refused_at + self._soon if self.windows else -math.inf
        fits = [each for each, (early, late) in rooms.items() if tellable < early <= sent_at and late > full_at]
        length = fits[-1] if fits else max(sent_at - question.refused_at, self._kept_to)
        limit = self._accepted_in(full_at - length, full_at, log)
        if not limit:
            return False  # nothing had been accepted: others had used it up, or pace was not the cause
        found = Window(limit, length)
        if limit < _EVIDENCE and self._is_implausible(found):
            return False  # pace was most likely not the cause either
        if self.windows and rate_of(found) >= MARGIN * min(map(rate_of, self.windows)):
            held = tuple(_scaled(window, SHRUNK) for window in self.windows)
        else:
            held = (*(window for window in self.windows if window.interval < length), found)
        least = 0.0 if limit > self._found.limit else LEFT * rate_of(self._found)
        if min(map(rate_of, held)) < max(SLOWEST, least):
            return False
        if held[-1] is found:
            self._shortest = full_at - (rooms[length][0] - length) if fits else length
        if limit > self._found.limit:
            self._found = found
        self._hold(held, now)
        return True

    def _is_implausible(self, found: Window) -> bool:
        """Return True if a window with little evidence should be ignored, given the known ones."""
        slight = sum(window.limit < _EVIDENCE for window in self.windows)
        return slight >= _HARDLY or rate_of(found) < _PLAUSIBLE * min(map(rate_of, self.windows), default=0.0)

    @property
    def _soon(self) -> float:
        """Seconds after a refusal at which every evenly used window would have room again."""
        return max(SOON, 2 * spacing(self.windows))

    @property
    def _kept_to(self) -> float:
        """Seconds of the widest known window: a window that still refuses must be wider."""
        return max((window.interval for window in self.windows), default=0.0)

    def _accepted_in(self, since: float, until: float, log: Sequence[float]) -> int:
        """Return how many requests were accepted after `since`, up to and including `until`."""
        answered = bisect_right(log, until) - bisect_right(log, since)
        return answered - sum(since < at <= until for at in self._refusals)

    def _end_trial(self, now: float, log: Sequence[float]) -> None:
        """End a trial that was refused, and keep what it showed."""
        kept, was_double = self._before_trial, self._may_double(self._before_trial)
        between = tuple(map(partial(self._between, now, log), kept, self.windows))
        self._shortest = math.inf
        self._kept, self._doubtful_until = kept, now + kept[-1].interval
        if was_double and max(map(rate_of, between)) <= max(map(rate_of, kept)):
            self._hold(kept, now)  # only half the length was ruled out
            return
        self._hold(between, now)
        self.is_gentle, self.trials_from = True, now + self._held
        self._held = min(MAX_TRIAL_REST_S, 4 * self._held)

    def _between(self, now: float, log: Sequence[float], kept: Window, tried: Window) -> Window:
        """Return the window to keep after a refused trial: what it proved, or else the one before, less a margin."""
        most = math.floor(rate_of(tried) * kept.interval)
        accepted = min(most, self._accepted_in(now - kept.interval, now, log))
        is_more = accepted > (1.0 if kept.limit >= _FEW else _LEAP) * kept.limit
        return _scaled(Window(accepted, kept.interval) if is_more else kept, MARGIN)

    def _may_double(self, windows: tuple[Window, ...]) -> bool:
        return 2 * self._shortest <= windows[-1].interval

    def _hold(self, windows: tuple[Window, ...], now: float) -> None:
        self.windows, self._before_trial = windows, ()
        clean = windows[-1].interval * (1 if self._may_double(windows) else 2)
        self.trials_from = max(now + min(TRIAL_REST_S, max(CLEAN, clean)), self.trials_from if self.is_gentle else 0.0)

    def _tries_more(self, now: float, log: Sequence[float], others: Callable[[], float]) -> bool:
        binding = min(self.windows, key=rate_of)
        used = len(log) - bisect_left(log, now - binding.interval)
        if used < _USED_UP * binding.limit or others() <= rate_of(binding):
            return False
        self._before_trial = self.windows
        self.windows = tuple(_scaled(window, self._factor()) for window in self.windows)
        self.trials_from = now + max(CLEAN, _FILLED * binding.interval)
        return True

    def _factor(self) -> float:
        if self.is_gentle:
            return _STEP
        return _DOUBLE if self._may_double(self.windows) else _LEAP


def _scaled(window: Window, factor: float) -> Window:
    """Return a window with `factor` times the rate: a small number of requests cannot be divided, but its time can."""
    if window.limit < _FEW or factor == _DOUBLE:
        return Window(window.limit, window.interval / factor)
    return Window(math.floor(window.limit * factor), window.interval)
