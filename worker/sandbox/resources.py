"""The records behind the API: immutable resources in a store by concrete type and id."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from worker.sandbox.jsonapi import JSON
from worker.sandbox.schema import SCHEMA


@dataclass(frozen=True, slots=True)
class Resource:
    """One record. An update makes a new one.

    Attributes:
        type: the concrete type, never an abstract one.
        attributes: every readable attribute, null ones included.
        relationships: linkage by relationship name: null, a resource identifier object, or a list of them.
        triggers: how often each write-only trigger was fired. Never part of an API reply.
    """

    type: str
    id: str
    attributes: Mapping[str, JSON]
    relationships: Mapping[str, JSON] = field(default_factory=dict)
    triggers: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, JSON]:
        """Return the stored record as `/_sandbox/resources` and the state file show it."""
        return {
            "type": self.type,
            "id": self.id,
            "attributes": dict(self.attributes),
            "relationships": dict(self.relationships),
            "_sandbox_triggers": dict(self.triggers),
        }


class Store:
    """Every record, by concrete type and id, in the order they were added."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self.by_type: dict[str, dict[str, Resource]] = {}
        for resource in resources:
            self.put(resource)

    def __iter__(self) -> Iterator[Resource]:
        for records in self.by_type.values():
            yield from records.values()

    def put(self, resource: Resource) -> None:
        """Add or replace one record."""
        self.by_type.setdefault(resource.type, {})[resource.id] = resource

    def get(self, type_name: str, key: str) -> Resource | None:
        """Return the record of that id; an abstract type stands for all of its concrete ones."""
        for concrete in concrete_types(type_name):
            found = self.by_type.get(concrete, {}).get(key)
            if found is not None:
                return found
        return None

    def of_type(self, type_name: str) -> list[Resource]:
        """Return all records of a type; an abstract type stands for all of its concrete ones."""
        return [record for concrete in concrete_types(type_name) for record in self.by_type.get(concrete, {}).values()]

    def holds(self, type_name: str) -> bool:
        """Return whether the store has any record of that type."""
        return any(self.by_type.get(concrete) for concrete in concrete_types(type_name))

    def tag_ids(self) -> dict[str, str]:
        """Return the ids of the tags, by name."""
        return {str(tag.attributes["name"]): tag.id for tag in self.by_type.get("tags", {}).values()}


def concrete_types(type_name: str) -> tuple[str, ...]:
    """Return the concrete types that a type name stands for."""
    kind = SCHEMA.resource_type(type_name)
    return (kind.abstract_over if kind else ()) or (type_name,)


def timestamp(seconds: float) -> str:
    """Format seconds since 1970 as the API does: UTC with milliseconds and a `Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
