"""The records of references: looked up in pages, in smaller ones where a page is not known to be whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.apis.api import Api, Matches
from jobs.model import Reply
from worker.lane.pages import ENOUGH, NOT_ALLOWED, SPLIT, Answer, Ask, NoAnswer, are_refused_alike

Ids = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class ReferencePages:
    """Looks references up. How many fit on a page of a type is remembered, and what its pages were refused with."""

    api: Api
    ask: Ask
    _most: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)

    async def read(self, type_name: str, references: Sequence[str]) -> Ids:
        """Ids of the records that have each of the references; one that could not be looked up is absent."""
        found: dict[str, tuple[str, ...]] = {}
        for page in self.api.key_pages(references, self._most.get(type_name, self.api.key_page)):
            found.update(await self._heed(type_name, page, await self._page(type_name, page)))
        return found

    async def _page(self, type_name: str, page: Sequence[str]) -> Answer | NoAnswer:
        return await self.ask(self.api.resource(type_name).find(page), patient=True)

    async def _heed(self, type_name: str, page: Sequence[str], answer: Answer | NoAnswer) -> Ids:
        """Take what a page shows, and ask again for what it leaves open."""
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
            found.update(await self._heed(type_name, part, await self._page(type_name, part)))
        return found

    async def _refuse(self, type_name: str, page: Sequence[str], reply: Reply) -> Ids:
        """Read a page that was refused, or broke off, in halves; one by one where these are refused alike."""
        if len(page) == 1 or (reply.complete and reply.status not in SPLIT):
            return {}
        if not reply.complete or self._refused.get(type_name) != reply.status:
            halves = (page[: len(page) // 2], page[len(page) // 2 :])
            answers = [await self._page(type_name, half) for half in halves]
            if not are_refused_alike(answers, reply):
                first, second = [await self._heed(type_name, *each) for each in zip(halves, answers, strict=True)]
                return {**first, **second}
            self._refused[type_name] = reply.status
        return {} if reply.status in NOT_ALLOWED else await self._one_by_one(type_name, page)

    async def _one_by_one(self, type_name: str, page: Sequence[str]) -> Ids:
        found: dict[str, tuple[str, ...]] = {}
        in_vain = 0
        for reference in page:
            ids = await self._heed(type_name, [reference], await self._page(type_name, [reference]))
            found.update(ids)
            in_vain = 0 if ids else in_vain + 1
            if in_vain == ENOUGH:
                break
        return found


def _beyond_doubt(matches: Matches) -> Ids:
    """What a page shows that was cut off: two records of one reference are too many anyway."""
    return {reference: ids for reference, ids in matches.ids.items() if len(ids) > 1}
