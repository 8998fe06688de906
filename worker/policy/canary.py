"""The first updates of a type, sent alone and read back in full: did what was sent stick, and nothing else change?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from jobs.apis.schema import ResourceType, Schema
from jobs.changes.diff import Change
from jobs.changes.edits import column_of, sides
from jobs.changes.losses import felt, is_gone, is_read_only, loss_of
from jobs.model import ABSENT, JSON, Edit, Live, Status
from jobs.names import Steps, steps_of
from jobs.texts import shortened

TYPE_WIDE: Final = frozenset({"not_found", "not_updatable", "not_authorized", "bad_request"})
"""Refusals of records that have just been read: they are about the type, not about the record.

A 400 is one only if the API says the same of all of them: many APIs answer 400 to a value that one record cannot take.
"""

_NONE: Final = ("", "")
"""No refusal."""

_SAID: Final = 200
"""Characters of the API's own words that are shown."""


@dataclass(slots=True)
class Canary:
    """How far one type has come.

    Attributes:
        left: updates still to be sent alone.
        busy: one of them is under way.
    """

    left: int
    busy: bool = False
    _refusals: list[tuple[str, str]] = field(default_factory=list)

    def settled(self, status: Status, reason: str, message: str = "") -> str:
        """Note that one of them was settled; return why the type should not go on, or an empty text.

        Args:
            status: of its row.
            reason: of its row.
            message: of its row: the API's own words, if it was refused.
        """
        self.busy = False
        self.left -= 1
        words = message if reason == "bad_request" else ""
        self._refusals.append((reason, words) if status is Status.REJECTED else _NONE)
        if reason == "not_taken":
            return "the API confirmed an update of this type, and the record does not hold it"
        if self.left or reason not in TYPE_WIDE or len(set(self._refusals)) > 1:
            return ""
        said = f": {shortened(message, _SAID)}" if message else ""
        return f"the API refused the first {len(self._refusals)} updates of this type, all alike ({reason}){said}"


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


def vanished(
    kind: ResourceType | None, change: Change, before: Mapping[str, JSON], after: Mapping[str, JSON]
) -> tuple[Edit, ...]:
    """Return, as edits, what an update emptied of its record besides what was sent.

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
    gone = {steps_of(name): name for name, value in before.items() if is_gone(value, after.get(name, ABSENT))}
    lost = {steps: name for steps, name in gone.items() if not (_is_sent(steps, sent) or is_read_only(steps, kind))}
    losses = {
        steps: loss_of(steps, before[name], after.get(name, ABSENT))
        for steps, name in lost.items()
        if not any(steps[:length] in lost for length in range(1, len(steps)))
    }
    entered = {each[0] for each in sent if len(each) > 1}
    inside = tuple(loss for steps, loss in losses.items() if steps[0] in entered)
    whole = tuple(loss for steps, loss in losses.items() if len(steps) == 1)
    return (*(inside if felt(inside) else ()), *(whole if len(felt(whole)) > 1 else ()))


def _is_sent(steps: Steps, sent: Iterable[Steps]) -> bool:
    return any(steps[: len(each)] == each or each[: len(steps)] == steps for each in sent)
