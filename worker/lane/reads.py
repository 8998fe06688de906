"""Reading from the API: the live state of records, in pages of 25, and single records in full.

Reads have a gate of their own (the API counts each method apart). A read that is refused settles nothing and stops
nothing: the rows that needed it fail with that reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.apis.commercelayer import (
    MEDIA_TYPE,
    meaning_of,
    read_record,
    record_request,
)
from jobs.apis.meanings import ANSWERS, SERVER_ERRORS, SLOWS_DOWN, Meaning
from jobs.model import JSON, Fields, Outcome, Reply, Request
from worker.clock import Clock, Moment
from worker.journal import Counters
from worker.lane.authority import Authority, CredentialLost
from worker.lane.pages import Answer, Found, NoAnswer, Pages, Wanted
from worker.lane.reference_pages import ReferencePages
from worker.lane.transport import Transport
from worker.pacing.limiter import Gate
from worker.policy.backoff import full_jitter
from worker.policy.throttle import parking
from worker.policy.wording import why_not
from worker.settings import Attempts
from worker.stop import Stop

__all__ = ["Found", "Lookup"]


@dataclass(slots=True)
class Lookup:
    """Reads pages through `gate`, again after a backoff where that may help."""

    transport: Transport
    gate: Gate
    credential: Authority
    limits: Attempts
    counters: Counters
    clock: Clock
    stop: Stop
    _pages: Pages = field(init=False)
    _references: ReferencePages = field(init=False)

    def __post_init__(self) -> None:
        """Have both kinds of pages asked for in here."""
        self._pages, self._references = Pages(self._insist), ReferencePages(self._insist)

    async def live(self, type_name: str, ids: Sequence[str], fields: Fields, *, patient: bool = True) -> Found:
        """The live state of up to 25 records.

        Args:
            type_name: of all of them.
            ids: at most 25.
            fields: what to read of each.
            patient: wait for a server that is down, and stop the run when it does not come back.
        """
        return await self._pages.read(Wanted(type_name, fields, patient), ids)

    async def referenced(self, type_name: str, references: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Ids of the records that have each of the references; a reference that could not be looked up is absent."""
        return await self._references.read(type_name, list(dict.fromkeys(references)))

    async def record(self, type_name: str, resource_id: str) -> Mapping[str, JSON] | None:
        """All attributes of one record; None when it cannot be read."""
        answer = await self._insist(record_request(type_name, resource_id), patient=False)
        return None if isinstance(answer, NoAnswer) else read_record(answer.reply, type_name, resource_id)

    async def _insist(self, request: Request, *, patient: bool) -> Answer | NoAnswer:
        """Ask until there is an answer that asking again would not change."""
        failures = throttles = 0
        none = NoAnswer("")
        while self._goes_on(failures, patient=patient) and throttles < self.limits.throttles:
            outcome, meaning, at = await self._read(request)
            if outcome is None:
                return NoAnswer(none.why)
            if meaning in ANSWERS:
                assert isinstance(outcome, Reply)  # noqa: S101
                return Answer(outcome, at)
            why = why_not(outcome)
            none = NoAnswer(why, meaning in SERVER_ERRORS)
            if meaning is Meaning.TOKEN_REFUSED:
                continue  # with another token, or not at all: the credential knows when to give up
            if meaning in SLOWS_DOWN:
                throttles += 1
                continue
            failures += not (patient and self.gate.is_down)
            if patient and (outage := self.gate.outage(why)):
                self.stop.request("outage", outage)
            wait = full_jitter(max(1, failures), self.clock.sample(), base=self.limits.base, cap=self.limits.cap)
            if not await self.stop.sleep(wait):
                return NoAnswer(why)
        return none

    def _goes_on(self, failures: int, *, patient: bool) -> bool:
        """Whether to ask again; where reads have worked and nobody gets an answer now, it is no matter of this page."""
        return failures < self.limits.max_attempts or (patient and self.gate.has_broken_down(failures))

    async def _read(self, request: Request) -> tuple[Outcome | None, Meaning, Moment]:
        """Send one GET; the outcome and when it left, None when the run ends first, or the credential is lost."""
        if not await self.gate.admit():
            return None, Meaning.UNSENT, self.clock.moment()
        try:
            bearer = await self.credential.bearer()
        except CredentialLost as error:
            self.gate.release()
            self.stop.request("authorisation_lost", str(error))
            return None, Meaning.UNSENT, self.clock.moment()
        self.counters.gets += 1
        sent_at = self.clock.moment()
        headers = {"Accept": MEDIA_TYPE, "Authorization": bearer}
        outcome = await self.transport.send(request, headers, self.gate.probe_timeout)
        meaning = meaning_of(request, outcome)
        await self._account(outcome, meaning, sent_at.loop, bearer)
        return outcome, meaning, sent_at

    async def _account(self, outcome: Outcome, meaning: Meaning, sent_at: float, bearer: str) -> None:
        pause = self.gate.account(outcome, meaning, sent_at)
        if meaning in SLOWS_DOWN:
            limits, refusals = self.limits, self.gate.refusals_in_a_row
            if why := parking(pause, refusals, patience=limits.patience, most=limits.throttles):
                self.stop.request("parked", why)
        if meaning is Meaning.TOKEN_REFUSED:
            await self._renew(bearer)

    async def _renew(self, bearer: str) -> None:
        try:
            await self.credential.renew(bearer)
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))
