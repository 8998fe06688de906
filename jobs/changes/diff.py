"""What a row becomes on the wire: merged into the live state, and only where it differs from it.

The API replaces an object attribute such as `metadata` as a whole. So the live object is read, the row's keys are laid
over it, and the whole is sent; each key that differs is an `Edit`, which is what plans show, and what undo turns round.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import field, replace
from typing import Final

from jobs.apis.schema import Schema
from jobs.changes.equality import same_at
from jobs.changes.paths import place_of
from jobs.changes.standing import Standing, stored_forms
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Fields, Link, Live, Path, Step, Unread, UpdateJob
from jobs.names import Steps, steps_of
from jobs.places import put
from jobs.values import valueclass

MAX_STEPS: Final = 100
"""Maximum number of earlier rows of a record whose old values are known: those before them are taken to have landed."""


class CannotMerge(Exception):
    """Members are to be set in something that the API does not show, or that is no object. The text names it."""


@valueclass(frozen=True, slots=True)
class CompareRules:
    """How the rows of a run are compared with what is there.

    Attributes:
        schema: of the API. It says which attributes are merged, and which forms of a value are the same.
        replace: keys of objects, such as `metadata`, that the row does not name are to be wiped.
    """

    schema: Schema
    replace: bool = False


@valueclass(frozen=True, slots=True)
class Change:
    """The content of one PATCH, empty when the record already is as the row wants it.

    Attributes:
        attributes: values by attribute name, triggers included; an object is sent (and stored) as a whole.
        relationships: links by relationship name.
        edits: what it replaces, value by value.
        unread: names that are sent although nobody can compare them: triggers, and what the API never shows.
    """

    attributes: dict[str, JSON] = field(default_factory=dict)
    relationships: dict[str, Link | tuple[Link, ...] | None] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self.attributes or self.relationships)


def fields(job: UpdateJob) -> Fields:
    """Return what has to be read of the record before the row can be compared with it."""
    names = frozenset((*job.attributes, *job.members)) if job.members else frozenset(job.attributes)
    return Fields(names, frozenset(job.relationships), bool(job.add_tags or job.remove_tags))


def as_written(job: UpdateJob) -> Change:
    """Return the change that sends a row as it is written: members stand for the whole object, without cleared ones."""
    attributes: dict[str, JSON] = dict(job.attributes)
    for name, members in job.members.items():
        attributes[name] = _present(members)
    _add_unconditional(attributes, job, job.add_tags, job.remove_tags)
    return Change(attributes, job.relationships, tuple(_unread(job)), tuple(job.triggers))


def difference(job: UpdateJob, live: Live, terms: CompareRules, earlier: Iterable[Edit] = ()) -> Change:
    """Return the change that makes the record what the row asks for, and nothing else.

    Args:
        job: what is wanted.
        live: what was read, of all that `fields(job)` names.
        terms: how the two are compared.
        earlier: what the row sent before: a value that the API stored in another form is as wanted in that form.

    Raises:
        CannotMerge: the object that members belong to is not shown, or is none.
    """
    attributes: dict[str, JSON] = {}
    edits: list[Edit] = []
    unread = list(job.triggers)
    schema = terms.schema
    standing = Standing(job.untyped, stored_forms(earlier) if earlier else {}, schema)
    for target in _objects(job, schema):
        whole = terms.replace and not schema.is_set(job.type, target[0])
        _merge(target, live, standing, replace=whole, into=(attributes, edits, unread))
    for name, value in job.attributes.items():
        if isinstance(value, dict) and schema.is_merged(job.type, name):
            continue
        if name not in live.attributes:
            attributes[name] = value
            unread.append(name)
        elif not standing.holds(name, value, live.attributes[name]):
            attributes[name] = value
            edits.append(Edit(("attributes", name), live.attributes[name], value))
    if schema.grammar == "members" and len(attributes) > 1:
        edits = _in_one(job.type, attributes, edits, schema)
    relationships = _links(job, live, edits, unread)
    add, remove = _tags(job, live, edits, unread)
    _add_unconditional(attributes, job, add, remove)
    if live.steps:
        edits = [replace(edit, past=_past(edit, live.steps, terms.schema)) for edit in edits]
    return Change(attributes, relationships, tuple(edits), tuple(unread))


def as_stored(change: Change) -> Change:
    """Return the change as the API carried it out: each value in the form in which its reply showed it."""
    edits = [edit for edit in change.edits if not isinstance(edit.stored, Unread)]
    if not edits:
        return change
    attributes, links = dict(change.attributes), dict(change.relationships)
    for edit in edits:
        kind, name, *key = edit.path
        if key:
            whole = attributes[name]
            members = {**(whole if isinstance(whole, Mapping) else {}), key[0]: edit.left}
            attributes[name] = _present(members)
        elif kind == "relationships":
            links[name] = _linked(edit.left)
        else:
            attributes[name] = _shown(edit.left)
    return replace(change, attributes=attributes, relationships=links)


def after(live: Live, change: Change) -> Live:
    """Return the record once the change has been applied: what a later row of the same id is compared with.

    What cannot be told of an attribute any more is left out, as if it had not been read.
    """
    change = as_stored(change)
    if _stand_in_each_other((*live.attributes, *change.attributes)):
        attributes = dict(_laid_over(live.attributes, change))
    else:
        changed = {name: value for name, value in change.attributes.items() if name in live.attributes}
        attributes = {**live.attributes, **changed}
    links = {**live.relationships, **change.relationships}
    tagged = [edit for edit in change.edits if edit.path[0] == "tags"]
    added = {edit.path[1] for edit in tagged if edit.after is not ABSENT}
    removed = {edit.path[1] for edit in tagged if edit.after is ABSENT}
    tags = live.tags if live.tags is None else (live.tags | added) - removed
    step, known = Step(replace(live, steps=()), change.edits), live.fields
    if len(attributes) < len(live.attributes):
        known = replace(known, attributes=known.attributes - (live.attributes.keys() - attributes.keys()))
    return Live(live.type, attributes, links, tags, known, steps=(*live.steps, step)[-MAX_STEPS:])


class _NotLaid(Exception):
    """Something stands in a value that is no object here: a list, of which a described API makes a set."""


def _stand_in_each_other(names: Iterable[str]) -> bool:
    """Return whether attributes may be objects that stand in each other: only then has a name more than one step."""
    return any("." in name or name.startswith("/") for name in names)


def _laid_over(known: Mapping[str, JSON], change: Change) -> Iterator[tuple[str, JSON]]:
    """Yield attributes with every edit that is about them, a part of them, or an object that they stand in."""
    edits = [(place_of(edit.path)[1:], edit.left) for edit in change.edits if edit.path[0] == "attributes"]
    unread = {steps_of(name) for name in change.attributes}
    for name, value in known.items():
        steps, now = steps_of(name), value
        if steps in unread and not any(place[: len(steps)] == steps for place, _ in edits):
            now = change.attributes[name]  # sent, although nobody could compare it
        try:
            for place, left in edits:
                now = _with_edit(now, steps, place, left)
        except _NotLaid:
            continue
        yield name, now


def _with_edit(value: JSON, steps: Steps, place: Steps, left: JSON | Absent) -> JSON:
    """Return the value at `steps` once what is at `place` has been set, or taken away."""
    if place[: len(steps)] == steps:
        return _set_in(value, place[len(steps) :], left)
    if steps[: len(place)] != place:
        return value
    for step in steps[len(place) :]:
        left = left.get(step, ABSENT) if isinstance(left, Mapping) else ABSENT
    return None if isinstance(left, Absent) else left


def _set_in(value: JSON, steps: Steps, left: JSON | Absent) -> JSON:
    if not steps:
        return None if isinstance(left, Absent) else left
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise _NotLaid
    key, rest = steps[0], steps[1:]
    if isinstance(left, Absent) and (not rest or key not in value):
        return {name: each for name, each in value.items() if name != key}
    return {**value, key: _set_in(value.get(key), rest, left)}


def linkage(link: Link | tuple[Link, ...] | None) -> JSON:
    """Return links as the `data` of a JSON:API relationship; to-many links are sorted: their order means nothing."""
    if link is None:
        return None
    if isinstance(link, tuple):
        return [{"type": each.type, "id": each.id} for each in sorted(link, key=lambda each: (each.type, each.id))]
    return {"type": link.type, "id": link.id}


def value_at(live: Live, path: Path) -> JSON | Absent | None:
    """Return the live value that a path leads to.

    Raises:
        KeyError: the API does not show it.
    """
    kind, name, *key = path
    if kind == "tags":
        if live.tags is None:
            raise KeyError(path)
        return True if name in live.tags else ABSENT
    if kind == "relationships":
        return linkage(live.relationships[name])
    value = live.attributes[name]
    if not key:
        return value
    return value.get(key[0], ABSENT) if isinstance(value, Mapping) else ABSENT


def _past(edit: Edit, steps: tuple[Step, ...], schema: Schema) -> tuple[JSON | Absent, ...]:
    """Return the values that an edit's path led to before each step.

    The form in which the API has stored the same value before is none of them: it shows that the edit was taken.
    """
    path = edit.path
    earlier = (each for step in steps for each in step.edits if each.path == path)
    forms = [each.left for each in earlier if same_at(path, each.after, edit.after, schema)]
    values: list[JSON | Absent] = []
    for step in steps:
        with suppress(KeyError):
            values.append(value_at(step.before, path))
    return tuple(value for value in values if not any(same_at(path, form, value, schema) for form in forms))


def _unread(job: UpdateJob) -> Iterator[Edit]:
    """Yield the edits of a row whose record nobody looked at."""
    for name, value in job.attributes.items():
        yield Edit(("attributes", name), UNREAD, value)
    for name, members in job.members.items():
        yield Edit(("attributes", name), UNREAD, _present(members))  # the object as a whole is replaced
    for name, link in job.relationships.items():
        yield Edit(("relationships", name), UNREAD, linkage(link))
    for name in job.add_tags:
        yield Edit(("tags", name), UNREAD, True)
    for name in job.remove_tags:
        yield Edit(("tags", name), UNREAD, ABSENT)


def _objects(job: UpdateJob, schema: Schema) -> Iterator[tuple[str, Mapping[str, JSON | Absent]]]:
    """Yield the objects that are merged into, each with the row's keys."""
    yield from job.members.items()
    for name, value in job.attributes.items():
        if isinstance(value, dict) and schema.is_merged(job.type, name):
            yield name, value


