"""What the hostile server knows to be true: its records, and every request that reached it. It never lies to itself."""

import json
from collections import Counter
from collections.abc import Callable
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
        return self.query("filter[q][id_in]").split(",")

    @property
    def data(self) -> dict[str, Any]:
        """The resource object that was sent."""
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found

    @property
    def wanted(self) -> str:
        """The reference that the request asks for, empty where it asks for none."""
        return str(self.data.get("attributes", {}).get("reference", "")) if self.body else ""

    def query(self, name: str, default: str = "") -> str:
        """Return one parameter of the query string."""
        return parse_qs(urlsplit(self.target).query).get(name, [default])[0]


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the ledger.

    Attributes:
        evil: what befell the request. `applied`: whether it was, or will be, carried out.
        wanted: the reference that it asked for, empty where its body was not read.
        lands: loop time at which it is carried out.
    """

    at: float
    method: str
    id: str
    evil: str
    applied: bool
    wanted: str = ""
    lands: float = 0.0


@dataclass(slots=True)
class Record:
    """One record, and how often its trigger fired.

    Attributes:
        written: the references that were carried out, as they were sent, in order.
        past: what it was before each change: the moment of the change, reference and tags.
    """

    reference: str | None = None
    tags: list[str] = field(default_factory=list)
    fired: int = 0
    written: list[str] = field(default_factory=list)
    past: list[tuple[float, str | None, tuple[str, ...]]] = field(default_factory=list)

    def as_of(self, moment: float) -> tuple[str | None, tuple[str, ...]]:
        """Return reference and tags at a loop time."""
        for changed, reference, tags in self.past:
            if moment < changed:
                return reference, tags
        return self.reference, tuple(self.tags)


@dataclass(slots=True)
class Truth:
    """The state behind the server.

    Attributes:
        records: by id; an id that nobody put here does not exist.
        stored: the form in which a reference is kept.
        connections: accepted so far. `killed`: of those, closed before anything was read.
        in_flight: PATCHes that arrived and are neither answered nor given up; `most_in_flight` is the record.
        most_poured: bytes of the longest reply, as far as the client took it.
    """

    records: dict[str, Record] = field(default_factory=dict)
    ledger: list[Seen] = field(default_factory=list)
    stored: Callable[[str], str] = str
    arrivals: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    killed: int = 0
    in_flight: set[object] = field(default_factory=set)
    most_in_flight: int = 0
    most_poured: int = 0

    def patches(self, resource_id: str) -> list[Seen]:
        """PATCHes of one record that reached the server."""
        return [seen for seen in self.ledger if seen.method == "PATCH" and seen.id == resource_id]

    def apply(self, asked: Asked, now: float = 0.0) -> None:
        """Carry a PATCH out at a loop time."""
        record, attributes = self.records[asked.id], asked.data.get("attributes", {})
        record.past.append((now, record.reference, tuple(record.tags)))
        if "reference" in attributes:
            record.reference = self.stored(attributes["reference"])
            record.written.append(attributes["reference"])
        record.fired += "_capture" in attributes
        for name in filter(None, attributes.get("_add_tags", "").split(",")):
            if name in record.tags:
                record.fired += 1  # added twice: that must not happen either
            else:
                record.tags.append(name)
