"""What becomes of a record by an update. The record is the document that a read of it alone shows."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from worker.sandbox.described.failures import Refusal, Wrong
from worker.sandbox.described.fields import Fields
from worker.sandbox.described.json_patch import patched
from worker.sandbox.described.pointers import MISSING, Steps, drop, look, steps_of, steps_to, store


@dataclass(frozen=True, slots=True)
class Updated:
    """A record after an update.

    Attributes:
        document: as a read shows it.
        hidden: values of fields that no read shows, by name.
        fired: names of the actions that the update asked for.
    """

    document: dict[str, Any]
    hidden: Mapping[str, Any] = field(default_factory=dict)
    fired: tuple[str, ...] = ()


def updated(document: Mapping[str, Any], sent: Mapping[Steps, Any], fields: Fields, key: Steps) -> Updated:
    """Return the record after an update with these fields.

    Args:
        document: of the record.
        sent: values by place among the fields.
        fields: of its type.
        key: where the document shows the key of the record.

    Raises:
        Refusal: a field does not take its value.
    """
    if fields.resource.update.format == "form":
        old = {steps: look(document, fields.shown_at(steps)) for steps in sent}
        sent = {steps: fields.from_text(value, old[steps], steps) for steps, value in sent.items()}
    refuse(wrong for steps, value in sent.items() for wrong in _wrong(document, steps, value, fields))
    whole = fields.resource.update.send == "record"
    result = _emptied(document, fields, key) if whole else deepcopy(dict(document))
    hidden: dict[str, Any] = {}
    fired: list[str] = []
    for steps, value in sent.items():
        described, name = fields.of(steps), ".".join(steps)
        if described.action:
            fired.append(name)
        elif described.write_only:
            hidden[name] = value
        elif not fields.is_read_only(steps):
            _write(result, document, steps, value, fields)
    for place in map(fields.shown_at, _read_only(fields)):
        if look(result, place) is MISSING and (value := look(document, place)) is not MISSING:
            store(result, place, value)  # an object that it is part of was replaced
    return Updated(result, hidden, tuple(fired))


def patched_record(document: Mapping[str, Any], operations: Any, fields: Fields) -> Updated:
    """Return the record after a JSON Patch, whose paths begin at the record.

    Raises:
        Refusal: it cannot be carried out, a test fails, or a field does not take its value.
    """
    result, place = deepcopy(dict(document)), steps_to(fields.resource.record)
    before = look(document, place)
    after = patched(before, operations)
    if not isinstance(after, dict):
        raise Refusal("validation", "The record is an object.")
    if place:
        store(result, place, after)
    else:
        result = after
    old, new = look(document, fields.values), look(result, fields.values)
    if not isinstance(new, dict):
        raise Refusal("validation", "The fields are an object.")
    refuse(_touched(document, result, fields))
    changed = {name: value for name, value in new.items() if look(old, (name,)) != value}
    refuse(wrong for name, value in changed.items() if value is not None for wrong in fields.faults(value, (name,)))
    hidden = {}
    for name, value in changed.items():
        if fields.of((name,)).write_only:
            hidden[name] = new.pop(name)
        else:
            new[name] = fields.kept(value, look(old, (name,)), (name,))
    return Updated(result, hidden)


def masked(sent: Mapping[Steps, Any], names: list[str]) -> dict[Steps, Any]:
    """Return what an update sends, by the places that its mask names; what it does not send of them is cleared.

    Raises:
        Refusal: it sends what its mask does not name.
    """
    body: dict[str, Any] = {}
    for steps, value in sent.items():
        store(body, steps, value)
    places = [steps_of(name) for name in names if name]
    if strays := [name for name in body if not any(place[0] == name for place in places)]:
        raise Refusal("bad_request", f"The mask does not name {', '.join(strays)}.")
    return {place: None if (value := look(body, place)) is MISSING else value for place in places}


def refuse(found: Any) -> None:
    """Raise a refusal if anything is wrong."""
    if wrong := tuple(found):
        raise Refusal("validation", "Some fields do not take their values.", wrong)


def _wrong(document: Mapping[str, Any], steps: Steps, value: Any, fields: Fields) -> list[Wrong]:
    """Return what is wrong with a value. One that is there already is always right."""
    if fields.is_read_only(steps):
        same = value == look(document, fields.shown_at(steps))
        return [] if same else [Wrong(".".join(steps), "is read only")]
    inner = [(*steps, name) for name in value] if isinstance(value, dict) else []
    shown = look(document, fields.shown_at(steps))
    locked = [each for each in inner if fields.is_read_only(each) and value[each[-1]] != look(shown, each[-1:])]
    return [*(Wrong(".".join(each), "is read only") for each in locked), *fields.faults(value, steps)]


def _write(result: dict[str, Any], before: Mapping[str, Any], steps: Steps, value: Any, fields: Fields) -> None:
    """Put a value at the place where a read shows it."""
    place, old = fields.shown_at(steps), look(before, fields.shown_at(steps))
    removes = fields.resource.update.format == "merge_patch"
    new = fields.merged(None if look(result, place) is MISSING else look(result, place), value, steps)
    new = fields.kept(new, old, steps)
    inside = place[:-1]
    if new is None and place != (*fields.values, *steps) and fields.values[: len(inside)] != inside:
        place = inside  # `/milestone/number` of no milestone: there is none
    if new is None and removes:
        drop(result, place)
    else:
        store(result, place, new)


def _emptied(document: Mapping[str, Any], fields: Fields, key: Steps) -> dict[str, Any]:
    """Return a record without what a whole new one replaces: what nobody can write stays."""
    result = deepcopy(dict(document))
    values = look(result, fields.values)
    kept = {place: look(document, place) for place in (key, *map(fields.shown_at, _read_only(fields)))}
    for name in list(values) if isinstance(values, dict) else ():
        drop(result, (*fields.values, name))
    for steps, each in fields.listed.items():
        if each.read_from:
            drop(result, fields.shown_at(steps))
    for place, value in kept.items():
        if value is not MISSING:
            store(result, place, value)
    return result


def _read_only(fields: Fields) -> list[Steps]:
    return [steps for steps in fields.listed if fields.is_read_only(steps)]


def _touched(before: Mapping[str, Any], after: Mapping[str, Any], fields: Fields) -> list[Wrong]:
    """Return the fields that nobody can write, and that a patch has changed."""
    places = [(steps, fields.shown_at(steps)) for steps in _read_only(fields)]
    return [
        Wrong(".".join(steps), "is read only") for steps, place in places if look(before, place) != look(after, place)
    ]