def _merge(
    target: tuple[str, Mapping[str, JSON | Absent]],
    live: Live,
    standing: Standing,
    *,
    replace: bool,
    into: tuple[dict[str, JSON], list[Edit], list[str]],
) -> None:
    """Lay the row's keys over the live object, or in its place."""
    (name, wanted), (attributes, edits, unread) = target, into
    shown = live.attributes.get(name, ABSENT)
    if shown is not None and not isinstance(shown, dict):
        hidden = shown is ABSENT and standing.schema.is_write_only(name)
        if not (replace or hidden):
            raise CannotMerge(_why_not(live.type, name, shown, standing.schema))
        attributes[name] = _present(wanted)
        unread.append(name)
        return
    old = shown or {}
    new: dict[str, JSON] = {} if replace else dict(old)
    changed: list[Edit] = []
    for key in dict.fromkeys((*wanted, *old)) if replace else wanted:
        before, after = old.get(key, ABSENT), wanted.get(key, ABSENT)
        if standing.holds_key(name, key, after, before):
            after = before  # in the form in which it is stored
        else:
            changed.append(Edit(("attributes", name, key), before, after))
        if isinstance(after, Absent):
            new.pop(key, None)
        else:
            new[key] = after
    if changed:
        attributes[name] = new
        # null is not {}: to restore it, the whole must be known
        edits += changed if shown is not None else [Edit(("attributes", name), None, new)]


