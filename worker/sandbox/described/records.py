"""The records behind a described API. Types whose records have the same address share them, as by two formats."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from jobs.apis.description.model import Description, ResourceDescription
from jobs.apis.description.templates import TRANSFORMS, template
from worker.sandbox.described.fields import Fields
from worker.sandbox.described.filling import Found
from worker.sandbox.described.pointers import Steps, look, steps_to
from worker.sandbox.jsonapi import JSON

_OF_LISTS: Final = frozenset({"ids", "fields", "by", "value"})


@dataclass(frozen=True)
class Kind:
    """One type of records.

    Attributes:
        name: of the type.
        resource: what is said of it.
    """

    name: str
    resource: ResourceDescription

    @cached_property
    def fields(self) -> Fields:
        """Its fields."""
        return Fields(self.resource)

    @cached_property
    def address(self) -> str:
        """The path of its records without the names of variables: equal for types that share records."""
        parts = template(self.resource.path.partition("?")[0]).parts
        return "".join(part if isinstance(part, str) else "{}" for part in parts)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that a record is addressed by; the last one differs from record to record."""
        return tuple(name for name in template(self.resource.path).names if name not in _OF_LISTS)

    @cached_property
    def key(self) -> Steps:
        """Where the document of a record shows the last of them."""
        many, find, last = self.resource.read_many, self.resource.find, self.variables[-1]
        record = steps_to(self.resource.record)
        if many or find:
            return (*record, *steps_to(many.id if many else find.id if find else ""))
        named = (steps for steps in self.fields.listed if steps[-1] == last)
        return next((self.fields.shown_at(steps) for steps in named), (*record, last))


@dataclass(slots=True)
class Record:
    """One record.

    Attributes:
        outer: values of the variables of its address but the last, in their order.
        document: as a read of it alone shows it.
        version: how often it has been changed, and once for its making.
        hidden: what no read shows, by name.
        fired: how often each action was asked for.
    """

    outer: tuple[str, ...]
    document: dict[str, Any]
    version: int = 1
    hidden: dict[str, Any] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)

    def shown(self, kind: Kind) -> dict[str, JSON]:
        """Return the record as `/_sandbox/resources` shows it."""
        return {
            "type": kind.name,
            "id": key_of(self, kind),
            "key": dict(zip(kind.variables, (*self.outer, key_of(self, kind)), strict=True)),
            "document": self.document,
            "version": self.version,
            "hidden": self.hidden,
            "_sandbox_triggers": dict(self.fired),
        }


class Records:
    """All records of a described API, and its types of records."""

    def __init__(self, api: Description) -> None:
        self.kinds = {name: Kind(name, resource) for name, resource in api.resources.items()}
        self._by_address: dict[str, list[Record]] = {kind.address: [] for kind in self.kinds.values()}

    def of(self, kind: Kind) -> list[Record]:
        """Return the records of a type, in the order in which they were made."""
        return self._by_address[kind.address]

    def add(self, kind: Kind, record: Record) -> None:
        """Add a record."""
        self._by_address[kind.address].append(record)

    def sharing(self, kind: Kind) -> Iterator[Kind]:
        """Yield the types that share the records of one, itself included."""
        return (each for each in self.kinds.values() if each.address == kind.address)

    def within(self, kind: Kind, found: Found) -> list[Record]:
        """Return the records whose address has these values, as far as they are of variables but the last."""
        return [record for record in self.of(kind) if _fits(record, kind, found, kind.variables[:-1])]

    def at(self, kind: Kind, found: Found) -> Record | None:
        """Return the record whose whole address has these values."""
        if not any(name.partition(":")[0] == kind.variables[-1] for name in found):
            return None
        named = (record for record in self.of(kind) if _fits(record, kind, found, kind.variables))
        return next(named, None)


def key_of(record: Record, kind: Kind) -> str:
    """Return the value of the last variable of a record's address, as text."""
    return as_text(look(record.document, kind.key))


def as_text(value: object) -> str:
    """Return a value as addresses and forms write it."""
    return {True: "true", False: "false", None: ""}[value] if value is None or isinstance(value, bool) else str(value)


def _fits(record: Record, kind: Kind, found: Found, names: tuple[str, ...]) -> bool:
    values = _values(record, kind)
    for name, told in found.items():
        variable, *transforms = name.split(":")
        if variable in names and told != [_transformed(values[variable], transforms)]:
            return False
    return True


def _values(record: Record, kind: Kind) -> Mapping[str, str]:
    return dict(zip(kind.variables, (*record.outer, key_of(record, kind)), strict=True))


def _transformed(text: str, transforms: list[str]) -> str:
    for name in transforms:
        text = TRANSFORMS[name](text)
    return text
