"""What really happened: one entry a request, the judge of every test."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from worker.sandbox.jsonapi import JSON


@dataclass(frozen=True, slots=True)
class Entry:
    """One request to the API or the token endpoint.

    Attributes:
        n: 1-based number, in the order the requests were dealt with.
        at: loop time in seconds when the request had been read.
        path: the raw request target, query included.
        type: resource type of the URL, `id` its record; empty where there is none.
        body_sha256: hex digest of the body's bytes.
        body: the parsed JSON of the body, None when it is none or holds a credential.
        applied: whether the request changed, or confirmed, the record, or will do so at `lands_at`.
        status: HTTP status that was sent, 0 when the connection was reset instead.
        fault: name of the fault that struck, or of the oddity of the reply, or empty.
        lands_at: loop time in seconds at which the change takes effect; 0 when nothing was applied.
    """

    n: int
    at: float
    method: str
    path: str
    type: str
    id: str
    body_sha256: str
    body: JSON
    applied: bool
    status: int
    fault: str
    lands_at: float = 0.0

    def document(self) -> dict[str, JSON]:
        """Return the entry as `/_sandbox/ledger` and the state file show it."""
        return asdict(self)


class Ledger:
    """Every entry since the state began, oldest first."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = list(entries)

    @property
    def next_number(self) -> int:
        """The number of the next entry."""
        return len(self.entries) + 1

    def append(self, entry: Entry) -> None:
        """Add the entry, whose number must be the next."""
        self.entries.append(entry)

    def after(self, number: int) -> list[Entry]:
        """Return the entries whose number is above that one."""
        return self.entries[max(0, number) :]


def digest(body: bytes) -> str:
    """Return the SHA-256 of a body, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