def _in_one(type_name: str, attributes: dict[str, JSON], edits: list[Edit], schema: Schema) -> list[Edit]:
    """Return the edits, where an object that is laid over nothing holds what is set in the objects within it.

    Its edit is that of the whole, and says all that it will hold. Where something stands in it that is compared in a
    form of its own, such as a set, each of its keys is an edit instead.
    """
    found = []
    held: set[str] = set()
    for edit in sorted(edits, key=lambda each: len(steps_of(each.path[1]))):
        name, whole = edit.path[1], edit.after
        if name in held:
            continue
        inner = _within(name, attributes) if len(edit.path) == 2 and isinstance(whole, dict) else []
        if not (inner and isinstance(whole, dict) and schema.is_merged(type_name, name)):
            found.append(edit)
        elif all(isinstance(attributes[each], dict) and schema.is_merged(type_name, each) for each in inner):
            made = deepcopy(whole)
            for each in inner:
                put(made, steps_of(each)[len(steps_of(name)) :], attributes[each])
            attributes[name] = made
            held.update(inner)
            found.append(replace(edit, after=made))
        else:
            found += [Edit((*edit.path, key), ABSENT, value) for key, value in whole.items()]
    return found


def _within(name: str, names: Iterable[str]) -> list[str]:
    """Return the names of what stands in an object, the outer ones first."""
    steps = steps_of(name)
    inner = [each for each in names if each != name and steps_of(each)[: len(steps)] == steps]
    return sorted(inner, key=lambda each: len(steps_of(each)))


