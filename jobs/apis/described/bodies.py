"""The body of an update: what changes, in the form in which the API takes it.

A change is first brought to *units*: the places that have to be sent so that nothing is lost, by what the server does
with members that are not sent. Each format then writes units.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final
from urllib.parse import urlencode

from jobs.apis.described.basis import Before
from jobs.apis.described.fields import FieldRule, FieldRules, element_of
from jobs.changes import exact
from jobs.changes.diff import Change
from jobs.model import ABSENT, JSON, Absent, UpdateJob
from jobs.names import Steps, name_of, pointed, pointer_to
from jobs.places import at, copied, put, replacing, take_away
from jobs.values import valueclass

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "merge_patch": "application/merge-patch+json",
    "json_patch": "application/json-patch+json",
    "json_api": "application/vnd.api+json",
    "form": "application/x-www-form-urlencoded",
}
"""Of the body, by format."""


_BY_VALUE: Final[Mapping[str, JSON]] = {"null": None, "empty": ""}
"""What a member holds that is cleared by a value, by how it is cleared."""


@valueclass(frozen=True, slots=True)
class Unit:
    """One value to send.

    Attributes:
        rule: of the field that it belongs to.
        steps: its place among the fields.
        value: ABSENT to clear it, or take it away.
    """

    rule: FieldRule
    steps: Steps
    value: Any


@valueclass(frozen=True, slots=True)
class _Patched:
    """The fields as the operations so far leave them; nothing is known of them in a blind run."""

    fields: dict[str, Any]
    start: Steps
    was_read: bool


def units(job: UpdateJob, change: Change, state: Before, rules: FieldRules) -> list[Unit]:
    """Return what has to be sent to make a change, and nothing else."""
    found: dict[Steps, Unit] = {}
    parts = list(_parts(job, change, state, rules))
    for part in sorted(parts, key=_depth) if len(parts) > 1 else parts:
        alone = part.rule.goes_alone and (part.rule.keeps_members or part.steps == part.rule.steps)
        place = part.steps if alone else rules.unit(part.steps)
        if place == part.steps:
            found[place] = part
            continue
        value = copied(found[place].value if place in found else state.at(place))
        inner = part.steps[len(place) :]
        if isinstance(part.value, Absent):
            take_away(value, inner)
        else:
            put(value, inner, part.value)
        found[place] = Unit(part.rule, place, value)
    return list(found.values())


def written(found: list[Unit], state: Before, rules: FieldRules, body: dict[str, Any]) -> bytes:
    """Return the text of a body in JSON.

    Args:
        found: what is sent.
        state: what it replaces.
        rules: of the fields.
        body: what stands in it besides; it is changed.
    """
    update, wrap = rules.resource.update, wrapped(rules)
    if update.send == "record":
        body = _with_record(body, wrap, state, rules)
    for unit in found:
        value = _cleared(unit, rules)
        where = _place(unit, wrap)
        if isinstance(value, Absent):
            take_away(body, where)
        elif isinstance(value, dict) and update.send == "changes":
            put(body, where, replacing(state.at(unit.steps), value, rules.depth(unit.steps)))
        else:
            put(body, where, value)
    return exact.write(body)


def as_json_patch(found: list[Unit], state: Before, rules: FieldRules, tests: Mapping[Steps, JSON]) -> bytes:
    """Return a JSON Patch (RFC 6902): the tests first, then an operation for each value.

    Where a parent is missing, the whole sub-object is added.
    """
    patched = _Patched(copied(state.fields), pointed(rules.resource.values), was_read=state.was_read)
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": pointer_to(steps), "value": value} for steps, value in tests.items()
    ]
    for unit in found:
        operations += _operation(unit.rule.write_to or unit.steps, unit, patched)
    return exact.write(operations)


def as_form(found: list[Unit], rules: FieldRules, body: Mapping[str, JSON]) -> bytes:
    """Return form-encoded pairs, in which brackets name members: `metadata[batch]=7`."""
    pairs = [pair for name, value in body.items() for pair in _flat((name,), value)]
    for unit in found:
        value = _cleared(unit, rules)
        if not isinstance(value, Absent):
            pairs += _flat(_place(unit, wrapped(rules)), value)
    return urlencode(pairs).encode()


def wrapped(rules: FieldRules) -> Steps:
    """Return where the fields stand in a body."""
    update = rules.resource.update
    if not update.wrap and update.format == "json_api":
        return ("data", "attributes")
    return pointed(update.wrap)


def _place(unit: Unit, wrap: Steps) -> Steps:
    """Return where a unit stands in a body: it may be an object around its field."""
    if unit.rule.write_to is None:
        return (*wrap, *unit.steps)
    return (*unit.rule.write_to, *unit.steps[len(unit.rule.steps) :])


def _parts(job: UpdateJob, change: Change, state: Before, rules: FieldRules) -> Iterator[Unit]:
    """Yield every value of a change with its place: members alone where the server keeps those that are not sent."""
    edited: dict[str, dict[str, JSON | Absent]] = {}
    for edit in change.edits:
        _, name, *key = edit.path
        if key:
            edited.setdefault(name, {})[key[0]] = edit.after
    for name, value in change.attributes.items():
        rule = rules.rule(name)
        members = _members(name, job, edited, state) if rule.keeps_members else None
        if members is None:
            old = state.wire(rule) if rule.described.type == "keyed" else None
            if isinstance(value, dict) and name in edited:
                value = {**value, **dict(_cleared_members(rule, edited[name], rules))}  # noqa: PLW2901
            yield Unit(rule, rule.steps, ABSENT if value is None else rule.encoded(value, old))
        elif rule.described.type == "keyed":
            blank = "" if rule.described.clear == "empty" else None
            given = {key: blank if isinstance(each, Absent) else each for key, each in members.items()}
            yield Unit(rule, rule.steps, rule.encoded(given, []))
        else:
            yield from (Unit(rule, (*rule.steps, key), each) for key, each in members.items())


def _cleared_members(
    rule: FieldRule, members: Mapping[str, JSON | Absent], rules: FieldRules
) -> Iterator[tuple[str, JSON]]:
    """Yield members of a whole object that are cleared by a value, as their own description says, not by being away."""
    for key, each in members.items():
        if isinstance(each, Absent):
            clear = rules.rule(name_of((*rule.steps, key))).described.clear or ""
            if clear in _BY_VALUE:
                yield key, _BY_VALUE[clear]


def _depth(unit: Unit) -> int:
    return len(unit.steps)


def _members(
    name: str, job: UpdateJob, edited: Mapping[str, dict[str, JSON | Absent]], state: Before
) -> Mapping[str, JSON | Absent] | None:
    """Return the members of a field that change, None where all of it does."""
    return edited.get(name) if state.was_read else job.members.get(name)


def _cleared(unit: Unit, rules: FieldRules) -> Any:
    """Return the value of a unit; of one that is cleared, what clears it: ABSENT to leave it out."""
    if not isinstance(unit.value, Absent):
        return unit.value
    clear = unit.rule.described.clear or ("empty" if rules.resource.update.format == "form" else "null")
    if clear == "omit":
        return ABSENT
    if clear == "empty":
        return [] if unit.rule.described.type in {"list", "set", "keyed"} and unit.steps == unit.rule.steps else ""
    return None


def _with_record(body: dict[str, Any], wrap: Steps, state: Before, rules: FieldRules) -> dict[str, Any]:
    """Return a body with all that was read, but for what is never sent, under what is fixed."""
    fields = copied(state.fields)
    for steps in rules.read_only:
        take_away(fields, steps)
    for rule in rules.rewritten:
        shown = at(fields, rule.steps)
        if not isinstance(shown, Absent):
            put(fields, rule.steps, rule.encoded(rule.decoded(shown), shown))
    if not wrap:
        return {**fields, **body}
    fixed = at(body, wrap)
    put(body, wrap, {**fields, **fixed} if isinstance(fixed, dict) else fields)
    return body


def _operation(steps: Steps, unit: Unit, basis: _Patched) -> Iterator[dict[str, Any]]:
    """Yield the operation that changes one value, and make the change in `basis`, which later ones are built on."""
    fields = basis.fields
    there = not isinstance(at(fields, steps), Absent)
    if isinstance(unit.value, Absent):
        if there or not basis.was_read:
            yield {"op": "remove", "path": pointer_to((*basis.start, *steps))}
        take_away(fields, steps)
        return
    place = steps
    if basis.was_read:
        outer = (steps[:depth] for depth in range(1, len(steps)))
        place = next((each for each in outer if not isinstance(at(fields, each), dict)), steps)
    op = "add" if isinstance(at(fields, place), Absent) else "replace"
    put(fields, steps, unit.value)
    yield {"op": op, "path": pointer_to((*basis.start, *place)), "value": deepcopy(at(fields, place))}


def _flat(steps: Steps, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a value in a form; an empty list is an empty text."""
    if isinstance(value, Mapping | list) and not value:
        value = ""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _flat((*steps, name), each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _flat((*steps, str(index)), each)
    else:
        name = steps[0] + "".join(f"[{step}]" for step in steps[1:])
        yield name, "" if value is None else element_of(value)
