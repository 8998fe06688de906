"""Look up the records of references: in pages, and in smaller ones if a page may be incomplete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.apis.api import Api, Matches
from jobs.model import Reply
from jobs.values import valueclass
from worker.lane.pages import MAX_FRUITLESS_READS, NOT_ALLOWED, SPLIT, About, Answer, Ask, NoAnswer, are_refused_alike
from worker.policy.wording import why_not


@valueclass(frozen=True, slots=True)
class Referenced:
    """What looking up references found.

    Attributes:
        ids: of the records, by reference.
        failed: why a reference could not be looked up, by reference.
    """

    ids: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def fail(self, references: Iterable[str], why: str) -> None:
        """Note why references could not be looked up."""
        self.failed.update(dict.fromkeys(references, why))


@dataclass(slots=True)
class ReferencePages:
    """Looks up references. Remembers, by type, how many fit on a page and with which status pages were refused."""

    api: Api
    ask: Ask
    _most: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)

    async def read(self, type_name: str, references: Sequence[str]) -> Referenced:
        """Return, for each reference, the ids of its records, or why it could not be looked up."""
        found = Referenced()
        for page in self.api.key_pages(references, self._most.get(type_name, self.api.key_page)):
            await self._take(type_name, page, await self._page(type_name, page), found)
        return found

    async def _page(self, type_name: str, page: Sequence[str]) -> Answer | NoAnswer:
        return await self.ask(self.api.resource(type_name).find(page), About(type_name, ()), patient=True)

    async def _take(self, type_name: str, page: Sequence[str], answer: Answer | NoAnswer, found: Referenced) -> None:
        """Take the records that a page shows, and ask again for the rest."""
        if isinstance(answer, NoAnswer):
            found.fail(page, answer.why)
            return
        matches = self.api.resource(type_name).matches(answer.reply, page)
        if matches is None:
            await self._refuse(type_name, page, answer.reply, found)
            return
        self._refused.pop(type_name, None)
        if matches.complete:
            found.ids.update(matches.ids)
        elif len(page) == 1:
            ids = _beyond_doubt(matches)
            found.ids.update(ids)
            found.fail(page[len(ids) :], _CUT_OFF)
        else:
            if matches.most:
                self._most[type_name] = matches.most
            for part in self.api.key_pages(page, matches.most or len(page) // 2):
                await self._take(type_name, part, await self._page(type_name, part), found)

    async def _refuse(self, type_name: str, page: Sequence[str], reply: Reply, found: Referenced) -> None:
        """Read a page that was refused, or broke off, in halves; if both are refused alike, one by one."""
        if len(page) == 1 or (reply.complete and reply.status not in SPLIT):
            found.fail(page, _why(reply))
            return
        if not reply.complete or self._refused.get(type_name) != reply.status:
            halves = (page[: len(page) // 2], page[len(page) // 2 :])
            answers = [await self._page(type_name, half) for half in halves]
            if not are_refused_alike(answers, reply):
                for half, answer in zip(halves, answers, strict=True):
                    await self._take(type_name, half, answer, found)
                return
            self._refused[type_name] = reply.status
        if reply.status in NOT_ALLOWED:
            found.fail(page, _why(reply))
        else:
            await self._one_by_one(type_name, page, found)

    async def _one_by_one(self, type_name: str, page: Sequence[str], found: Referenced) -> None:
        in_vain = 0
        for place, reference in enumerate(page):
            await self._take(type_name, [reference], await self._page(type_name, [reference]), found)
            in_vain = 0 if reference in found.ids else in_vain + 1
            if in_vain == MAX_FRUITLESS_READS:
                found.fail(page[place + 1 :], found.failed[reference])
                break


_CUT_OFF: Final = "the page breaks off before its end"


def _why(reply: Reply) -> str:
    """Return why a reply is no use, in the server's own words if it refused."""
    if not reply.complete:
        return f"it answered {reply.status}, and the reply broke off"
    if reply.status in range(200, 300):
        return f"it answered {reply.status}, and shows no records where they should be"
    return why_not(reply)


def _beyond_doubt(matches: Matches) -> dict[str, tuple[str, ...]]:
    """Return the references that already have two records on a page that was cut off: more would change nothing."""
    return {reference: ids for reference, ids in matches.ids.items() if len(ids) > 1}
