"""One exchange with a server: admit, authorise, send, account. No retry, no row, no journal.

It has two grips. `ask` is all of it in one: page reads, single reads, tokens. A row takes it apart, for three reasons:
its slot comes before the row is chosen, its record may be read again while the slot is held, and its intent is made
durable between `authorise` and `send`. Every slot is spent or released, whatever happens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from jobs.apis.meanings import Meaning
from jobs.model import Outcome, Request
from jobs.values import valueclass
from worker.clock import Clock, Moment
from worker.lane.authority import Authority, CredentialLost
from worker.lane.transport import Transport
from worker.pacing.limiter import Limiter
from worker.policy.patience import Patience
from worker.stop import Stop

MeaningOf: TypeAlias = Callable[[Request, Outcome], Meaning]
"""The rules of an API: what an outcome of a request means."""

Headers: TypeAlias = Mapping[str, str]


@valueclass(frozen=True, slots=True)
class Exchanged:
    """What came of a request.

    Attributes:
        sent_at: when it left, or was to leave.
        headers: that it was sent with: what `renew` wants to know. They hold a secret, and are never shown.
        pause: seconds for which an outcome that asks to wait holds everybody, 0 for any other.
    """

    outcome: Outcome
    meaning: Meaning
    sent_at: Moment
    headers: Headers = field(repr=False)
    pause: float


def uncounted() -> None:
    """Count nothing."""


@dataclass(slots=True)
class Exchange:
    """The way of one kind of requests to one server.

    Attributes:
        meaning_of: says what an outcome means, once for everybody.
        patience: says when a pause is too long to be waited for.
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
    headers: Headers
    on_send: Callable[[], None] = uncounted
    _authorised: dict[str, str] = field(default_factory=dict, repr=False)

    async def ask(self, request: Request, *, at_once: bool = False, in_full: bool = False) -> Exchanged | None:
        """Admit, authorise, send and account; None when nothing is sent.

        Nothing is sent when the run ends first, there is no credential, or no slot is free `at_once`.
        """
        if not (self.limiter.admit_at_once() if at_once else await self.limiter.admit()):
            return None
        headers = await self.authorise()
        return None if headers is None else await self.send(request, headers, in_full=in_full)

    async def authorise(self) -> Headers | None:
        """Return the headers to send; None, with the slot released and the run stopped, without a credential."""
        try:
            bearer = await self.authority.bearer()
        except CredentialLost as error:
            self.limiter.release()
            self._stop_for(error)
            return None
        except BaseException:
            self.limiter.release()
            raise
        if not bearer:
            return self.headers
        if self._authorised.get("Authorization") != bearer:
            self._authorised = {**self.headers, "Authorization": bearer}
        return self._authorised

    async def send(self, request: Request, headers: Headers, *, in_full: bool = False) -> Exchanged:
        """Send in the slot that the caller holds; it is spent, whatever comes back.

        Args:
            request: what to send.
            headers: from `authorise`.
            in_full: take the whole time-out even where the request probes a server that is down.
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
        """Replace the credential that was refused; False, with the run stopped, where there is no other."""
        try:
            await self.authority.renew(used["Authorization"])
        except CredentialLost as error:
            self._stop_for(error)
            return False
        return True

    def park(self, pause: float) -> bool:
        """Stop the run if it makes no sense to wait for a pause of so many seconds; return True then."""
        why = self.patience.parking(pause, self.limiter.refusals_in_a_row)
        if why:
            self.stop.request("parked", why)
        return bool(why)

    def _stop_for(self, error: CredentialLost) -> None:
        self.stop.request("authorisation_lost", str(error))
