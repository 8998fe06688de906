"""A server of numbers: how long it takes, what it refuses, what it tells. No sockets; the loop's clock is its clock."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal, Protocol

from pydantic import ConfigDict

from jobs.model import MaybeSent, NotSent, Outcome, Reply

_CLOSED: Final = ConfigDict(extra="forbid")
"""For what is read from scenario files: a name that means nothing is a mistake."""

_VAST: Final = {"x-ratelimit-limit": "1000000", "x-ratelimit-interval": "60", "x-ratelimit-remaining": "999999"}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in `interval` seconds.

    `sliding`: in any interval; `fixed`: in those that begin at multiples of it; `leaky`: a bucket that holds so many
    and loses them evenly over the interval; `approximate`: fixed ones, to which as much of the one before is added as
    is still within the interval (HAProxy's `http_req_rate`, Cloudflare's and Kong's sliding windows).
    """

    __pydantic_config__ = _CLOSED

    requests: int
    interval: float
    kind: Literal["sliding", "fixed", "leaky", "approximate"] = "sliding"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a request takes.

    Attributes:
        seconds: alone, without jitter.
        jitter: mean of what comes on top (exponential), as a share of `seconds`.
        stalls: share of the requests that take `stall` seconds instead.
        scale: what every other request in flight adds, as a share of `seconds`.
        knee: requests in flight from which on each further one makes it `steepness` times as long.
        stamped: where the server counts a request: when it arrives, or anywhere until its answer arrives.
    """

    __pydantic_config__ = _CLOSED

    seconds: float = 0.1
    jitter: float = 0.0
    stalls: float = 0.0
    stall: float = 8.0
    scale: float = 0.0
    knee: int = 1_000_000
    steepness: float = 1.0
    stamped: Literal["at once", "anywhere"] = "at once"

    def load(self, in_flight: int) -> float:
        """How many times as long as alone, with so many in flight."""
        return self.scale * (in_flight - 1) + self.steepness ** max(0, in_flight - self.knee)

    def mean(self, in_flight: int) -> float:
        """Seconds a request takes on average."""
        usual = self.seconds * (self.load(in_flight) + self.jitter)
        return usual * (1 - self.stalls) + self.stall * self.stalls


@dataclass(frozen=True, slots=True)
class Server:
    """What a scenario says about its server.

    Attributes:
        limits: on the rate; the first one is told. Without any, a quota is told that nobody can use up.
        told: in headers, with every answer.
        dialect: how: Commerce Layer's, the IETF's, or its policy alone, without what is left.
        retry_after: seconds told with a 429, negative: not told.
        penalty: refused requests count as well.
        phase: seconds of its periods, fixed and approximate ones, that have passed when the work begins.
        places: requests it works on at once; beyond them it answers 503 or 429, refuses the connection, or drops it.
        foreign: share of the first limit that somebody else uses.
    """

    __pydantic_config__ = _CLOSED

    latency: Latency = field(default_factory=Latency)
    limits: tuple[Limit, ...] = ()
    told: bool = True
    dialect: Literal["commerce layer", "ietf", "policy"] = "commerce layer"
    retry_after: float = -1.0
    penalty: bool = False
    phase: float = 0.0
    places: int = 1_000_000
    beyond: Literal["503", "429", "refused", "dropped"] = "503"
    foreign: float = 0.0

    def ideal(self, concurrency: int) -> float:
        """Requests a second that it can serve to a client with so many in flight at most."""
        most = min(concurrency, self.places)
        served = max(count / self.latency.mean(count) for count in range(1, most + 1))
        return min([served, *(limit.requests / limit.interval * (1 - self.foreign) for limit in self.limits)])


class _Counter(Protocol):
    """One limit at work: how many fit in at `now`, and one more that is counted."""

    def left(self, now: float) -> int: ...

    def count(self, now: float) -> None: ...


class _Sliding:
    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._times: deque[float] = deque()

    def left(self, now: float) -> int:
        while self._times and self._times[0] <= now - self._limit.interval:
            self._times.popleft()
        return self._limit.requests - len(self._times)

    def count(self, now: float) -> None:
        self._times.append(now)


class _Fixed:
    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._window = -1
        self._counted = 0

    def left(self, now: float) -> int:
        if (window := int(now // self._limit.interval)) != self._window:
            self._window, self._counted = window, 0
        return self._limit.requests - self._counted

    def count(self, now: float) -> None:
        self._counted += 1


class _Leaky:
    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._level = self._at = 0.0

    def left(self, now: float) -> int:
        leaked = (now - self._at) * self._limit.requests / self._limit.interval
        self._level, self._at = max(0.0, self._level - leaked), now
        return int(self._limit.requests - self._level + 1e-9)

    def count(self, now: float) -> None:
        self._level += 1.0


class _Approximate:
    """Two whole intervals, the earlier one weighted by the part of it that is less than an interval ago."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._window = -1
        self._counted = self._before = 0

    def left(self, now: float) -> int:
        window, into = divmod(now, self._limit.interval)
        if window != self._window:
            self._before = self._counted if window == self._window + 1 else 0
            self._window, self._counted = int(window), 0
        estimate = self._counted + self._before * (1 - into / self._limit.interval)
        return math.floor(self._limit.requests - estimate)

    def count(self, now: float) -> None:
        self._counted += 1


