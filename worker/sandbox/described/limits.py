"""Declared limits, meant strictly: no interval of that length holds more requests, wherever it begins."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jobs.apis.description.model import Description, LimitDescription, LimitHeaders
from worker.sandbox.limits import SlidingWindow

_RATE: Final = re.compile(r"\s*(\d+)\s*/\s*(\d+(?:\.\d+)?)(ms|s|m|h|d)\s*")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Spending:
    """What a request spends from.

    Attributes:
        type: of the records that it is about.
        reads: it changes nothing.
        key: of the record, empty if it is about several.
        values: of variables, by name.
    """

    type: str
    reads: bool
    key: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Limit:
    """A declared limit: requests per seconds, and which requests it is on."""

    requests: int
    seconds: float
    per: str
    on: str
    type: str

    def counts(self, spending: Spending) -> str | None:
        """Return whose window a request spends from; None if it spends from none."""
        not_counted = {"token", "update" if spending.reads else "read"}
        if self.type not in {"", spending.type} or self.on in not_counted:
            return None
        if self.per in {"credential", "address"}:
            return ""
        if self.per == "path":
            return f"{spending.type} {spending.reads}"
        if self.per == "record":
            return f"{spending.type} {spending.key}" if spending.key else None
        return spending.values.get(self.per.strip("{}"))


class Limits:
    """The windows of all limits.

    Args:
        api: that declares them.
        share: what part of them is enforced: 0.5 for half of the requests, None for nothing.
        offset: seconds since 1970 minus loop time.
    """

    def __init__(self, api: Description, share: float | None, offset: float) -> None:
        declared = [("", each) for each in api.limits]
        declared += [(name, each) for name, found in api.resources.items() for each in found.limits]
        self._limits = [_limit(each, name, share) for name, each in declared if each.rate and share]
        self._told = api.limit_headers
        self._offset = offset
        self._windows: dict[tuple[_Limit, str], _Window] = {}

    def admit(self, spending: Spending, now: float) -> float:
        """Count a request if every window has room. Return the seconds after which it has, 0 if it has now."""
        windows = list(self._of(spending))
        waits = [each.free_in(now) for each in windows]
        if any(waits):
            return max(waits)
        for each in windows:
            each.record(now)
        return 0.0

    def headers(self, spending: Spending, now: float) -> dict[str, str]:
        """Return the headers that tell a limit, as the description says that they do."""
        windows = list(self._of(spending))
        if not windows:
            return {}
        found: dict[str, str] = {}
        for told in self._told:
            found |= _headers(told, _meant(told, windows), now, self._offset)
        return found

    def _of(self, spending: Spending) -> Iterator["_Window"]:
        for limit in self._limits:
            whose = limit.counts(spending)
            if whose is not None:
                if (limit, whose) not in self._windows:
                    self._windows[limit, whose] = _Window(limit.requests, limit.seconds)
                yield self._windows[limit, whose]


class _Window(SlidingWindow):
    """A window that knows when it has room."""

    def free_in(self, now: float) -> float:
        """Return the seconds until one more request fits."""
        return 0.0 if self.used(now) < self.limit else self._stamps[0] + self.interval - now

    def ends_in(self, now: float) -> float:
        """Return the seconds until it is empty, if nothing comes."""
        return self._stamps[-1] + self.interval - now if self.used(now) else self.interval


def _limit(told: LimitDescription, name: str, share: float) -> _Limit:
    found = _RATE.fullmatch(told.rate)
    if found is None:
        raise ValueError(f"limits: {told.rate} is no rate")
    return _Limit(max(1, int(int(found[1]) * share)), float(found[2]) * _SECONDS[found[3]], told.per, told.on, name)


def _meant(told: LimitHeaders, windows: list[_Window]) -> _Window:
    """Return the window that headers are about: the one of their length, or else the first."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", told.window)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    return next((each for each in windows if each.interval == seconds), windows[0])


def _headers(told: LimitHeaders, window: _Window, now: float, offset: float) -> dict[str, str]:
    ends = window.ends_in(now)
    moment = now + ends + offset
    resets = {
        "seconds": str(math.ceil(ends)),
        "ms": str(math.ceil(ends * 1000)),
        "epoch": str(math.ceil(moment)),
        "epoch_ms": str(math.ceil(moment * 1000)),
        "iso8601": datetime.fromtimestamp(math.ceil(moment), UTC).isoformat().replace("+00:00", "Z"),
    }
    values = {
        told.limit: str(window.limit),
        told.remaining: str(max(0, window.limit - window.used(now))),
        told.reset: resets[told.reset_format],
    }
    return {name: value for name, value in values.items() if name}
