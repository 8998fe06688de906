"""What the hostile server knows to be true: its records, and every request that reached it. It never lies to itself."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request whose head arrived; `body` is empty as long as the body has not."""

    method: str
    target: str
    body: bytes = b""

    @property
    def path(self) -> list[str]:
        """Segments after `/api`, decoded."""
        return [unquote(part) for part in urlsplit(self.target).path.split("/")[2:]]

    @property
    def type(self) -> str:
        return self.path[0]

    @property
    def id(self) -> str:
        """Of a single record, else empty."""
        return self.path[1] if len(self.path) > 1 else ""

    @property
    def ids(self) -> list[str]:
        """Of a page."""
        return parse_qs(urlsplit(self.target).query).get("filter[q][id_in]", [""])[0].split(",")

    @property
    def data(self) -> dict[str, Any]:
        """The resource object that was sent."""
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the ledger. `evil` names what befell the request, `applied` says whether it was carried out."""

    at: float
    method: str
    id: str
    evil: str
    applied: bool


@dataclass(slots=True)
class Record:
    """One record, and how often its trigger fired."""

    reference: str | None = None
    tags: list[str] = field(default_factory=list)
    fired: int = 0
    written: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Truth:
    """The state behind the server.

    Attributes:
        records: by id; an id that nobody put here does not exist.
        connections: accepted so far. `killed`: of those, closed before anything was read.
        in_flight: PATCHes that arrived and are neither answered nor given up; `most_in_flight` is the record.
        most_poured: bytes of the longest reply, as far as the client took it.
    """

    records: dict[str, Record] = field(default_factory=dict)
    ledger: list[Seen] = field(default_factory=list)
    arrivals: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    killed: int = 0
    in_flight: set[object] = field(default_factory=set)
    most_in_flight: int = 0
    most_poured: int = 0

    def patches(self, resource_id: str) -> list[Seen]:
        """PATCHes of one record that reached the server."""
        return [seen for seen in self.ledger if seen.method == "PATCH" and seen.id == resource_id]

    def apply(self, asked: Asked) -> None:
        """Carry a PATCH out."""
        record, attributes = self.records[asked.id], asked.data.get("attributes", {})
        if "reference" in attributes:
            record.reference = attributes["reference"]
            record.written.append(attributes["reference"])
        record.fired += "_capture" in attributes
        for name in filter(None, attributes.get("_add_tags", "").split(",")):
            if name in record.tags:
                record.fired += 1  # added twice: that must not happen either
            else:
                record.tags.append(name)

    def document(self, asked: Asked, applied: dict[str, Any] | None = None) -> dict[str, Any]:
        """The honest answer to a request; `applied` are the attributes it reports as stored, None for those stored."""
        if asked.id:
            return {"data": self._resource(asked.type, asked.id, applied), **self._included([asked.id])}
        there = [each for each in asked.ids if each in self.records]
        return {"data": [self._resource(asked.type, each, None) for each in there], **self._included(there)}

    def _resource(self, kind: str, resource_id: str, applied: dict[str, Any] | None) -> dict[str, Any]:
        record = self.records[resource_id]
        attributes = {"reference": record.reference, "reference_origin": None, "metadata": {}} | (applied or {})
        links = {"tags": {"data": [{"type": "tags", "id": name} for name in self._tags(resource_id, applied)]}}
        shown = {name: value for name, value in attributes.items() if not name.startswith("_")}
        return {"type": kind, "id": resource_id, "attributes": shown, "relationships": links, "meta": {"mode": "test"}}

    def _tags(self, resource_id: str, applied: dict[str, Any] | None = None) -> list[str]:
        added = filter(None, (applied or {}).get("_add_tags", "").split(","))
        return list(dict.fromkeys((*self.records[resource_id].tags, *added)))

    def _included(self, ids: list[str]) -> dict[str, Any]:
        return {"included": list(self._tag_resources(ids))}

    def _tag_resources(self, ids: list[str]) -> Iterator[dict[str, Any]]:
        for name in sorted({*("vip",), *(tag for each in ids for tag in self.records[each].tags)}):
            yield {"type": "tags", "id": name, "attributes": {"name": name}}
