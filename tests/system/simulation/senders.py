"""Which row of a simulated sheet a PATCH is from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.system.simulation.sheet import REFERENCE, Sheet


@dataclass(slots=True)
class Senders:
    """Finds the rows that PATCHes are from, in the order they left.

    Where a record holds part of a row already, or a later row has overtaken part of it, only the rest is sent: the
    marker in its metadata may be another row's, and what differs from what was sent before, and not refused, tells
    whose it is.
    """

    sheet: Sheet
    _last: dict[str, tuple[Mapping[str, Any], int | None]] = field(default_factory=dict)
    _held: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def row_of(self, resource_id: str, body: Any, status: int) -> int | None:
        """Return the row that a PATCH is from that was answered so; None when no row of the sheet asks for it."""
        attributes = body["data"].get("attributes", {})
        metadata = attributes.get("metadata") or {}
        found = self._found(resource_id, _marker(body), attributes.get(REFERENCE), metadata)
        if metadata:
            self._last[resource_id] = metadata, found
            if not 400 <= status < 500:
                self._held[resource_id] = metadata
        return found

    def _found(
        self, resource_id: str, marker: int | None, reference: str | None, metadata: Mapping[str, Any]
    ) -> int | None:
        rows = [row for row in self.sheet.rows if row.id == resource_id and not row.ends]
        marked = [row.number for row in rows if (row.is_special if marker is None else marker == row.number)]
        detail = metadata.get("a")
        detailed = [row.number for row in rows if detail is not None and row.sets.get("metadata.a") == detail]
        last, sender = self._last.get(resource_id, ({}, None))
        before = self._held.get(resource_id, {})
        if metadata and reference is None:
            if metadata == last and sender is not None:
                return sender
            if detailed and metadata.get("by") == before.get("by") and detail != before.get("a"):
                return detailed[-1]
            number = metadata.get("n")
            numbered = [row.number for row in rows if number is not None and row.sets.get("metadata.n") == number]
            if numbered and metadata.get("by") == before.get("by") and number != before.get("n"):
                return numbered[-1]
        return next(iter([*marked, *detailed[-1:]]), None)


def _marker(body: Any) -> int | None:
    attributes = body["data"].get("attributes", {})
    for value in (attributes.get("reference"), (attributes.get("metadata") or {}).get("by")):
        if isinstance(value, str):
            return int(value.removeprefix("row "))
    return None
