"""Read the live state of records: in pages, and one by one if a page leaves a question open.

A page proves that a record exists. Only a request for the record itself proves that it does not (see
`jobs.apis.api.Resource.may_show_more`). A record that is neither shown nor proven absent could not be read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

from jobs.apis.api import Api, Resource
from jobs.apis.errors import read_errors
from jobs.apis.meanings import Meaning
from jobs.model import ApiError, Fields, Live, Reply, Request
from jobs.values import valueclass
from worker.clock import Moment
from worker.policy.row import Found
from worker.policy.wording import why_not

NOT_ALLOWED: Final = frozenset({401, 403})
"""Refusals about the credential, unless parts of the page are not refused: a gateway may refuse a single id."""

SPLIT: Final = frozenset({400, 404, 413, 414, 422, 431}) | NOT_ALLOWED
"""Refusals of a page that may be about one of its ids, or about its length."""

MAX_FRUITLESS_READS: Final = 3
"""Single records in a row that fail as their page did, or get no answer, before the others are given up."""

_Refusal: TypeAlias = tuple[int, tuple[ApiError, ...]]
_BAD_REQUEST: Final = 400


@valueclass(frozen=True, slots=True)
class Answer:
    """A reply that a second request would not change, what it means, and when it was requested."""

    reply: Reply
    at: Moment
    meaning: Meaning


@valueclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no answer. `spoken`: the server did reply, but with an error of its own."""

    why: str
    spoken: bool = False


class About(NamedTuple):
    """What a read is about: records of one type, none of them where their keys are not known yet."""

    type: str
    keys: Sequence[str]


class Ask(Protocol):
    """Sends requests: again where that may help, and not at all once the run ends."""

    async def __call__(self, request: Request, about: About, *, patient: bool) -> Answer | NoAnswer:
        """Send the request until there is an answer that a further attempt would not change."""


@valueclass(frozen=True, slots=True)
class Wanted:
    """What to read: the type, the fields, and whether to wait for a server that is down."""

    type: str
    fields: Fields
    patient: bool = True


@dataclass(slots=True)
class _Gathered:
    records: dict[str, Live] = field(default_factory=dict)
    at: dict[str, Moment] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    def take(self, states: Mapping[str, Live], at: Moment) -> None:
        self.records.update(states)
        self.at.update(dict.fromkeys(states, at))

    def fail(self, ids: Iterable[str], why: str) -> None:
        self.failed.update(dict.fromkeys(ids, why))

    def found(self) -> Found:
        return Found(self.records, self.at, frozenset(self.missing), self.failed)


