"""The state file: resources and ledger in SQLite, one transaction a request."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from worker.sandbox.jsonapi import dumps
from worker.sandbox.ledger import Entry
from worker.sandbox.resources import Resource

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS resources (
    type TEXT NOT NULL, id TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (type, id)
);
CREATE TABLE IF NOT EXISTS ledger (n INTEGER PRIMARY KEY, entry BLOB NOT NULL);
"""


class State:
    """A SQLite file that outlives the sandbox, a killed one too. A power cut may damage it: it is only a sandbox."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_SCHEMA)

    def resources(self) -> list[Resource]:
        """Return every stored resource in the order in which each was first stored; none from a new file."""
        rows = self._connection.execute("SELECT document FROM resources ORDER BY rowid")
        return [_resource(document) for (document,) in rows]

    def entries(self) -> list[Entry]:
        """Return the ledger, oldest entry first."""
        return [Entry(**json.loads(entry)) for (entry,) in self._connection.execute("SELECT entry FROM ledger")]

    def add(self, resources: Iterable[Resource]) -> None:
        """Store the seeded resources."""
        with self._connection:
            self._connection.executemany(
                "INSERT INTO resources VALUES (?, ?, ?)",
                ((resource.type, resource.id, dumps(resource.document())) for resource in resources),
            )

    def commit(self, entry: Entry, changed: Resource | None) -> None:
        """Store one request: its entry and the record it changed, both or neither."""
        with self._connection:
            self._connection.execute("INSERT INTO ledger VALUES (?, ?)", (entry.n, dumps(entry.document())))
            if changed is not None:
                self._replace(changed)

    def put(self, changed: Resource) -> None:
        """Store a record whose change took effect after its request."""
        with self._connection:
            self._replace(changed)

    def _replace(self, changed: Resource) -> None:
        self._connection.execute(
            "UPDATE resources SET document = ? WHERE type = ? AND id = ?",
            (dumps(changed.document()), changed.type, changed.id),
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _resource(document: bytes) -> Resource:
    record = json.loads(document)
    return Resource(
        record["type"], record["id"], record["attributes"], record["relationships"], record["_sandbox_triggers"]
    )
