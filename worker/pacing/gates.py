"""Gates: where requests wait for limits that hold for some of them alone, such as those about one record.

A request first passes all its gates together, and then takes a slot of its limiter; while it waits here, it holds
nothing that others could use. At one gate, requests of one value pass in the order in which they came. One that waits
elsewhere keeps nobody back.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Protocol

import anyio

from jobs.apis.limits import DeclaredLimit, Place, Places
from jobs.apis.retry_after import read_retry_after
from jobs.model import NotSent, Outcome, Reply, Request
from jobs.values import valueclass
from worker.clock import Clock
from worker.pacing.shared import SharedPace
from worker.policy.scopes import ScopedPauses
from worker.stop import Stop


class Windows(Protocol):
    """The windows of one gate, which hold for each value by itself."""

    def wait(self, value: str, now: float) -> float:
        """Return the seconds until a request may leave, as far as is known here; take nothing."""

    def reserve(self, value: str, now: float) -> float:
        """Take a slot and return 0, or return the seconds until it is worth asking again."""

    def answered(self, value: str, now: float) -> None:
        """Give back a slot whose request was answered, or given up on: it counts from `now`."""

    def cancelled(self, value: str) -> None:
        """Give back a slot whose request never left."""


class RememberedWindows:
    """Windows that the processes of a host share, and that survive them: for gates with few values."""

    def __init__(self, begin: Callable[[str], SharedPace]) -> None:
        """Begin without any value; `begin` makes the pace of one, and joins the processes that share it."""
        self._begin = begin
        self._paces: dict[str, SharedPace] = {}

    @property
    def paces(self) -> Iterable[SharedPace]:
        """The paces in use."""
        return self._paces.values()

    def wait(self, value: str, now: float) -> float:
        """Return the seconds until a request may leave, by what this process knows."""
        return self._of(value).pace.wait(now)

    def reserve(self, value: str, now: float) -> float:
        """Take a slot, counting those of all processes."""
        return self._of(value).reserve(now)

    def answered(self, value: str, now: float) -> None:
        """Give back the slot of an answered request, and record it."""
        self._of(value).answered(now)

    def cancelled(self, value: str) -> None:
        """Give back the slot of a request that never left."""
        self._of(value).cancelled()

    def _of(self, value: str) -> SharedPace:
        if value not in self._paces:
            self._paces[value] = self._begin(value)
        return self._paces[value]


@valueclass(frozen=True, slots=True)
class Rules:
    """What an API says about its gates.

    Attributes:
        gates: as declared.
        places: returns those that a request about a record of a type passes; the key may be empty.
        scope_of: returns whom a refusal is about, as `DeclaredLimit.per`.
    """

    gates: Sequence[DeclaredLimit]
    places: Callable[..., Places]
    scope_of: Callable[[Request, Reply], str]


class Gates:
    """Lets requests through whose gates are all open. Retries and reads pass them, too."""

    def __init__(self, rules: Rules, windows: Sequence[Windows], clock: Clock, stop: Stop) -> None:
        """Guard the gates; `windows` has those of each, in order.

        `_line` holds who waits, first come first, and the place that each waits at.
        """
        self._rules, self._windows = rules, windows
        self._clock, self._stop = clock, stop
        self._pauses = ScopedPauses()
        self._line: dict[object, Place | None] = {}
        self._changed = anyio.Event()
        stop.on_request(self._tell)

    def places(self, type_name: str, keys: Iterable[str], *, reads: bool) -> Places:
        """Return where a request is counted that is about these records; once at each place."""
        found = (self._rules.places(type_name, key, reads=reads) for key in keys)
        return tuple(dict.fromkeys(place for places in found for place in places))

    def is_open(self, places: Places) -> bool:
        """Return True if a request would pass now, as far as this process knows."""
        now = self._clock.now()
        return not (self._is_waited_for(places) or any(self._wait(place, now) for place in places))

    def admit_at_once(self, places: Places) -> bool:
        """Pass and return True if all gates are open and nobody waits at one of them."""
        return not (self._stop.reason or self._is_waited_for(places) or self._reserve(places)[0])

    async def admit(self, places: Places) -> bool:
        """Pass, waiting as long as it takes; return False if the run ends first."""
        me = object()
        self._line[me] = None
        try:
            while not self._stop.reason:
                changed, wait = self._changed, self._try(me, places)
                if not wait:
                    return True
                with anyio.move_on_after(wait):
                    await changed.wait()
            return False
        finally:
            del self._line[me]
            self._tell()

    def is_paused(self, places: Places) -> bool:
        """Return True if a refusal was about one of the places, and its pause is not over."""
        now = self._clock.now()
        return any(self._pauses.wait(place, now) for place in places)

    def refused(self, places: Places, request: Request, reply: Reply, sent_at: float, least: float) -> float | None:
        """Pause those that a refusal is about, if these are not all.

        Args:
            places: of the request.
            request: that was refused.
            reply: that asks to wait.
            sent_at: loop time at which the request left.
            least: seconds to wait if the reply does not say how long.

        Returns:
            Seconds of the pause; None if the refusal means everybody.
        """
        now, scope = self._clock.now(), self._rules.scope_of(request, reply)
        meant = [place for place in places if self._rules.gates[place[0]].per == scope]
        asked = read_retry_after(reply.headers, self._clock.wall()) or least
        return max((self._pauses.refused(place, asked, sent_at, now) for place in meant), default=None)

    def accepted(self, places: Places, sent_at: float) -> None:
        """Note that a request got through that left at `sent_at`, or failed without being refused for pace."""
        for place in places:
            self._pauses.accepted(place, sent_at)

    def account(self, places: Places, outcome: Outcome) -> None:
        """Spend the slots of a request; one that never left gives them back."""
        if isinstance(outcome, NotSent):
            self.release(places)
        else:
            self.abandon(places)

    def abandon(self, places: Places) -> None:
        """Spend the slots of a request that may have reached the server."""
        now = self._clock.now()
        for gate, value in places:
            self._windows[gate].answered(value, now)
        self._tell()

    def release(self, places: Places) -> None:
        """Give back unused slots."""
        for gate, value in places:
            self._windows[gate].cancelled(value)
        self._tell()

    def heartbeat(self) -> None:
        """Send heartbeats to the other processes."""
        for shared in self._shared():
            shared.heartbeat()

    def end(self) -> None:
        """Leave the other processes."""
        for shared in self._shared():
            shared.end()

    def _shared(self) -> Iterable[SharedPace]:
        return [pace for each in self._windows if isinstance(each, RememberedWindows) for pace in each.paces]

    def _try(self, me: object, places: Places) -> float:
        """Pass and return 0, or return the seconds until it is worth trying again."""
        ahead = {self._line[each] for each in takewhile(lambda each: each is not me, self._line)}
        taken = next((place for place in places if place in ahead), None)
        # behind somebody who waits at the same place: until that one has passed, or left
        wait, self._line[me] = self._reserve(places) if taken is None else (math.inf, taken)
        return wait

    def _is_waited_for(self, places: Places) -> bool:
        """Return True if somebody waits at one of the places."""
        return any(place in places for place in self._line.values())

    def _wait(self, place: Place, now: float) -> float:
        gate, value = place
        return self._pauses.wait(place, now) or self._windows[gate].wait(value, now)

    def _reserve(self, places: Places) -> tuple[float, Place | None]:
        """Take a slot at every place and return 0, or take none and return how long to wait, and where."""
        now = self._clock.now()
        for passed, (gate, value) in enumerate(places):
            wait = self._pauses.wait((gate, value), now) or self._windows[gate].reserve(value, now)
            if wait:
                for taken, other in places[:passed]:
                    self._windows[taken].cancelled(other)
                return wait, (gate, value)
        return 0.0, None

    def _tell(self) -> None:
        """Wake all that wait: something may be open for them."""
        if self._line:
            self._changed.set()
            self._changed = anyio.Event()
