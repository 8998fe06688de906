"""What an update took from a record besides what it says: values that it did not set, and that are gone after it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from jobs.apis.schema import Schema
from jobs.changes.diff import Change
from jobs.changes.paths import place_of
from jobs.model import ABSENT, JSON, Absent, Edit, Live, Path
from jobs.names import Steps, name_of, steps_of

_EMPTY: Final[tuple[JSON | Absent, ...]] = (ABSENT, None, "", [], {})
"""What is as good as gone."""


def is_gone(before: JSON | Absent, after: JSON | Absent) -> bool:
    """Return whether a value is gone that was there before."""
    return after in _EMPTY and before not in _EMPTY


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
    return tuple(
        edit
        for name, sent in change.attributes.items()
        if name in shown.attributes
        for edit in _losses(steps_of(name), sent, shown.attributes[name], own)
    )


def _losses(steps: Steps, before: JSON, after: JSON, own: Collection[Path]) -> Iterator[Edit]:
    """Yield what is gone within a value, but for what the change itself sets."""
    if steps in own or not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return
    for key, value in before.items():
        place, left = (*steps, key), after.get(key, ABSENT)
        if isinstance(left, Mapping) and left:
            yield from _losses(place, value, left, own)
        elif is_gone(value, left) and not any(each[: len(place)] == place for each in own):
            yield loss_of(place, value, left)
