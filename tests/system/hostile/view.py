"""The honest answers of the hostile server: echoes, single records and pages, as its temper shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.system.hostile.temper import Temper
from tests.system.hostile.truth import Asked, Truth

PAGE: Final = 25
"""Records of a page, unless the query or the temper says fewer."""

Document = dict[str, Any]


@dataclass(slots=True)
class View:
    """Shows the records of a truth. `url` is the origin that links begin with, `dice` choose how stale a read is."""

    truth: Truth
    temper: Temper
    dice: Random
    url: str = ""

    def echo(self, asked: Asked) -> Document:
        """Return the reply to an update, as if it had been carried out at once."""
        sent = asked.data.get("attributes", {}) if asked.body else {}
        record = self.truth.records[asked.id]
        added = filter(None, sent.get("_add_tags", "").split(","))
        reference = self.truth.stored(sent["reference"]) if "reference" in sent else record.reference
        kept = {name: value for name, value in sent.items() if not name.startswith("_")}
        return self._single(asked, {**kept, "reference": reference}, tuple(dict.fromkeys((*record.tags, *added))))

    def read(self, asked: Asked, now: float) -> Document:
        """Return the reply to a read, as of some moment within the lag."""
        if asked.id:
            reference, tags = self._as_of(asked.id, now)
            return self._single(asked, {"reference": reference}, tags)
        return self._page(asked, now)

    def stale(self, asked: Asked) -> Document:
        """Return the record as it is before the update takes effect."""
        record = self.truth.records[asked.id]
        return self._single(asked, {"reference": record.reference}, tuple(record.tags))

    def _as_of(self, resource_id: str, now: float) -> tuple[str | None, tuple[str, ...]]:
        behind = self.temper.lag and self.dice.random() < 0.5
        return self.truth.records[resource_id].as_of(now - self.dice.uniform(0, self.temper.lag) if behind else now)

    def _page(self, asked: Asked, now: float) -> Document:
        """One page of what the filter lets pass, if the server heeds it, and where the others are."""
        ids = list(self.truth.records) if self.temper.ignores_filters else asked.ids
        there = [each for each in ids if each in self.truth.records and self._is_listed(each, now)]
        size = min(int(asked.query("page[size]", str(PAGE))), self.temper.page_cap or PAGE)
        number, pages = int(asked.query("page[number]", "1")), -(-len(there) // size)
        shown = there[(number - 1) * size : number * size]
        data = [self._resource(asked.type, each, *self._shown(each, now)) for each in shown]
        following = f"{self.url}/api/{asked.type}?filter[q][id_in]={','.join(asked.ids)}&page[size]={size}"
        links = {"next": f"{following}&page[number]={number + 1}"} if number < pages else {}
        meta = {"record_count": len(there), "page_count": pages}
        return {"data": data, "links": links, "meta": meta, **self._included(shown)}

    def _shown(self, resource_id: str, now: float) -> tuple[Mapping[str, Any], Sequence[str]]:
        reference, tags = self._as_of(resource_id, now)
        return {"reference": reference}, tags

    def _is_listed(self, resource_id: str, now: float) -> bool:
        """Whether the index knows the record again after its last change."""
        past = self.truth.records[resource_id].past
        changed = bool(past) and now < past[-1][0] + self.temper.index_lag
        return not changed or self.dice.random() < 0.5

    def _single(self, asked: Asked, attributes: Mapping[str, Any], tags: Sequence[str]) -> Document:
        return {"data": self._resource(asked.type, asked.id, attributes, tags), **self._included([asked.id])}

    @staticmethod
    def _resource(kind: str, resource_id: str, attributes: Mapping[str, Any], tags: Sequence[str]) -> Document:
        shown = {"reference": None, "reference_origin": None, "metadata": {}, **attributes}
        links = {"tags": {"data": [{"type": "tags", "id": name} for name in tags]}}
        return {"type": kind, "id": resource_id, "attributes": shown, "relationships": links, "meta": {"mode": "test"}}

    def _included(self, ids: Sequence[str]) -> Document:
        names = sorted({"vip", *(tag for each in ids for tag in self.truth.records[each].tags)})
        return {"included": [{"type": "tags", "id": name, "attributes": {"name": name}} for name in names]}
