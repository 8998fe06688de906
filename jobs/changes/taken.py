"""What an API's reply says about the change that it confirms: which values it took, and in which form."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from jobs.apis.schema import Schema
from jobs.changes.diff import Change, value_at
from jobs.changes.edits import column_of
from jobs.changes.equality import is_old, same, same_at
from jobs.changes.paths import place_of
from jobs.model import ABSENT, JSON, Absent, Edit, Live
from jobs.names import Steps, name_of, steps_of
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Taken:
    """How a change went, as far as a reply shows it.

    Attributes:
        edits: of the change, each with the stored form that the reply shows where that is a third value.
        differs: names of what the reply shows a third value of: neither an old one nor the one sent, or the one sent
            `tidied`.
        untaken: names of what the reply shows an old value of, although another was sent.
        unseen: names of what was sent and is not shown, although the API shows such fields.
    """

    edits: tuple[Edit, ...]
    differs: tuple[str, ...] = ()
    untaken: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def is_plainly_taken(change: Change, shown: Mapping[str, JSON], schema: Schema) -> bool:
    """Return whether the attributes that a reply shows are those sent, and nothing else is to be looked at.

    True for nearly every row, for a tenth of the price of `taken`.
    """
    for name, sent in change.attributes.items():
        if name in shown:
            if not same(sent, shown[name], schema.declared(name)):
                return False
        elif not schema.is_trigger(name) or name == "_remove_tags":
            return False
    return not change.relationships


def taken(change: Change, shown: Live, schema: Schema, *, bare: bool = False) -> Taken:
    """Return what a reply says about a change; a field that it does not show is neither taken nor not.

    Args:
        change: what was sent.
        shown: what the reply shows of it.
        schema: says which forms of a value are the same, and what no reply shows.
        bare: the reply shows no attribute of the record at all.
    """
    edits: list[Edit] = []
    differs: dict[str, str] = {}
    untaken: dict[str, str] = {}
    for edit in change.edits:
        try:
            value = value_at(shown, edit.path)
        except KeyError:
            edits.append(edit)
            continue
        if same_at(edit.path, edit.after, value, schema) or _is_added_tag(edit):
            edits.append(edit)
        elif edit.path[0] == "tags" or is_old(edit, value, schema):
            untaken[_name(edit)] = edit.path[1]
            edits.append(edit)
        else:
            differs[_name(edit)] = edit.path[1]
            edits.append(replace(edit, stored=value))
    rest = change.attributes.keys() & shown.attributes.keys() - {*differs.values(), *untaken.values()}
    odd = [name for name in change.attributes if name in rest and _is_odd(name, change, shown, schema)]
    edits += lost(change, shown, schema)
    return Taken(tuple(edits), (*differs, *odd), tuple(untaken), tuple(_unseen(change, shown, schema, bare=bare)))


def lost(change: Change, shown: Live, schema: Schema) -> tuple[Edit, ...]:
    """Return edits of members that were there, were to stay, and are gone: an undo has to put them back."""
    if schema.grammar == "attributes":  # one API, which is known to keep to what is sent
        return ()
    names = change.attributes.keys() & shown.attributes.keys()
    found = chain.from_iterable(_lost(name, change, shown) for name in change.attributes if name in names)
    return tuple({edit.path: edit for edit in found}.values())


def _lost(name: str, change: Change, shown: Live) -> Iterator[Edit]:
    edited = {place_of(edit.path)[1:] for edit in change.edits}

    def within(steps: Steps, kept: object, now: object) -> Iterator[Edit]:
        if not (isinstance(kept, Mapping) and isinstance(now, Mapping)):
            return
        for key, value in kept.items():
            place, held = (*steps, key), now.get(key, ABSENT)
            if isinstance(held, Mapping):
                yield from within(place, value, held)
            elif is_emptied(value, held) and not any(each[: len(place)] == place for each in edited):
                yield Edit(("attributes", name_of(steps), key), value, value, held)

    return within(steps_of(name), change.attributes[name], shown.attributes[name])


def is_emptied(old: JSON | Absent, now: JSON | Absent) -> bool:
    """Return whether a value is gone: nothing, or an empty value, took its place."""
    return old is not None and old is not ABSENT and _is_empty(now) and old != now


def _is_empty(value: JSON | Absent) -> bool:
    return value is None or value is ABSENT or value in ("", [], {})


def _is_odd(name: str, change: Change, shown: Live, schema: Schema) -> bool:
    """Return whether another value is shown of what no edit is about, such as a key that the row does not name."""
    sent, value = change.attributes[name], shown.attributes[name]
    if not (isinstance(sent, dict) and isinstance(value, dict)):
        return not same(sent, value, schema.declared(name))
    own = {place_of(("attributes", each)) for each in change.attributes} if schema.grammar == "members" else set()
    for key in {**sent, **value}:
        path = ("attributes", name, key)
        if place_of(path) not in own and not same_at(path, sent.get(key, ABSENT), value.get(key, ABSENT), schema):
            return True
    return False


def _is_added_tag(edit: Edit) -> bool:
    """Return whether it adds a tag. The reply to such an update names those that were dropped: see `Confirmation`."""
    return edit.path[0] == "tags" and not isinstance(edit.after, Absent)


def _name(edit: Edit) -> str:
    return "tags.remove" if edit.path[0] == "tags" else column_of(edit)


def _unseen(change: Change, shown: Live, schema: Schema, *, bare: bool) -> Iterator[str]:
    """Yield the names of what the reply should show and does not.

    A reply shows links only where it was asked to. So they are missed only in one that shows no attribute either.
    """
    known = {*shown.attributes, *change.unread}
    yield from (name for name in change.attributes if not (name in known or schema.is_write_only(name)))
    if bare:
        known = {*shown.relationships, *change.unread}
        yield from (name for name in change.relationships if name not in known)
