"""Look up the records of references: in pages, and in smaller ones if a page may be incomplete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.apis.api import Api, Matches
from jobs.model import Reply
from worker.lane.pages import MAX_FRUITLESS_READS, NOT_ALLOWED, SPLIT, About, Answer, Ask, NoAnswer, are_refused_alike

Ids = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class ReferencePages:
    """Looks up references. Remembers, by type, how many fit on a page and with which status pages were refused."""

    api: Api
    ask: Ask
    _most: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)

    async def read(self, type_name: str, references: Sequence[str]) -> Ids:
        """Return, for each reference, the ids of its records; a reference that could not be looked up is left out."""
        found: dict[str, tuple[str, ...]] = {}
        for page in self.api.key_pages(references, self._most.get(type_name, self.api.key_page)):
            found.update(await self._take(type_name, page, await self._page(type_name, page)))
        return found

    async def _page(self, type_name: str, page: Sequence[str]) -> Answer | NoAnswer:
        return await self.ask(self.api.resource(type_name).find(page), About(type_name, ()), patient=True)

    async def _take(self, type_name: str, page: Sequence[str], answer: Answer | NoAnswer) -> Ids:
        """Take the records that a page shows, and ask again for the rest."""
        if isinstance(answer, NoAnswer):
            return {}
        matches = self.api.resource(type_name).matches(answer.reply, page)
        if matches is None:
            return await self._refuse(type_name, page, answer.reply)
        self._refused.pop(type_name, None)
        if matches.complete:
            return matches.ids
        if len(page) == 1:
            return _beyond_doubt(matches)
        if matches.most:
            self._most[type_name] = matches.most
        found: dict[str, tuple[str, ...]] = {}
        for part in self.api.key_pages(page, matches.most or len(page) // 2):
            found.update(await self._take(type_name, part, await self._page(type_name, part)))
        return found

    async def _refuse(self, type_name: str, page: Sequence[str], reply: Reply) -> Ids:
        """Read a page that was refused, or broke off, in halves; if both are refused alike, one by one."""
        if len(page) == 1 or (reply.complete and reply.status not in SPLIT):
            return {}
        if not reply.complete or self._refused.get(type_name) != reply.status:
            halves = (page[: len(page) // 2], page[len(page) // 2 :])
            answers = [await self._page(type_name, half) for half in halves]
            if not are_refused_alike(answers, reply):
                first, second = [await self._take(type_name, *each) for each in zip(halves, answers, strict=True)]
                return {**first, **second}
            self._refused[type_name] = reply.status
        return {} if reply.status in NOT_ALLOWED else await self._one_by_one(type_name, page)

    async def _one_by_one(self, type_name: str, page: Sequence[str]) -> Ids:
        found: dict[str, tuple[str, ...]] = {}
        in_vain = 0
        for reference in page:
            ids = await self._take(type_name, [reference], await self._page(type_name, [reference]))
            found.update(ids)
            in_vain = 0 if ids else in_vain + 1
            if in_vain == MAX_FRUITLESS_READS:
                break
        return found


def _beyond_doubt(matches: Matches) -> Ids:
    """Return the references that already have two records on a page that was cut off: more would change nothing."""
    return {reference: ids for reference, ids in matches.ids.items() if len(ids) > 1}