@dataclass(slots=True)
class Pages:
    """Reads live state. Remembers why pages of a type were refused, so as not to try every remedy each time."""

    api: Api
    ask: Ask
    _whole: set[str] = field(default_factory=set)
    _no_help: dict[str, _Refusal] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)

    async def read(self, wanted: Wanted, ids: Sequence[str]) -> Found:
        """Read the live state of records that fit on one page."""
        gathered = _Gathered()
        if self._of(wanted).page == 1:  # such a request is about the record itself, and its 404 is proof
            await self._one_by_one(wanted, ids, gathered)
        else:
            await self._take(wanted, ids, await self._page(wanted, ids), gathered)
        return gathered.found()

    def _of(self, wanted: Wanted) -> Resource:
        return self.api.resource(wanted.type)

    async def _take(self, wanted: Wanted, ids: Sequence[str], answer: Answer | NoAnswer, gathered: _Gathered) -> None:
        """Take the records that a page shows, and find out about the rest."""
        if isinstance(answer, NoAnswer):
            if answer.spoken and wanted.patient and len(ids) > 1:  # a single record may cause the error
                await self._one_by_one(wanted, ids, gathered)
            else:
                gathered.fail(ids, answer.why)
            return
        states = self._of(wanted).states(answer.reply, ids, wanted.fields)
        if states is None:
            await self._refuse(wanted, ids, answer.reply, gathered)
            return
        self._refused.pop(wanted.type, None)
        gathered.take({each: states[each] for each in ids if each in states}, answer.at)
        rest = [each for each in ids if each not in states]
        if 1 < len(rest) < len(ids) and self._of(wanted).may_show_more(answer.reply, ids):
            await self._take(wanted, rest, await self._page(wanted, rest), gathered)
        else:
            await self._one_by_one(wanted, rest, gathered)

    async def _refuse(self, wanted: Wanted, ids: Sequence[str], reply: Reply, gathered: _Gathered) -> None:
        """Read a page that was refused, or broke off, in halves where that may help.

        If both halves are refused alike, or would be, the size is not the cause: the ids are read one by one.
        """
        if len(ids) > 1 and (not reply.complete or self._may_be_split(wanted, reply)):
            middle = len(ids) // 2
            halves = (ids[:middle], ids[middle:])
            answers = [await self._page(wanted, half) for half in halves]
            if not are_refused_alike(answers, reply):
                for half, answer in zip(halves, answers, strict=True):
                    await self._take(wanted, half, answer, gathered)
                return
            self._refused[wanted.type] = reply.status
        if reply.status not in NOT_ALLOWED or not reply.complete:
            await self._one_by_one(wanted, ids, gathered, _refusal(reply))
        else:
            gathered.fail(ids, why_not(reply))

    def _may_be_split(self, wanted: Wanted, reply: Reply) -> bool:
        return reply.status in SPLIT and self._refused.get(wanted.type) != reply.status

    async def _one_by_one(
        self,
        wanted: Wanted,
        ids: Sequence[str],
        gathered: _Gathered,
        refusal: _Refusal | None = None,
    ) -> None:
        """Read single records. A reply equal to `refusal`, the refusal of their page, says nothing about a record."""
        in_vain, resource = 0, self._of(wanted)
        for place, resource_id in enumerate(ids):
            request, about = resource.read_one(resource_id, wanted.fields), About(wanted.type, (resource_id,))
            answer = await self.ask(request, about, patient=wanted.patient)
            if _settles(answer, resource, wanted.fields, resource_id, refusal, gathered):
                in_vain = 0
                continue
            in_vain += 1
            why = answer.why if isinstance(answer, NoAnswer) else why_not(answer.reply)
            gathered.fail([resource_id] if in_vain < MAX_FRUITLESS_READS else ids[place:], why)
            if in_vain == MAX_FRUITLESS_READS:
                return

    async def _page(self, wanted: Wanted, ids: Sequence[str]) -> Answer | NoAnswer:
        """Request one page; after a 400, request it with all fields: the API may refuse to name a write-only one."""
        sparse = wanted.type not in self._whole
        request, about = self._of(wanted).read(ids, wanted.fields, sparse=sparse), About(wanted.type, ids)
        answer = await self.ask(request, about, patient=wanted.patient)
        if isinstance(answer, NoAnswer) or not sparse or answer.reply.status != _BAD_REQUEST:
            return answer
        if self._no_help.get(wanted.type) == _refusal(answer.reply):
            return answer
        request = self._of(wanted).read(ids, wanted.fields, sparse=False)
        whole = await self.ask(request, about, patient=wanted.patient)
        if isinstance(whole, Answer) and self._of(wanted).states(whole.reply, ids, wanted.fields) is not None:
            self._whole.add(wanted.type)
        elif isinstance(whole, Answer) and _refusal(whole.reply) == _refusal(answer.reply):
            self._no_help[wanted.type] = _refusal(whole.reply)
        return whole


def _settles(
    answer: Answer | NoAnswer,
    resource: Resource,
    fields: Fields,
    resource_id: str,
    refusal: _Refusal | None,
    gathered: _Gathered,
) -> bool:
    """Take what an answer says about its record; return False if it says nothing about it."""
    if isinstance(answer, NoAnswer):
        return False
    live = resource.state(answer.reply, resource_id, fields)
    if live is not None:
        gathered.take({resource_id: live}, answer.at)
    elif _refusal(answer.reply) == refusal:
        return False
    elif answer.meaning is Meaning.NOT_FOUND:
        gathered.missing.add(resource_id)
    else:
        gathered.fail([resource_id], why_not(answer.reply))
    return True


def are_refused_alike(answers: Iterable[Answer | NoAnswer], reply: Reply) -> bool:
    """Return True if all pages were refused with the status of `reply`; a reply that broke off is never alike."""
    return reply.complete and all(
        isinstance(each, Answer) and each.reply.complete and each.reply.status == reply.status for each in answers
    )


def _refusal(reply: Reply) -> _Refusal:
    return reply.status, read_errors(reply)
