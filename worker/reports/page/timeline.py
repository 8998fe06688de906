"""The requests of a run over time, beside the limits that held and the pauses that the server asked for.

The time between two processes of a run is left out: a run that was resumed the next day has two stretches.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from jobs.values import valueclass
from worker.journal import Activity, PaceMark, Process
from worker.policy.pace import Window

BARS: Final = 100
"""Bars of the whole run, roughly."""

LEAST_S: Final = 1.0
"""Seconds of a bar at least."""

LAST_PROCESSES: Final = 40
"""Processes that are shown; of more, the last ones."""

_OF_UPDATES: Final = frozenset({"PATCH", "ALL"})
"""Names of the quotas that updates spend."""


@dataclass(slots=True)
class Bar:
    """One interval of a process.

    Attributes:
        at: seconds since the epoch at which it begins. `length`: in seconds.
        attempts: updates sent. `again`: of these, the ones that did not settle their row.
        refused: replies that asked to slow down. `paused_s`: seconds in which nothing was to be sent.
        most: requests that the limits allow in the interval; None if no limit is known.
    """

    at: float
    length: float
    attempts: int = 0
    again: int = 0
    refused: int = 0
    paused_s: float = 0.0
    most: float | None = None

    @property
    def rate(self) -> float:
        """Updates a second."""
        return self.attempts / self.length

    @property
    def quota(self) -> float | None:
        """Updates a second that the limits allow."""
        return None if self.most is None else self.most / self.length


@valueclass(frozen=True, slots=True)
class Stretch:
    """The time of one process. `left_out`: seconds between the one before and this one."""

    process: Process
    bars: tuple[Bar, ...]
    left_out: float = 0.0


@valueclass(frozen=True, slots=True)
class Timeline:
    """The requests of a run over time.

    Attributes:
        width: seconds of a bar.
        windows: limits as (requests, seconds) that held at the end; none if none is known.
        omitted: earlier processes that are not shown.
    """

    width: float
    stretches: tuple[Stretch, ...]
    windows: tuple[tuple[int, float], ...] = ()
    omitted: int = 0

    @property
    def bars(self) -> Iterator[Bar]:
        """All bars, in order."""
        return (bar for stretch in self.stretches for bar in stretch.bars)


def width_of(processes: Sequence[Process], windows: Iterable[tuple[int, float]]) -> float:
    """Return the seconds of a bar: a hundredth of the run, but no less than a limit's interval if that fits ten times.

    A limit of 50 requests in 10 seconds lets 50 go at once, so that shorter bars would show rates beyond it.
    """
    total = sum(_length(process) for process in _shown(processes))
    fitting = [interval for _, interval in windows if interval * 10 <= total]
    return max([total / BARS, LEAST_S, *fitting])


def windows_of(marks: Iterable[PaceMark], own: Iterable[Window]) -> tuple[tuple[int, float], ...]:
    """Return the limits of updates that were learned last, with the user's own."""
    learned: tuple[tuple[int, float], ...] = ()
    for mark in marks:
        if mark.kind == "limits" and mark.quota in _OF_UPDATES:
            learned = mark.windows
    return _together(learned, own)


def timeline_of(
    processes: Sequence[Process],
    activity: Iterable[Activity],
    marks: Iterable[PaceMark],
    own: Sequence[Window],
    width: float,
) -> Timeline:
    """Put together what happened when; its size does not grow with the number of requests.

    Args:
        processes: of the run, in order.
        activity: attempts in intervals of `width` seconds.
        marks: of the pace, in order of time.
        own: the user's windows.
        width: seconds of a bar.
    """
    shown = _shown(processes)
    bars = {process.n: _bars(process, width) for process in shown}
    for each in activity:
        if each.process in bars:
            bar = _at(bars[each.process], each.interval)
            bar.attempts += each.attempts
            bar.again += each.again
    drawing = _Drawing([(process, bars[process.n]) for process in shown], tuple(own), width)
    for mark in marks:
        drawing.add(mark)
    drawing.end()
    ends = [0.0, *accumulate((process.last_at for process in shown), max)]
    stretches = tuple(
        Stretch(process, tuple(bars[process.n]), max(0.0, process.started_at - end) if end else 0.0)
        for process, end in zip(shown, ends, strict=False)
    )
    return Timeline(width, stretches, drawing.windows, len(processes) - len(shown))


