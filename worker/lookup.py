"""Reading from the API: the live state of records, in pages of 25, and single records in full.

Reads have a gate of their own (the API counts each method apart). A read that is refused settles nothing and stops
nothing: the rows that needed it fail with that reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.commercelayer import (
    MEDIA_TYPE,
    Matches,
    document_of,
    read_record,
    read_references,
    read_states,
    record_request,
    reference_pages,
    references_request,
    states_request,
    token_refused,
)
from jobs.model import JSON, Fields, Live, NotSent, Outcome, Reply, Request
from worker.attempt import Credential, CredentialLost, why_not
from worker.clock import Clock
from worker.gate import Gate
from worker.journal import Counters
from worker.policy.backoff import full_jitter
from worker.policy.throttle import parking
from worker.policy.verdict import is_slow_down
from worker.settings import Attempts
from worker.stop import Stop
from worker.transport import Transport

_SPLIT: Final = frozenset({400, 404, 413, 414, 431})
"""Refusals that may be about a single id of the page, or about its length."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of some records.

    Attributes:
        records: live state by id; a record that does not exist is absent.
        at: loop time at which it was asked for.
        failed: ids of which nothing is known, because they could not be read, and why.
    """

    records: Mapping[str, Live]
    at: float
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a page: the states, or None and whether smaller pages may do better."""

    states: Mapping[str, Live] | None
    at: float
    may_be_split: bool
    why: str


