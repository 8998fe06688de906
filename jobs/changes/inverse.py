"""The way back: from what a run wrote into a record to the row that puts its old values back.

All rows of the run that wrote into one record are taken together: what counts is the value before the first of them,
and the value after the last.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain
from typing import Final, TypeVar

from jobs.apis.schema import Schema
from jobs.changes.edits import column_of
from jobs.changes.equality import same_at
from jobs.changes.exact import holds_exact
from jobs.changes.paths import place_of
from jobs.changes.restoring_cells import Cell, Unwritable, Value, cell_of, known, named
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Fields, Path, Unread
from jobs.names import Steps, name_of, steps_of
from jobs.values import valueclass

_OVERWRITTEN: Final = "nobody looked at the old value before it was overwritten"
_MIXED: Final = "the run replaced it without reading it, so that what it left is not known"
_FIRED: Final = "a trigger was fired; its effects cannot be taken back"
_HIDDEN: Final = "the API does not show it, so the old value is not known"
_LONG: Final = "its old value has more digits than a sheet can say"


V = TypeVar("V")


@valueclass(frozen=True, slots=True)
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


@valueclass(frozen=True, slots=True)
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


@valueclass(frozen=True, slots=True)
class NotRestorable:
    """What cannot be put back: the row that overwrote it, its column as a sheet has it, and why."""

    row: int
    column: str
    why: str


@valueclass(frozen=True, slots=True)
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


def restoring(type_name: str, resource_id: str, rows: Sequence[Written], schema: Schema) -> Restoring:
    """Return the row that puts a record back to how it was before `rows`, the run's rows for it in their order."""
    found = list(trails([_decoded(type_name, row, schema) for row in rows]))
    cells: dict[str, JSON] = {}
    # Keys that are laid over null are one edit of the whole.
    edits = [Edit(*whole) for trail in found for whole in _over_null(type_name, trail, schema)]
    lost = [
        NotRestorable(row.row, name, _FIRED if schema.is_trigger(name) else _HIDDEN)
        for row in rows
        for name in row.unread
    ]
    for trail in chain.from_iterable(_parts(type_name, trail, schema) for trail in found):
        try:
            expected = _expected(trail, schema)
            if expected:
                _put(cells, cell_of(type_name, trail.path, trail.before, schema))
                edits += expected
        except Unwritable as error:
            lost.append(NotRestorable(trail.first, column_of(Edit(trail.path, UNREAD, ABSENT)), str(error)))
    members: dict[str, JSON] = {**named(type_name, resource_id, schema), **cells} if cells else {}
    return Restoring(members, tuple(edits), tuple(lost))


def trails(rows: Sequence[Written]) -> Iterator[ValueHistory]:
    """Yield what became of every value that `rows`, the run's rows for one record in their order, touched."""
    every = [edit.path for row in rows for edit in row.edits]
    wholes = {place_of(path): path for path in sorted(every, key=len, reverse=True)}  # as one attribute, if it is one
    steps: dict[Path, list[tuple[Written, list[Edit]]]] = {}
    for row in rows:
        of_path: dict[Path, list[Edit]] = {}
        for edit in row.edits:
            place = place_of(edit.path)
            outer = (place[:length] for length in range(2, len(place) + 1))
            path = next(wholes[each] for each in outer if each in wholes)
            of_path.setdefault(path, []).append(edit)
        for path, edits in of_path.items():
            steps.setdefault(path, []).append((row, edits))
    for path, taken in steps.items():
        before = _before(path, (edit for _, edits in taken for edit in edits))
        held, wanted = _held(path, before, taken), tuple[Value, ...]()
        if not all(row.certain for row, _ in taken):
            wanted = _held(path, before, [(replace(row, certain=True), edits) for row, edits in taken])
        yield ValueHistory(path, taken[0][0].row, taken[-1][0].row, before, held, wanted)


def _decoded(type_name: str, row: Written, schema: Schema) -> Written:
    """Return what a row wrote, with sets and lists as columns say them also within objects that it replaced."""
    if schema.grammar == "attributes":
        return row
    return replace(row, edits=tuple(_decoded_edit(type_name, edit, schema) for edit in row.edits))


def _decoded_edit(type_name: str, edit: Edit, schema: Schema) -> Edit:
    steps = (*steps_of(edit.path[1]), *edit.path[2:])
    if schema.is_set(type_name, name_of(steps)):
        return edit

    def decoded(value: V) -> V:
        return schema.decoded(type_name, steps, value) if isinstance(value, Mapping) else value

    return replace(edit, before=decoded(edit.before), after=decoded(edit.after), stored=decoded(edit.stored))


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
        if not _inside(path, edit):
            return reduce(
                lambda whole, part: _with(whole, _inside(path, part), part.before),
                reversed(earlier),
                _of_whole(path, edit.before),
            )
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
    if not _inside(path, edit):
        return _of_whole(path, edit.left)
    if isinstance(edit.before, Unread):
        return UNREAD  # the whole object was replaced by keys that nobody compared with it
    return _with(state, _inside(path, edit), edit.left)


