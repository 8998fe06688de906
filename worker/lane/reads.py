"""Reads from the API: the live state of records in pages of 25, and single records in full.

Reads have a limiter of their own (the API counts each method separately). A read that is refused does not stop the
run: the rows that needed it fail with that reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.apis.api import Api
from jobs.apis.header_values import unsendable
from jobs.apis.meanings import ANSWERS, SERVER_ERRORS, SLOWS_DOWN, Meaning
from jobs.model import JSON, Fields, Reply, Request
from worker.lane.exchange import Exchange, Exchanged
from worker.lane.pages import About, Answer, NoAnswer, Pages, Wanted
from worker.lane.reference_pages import Referenced, ReferencePages
from worker.pacing.limiter import Limiter
from worker.policy.guards import told_to_stop
from worker.policy.patience import Tries
from worker.policy.row import Found
from worker.policy.wording import why_not


@dataclass(slots=True)
class Lookup:
    """Reads pages by exchanges, again after a backoff where that may help."""

    api: Api
    exchange: Exchange
    _pages: Pages = field(init=False)
    _references: ReferencePages = field(init=False)

    def __post_init__(self) -> None:
        """Connect both kinds of pages to `_insist`."""
        self._pages, self._references = Pages(self.api, self._insist), ReferencePages(self.api, self._insist)

    @property
    def limiter(self) -> Limiter:
        """The limiter of reads."""
        return self.exchange.limiter

    async def live(self, type_name: str, ids: Sequence[str], fields: Fields, *, patient: bool = True) -> Found:
        """Read the live state of up to 25 records.

        Args:
            type_name: of all of them.
            ids: at most 25.
            fields: what to read of each.
            patient: wait for a server that is down, and stop the run if it does not come back.
        """
        return await self._pages.read(Wanted(type_name, fields, patient), ids)

    async def referenced(self, type_name: str, references: Sequence[str]) -> Referenced:
        """Return, for each reference, the ids of its records, or why it could not be looked up."""
        return await self._references.read(type_name, list(dict.fromkeys(references)))

    async def record(self, type_name: str, resource_id: str) -> Mapping[str, JSON] | None:
        """Return all attributes of one record, None if it cannot be read."""
        resource = self.api.resource(type_name)
        about = About(type_name, (resource_id,))
        answer = await self._insist(resource.read_one(resource_id, None), about, patient=False)
        return None if isinstance(answer, NoAnswer) else resource.attributes(answer.reply, resource_id)

    async def answer(self, request: Request, type_name: str, key: str) -> Answer | NoAnswer:
        """Send a read about one record until there is an answer that a further attempt would not change."""
        return await self._insist(request, About(type_name, (key,)), patient=False)

    async def _insist(self, request: Request, about: About, *, patient: bool) -> Answer | NoAnswer:
        """Send the request until there is an answer that a further attempt would not change.

        A `patient` read waits for a server that is down, provided that reads have worked before and nobody else gets
        an answer either. While it waits, its own failures do not count. If that takes too long, it stops the run.
        """
        if request.headers and (why := unsendable(request.headers)):
            return NoAnswer(why)  # no further attempt would change that
        tries, none, limiter = Tries(self.exchange.patience), NoAnswer(""), self.limiter
        gates = self.exchange.gates
        places = gates.places(about.type, about.keys or ("",), reads=True) if gates else ()
        while tries.go_on(waits=patient and limiter.has_broken_down(tries.failures)):
            asked = await self.exchange.ask(request, places)
            if asked is None:
                return NoAnswer(none.why)
            if isinstance(asked.outcome, Reply) and asked.meaning in ANSWERS:
                return Answer(asked.outcome, asked.sent_at, asked.meaning)
            none = NoAnswer(why_not(asked.outcome), asked.meaning in SERVER_ERRORS)
            await self._react(asked)
            if tries.count(asked.meaning, free=patient and limiter.is_down) and not await self._back_off(
                tries.failures, none.why, patient=patient
            ):
                return NoAnswer(none.why)
        return none

    async def _react(self, asked: Exchanged) -> None:
        """Renew a token that was refused; park the run if a pause is too long, end it if the API wants that."""
        if asked.meaning is Meaning.TOKEN_REFUSED:
            await self.exchange.renew(asked.headers)
        elif asked.meaning is Meaning.STOP:
            halt = told_to_stop(why_not(asked.outcome))
            self.exchange.stop.request(halt.reason, halt.message)
        elif asked.meaning in SLOWS_DOWN:
            self.exchange.park(asked.pause)

    async def _back_off(self, failures: int, why: str, *, patient: bool) -> bool:
        """Wait before the next try; return False if the run ends meanwhile, or has to because of the outage."""
        clock, stop = self.exchange.clock, self.exchange.stop
        if patient and (outage := self.limiter.outage(why)):
            stop.request("outage", outage)
        return await stop.sleep(self.exchange.patience.backoff(failures, clock.sample()))