@dataclass(slots=True)
class Lookup:
    """Reads pages through `gate`, again after a backoff where that may help."""

    transport: Transport
    gate: Gate
    credential: Credential
    limits: Attempts
    counters: Counters
    clock: Clock
    stop: Stop
    _unsparse: set[str] = field(default_factory=set)

    async def live(self, type_name: str, ids: Sequence[str], fields: Fields, *, patient: bool = True) -> Found:
        """The live state of up to 25 records.

        A page that is too long, or that the API refuses because of one of its ids, is read in halves.

        Args:
            type_name: of all of them.
            ids: at most 25.
            fields: what to read of each.
            patient: wait for a server that is down, and stop the run when it does not come back.
        """
        answer = await self._page(type_name, ids, fields, patient=patient)
        if isinstance(answer, str):
            return Found({}, 0.0, dict.fromkeys(ids, answer))
        if answer.states is None and (len(ids) == 1 or not answer.may_be_split):
            return Found({}, 0.0, dict.fromkeys(ids, answer.why))
        if answer.states is not None:
            return Found(answer.states, answer.at)
        middle = len(ids) // 2
        first = await self.live(type_name, ids[:middle], fields, patient=patient)
        second = await self.live(type_name, ids[middle:], fields, patient=patient)
        return Found({**first.records, **second.records}, min(first.at, second.at), {**first.failed, **second.failed})

    async def referenced(self, type_name: str, references: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Ids of the records that have each of the references; a reference that could not be looked up is absent."""
        found: dict[str, tuple[str, ...]] = {}
        for page in reference_pages(list(dict.fromkeys(references))):
            found.update(await self._referenced(type_name, page))
        return found

    async def _referenced(self, type_name: str, page: list[str]) -> Mapping[str, tuple[str, ...]]:
        answer = await self._insist(references_request(type_name, page), patient=True)
        if isinstance(answer, str):
            return {}
        reply, matches = answer[0], read_references(answer[0], page)
        if matches is not None and matches.complete:
            return matches.ids
        if len(page) == 1:
            return _beyond_doubt(matches)
        if matches is None and reply.status not in _SPLIT and reply.complete:
            return {}
        middle = len(page) // 2
        first = await self._referenced(type_name, page[:middle])
        return {**first, **await self._referenced(type_name, page[middle:])}

    async def record(self, type_name: str, resource_id: str) -> Mapping[str, JSON] | None:
        """All attributes of one record; None when it cannot be read."""
        answer = await self._insist(record_request(type_name, resource_id), patient=False)
        return None if isinstance(answer, str) else read_record(answer[0], type_name, resource_id)

    async def _page(self, type_name: str, ids: Sequence[str], fields: Fields, *, patient: bool) -> _Answer | str:
        """One page; why there is none when the run ends first or the server does not answer."""
        sparse = type_name not in self._unsparse
        answer = await self._insist(states_request(type_name, ids, fields, sparse=sparse), patient=patient)
        if isinstance(answer, str):
            return answer
        reply, at = answer
        if reply.status == 400 and sparse:  # noqa: PLR2004  # a field that the API never shows: write-only ones
            whole = await self._insist(states_request(type_name, ids, fields, sparse=False), patient=patient)
            if isinstance(whole, str):
                return whole
            if read_states(whole[0], type_name, fields) is not None:
                self._unsparse.add(type_name)
            reply, at = whole
        may_be_split = reply.status in _SPLIT or not reply.complete
        return _Answer(read_states(reply, type_name, fields), at, may_be_split, why_not(reply))

    async def _insist(self, request: Request, *, patient: bool) -> tuple[Reply, float] | str:
        """Ask until there is an answer that asking again would not change, and when it was asked for; or why not."""
        failures = throttles = 0
        why = ""
        while self._goes_on(failures, patient=patient) and throttles < self.limits.throttles:
            outcome, at = await self._read(request)
            if outcome is None:
                return why
            why = why_not(outcome)
            if isinstance(outcome, Reply) and token_refused(outcome):
                continue  # with another token, or not at all: the credential knows when to give up
            if isinstance(outcome, Reply) and is_slow_down(outcome):
                throttles += 1
                continue
            if isinstance(outcome, Reply) and _is_final(outcome):
                return outcome, at
            failures += not (patient and self.gate.is_down)
            if patient and (outage := self.gate.outage(why)):
                self.stop.request("outage", outage)
            wait = full_jitter(max(1, failures), self.clock.sample(), base=self.limits.base, cap=self.limits.cap)
            if not await self.stop.sleep(wait):
                return why
        return why

    def _goes_on(self, failures: int, *, patient: bool) -> bool:
        """Whether to ask again; where reads have worked and nobody gets an answer now, it is no matter of this page."""
        return failures < self.limits.max_attempts or (patient and self.gate.has_broken_down(failures))

    async def _read(self, request: Request) -> tuple[Outcome | None, float]:
        """One GET, and when it left; None when the run ends first, or the credential is lost."""
        if not await self.gate.admit():
            return None, 0.0
        try:
            bearer = await self.credential.bearer()
        except CredentialLost as error:
            self.gate.give_back()
            self.stop.request("authorisation_lost", str(error))
            return None, 0.0
        self.counters.gets += 1
        sent_at = self.clock.now()
        headers = {"Accept": MEDIA_TYPE, "Authorization": bearer}
        outcome = await self.transport.send(request, headers, self.gate.probe_timeout)
        await self._account(outcome, sent_at, bearer)
        return outcome, sent_at

    async def _account(self, outcome: Outcome, sent_at: float, bearer: str) -> None:
        if isinstance(outcome, NotSent):
            self.gate.not_sent(sent_at, outcome.detail)
        elif not isinstance(outcome, Reply):
            self.gate.unanswered(sent_at, outcome.detail)
        elif is_slow_down(outcome):
            pause = self.gate.slowed_down(outcome, sent_at)
            limits, refusals = self.limits, self.gate.refusals_in_a_row
            if why := parking(pause, refusals, patience=limits.patience, most=limits.throttles):
                self.stop.request("parked", why)
        else:
            self.gate.replied(outcome, sent_at)
            if token_refused(outcome):
                await self._renew(bearer)

    async def _renew(self, bearer: str) -> None:
        try:
            await self.credential.renew(bearer)
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))


def _beyond_doubt(matches: Matches | None) -> Mapping[str, tuple[str, ...]]:
    """What a page shows that was cut off, or cannot be used: two records of one reference are too many anyway."""
    return {reference: ids for reference, ids in matches.ids.items() if len(ids) > 1} if matches else {}


def _is_final(reply: Reply) -> bool:
    """Whether asking again would bring the same: an answer or a refusal.

    A success that is no JSON is not the API's: a portal, or a page of the edge in front of it.
    """
    foreign = reply.status < 300 and reply.complete and document_of(reply) is None  # noqa: PLR2004  # 2xx
    return reply.status < 500 and not foreign  # noqa: PLR2004  # 5xx
