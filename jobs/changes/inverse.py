"""The way back: from what a run wrote into a record to the row that puts its old values back.

All rows of the run that wrote into one record are taken together: what counts is the value before the first of them,
and the value after the last.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from typing import Final, TypeAlias

from jobs.apis.schema import ResourceType, Schema
from jobs.changes.edits import column_of
from jobs.changes.equality import same_at
from jobs.changes.exact import holds_exact
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Fields, Path, Unread

_ANY_KEY: Final = "metadata"
"""The object of which a column can name every key (`jobs.columns.grammar`), whatever the API merges into."""

Value: TypeAlias = JSON | Absent | Unread
"""What a path may hold; UNREAD is what nobody knows."""

_OVERWRITTEN: Final = "nobody looked at the old value before it was overwritten"
_MIXED: Final = "the run replaced it without reading it, so that what it left is not known"
_FIRED: Final = "a trigger was fired; its effects cannot be taken back"
_HIDDEN: Final = "the API does not show it, so the old value is not known"
_DOTTED: Final = "no column can name a member whose name is empty or has a dot"
_LONG: Final = "its old value has more digits than a sheet can say"
_FOREIGN: Final = "its old link leads to a type that rowpatch does not know to fit"


@dataclass(frozen=True, slots=True)
class Written:
    """What one row wrote into a record.

    Attributes:
        edits: value by value.
        unread: names that were sent although nobody could compare them.
        certain: whether all of it is known to have been applied.
    """

    row: int
    edits: tuple[Edit, ...]
    unread: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ValueHistory:
    """What became of one value of a record in the course of a run.

    Attributes:
        path: of the value; of a whole object when the run replaced that as a whole.
        first, last: numbers of the rows that touched it.
        before: what it was before the first row.
        held: what it may be after the last: one value, unless it is not certain which rows were applied.
        wanted: those of them that it may be if all rows were applied; empty where that is all of `held`.
    """

    path: Path
    first: int
    last: int
    before: Value
    held: tuple[Value, ...]
    wanted: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRestorable:
    """What cannot be put back: the row that overwrote it, its column as a sheet has it, and why."""

    row: int
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Restoring:
    """How one record is put back.

    Attributes:
        members: the restoring row as a flat NDJSON object, empty when there is nothing to put back.
        edits: what the row may replace; several of one path when any of several values will do.
        lost: what stays as the run left it.
    """

    members: dict[str, JSON]
    edits: tuple[Edit, ...]
    lost: tuple[NotRestorable, ...]


class _Unwritable(Exception):
    """No column can say it. The text says why."""


def restoring(type_name: str, resource_id: str, rows: Sequence[Written], schema: Schema) -> Restoring:
    """Return the row that puts a record back to how it was before `rows`, the run's rows for it in their order."""
    found = list(trails(rows))
    cells: dict[str, JSON] = {}
    # Keys that are laid over null are one edit of the whole.
    over_null = [trail for trail in found if _is_merged(trail, schema) and None in trail.held]
    edits = [Edit(trail.path, None, _known(trail.before)) for trail in over_null]
    lost = [
        NotRestorable(row.row, name, _FIRED if name.startswith("_") else _HIDDEN) for row in rows for name in row.unread
    ]
    for trail in chain.from_iterable(_parts(trail, schema) for trail in found):
        try:
            expected = _expected(trail, schema)
            if expected:
                _put(cells, *_cell(type_name, trail, schema))
                edits += expected
        except _Unwritable as error:
            lost.append(NotRestorable(trail.first, column_of(Edit(trail.path, UNREAD, ABSENT)), str(error)))
    members: dict[str, JSON] = {"type": type_name, "id": resource_id, **cells} if cells else {}
    return Restoring(members, tuple(edits), tuple(lost))


def trails(rows: Sequence[Written]) -> Iterator[ValueHistory]:
    """Yield what became of every value that `rows`, the run's rows for one record in their order, touched."""
    wholes = {edit.path for row in rows for edit in row.edits if len(edit.path) == 2}  # kind and name
    steps: dict[Path, list[tuple[Written, list[Edit]]]] = {}
    for row in rows:
        of_path: dict[Path, list[Edit]] = {}
        for edit in row.edits:
            of_path.setdefault(edit.path[:2] if edit.path[:2] in wholes else edit.path, []).append(edit)
        for path, edits in of_path.items():
            steps.setdefault(path, []).append((row, edits))
    for path, taken in steps.items():
        before = _before(path, (edit for _, edits in taken for edit in edits))
        held, wanted = _held(path, before, taken), tuple[Value, ...]()
        if not all(row.certain for row, _ in taken):
            wanted = _held(path, before, [(replace(row, certain=True), edits) for row, edits in taken])
        yield ValueHistory(path, taken[0][0].row, taken[-1][0].row, before, held, wanted)


def needed(paths: Iterable[Path]) -> Fields:
    """Return what has to be read of a record to see the values at these paths."""
    listed = list(paths)
    return Fields(
        frozenset(path[1] for path in listed if path[0] == "attributes"),
        frozenset(path[1] for path in listed if path[0] == "relationships"),
        any(path[0] == "tags" for path in listed),
    )


def _before(path: Path, edits: Iterable[Edit]) -> Value:
    """Return the value before the first edit; of a whole object whose keys were edited first, without those edits."""
    earlier: list[Edit] = []
    for edit in edits:
        if edit.path == path:
            return reduce(lambda whole, key: _with(whole, key.path[2], key.before), reversed(earlier), edit.before)
        earlier.append(edit)
    raise ValueError(f"no edit of {path}")


