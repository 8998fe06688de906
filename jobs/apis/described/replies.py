"""What a reply shows of records: the fields that are asked for, and what updates are built on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.apis.described.basis import Basis
from jobs.apis.described.fields import FieldRules, element_of
from jobs.apis.description.model import ResourceDescription
from jobs.model import ABSENT, JSON, Absent, Fields, Live
from jobs.names import Steps, name_of, pointed
from jobs.places import at

_DEEPEST: Final = 6
"""Levels of objects whose members can be named."""


@dataclass(frozen=True)
class Reader:
    """Reads the replies about one resource.

    Attributes:
        name: of the resource.
        rules: of its fields.
        keeps_basis: every update needs more than the fields: the whole record, or its version.
        condition: headers (`@ETag`) and members (`/version`) of a read that every update must be conditional on.
    """

    name: str
    rules: FieldRules
    keeps_basis: bool
    condition: tuple[str, ...] = ()

    @property
    def _resource(self) -> ResourceDescription:
        return self.rules.resource

    def live(self, record: Mapping[str, Any], fields: Fields, headers: Mapping[str, str] | None = None) -> Live:
        """Return what a read shows of a record. What is absent from it is null, or empty, there."""
        values = at(record, pointed(self._resource.values))
        shown = dict(self._values(record, values, fields.attributes, in_full=True))
        basis = self._basis(record, fields, headers)
        lacks = tuple(name for name in self.condition if _is_no_version(read_at(name, basis))) if basis else ()
        return Live(self.name, shown, fields=fields, basis=basis, lacks=lacks)

    def echoed(self, record: Mapping[str, Any], names: Iterable[str]) -> Live:
        """Return what the reply to an update shows; what is absent from it says nothing."""
        values = at(record, pointed(self._resource.values))
        return Live(self.name, dict(self._values(record, values, names, in_full=False)))

    def all_fields(self, record: Mapping[str, Any]) -> dict[str, JSON]:
        """Return everything that a read shows: members by name, and those of objects in them by dotted names."""
        values = at(record, pointed(self._resource.values))
        names = dict.fromkeys(self.rules.described_names)
        names.update(dict.fromkeys(_names(values, (), _DEEPEST)))
        return dict(self._values(record, values, names, in_full=False))

    def record_in(self, document: object, pointer: str) -> Mapping[str, Any] | None:
        """Return the record at a place of a document; None for anything but an object."""
        found = at(document, pointed(pointer))
        return found if isinstance(found, dict) else None

    def needs_basis(self, fields: Fields) -> bool:
        """Return whether an update of these fields is built on more of the record."""
        return self.keeps_basis or any(map(self.rules.builds_on_more, fields.attributes))

    def _basis(self, record: Mapping[str, Any], fields: Fields, headers: Mapping[str, str] | None) -> Basis | None:
        if not self.needs_basis(fields):
            return None
        return Basis(record, headers or {}, pointed(self._resource.values))

    def _values(
        self, record: Mapping[str, Any], values: object, names: Iterable[str], *, in_full: bool
    ) -> Iterator[tuple[str, JSON]]:
        for name in names:
            rule = self.rules.rule(name)
            wire = at(values, rule.steps) if rule.read_from is None else at(record, rule.read_from)
            if isinstance(wire, Absent):
                if in_full and not rule.described.write_only and (rule.read_from or _may_hold(values, rule.steps)):
                    yield name, None
            elif self._resource.omits_empty and _is_empty(wire):
                yield name, None
            else:
                yield name, rule.decoded(wire)


def _may_hold(values: object, steps: Steps) -> bool:
    """Return whether something may be put at a place without taking the place of a value that holds nothing."""
    outer = (at(values, steps[:length]) for length in range(1, len(steps)))
    return all(each is None or isinstance(each, Mapping | Absent) for each in outer)


def read_at(name: str, basis: Basis) -> Any:
    """Return what a read showed at a place in the record, or in a header (`@ETag`); ABSENT where it showed nothing."""
    return basis.headers.get(name[1:].lower(), ABSENT) if name.startswith("@") else at(basis.record, pointed(name))


def _is_no_version(value: object) -> bool:
    """Return whether a value tells no version apart: many servers take null for the wish to skip the comparison."""
    return value is None or value == "" or isinstance(value, Absent)


def shown_key(record: Mapping[str, Any], place: Steps) -> str | None:
    """Return the text of what a record shows as its id; None where it shows none."""
    value = at(record, place)
    return None if isinstance(value, Absent | dict | list) or value is None else element_of(value)


def _is_empty(value: object) -> bool:
    return value is False or (value in ("", 0) and not isinstance(value, bool)) or value in ([], {})


def _names(values: object, steps: Steps, levels: int) -> Iterator[str]:
    if not isinstance(values, Mapping) or not levels:
        return
    for name, value in values.items():
        yield name_of((*steps, name))
        yield from _names(value, (*steps, name), levels - 1)
