"""When a run ends, and what it waits for most.

A run that waits for its quota sends in bursts, so its speed over the last seconds says little. What the windows will
allow is known: the log shows when the next slots become free, and after that each is free again once per interval.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from worker.policy.pace import GUARD, Pace

STEPS: Final = 2000
"""Maximum number of departures that are simulated one by one; beyond that, several at a time."""


class Limiter(StrEnum):
    """What a run waits for most."""

    QUOTA = "quota"
    LATENCY = "server latency"
    BACKOFF = "backoff"
    USER = "you"


@dataclass(frozen=True, slots=True, order=True)
class Forecast:
    """Seconds until the last answer, and what most of them are spent on."""

    seconds: float
    limiter: Limiter


def forecast(count: float, pace: Pace, now: float, *, speed: float = 0.0) -> Forecast | None:
    """Forecast how long `count` more requests take; return None if there are none, or nothing is known yet.

    Args:
        count: requests not answered yet, those in flight and retries included.
        pace: that they have to keep.
        now: by the clock of `pace`.
        speed: requests per second measured recently, 0 if not known; used if no window is the bottleneck.
    """
    if count <= 0 or not pace.rtt:
        return None
    pause = max(0.0, pace.closed_until - now)
    capacity = pace.most_in_flight / pace.rtt
    if capacity < pace.rate():
        limiter = Limiter.USER if pace.most_in_flight >= pace.max_in_flight else Limiter.LATENCY
        seconds = pause + count / (speed or capacity)
    else:
        limiter = Limiter.USER if pace.is_users else Limiter.QUOTA
        seconds = _through_windows(math.ceil(count), pace, now, capacity)
    return Forecast(seconds, Limiter.BACKOFF if pause > 1.0 else limiter)


def _through_windows(count: int, pace: Pace, now: float, capacity: float) -> float:
    """Return the seconds until the last of `count` requests is answered, if each leaves as soon as every window allows.

    Of many requests, whole turns of the slowest window are computed at once; the rest are simulated one by one.
    """
    windows, stamps = pace.own
    slowest = min(windows, key=lambda window: window.limit / window.interval)
    waiting = max(0, count - pace.in_flight)
    turns = (waiting - 1) // slowest.limit if waiting > STEPS else 0
    rest = waiting - turns * slowest.limit
    unit = max(1, math.ceil(rest / STEPS))
    log = [*stamps, *[now] * pace.in_flight][::-unit][::-1]
    bounds = [(max(1, window.limit // unit), window.interval + GUARD) for window in windows]
    leaves = max(now, pace.closed_until)
    for _ in range(math.ceil(rest / unit)):
        free = [log[-limit] + interval for limit, interval in bounds if len(log) >= limit]
        leaves = max([leaves + unit / capacity, *free])
        log.append(leaves + pace.rtt)
    return turns * (slowest.interval + GUARD + pace.rtt) + leaves + pace.rtt - now