def _held(path: Path, before: Value, taken: Iterable[tuple[Written, list[Edit]]]) -> tuple[Value, ...]:
    """Return the values that may be there after all rows, the likeliest last.

    A row that may not have been applied leaves the older ones too. A value that the API stored in another form may be
    there in that form, or as it was sent.
    """
    states: list[Value] = [before]
    for row, edits in taken:
        done = [_applied(path, state, edits) for state in states]
        if any(not isinstance(edit.stored, Unread) for edit in edits):
            as_sent = [replace(edit, stored=UNREAD) for edit in edits]
            done = [*(_applied(path, state, as_sent) for state in states), *done]
        states = _distinct(done if row.certain else [*states, *done])
    return tuple(states)


def _applied(path: Path, state: Value, edits: Iterable[Edit]) -> Value:
    return reduce(lambda so_far, edit: _after(path, so_far, edit), edits, state)


def _after(path: Path, state: Value, edit: Edit) -> Value:
    if edit.path == path:
        return edit.left
    if isinstance(edit.before, Unread):
        return UNREAD  # the whole object was replaced by keys that nobody compared with it
    return _with(state, edit.path[2], edit.left)


def _with(whole: Value, key: str, value: Value) -> Value:
    """Return the object with one key set to a value, or without it."""
    if isinstance(whole, Unread) or isinstance(value, Unread):
        return UNREAD
    members = {**(whole if isinstance(whole, Mapping) else {}), key: value}
    return {name: each for name, each in members.items() if not isinstance(each, Absent)}


def _distinct(values: Iterable[Value]) -> list[Value]:
    return list({_text(value): value for value in values}.values())


def _text(value: Value) -> str:
    """Return a text that is equal for equal JSON values: true is not 1, and keys have no order."""
    return repr(value) if isinstance(value, Absent | Unread) else json.dumps(value, sort_keys=True, default=repr)


def _is_merged(trail: ValueHistory, schema: Schema) -> bool:
    """Return whether the old value is an object that is merged into the live one, so that each key must be named."""
    return trail.path == ("attributes", schema.merged) and isinstance(trail.before, Mapping)


def _parts(trail: ValueHistory, schema: Schema) -> Iterator[ValueHistory]:
    """Yield the trail; of an object that is merged, one for every key that is to be there again, or not to be."""
    if not _is_merged(trail, schema):
        yield trail
        return
    objects = [value for value in (trail.before, *trail.held) if isinstance(value, Mapping)]
    for key in dict.fromkeys(key for each in objects for key in each):
        before, *held = (_at(value, key) for value in (trail.before, *trail.held))
        yield ValueHistory((*trail.path, key), trail.first, trail.last, before, tuple(held))


def _at(whole: Value, key: str) -> Value:
    if isinstance(whole, Unread):
        return whole
    return whole.get(key, ABSENT) if isinstance(whole, Mapping) else ABSENT


def _expected(trail: ValueHistory, schema: Schema) -> list[Edit]:
    """Return what restoring may replace; nothing when the value is what it was.

    Raises:
        _Unwritable: the old value is not known, or what the run left is not.
    """
    old = trail.before
    if isinstance(old, Unread):
        raise _Unwritable(_OVERWRITTEN)
    if holds_exact(old):
        raise _Unwritable(_LONG)
    known = [value for value in trail.held if not isinstance(value, Unread)]
    if not known:
        raise _Unwritable(_MIXED)
    return [Edit(trail.path, value, old) for value in known if not same_at(trail.path, old, value, schema)]


def _put(cells: dict[str, JSON], column: str, value: JSON) -> None:
    """Add a cell to a row; the names of tags are collected in one list."""
    if column.startswith("tags."):
        named = cells.setdefault(column, [])
        assert isinstance(named, list)  # noqa: S101  # nothing else is put there
        named.append(value)
    else:
        cells[column] = value


def _cell(type_name: str, trail: ValueHistory, schema: Schema) -> tuple[str, JSON]:
    """Return the cell that puts a value back: its column, and what it says.

    Raises:
        _Unwritable: there is none.
    """
    kind, name, *key = trail.path
    old = trail.before
    if kind == "tags":
        return "tags.remove" if isinstance(old, Absent) else "tags.add", name
    if kind == "relationships":
        return name, _links(schema.resource_type(type_name), name, old)
    if key:
        return _member(name, key[0], old)
    return f"attributes.{name}:json", _known(old)


def _member(name: str, key: str, value: Value) -> tuple[str, JSON]:
    if name != _ANY_KEY and (not key or "." in key):
        raise _Unwritable(_DOTTED)
    if not isinstance(value, Absent):
        return f"{name}.{key}:json", _known(value)
    plain = key and ":" not in key  # else a part of the key could pass for a suffix
    return f"{name}.{key}" if plain else f"{name}.{key}:str", None


def _links(known: ResourceType | None, name: str, value: Value) -> JSON:
    """Return links as a cell takes them: `TYPE/ID`, a list of them, or null."""
    fitting = known.relationships[name].types if known and name in known.relationships else ()
    many = isinstance(value, list | tuple)
    texts: list[JSON] = []
    for link in value if many else [] if value is None else [value]:  # type: ignore[union-attr]  # a sequence
        if not isinstance(link, Mapping) or link["type"] not in fitting:
            raise _Unwritable(_FOREIGN)
        texts.append(f"{link['type']}/{link['id']}")
    return texts if many else texts[0] if texts else None


def _known(value: Value) -> JSON:
    assert not isinstance(value, Absent | Unread)  # noqa: S101  # the caller has seen to it
    return value