@dataclass(slots=True)
class _Drawing:
    """Takes the marks of the pace, in order of time, into the bars of the processes."""

    stretches: list[tuple[Process, list[Bar]]]
    own: tuple[Window, ...]
    width: float
    windows: tuple[tuple[int, float], ...] = ()
    _paused_until: float = -math.inf
    _down_since: dict[str, float] = field(default_factory=dict)
    _limits: list[tuple[int, int, tuple[tuple[int, float], ...]]] = field(default_factory=list)

    def add(self, mark: PaceMark) -> None:
        place = self._place(mark.at)
        match mark.kind:
            case "limits" if mark.quota in _OF_UPDATES:
                self._limit(place, _together(mark.windows, self.own))
            case "pause":
                if place is not None:
                    bar = self.stretches[place[0]][1][place[1]]
                    bar.refused += 1
                self._pause(mark.at, mark.at + mark.pause_s)
            case "down":
                self._down_since.setdefault(mark.quota, mark.at)
            case "up" if mark.quota in self._down_since:
                self._pause(self._down_since.pop(mark.quota), mark.at)

    def end(self) -> None:
        """Lay the limits over the bars, each up to the next one."""
        last = self.stretches[-1][0].last_at if self.stretches else 0.0
        for since in self._down_since.values():
            self._pause(since, last)
        known, held = {(stretch, bar): windows for stretch, bar, windows in self._limits}, _together((), self.own)
        for number, (_, bars) in enumerate(self.stretches):
            for index, bar in enumerate(bars):
                held = known.get((number, index), held)
                bar.most = most_in(bar.length, held)
        self.windows = held

    def _limit(self, place: tuple[int, int] | None, windows: tuple[tuple[int, float], ...]) -> None:
        if place is None:
            return
        if self._limits and self._limits[-1][:2] == place:
            self._limits.pop()  # of several in one bar, the last one stands: a bar has one line
        self._limits.append((*place, windows))

    def _pause(self, since: float, until: float) -> None:
        since = max(since, self._paused_until)
        if since >= until:
            return
        self._paused_until = max(self._paused_until, until)
        for process, bars in self.stretches:
            if process.started_at >= until or bars[-1].at + bars[-1].length <= since:
                continue
            first = max(0, min(len(bars) - 1, int((since - process.started_at) / self.width)))
            for bar in bars[first:]:
                if bar.at >= until:
                    break
                bar.paused_s += max(0.0, min(until, bar.at + bar.length) - max(since, bar.at))

    def _place(self, at: float) -> tuple[int, int] | None:
        """Return the number of the stretch and of the bar at a point in time; None if no process was there."""
        for number, (process, bars) in reversed([*enumerate(self.stretches)]):
            if process.started_at <= at:
                return number, min(len(bars) - 1, int((at - process.started_at) / self.width))
        return None


def most_in(length: float, windows: Iterable[tuple[int, float]]) -> float | None:
    """Return how many requests the limits allow in `length` seconds; None without limits."""
    return min((limit * max(1.0, length / interval) for limit, interval in windows), default=None)


def _together(learned: Iterable[tuple[int, float]], own: Iterable[Window]) -> tuple[tuple[int, float], ...]:
    strictest: dict[float, int] = {}
    for limit, interval in (*learned, *((window.limit, window.interval) for window in own)):
        strictest[interval] = min(limit, strictest.get(interval, limit))
    return tuple((limit, interval) for interval, limit in sorted(strictest.items()))


def _shown(processes: Sequence[Process]) -> Sequence[Process]:
    return processes[-LAST_PROCESSES:]


def _length(process: Process) -> float:
    return max(0.0, process.last_at - process.started_at)


def _bars(process: Process, width: float) -> list[Bar]:
    """Return the bars of a process, at least one; the last one is up to half a bar longer, or shorter."""
    whole = max(1, round(_length(process) / width))
    last = max(_length(process) - (whole - 1) * width, LEAST_S)
    return [Bar(process.started_at + index * width, width if index < whole - 1 else last) for index in range(whole)]


def _at(bars: list[Bar], interval: int) -> Bar:
    return bars[min(interval, len(bars) - 1)]
