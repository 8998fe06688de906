"""What was read of a record, as an update of it is built on it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from jobs.apis.described.fields import FieldRule
from jobs.model import ABSENT, Live
from jobs.names import Steps, name_of
from jobs.places import at
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Basis:
    """A record as a reply showed it.

    Attributes:
        record: the whole of it.
        headers: of the reply, if it was about this record alone; names in lower case.
        values: where the record holds its fields.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    values: Steps = ()


_NOTHING = Basis()


@valueclass(frozen=True, slots=True)
class Before:
    """The state that an update replaces, as far as it was read.

    Attributes:
        live: values of the fields that the row is about; None in a blind run.
        basis: the whole record, where an update is built on more than these.
    """

    live: Live | None
    basis: Basis

    @property
    def was_read(self) -> bool:
        """Whether anything is known of the record."""
        return self.live is not None

    @property
    def fields(self) -> Any:
        """The object that holds the fields, as it was read; empty where only single fields are known."""
        return at(self.basis.record, self.basis.values)

    def wire(self, rule: FieldRule) -> Any:
        """Return what the wire showed of a field, ABSENT where that is not known."""
        return at(self.fields, rule.steps) if rule.read_from is None else at(self.basis.record, rule.read_from)

    def at(self, steps: Steps) -> Any:
        """Return the value at a place among the fields, ABSENT where there was none."""
        if self.basis.record:
            return at(self.fields, steps)
        known = self.live.attributes if self.live is not None else {}
        name = name_of(steps)
        if name in known or len(steps) == 1:
            return known.get(name, ABSENT)
        return at(known.get(name_of(steps[:-1])), steps[-1:])


def before(live: Live | None) -> Before:
    """Return what an update is built on."""
    basis = live.basis if live is not None and isinstance(live.basis, Basis) else _NOTHING
    return Before(live, basis)