def _of_whole(path: Path, value: Value) -> Value:
    """Return the value at a path; of an attribute no read shows the absence: it is null then."""
    return None if path[0] == "attributes" and len(path) == 2 and isinstance(value, Absent) else value


def _inside(path: Path, part: Edit) -> Steps:
    """Return the steps from a whole object to what an edit of a part of it is about."""
    return place_of(part.path)[len(place_of(path)) :]


def _with(whole: Value, steps: Steps, value: Value) -> Value:
    """Return the object with one key set to a value, or without it; or a key of an object in it."""
    if isinstance(whole, Unread) or isinstance(value, Unread):
        return UNREAD
    key, *rest = steps
    if rest:
        value = _with(whole.get(key) if isinstance(whole, Mapping) else None, tuple(rest), value)
    members: dict[str, Value] = {**(whole if isinstance(whole, Mapping) else {}), key: value}
    return {name: each for name, each in members.items() if not isinstance(each, Absent | Unread)}


def _distinct(values: Iterable[Value]) -> list[Value]:
    return list({_text(value): value for value in values}.values())


def _text(value: Value) -> str:
    """Return a text that is equal for equal JSON values: true is not 1, and keys have no order."""
    return repr(value) if isinstance(value, Absent | Unread) else json.dumps(value, sort_keys=True, default=repr)


def _merged_name(type_name: str, trail: ValueHistory, schema: Schema) -> str:
    """Return the name of an object whose keys must each be named, since a row's are laid over the live ones.

    Empty if the old value is none, or if another value took its place, over which nothing can be laid.
    """
    kind, name, *key = trail.path
    if kind != "attributes" or not isinstance(trail.before, Mapping):
        return ""
    if schema.grammar == "members":
        name = name_of((*steps_of(name), *key))
        replaced = any(value is not None and not isinstance(value, Mapping | Absent | Unread) for value in trail.held)
        return name if schema.is_merged(type_name, name) and not replaced else ""
    return name if not key and schema.is_merged(type_name, name) else ""


def _over_null(type_name: str, trail: ValueHistory, schema: Schema) -> Iterator[tuple[Path, None, JSON]]:
    """Yield path, before and after of objects that are laid over nothing: their keys are one edit of the whole."""
    if name := _merged_name(type_name, trail, schema):
        if any(value is None or value is ABSENT for value in trail.held):
            yield ("attributes", name), None, known(trail.before)
        for key in _keys(name, trail):
            yield from _over_null(type_name, key, schema)


def _parts(type_name: str, trail: ValueHistory, schema: Schema) -> Iterator[ValueHistory]:
    """Yield the trail; of an object that is merged, one for every key that is to be there again, or not to be."""
    if name := _merged_name(type_name, trail, schema):
        for key in _keys(name, trail):
            yield from _parts(type_name, key, schema)
    else:
        yield trail


def _keys(name: str, trail: ValueHistory) -> Iterator[ValueHistory]:
    """Yield what became of each key of an object."""
    objects = [value for value in (trail.before, *trail.held) if isinstance(value, Mapping)]
    for key in dict.fromkeys(key for each in objects for key in each):
        before, *held = (_at(value, key) for value in (trail.before, *trail.held))
        yield ValueHistory(("attributes", name, key), trail.first, trail.last, before, tuple(held))


def _at(whole: Value, key: str) -> Value:
    if isinstance(whole, Unread):
        return whole
    return whole.get(key, ABSENT) if isinstance(whole, Mapping) else ABSENT


def _expected(trail: ValueHistory, schema: Schema) -> list[Edit]:
    """Return what restoring may replace; nothing when the value is what it was.

    Raises:
        Unwritable: the old value is not known, or what the run left is not.
    """
    old = trail.before
    if isinstance(old, Unread):
        raise Unwritable(_OVERWRITTEN)
    if holds_exact(old):
        raise Unwritable(_LONG)
    known = [value for value in trail.held if not isinstance(value, Unread)]
    if not known:
        raise Unwritable(_MIXED)
    return [Edit(trail.path, value, old) for value in known if not same_at(trail.path, old, value, schema)]


def _put(cells: dict[str, JSON], cell: Cell) -> None:
    """Add a cell to a row; one of several is added to its list."""
    if cell.several:
        listed = cells.setdefault(cell.column, [])
        assert isinstance(listed, list)  # noqa: S101  # nothing else is put there
        listed.append(cell.value)
    else:
        cells[cell.column] = cell.value
