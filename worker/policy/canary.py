"""The first updates of a type, sent alone and read back in full: did what was sent stick, and nothing else change?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps
from typing import Final

from jobs.apis.schema import ResourceType, Schema
from jobs.changes.diff import Change
from jobs.changes.edits import column_of, sides
from jobs.changes.taken import is_emptied
from jobs.model import ABSENT, JSON, Edit, Live, Status
from jobs.names import Steps, name_of, steps_of
from jobs.texts import shortened

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
        if reason == "not_taken":
            return "the API confirmed an update of this type, and the record does not hold it"
        first = self._reasons[0]
        if self.left or first not in TYPE_WIDE or set(self._reasons) != {first}:
            return ""
        count = len(self._reasons)
        return f"the API refused the first {count} updates of this type, all alike ({first})"


def unstuck(edits: Iterable[Edit], after: Mapping[str, JSON], schema: Schema) -> tuple[str, ...]:
    """Name the attributes that were sent and do not hold their new value.

    Args:
        edits: what was sent, with the forms in which the reply shows it as stored.
        after: all attributes as they were read right after.
        schema: says which forms of a value are the same.
    """
    live = Live("", after)
    sent = (edit for edit in edits if edit.path[0] == "attributes")
    return tuple(column_of(edit) for edit in sent if not sides((edit,), live, schema) <= {"after"})


def strayed(kind: ResourceType | None, change: Change, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> str:
    """Say what an update changed of its record besides what was sent; an empty text for nothing.

    Args:
        kind: what the catalogue knows of the type. Only attributes that can be written are looked at: others, such as
            `updated_at`, are the API's own business.
        change: what was sent.
        before: all attributes as they were read right before.
        after: all attributes as they were read right after.
    """
    known = kind.attributes if kind else {}
    if any(name.startswith("_") or (name in known and known[name].action) for name in change.attributes):
        return ""  # a trigger is meant to change more than is sent
    sent = {steps_of(name)[0] for name in change.attributes}
    for name in known:
        if steps_of(name)[0] in sent or name not in before or name not in after:
            continue
        if before[name] != after[name]:
            return f"`{name}` was not sent and has changed (by the update, or by somebody else at the same moment)"
    return ""


@dataclass(frozen=True, slots=True)
class Loss:
    """What an update emptied of its record besides what was sent.

    Attributes:
        said: names and old values, and why they are gone; empty where nothing is.
        edits: what an undo has to put back.
    """

    said: str = ""
    edits: tuple[Edit, ...] = ()


def vanished(kind: ResourceType | None, change: Change, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> Loss:
    """Return what an update emptied of its record besides what was sent.

    A description that says of a server that it keeps what is not sent is wrong here before it is wrong a thousand
    times. A single field that empties beside another one is the API's own business: an issue that is open again has no
    reason for being closed.

    Args:
        kind: what is known of the type; fields that no update can carry are not looked at.
        change: what was sent.
        before: everything that was read right before, members of objects by dotted names.
        after: the same, right after.
    """
    sent = {steps_of(name) for name in change.attributes if not any(edit.path[1:2] == (name,) for edit in change.edits)}
    sent |= {(*steps_of(edit.path[1]), *edit.path[2:]) for edit in change.edits}
    empty = (name for name, value in before.items() if is_emptied(value, after.get(name)))
    emptied = [name for name in empty if not (_is_sent(steps_of(name), sent) or _is_read_only(name, kind))]
    lost = [name for name in emptied if before[name] not in _EMPTY]
    inside = [name for name in lost if any(len(each) > 1 and each[:1] == steps_of(name)[:1] for each in sent)]
    if inside:
        tops = {steps_of(name)[0] for name in inside}
        said = f'the API replaces the object; its description has to say merge = "replace"; {_BACK}'
        emptied = [name for name in emptied if steps_of(name)[0] in tops]
        return Loss(f"{_were(inside, before)} not sent and gone now: {said}", tuple(_lost(emptied, before, after)))
    whole = [name for name in lost if len(steps_of(name)) == 1]
    if len(whole) > 1:
        said = f'the API replaces the record; its description has to say send = "record"; {_BACK}'
        return Loss(f"{_were(whole, before)} not sent and gone now: {said}", tuple(_lost(emptied, before, after)))
    return Loss()


def _lost(names: Sequence[str], before: Mapping[str, JSON], after: Mapping[str, JSON]) -> Iterator[Edit]:
    """Yield the edits of what is gone: an object that is gone as a whole is one."""
    gone = {steps_of(name): name for name in names}
    for steps, name in gone.items():
        if any(steps[:length] in gone for length in range(1, len(steps))):
            continue
        member = ("attributes", name_of(steps[:-1]), steps[-1])
        path = member if len(steps) > 1 else ("attributes", name)
        yield Edit(path, before[name], before[name], after.get(name, ABSENT if len(steps) > 1 else None))


_BACK: Final = "`rowpatch undo` puts that back"

_EMPTY: Final[tuple[JSON, ...]] = (None, "", [], {})
"""What is as good as gone."""

_LISTED: Final = 5


def _were(names: Sequence[str], before: Mapping[str, JSON]) -> str:
    """Return what was lost, with its values, so that somebody can put it back."""
    listed = [f"`{name}` (was {shortened(dumps(before[name], ensure_ascii=False, default=str))})" for name in names]
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more + (" was" if len(listed) == 1 else " were")


def _is_sent(steps: Steps, sent: Iterable[Steps]) -> bool:
    return any(steps[: len(each)] == each or each[: len(steps)] == steps for each in sent)


def _is_read_only(name: str, kind: ResourceType | None) -> bool:
    steps = steps_of(name)
    rules = (kind.members.rule(steps[:length]) for length in range(1, len(steps) + 1)) if kind is not None else ()
    return any(rule is not None and rule.read_only for rule in rules)
