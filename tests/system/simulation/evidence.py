"""What a simulated run leaves for the judge: what the user reads, what the journal holds, what server and wire saw."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.system.simulation.network import Flight
from worker.sandbox import LOCK_KEY, Entry, Resource


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored of one record, as far as sheets can change it. `tags` are names."""

    reference: object
    metadata: Mapping[str, object]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """One row as the reports tell it."""

    row: int
    id: str
    status: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Reports:
    """The four files.

    Attributes:
        failed: numbers of the rows in `failed.*`.
        counts: of `summary.json`, without zeros.
        patches: of `summary.json`, like `state` and `exit_status`.
    """

    csv: Sequence[Told]
    ndjson: Sequence[Told]
    failed: Sequence[int]
    counts: Mapping[str, int]
    patches: int
    state: str
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of the journal."""

    row: int
    n: int
    process: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it.

    Attributes:
        opened: for every process that was killed or abandoned, the attempts (row, n) it left open.
        consents: how often the user consented to send a row again that may have been applied.
        before, after: records by id, those in no row included.
        ended: state and exit status as the last process returned them.
        story: what befell the run, one line an event.
    """

    reports: Reports
    attempts: Sequence[Attempt]
    ledger: Sequence[Entry]
    flights: Sequence[Flight]
    before: Mapping[str, Record]
    after: Mapping[str, Record]
    ended: tuple[str, int]
    opened: Sequence[frozenset[tuple[int, int]]] = ()
    consents: Mapping[int, int] = field(default_factory=dict)
    story: Sequence[str] = ()
    raw: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def patches(self) -> list[Entry]:
        return [entry for entry in self.ledger if entry.method == "PATCH"]

    def digest(self) -> str:
        """One number for everything that happened, down to the bytes of the reports."""
        whole = hashlib.sha256()
        for entry in self.ledger:
            whole.update(json.dumps(entry.document()).encode())
        for line in self.story:
            whole.update(line.encode())
        for flight in self.flights:
            whole.update(f"{flight.client} {flight.at!r} {flight.began} {flight.ended} {flight.status}".encode())
        for name in sorted(self.raw):
            whole.update(self.raw[name])
        return whole.hexdigest()


def record_of(resource: Resource, tags: Mapping[str, str]) -> Record:
    """The record in the judge's terms; `tags` are names by id."""
    links = resource.relationships.get("tags") or []
    metadata = resource.attributes.get("metadata")
    assert isinstance(links, list)
    return Record(
        resource.attributes.get("reference"),
        {key: value for key, value in metadata.items() if key != LOCK_KEY} if isinstance(metadata, Mapping) else {},
        frozenset(tags[str(link["id"])] for link in links if isinstance(link, Mapping)),
    )