_COUNTERS: Final[Mapping[str, Callable[[Limit], _Counter]]] = {
    "sliding": _Sliding,
    "fixed": _Fixed,
    "leaky": _Leaky,
    "approximate": _Approximate,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the server saw it: loop times, how many were in flight with it, and how it was answered.

    `status` is 0 for a connection that was refused or dropped.
    """

    sent: float
    stamped: float
    answered: float
    in_flight: int
    status: int


def least_time(server: Server, requests: int) -> float:
    """Return the seconds that so many requests take a client who knows every limit, to a hundredth; without latency."""
    counters = [_COUNTERS[limit.kind](limit) for limit in server.limits]
    tick = 0
    for _ in range(requests):
        while any(counter.left(server.phase + tick / 100) <= 0 for counter in counters):
            tick += 1
        for counter in counters:
            counter.count(server.phase + tick / 100)
    return tick / 100


class Service:
    """A server at work. What was sent is counted and answered whether or not the client still listens."""

    def __init__(self, server: Server, seed: int) -> None:
        self.ledger: list[Entry] = []
        self.in_flight = 0
        self._server = server
        self._dice = Random(seed)
        self._counters: list[_Counter] = [_COUNTERS[limit.kind](limit) for limit in server.limits]
        self._next_foreign = 0.0
        self._idle = asyncio.Event()

    async def idle(self) -> None:
        """Wait until everything that was sent is answered."""
        if self.in_flight:
            self._idle.clear()
            await self._idle.wait()

    async def request(self) -> Outcome:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        self.in_flight += 1
        sent, beside = loop.time(), self.in_flight
        lasts = self._lasts(beside)
        there = lasts * self._dice.random() if self._server.latency.stamped == "anywhere" else 0.0

        def stamp() -> None:
            stamped = loop.time()
            outcome = self._judge(stamped + self._server.phase, beside)

            def deliver() -> None:
                self.in_flight -= 1
                if not self.in_flight:
                    self._idle.set()
                status = outcome.status if isinstance(outcome, Reply) else 0
                self.ledger.append(Entry(sent, stamped, loop.time(), beside, status))
                if not answer.cancelled():
                    answer.set_result(outcome)

            loop.call_later(lasts - there, deliver)

        if there:
            loop.call_later(there, stamp)
        else:
            stamp()
        return await answer

    def _lasts(self, in_flight: int) -> float:
        latency, dice = self._server.latency, self._dice
        if dice.random() < latency.stalls:
            return latency.stall
        jitter = dice.expovariate(1 / latency.jitter) if latency.jitter else 0.0
        return latency.seconds * (latency.load(in_flight) + jitter)

    def _judge(self, now: float, in_flight: int) -> Outcome:
        self._others(now)
        server = self._server
        if in_flight > server.places:
            match server.beyond:
                case "refused":
                    return NotSent("connection refused")
                case "dropped":
                    return MaybeSent("reply_lost", "the connection was closed")
                case status:
                    return Reply(int(status), {})
        fits = self._accept(now)
        headers = self._headers(now) if server.told else {}
        if fits:
            return Reply(200, headers)
        return Reply(429, headers if server.retry_after < 0 else {**headers, "retry-after": f"{server.retry_after:g}"})

    def _accept(self, now: float) -> bool:
        fits = all(counter.left(now) > 0 for counter in self._counters)
        if fits or self._server.penalty:
            for counter in self._counters:
                counter.count(now)
        return fits

    def _others(self, now: float) -> None:
        """Let in whoever else came until now, evenly spaced but for some jitter."""
        if not self._server.foreign:
            return
        limit = self._server.limits[0]
        spacing = limit.interval / limit.requests / self._server.foreign
        while self._next_foreign <= now:
            self._accept(self._next_foreign)
            self._next_foreign += spacing * (0.5 + self._dice.random())

    def _headers(self, now: float) -> dict[str, str]:
        if not self._counters:
            return _VAST
        limit = self._server.limits[0]
        left = max(0, self._counters[0].left(now))
        if self._server.dialect != "commerce layer":
            state = {"ratelimit": f'"a";r={left};t={limit.interval:g}'} if self._server.dialect == "ietf" else {}
            return {"ratelimit-policy": f'"a";q={limit.requests};w={limit.interval:g}', **state}
        return {
            "x-ratelimit-limit": str(limit.requests),
            "x-ratelimit-interval": f"{limit.interval:g}",
            "x-ratelimit-remaining": str(left),
        }
