"""One exchange with a server: admit, authorise, send, account. No retry, no row, no journal.

There are two ways to use it. `ask` does all four steps: page reads, single reads, tokens. A row calls the steps one by
one, for three reasons: it gets its slot before the row is chosen, its record may be read again while the slot is held,
and its intent is made durable between `authorise` and `send`. Every slot is spent or released, whatever happens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from jobs.apis.meanings import Meaning
from jobs.model import Outcome, Request
from jobs.values import valueclass
from worker.clock import Clock, Moment
from worker.lane.authority import Authority, CredentialLost, Headers
from worker.lane.transport import Transport
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


@dataclass(slots=True)
class Exchange:
    """How one kind of request is sent to one server.

    Attributes:
        meaning_of: returns the meaning of an outcome.
        patience: knows which pauses are too long to wait for.
        headers: of every request, besides the credential's.
        on_send: called right before each request.
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
    _common: Headers = field(init=False)

    def __post_init__(self) -> None:
        """Begin without a credential."""
        self._common = Headers(tuple(self.headers.items()))

    async def ask(self, request: Request, *, at_once: bool = False, in_full: bool = False) -> Exchanged | None:
        """Admit, authorise, send and account; return None if nothing was sent.

        Nothing is sent if the run ends first, there is no credential, or `at_once` is set and no slot is free.
        """
        if not (self.limiter.admit_at_once() if at_once else await self.limiter.admit()):
            return None
        headers = await self.authorise()
        return None if headers is None else await self.send(request, headers, in_full=in_full)

    async def authorise(self) -> Headers | None:
        """Return the headers to send; without a credential release the slot, stop the run and return None."""
        try:
            permit = await self.authority.permit()
        except CredentialLost as error:
            self.limiter.release()
            self._stop_for(error)
            return None
        except BaseException:
            self.limiter.release()
            raise
        if permit is not self._common.permit and permit != self._common.permit:
            others = ((name, value) for name, value in self.headers.items() if name.lower() != permit.header.lower())
            carried = ((permit.header, permit.value),) if permit.header else ()
            self._common = Headers((*others, *carried), permit)
        return self._common

    async def send(self, request: Request, headers: Headers, *, in_full: bool = False) -> Exchanged:
        """Send a request in the slot that the caller holds, and spend the slot whatever the outcome.

        Args:
            request: to send.
            headers: from `authorise`.
            in_full: allow the whole time-out even if the request probes a server that is down.
        """
        self.on_send()
        sent_at = self.clock.moment()
        try:
            outcome = await self.transport.send(request, headers, None if in_full else self.limiter.probe_timeout)
        except BaseException:
            self.limiter.abandon()
            raise
        meaning = self.meaning_of(request, outcome)
        return Exchanged(outcome, meaning, sent_at, headers, self.limiter.account(outcome, meaning, sent_at.loop))

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
