"""What an update took from a record besides what it says: values that it did not set, and that are gone after it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from jobs.apis.schema import ResourceType, Schema
from jobs.changes.diff import Change
from jobs.changes.paths import place_of
from jobs.model import ABSENT, JSON, Absent, Edit, Live, Path
from jobs.names import Steps, name_of, steps_of

_EMPTY: Final[tuple[JSON | Absent, ...]] = (ABSENT, None, "", [], {})
"""What is as good as gone."""


def is_gone(before: JSON | Absent, after: JSON | Absent) -> bool:
    """Return whether nothing, or another empty value, stands where a value was; an empty one counts as a value, too."""
    return before is not None and before is not ABSENT and after in _EMPTY and before != after


def felt(lost: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the losses of values that were not empty.

    An API that turns an empty text into null has lost nothing. But what is gone beside a loss that is felt is put back
    with it, so that an undo leaves the record as it was.
    """
    return tuple(edit for edit in lost if edit.before not in _EMPTY)


def loss_of(steps: Steps, before: JSON, after: JSON | Absent) -> Edit:
    """Return the loss of a value as an edit, so that an undo puts it back. Of a whole field, absent is null."""
    if len(steps) == 1:
        return Edit(("attributes", name_of(steps)), before, None if isinstance(after, Absent) else after)
    return Edit(("attributes", name_of(steps[:-1]), steps[-1]), before, after)


def lost_members(change: Change, shown: Live, schema: Schema) -> tuple[Edit, ...]:
    """Return the members of the objects in a change that it did not set, and that are gone from what is shown.

    A server that replaces an object drops the members that are not sent; a description that says that it keeps them
    is wrong. Commerce Layer stores an object as it is sent: there is nothing to look for.

    Args:
        change: what was sent; its objects hold all members that were there before.
        shown: the record after it, as far as the reply or a read shows it.
        schema: of the API.
    """
    if schema.grammar == "attributes":
        return ()
    own = {place_of(edit.path)[1:] for edit in change.edits}
    kind = schema.resource_type(shown.type)
    lost = {  # by path, since a change may hold an object, and one in it
        edit.path: edit
        for name, sent in change.attributes.items()
        if name in shown.attributes
        for steps, edit in _losses(steps_of(name), sent, shown.attributes[name], own)
        if not is_read_only(steps, kind)
    }
    return tuple(lost.values()) if felt(lost.values()) else ()


def is_read_only(steps: Steps, kind: ResourceType | None) -> bool:
    """Return whether a value is the API's own business: no update can carry it, or what it is in."""
    rules = (kind.members.rule(steps[:length]) for length in range(1, len(steps) + 1)) if kind is not None else ()
    return any(rule is not None and rule.read_only for rule in rules)


def _losses(steps: Steps, before: JSON, after: JSON, own: Collection[Path]) -> Iterator[tuple[Steps, Edit]]:
    """Yield what is gone within a value, and where, but for what the change itself sets."""
    if steps in own or not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return
    for key, value in before.items():
        place, left = (*steps, key), after.get(key, ABSENT)
        is_own = any(each[: len(place)] == place for each in own)
        if isinstance(left, Mapping) and (left or is_own):
            yield from _losses(place, value, left, own)
        elif is_gone(value, left) and not is_own:
            yield place, loss_of(place, value, left)
