"""One exchange with a server: admit, authorise, send, account. No retry, no row, no journal.

There are two ways to use it. `ask` does all four steps: page reads, single reads, tokens. A row calls the steps one by
one, for three reasons: it gets its slot before the row is chosen, its record may be read again while the slot is held,
and its intent is made durable between `authorise` and `send`. Every slot is spent or released, whatever happens.

Where an API has limits on some requests alone, a request also passes gates, which go before the limiter: nobody waits
at a gate with a slot in hand. `places` says at which ones; without them a request has nothing to do with gates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from jobs.apis.limits import Places
from jobs.apis.meanings import SLOWS_DOWN, Meaning
from jobs.model import Outcome, Reply, Request
from jobs.values import valueclass
from worker.clock import Clock, Moment
from worker.lane.authority import Authority, CredentialLost, Headers
from worker.lane.transport import Transport
from worker.pacing.gates import Gates
from worker.pacing.limiter import Limiter
from worker.policy.patience import Patience
from worker.stop import Stop

MeaningOf: TypeAlias = Callable[[Request, Outcome], Meaning]
"""The rules of an API: what an outcome of a request means."""


@valueclass(frozen=True, slots=True)
class Exchanged:
    """The outcome of a request.

    Attributes:
        sent_at: when it left, or was to leave.
        headers: sent with it, for `renew`.
        pause: seconds that all senders wait if the outcome asks for it, 0 for any other outcome.
    """

    outcome: Outcome
    meaning: Meaning
    sent_at: Moment
    headers: Headers
    pause: float


def uncounted() -> None:
    """Count nothing."""


def nothing_known(_request: Request, _reply: Reply) -> float:
    """Return no seconds: nothing is known of how long a refused request has to wait."""
    return 0.0


@dataclass(slots=True)
class Exchange:
    """How one kind of request is sent to one server.

    Attributes:
        meaning_of: returns the meaning of an outcome.
        patience: knows which pauses are too long to wait for.
        headers: of every request, besides the credential's.
        on_send: called right before each request.
        gates: of limits on some requests alone, None for an API that has none.
        gives_way: a read may need the very slot that an update holds: it is given back first.
        least_wait: returns the seconds to wait after a refusal that has no `Retry-After`; 0 if nothing is known.
    """

    transport: Transport
    limiter: Limiter
    authority: Authority
    meaning_of: MeaningOf
    patience: Patience
    clock: Clock
    stop: Stop
    headers: Mapping[str, str]
    on_send: Callable[[], None] = uncounted
    gates: Gates | None = None
    gives_way: bool = False
    least_wait: Callable[[Request, Reply], float] = nothing_known
    _common: Headers = field(init=False)

    def __post_init__(self) -> None:
        """Begin without a credential."""
        self._common = Headers(tuple(self.headers.items()))

    async def ask(
        self, request: Request, places: Places = (), *, at_once: bool = False, in_full: bool = False
    ) -> Exchanged | None:
        """Admit, authorise, send and account; return None if nothing was sent.

        Nothing is sent if the run ends first, there is no credential, or `at_once` is set and no slot is free.
        """
        if at_once:
            admitted = self.limiter.admit_at_once()
        else:
            admitted = await (self.admit(places) if places else self.limiter.admit())
        if not admitted:
            return None
        headers = await self.authorise(places)
        return None if headers is None else await self.send(request, headers, places, in_full=in_full)

    async def admit(self, places: Places) -> bool:
        """Pass the gates and take a slot, waiting as long as it takes; return False if the run ends first.

        What was told to wait while it waited for its slot gives both back, and begins again.
        """
        while self.gates is not None and await self.gates.admit(places):
            admitted = False
            try:
                admitted = await self.limiter.admit()
            finally:
                if not admitted:
                    self.gates.release(places)
            if not admitted:
                return False
            if not self.gates.is_paused(places):
                return True
            self.release(places)
        return False

    def release(self, places: Places = ()) -> None:
        """Give back an unused slot, and the places at the gates."""
        self.limiter.release()
        if places and self.gates is not None:
            self.gates.release(places)

    async def authorise(self, places: Places = ()) -> Headers | None:
        """Return the headers to send; without a credential release the slot, stop the run and return None."""
        try:
            permit = await self.authority.permit()
        except CredentialLost as error:
            self.release(places)
            self._stop_for(error)
            return None
        except BaseException:
            self.release(places)
            raise
        if permit is not self._common.permit and permit != self._common.permit:
            others = ((name, value) for name, value in self.headers.items() if name.lower() != permit.header.lower())
            carried = ((permit.header, permit.value),) if permit.header else ()
            self._common = Headers((*others, *carried), permit)
        return self._common

    async def send(
        self, request: Request, headers: Headers, places: Places = (), *, in_full: bool = False
    ) -> Exchanged:
        """Send a request in the slot that the caller holds, and spend the slot whatever the outcome.

        Args:
            request: to send.
            headers: from `authorise`.
            places: at the gates, which the caller holds as well.
            in_full: allow the whole time-out even if the request probes a server that is down.
        """
        self.on_send()
        sent_at = self.clock.moment()
        try:
            outcome = await self.transport.send(request, headers, None if in_full else self.limiter.probe_timeout)
        except BaseException:
            self.limiter.abandon()
            if places and self.gates is not None:
                self.gates.abandon(places)
            raise
        meaning = self.meaning_of(request, outcome)
        if places or meaning in SLOWS_DOWN:
            pause = self._account(request, outcome, meaning, sent_at.loop, places)
        else:
            pause = self.limiter.account(outcome, meaning, sent_at.loop)
        return Exchanged(outcome, meaning, sent_at, headers, pause)

    def _account(self, request: Request, outcome: Outcome, meaning: Meaning, sent_at: float, places: Places) -> float:
        """Account for a request that passed gates, or was refused; return the seconds of the pause that it asks for."""
        gates, least, apart = self.gates if places else None, 0.0, None
        if gates is not None:
            gates.account(places, outcome)
        if isinstance(outcome, Reply) and meaning in SLOWS_DOWN:
            least = self.least_wait(request, outcome)
            apart = None if gates is None else gates.refused(places, request, outcome, sent_at, least)
        elif gates is not None:
            gates.accepted(places, sent_at)
        return self.limiter.account(outcome, meaning, sent_at, least, apart)

    async def renew(self, used: Headers) -> bool:
        """Replace the credential that was refused; if there is no other, stop the run and return False."""
        try:
            await self.authority.renew(used.permit)
        except CredentialLost as error:
            self._stop_for(error)
            return False
        return True

    def park(self, pause: float) -> bool:
        """Park the run and return True if a pause of `pause` seconds is too long to wait for."""
        why = self.patience.parking(pause, self.limiter.refusals_in_a_row)
        if why:
            self.stop.request("parked", why)
        return bool(why)

    def _stop_for(self, error: CredentialLost) -> None:
        self.stop.request("authorisation_lost", str(error))