def _why_not(type_name: str, name: str, shown: JSON | Absent, schema: Schema) -> str:
    if isinstance(shown, Absent):
        return f"the API does not show `{name}`"
    if isinstance(shown, str) and schema.is_set(type_name, name):
        return f'`{name}` is a text where a set is declared: if it holds a list, say what parts it, like sep = ";"'
    if isinstance(shown, list) and schema.grammar == "members":
        return f'`{name}` is a list: to add and remove elements, its description has to say type = "set"'
    if isinstance(shown, str) and schema.grammar == "members":
        return f'`{name}` is a text, and no object; if it is a list in one text, describe it: type = "set", sep = ";"'
    return f"`{name}` is no object"


def _shown(value: JSON | Absent) -> JSON:
    assert not isinstance(value, Absent)  # noqa: S101  # an attribute as a whole is null, never absent
    return value


def _linked(linkage: JSON | Absent) -> Link | tuple[Link, ...] | None:
    """Return the links that `linkage` made JSON of."""
    if isinstance(linkage, list):
        return tuple(Link(str(each["type"]), str(each["id"])) for each in linkage)
    return Link(str(linkage["type"]), str(linkage["id"])) if isinstance(linkage, Mapping) else None


def _present(members: Mapping[str, JSON | Absent]) -> dict[str, JSON]:
    return {key: value for key, value in members.items() if not isinstance(value, Absent)}


def _links(
    job: UpdateJob, live: Live, edits: list[Edit], unread: list[str]
) -> dict[str, Link | tuple[Link, ...] | None]:
    links: dict[str, Link | tuple[Link, ...] | None] = {}
    for name, link in job.relationships.items():
        wanted = linkage(link)
        if name not in live.relationships:
            unread.append(name)
        elif (shown := linkage(live.relationships[name])) != wanted:
            edits.append(Edit(("relationships", name), shown, wanted))
        else:
            continue
        links[name] = link
    return links


def _tags(job: UpdateJob, live: Live, edits: list[Edit], unread: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags that are still to be added, and to be removed."""
    if live.tags is None:
        unread += ["tags"] if job.add_tags or job.remove_tags else []
        return job.add_tags, job.remove_tags
    add = tuple(name for name in job.add_tags if name not in live.tags)
    remove = tuple(name for name in job.remove_tags if name in live.tags)
    edits += [Edit(("tags", name), ABSENT, True) for name in add]
    edits += [Edit(("tags", name), True, ABSENT) for name in remove]
    return add, remove


def _add_unconditional(
    attributes: dict[str, JSON], job: UpdateJob, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    """Add what is sent whatever the record holds: triggers, and tags by the triggers that stand for them."""
    attributes.update(job.triggers)
    if add:
        attributes["_add_tags"] = ",".join(add)
    if remove:
        attributes["_remove_tags"] = ",".join(remove)
