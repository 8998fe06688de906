"""What two readings of a record show: where it changed, what is gone, and how the server merged what was sent."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final, Literal

from jobs.apis.described.fields import element_of
from jobs.changes.equality import equal
from jobs.model import ABSENT, Absent
from jobs.names import Steps
from jobs.places import at
from jobs.values import valueclass

Merge = Literal["replace", "shallow", "deep"]
"""What a server does with members that are not sent, as descriptions say it."""

_DEEPEST: Final = 6
"""Levels of objects that are compared member by member."""

_RECORD_LEVELS: Final = 3
"""Levels of a reply in which a record is looked for."""


@valueclass(frozen=True, slots=True)
class Difference:
    """A place at which two readings differ; ABSENT where one of them has nothing."""

    steps: Steps
    before: Any
    after: Any

    @property
    def is_loss(self) -> bool:
        """Whether a value is gone: absent or empty, where there was one."""
        return is_empty(self.after) and not is_empty(self.before)


def is_empty(value: object) -> bool:
    """Return whether a value is none: absent, null, an empty text, list or object."""
    return isinstance(value, Absent) or value is None or value in ("", [], {})


def differences(before: object, after: object, steps: Steps = ()) -> Iterator[Difference]:
    """Yield every place at which two readings differ: members one by one, lists and what is gone as wholes."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and len(steps) < _DEEPEST:
        for name in dict.fromkeys((*before, *after)):
            yield from differences(before.get(name, ABSENT), after.get(name, ABSENT), (*steps, name))
    elif not alike(before, after):
        yield Difference(steps, before, after)


def alike(one: Any, other: Any) -> bool:
    """Return whether two values of a reading are the same; nothing is the same as null."""
    if is_nothing(one) or is_nothing(other):
        return is_nothing(one) and is_nothing(other)
    return equal(one, other)


def is_nothing(value: object) -> bool:
    """Return whether a value is absent or null."""
    return isinstance(value, Absent) or value is None


def merging(before: object, sent: object, after: object) -> frozenset[Merge]:
    """Return how the server may merge an object, by what became of members that were not sent.

    Args:
        before: the object as it was.
        sent: the part of it that was sent.
        after: the object as it is.

    Returns:
        More than one way where too little was there to tell them apart; none where nothing was.
    """
    kept = _kept(before, sent, after)
    if kept and kept[0] is not None:
        if not kept[0]:
            return frozenset({"replace"})
        inner = [each for each in kept[1:] if each is not None]
        if not inner:
            return frozenset({"shallow", "deep"})
        return frozenset({"deep"}) if all(inner) else frozenset({"shallow"})
    inner = [each for each in kept if each is not None]
    if not inner:
        return frozenset()
    return frozenset({"deep"}) if all(inner) else frozenset({"replace", "shallow"})


def _kept(before: object, sent: object, after: object) -> list[bool | None]:
    """Return, level by level, whether members that were not sent are still there; None for a level without any."""
    if not (isinstance(before, Mapping) and isinstance(sent, Mapping)):
        return []
    there = after if isinstance(after, Mapping) else {}
    others = [name for name, value in before.items() if name not in sent and not is_empty(value)]
    own = all(alike(before[name], there.get(name, ABSENT)) for name in others) if others else None
    below: list[bool | None] = []
    for name in sent:
        inner = _kept(before.get(name), sent[name], there.get(name))
        below = [_both(*pair) for pair in zip_longest(below, inner)]
    return [own, *below]


def _both(one: bool | None, other: bool | None) -> bool | None:
    return other if one is None else one if other is None else one and other


def place_of_record(document: object, key: str, id_name: str) -> Steps | None:
    """Return where a reply holds the record with this key, or its only object; None where there is no such place."""
    places = list(_objects(document, (), _RECORD_LEVELS))
    for steps in places:
        if shows_key(at(document, steps), key, id_name):
            return steps
    inner = [steps for steps in places if len(steps) == 1]
    return inner[0] if len(inner) == 1 and isinstance(document, Mapping) and len(document) == 1 else None


def shows_key(record: object, key: str, id_name: str) -> bool:
    """Return whether a record shows its id, and that is the key."""
    value = record.get(id_name) if isinstance(record, Mapping) else None
    return value is not None and not isinstance(value, dict | list) and element_of(value).casefold() == key.casefold()


def _objects(value: object, steps: Steps, levels: int) -> Iterator[Steps]:
    """Yield the places of objects, outer ones first."""
    if not isinstance(value, Mapping) or not levels:
        return
    yield steps
    for name, each in value.items():
        yield from _objects(each, (*steps, name), levels - 1)
