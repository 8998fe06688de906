"""What was read of a record besides the values of its fields: what an update of it may be built on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.apis.described.names import Steps
from jobs.apis.described.places import at, copied
from jobs.model import Live


@dataclass(frozen=True, slots=True)
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

    @property
    def fields(self) -> dict[str, Any]:
        """A copy of the object that holds the fields."""
        return copied(at(self.record, self.values))


_NOTHING = Basis()


def basis_of(live: Live | None) -> Basis:
    """Return what an update is built on; nothing in a blind run."""
    return live.basis if live is not None and isinstance(live.basis, Basis) else _NOTHING
