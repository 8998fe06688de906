"""The first updates of a type, sent alone and read back in full: did what was sent stick, and nothing else change?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from jobs.catalogue import ResourceType, declared
from jobs.change import Change
from jobs.echo import same
from jobs.model import JSON, Status

TYPE_WIDE: Final = frozenset({"not_found", "not_updatable", "not_authorized", "bad_request"})
"""Refusals of records that have just been read: they are about the type, not about the record."""


@dataclass(slots=True)
class Canary:
    """How far one type has come.

    Attributes:
        left: updates still to be sent alone.
        busy: one of them is under way.
    """

    left: int
    busy: bool = False
    _reasons: list[str] = field(default_factory=list)

    def settled(self, status: Status, reason: str) -> str:
        """One of them was settled; why the type had better not go on, or an empty text."""
        self.busy = False
        self.left -= 1
        self._reasons.append(reason if status is Status.REJECTED else "")
        first = self._reasons[0]
        if self.left or first not in TYPE_WIDE or set(self._reasons) != {first}:
            return ""
        count = len(self._reasons)
        return f"the API refused the first {count} updates of this type, all alike ({first})"


def strayed(kind: ResourceType | None, change: Change, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> str:
    """What an update did to its record that it should not have, or an empty text.

    Args:
        kind: what the catalogue knows of the type. Only attributes that can be written are looked at: others, such as
            `updated_at`, are the API's own business.
        change: what was sent.
        before: all attributes as they were read right before.
        after: all attributes as they were read right after.
    """
    for name, sent in change.attributes.items():
        if name in after and not same(sent, after[name], declared(name)):
            return f"`{name}` was sent and did not stick: the record holds another value"
    if any(name.startswith("_") for name in change.attributes):
        return ""  # a trigger is meant to change more than is sent
    for name in kind.attributes if kind else ():
        if name in change.attributes or name not in before or name not in after:
            continue
        if before[name] != after[name]:
            return f"`{name}` was not sent and has changed (by the update, or by somebody else at the same moment)"
    return ""
