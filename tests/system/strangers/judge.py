"""The judge: every result that the program wrote, against what the stranger's own store holds."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

Record = dict[str, Any]
Store = Mapping[str, Record]

UNTOUCHED: Final = frozenset({"unchanged", "invalid", "rejected", "failed", "conflict", "skipped", "pending"})
"""Statuses that say: this row has changed nothing."""

DONE: Final = frozenset({"applied", "unchanged"})


@dataclass(frozen=True, slots=True)
class Gone:
    """The value of a key that an update takes away."""


@dataclass(frozen=True, slots=True)
class Once:
    """The value of a counter that one update raises by one."""


GONE: Final = Gone()
ONCE: Final = Once()


@dataclass(frozen=True, slots=True)
class Aim:
    """What a record holds once this row has been applied.

    Attributes:
        id: of the record.
        sets: by path, such as `metadata.batch`, the value in the form in which the stranger stores it.
    """

    id: str
    sets: Mapping[tuple[str, ...], Any]


@dataclass(frozen=True, slots=True)
class False_:  # noqa: N801  # `False` is taken
    """A statement that is not true: of which step, about which row or record, said what, and what is the case."""

    step: str
    place: str
    said: str
    held: str

    def __str__(self) -> str:
        return f"{self.step}: {self.place}: said {self.said}; {self.held}"


def of_apply(
    step: str,
    aims: Sequence[Aim],
    results: Sequence[Mapping[str, str]],
    before: Store,
    after: Store,
    *,
    first: Sequence[Mapping[str, str]] = (),
) -> list[False_]:
    """Return the rows whose result is not what became of their record, and the rows without exactly one result.

    Args:
        step: of the story.
        aims: of the rows.
        results: of the rows.
        before: the store before any of them was sent.
        after: the store now.
        first: results of the rows before a retry, where that came last.
    """
    found = [
        False_(step, f"row {place}", str(sorted(result["__row"] for result in results)[:3]), "each row has one result")
        for place, (aim, result) in enumerate(zip(aims, results, strict=False), 1)
        if str(place) != result["__row"]
    ][:1]
    if len(aims) != len(results):
        found.append(False_(step, "results.csv", f"{len(results)} rows", f"the sheet has {len(aims)}"))
    rows: dict[str, list[tuple[int, Aim, Mapping[str, str]]]] = {}
    for place, (aim, result) in enumerate(zip(aims, results, strict=False), 1):
        rows.setdefault(aim.id, []).append((place, aim, result))
    for identity in before.keys() | after.keys():
        possible = [before.get(identity, {})]
        for aim, status in _course(rows.get(identity, ()), first):
            possible = _possible(possible, aim, status)
        if not any(same(each, after.get(identity, {})) for each in possible):
            found.append(_false(step, identity, rows.get(identity, ()), possible[0], after.get(identity, {})))
    return [*found, *_missing(step, rows, before)]


def _course(
    rows: Sequence[tuple[int, Aim, Mapping[str, str]]], first: Sequence[Mapping[str, str]]
) -> list[tuple[Aim, str]]:
    """Return what became of the rows of one record, in the order in which it did, as aims and statuses.

    A retry comes after all rows, and sends what the later ones that are done, or may be, have not set. A trigger in
    doubt is not sent again: the last result of its row is about the first time.
    """
    if not first:
        return [(aim, result["__status"]) for _, aim, result in rows]
    done: list[tuple[Aim, str]] = []
    again: list[tuple[Aim, str]] = []
    newer: set[tuple[str, ...]] = set()
    for place, aim, result in reversed(rows):
        was, status = first[place - 1]["__status"], result["__status"]
        fires = any(isinstance(value, Once) for value in aim.sets.values())
        if was in DONE or (was == "unknown" and fires):
            done.insert(0, (aim, status))
        else:
            done.insert(0, (aim, was))
            left = {path: value for path, value in aim.sets.items() if path not in newer}
            again.insert(0, (Aim(aim.id, left), status))
        if was in DONE or was == "unknown":
            newer |= aim.sets.keys()
    return done + again


def _missing(
    step: str, rows: Mapping[str, Sequence[tuple[int, Aim, Mapping[str, str]]]], before: Store
) -> list[False_]:
    """Return the rows of records that are not there and that count as done all the same."""
    return [
        False_(step, f"row {place} {identity}", result["__status"], "there is no such record")
        for identity, those in rows.items()
        if identity not in before
        for place, _, result in those
        if result["__status"] in DONE
    ] + [
        False_(step, f"row {place} {identity}", f"rejected/{result['__reason']}", "the record is there")
        for identity, those in rows.items()
        if identity in before
        for place, _, result in those
        if result["__reason"] in {"not_found", "reference_not_found"}
    ]


def of_tokens(step: str, results: Iterable[Mapping[str, str]]) -> list[False_]:
    """Return the rows that ended with a 401: every credential here is good, and only a token had ended."""
    return [
        False_(step, f"row {result['__row']}", f"{result['__status']}/{result['__reason']}", "a token had ended")
        for result in results
        if result["__http"] == "401"
    ]


def of_verify(
    step: str,
    findings: Iterable[Mapping[str, str]],
    differing: Iterable[str] = (),
    without: Iterable[str] = (),
) -> list[False_]:
    """Return the records of which a verify says what is not so.

    Args:
        step: of the story.
        findings: the rows of `verify.csv`.
        differing: ids of the records that somebody has changed.
        without: ids of the records that do not hold an update that ended in doubt.
    """
    changed, lacking = set(differing), set(without)
    said: dict[bool, set[str]] = {True: set(), False: set()}
    for each in findings:
        said[each["finding"] == "not taken"].add(each["id"])
    missed = dict.fromkeys(changed - said[False], "somebody has changed it")
    missed |= dict.fromkeys(lacking - said[False] - said[True] - changed, "it lacks what was in doubt")
    return [
        *(False_(step, each, "differs", "nobody has changed it") for each in sorted(said[False] - changed)),
        *(
            False_(step, each, "not taken", "it lacks nothing that was in doubt")
            for each in sorted(said[True] - lacking)
        ),
        *(False_(step, each, "holds", why) for each, why in sorted(missed.items())),
    ]


def without(aims: Sequence[Aim], results: Sequence[Mapping[str, str]], now: Store) -> set[str]:
    """Return the records that are not as they were if every row of them in doubt had been applied.

    What a trigger has done is no value of the record that a reading could compare.
    """
    wanted: dict[str, dict[tuple[str, ...], Any]] = {}
    doubted = set()
    for aim, result in zip(aims, results, strict=False):
        if result["__status"] == "unknown":
            doubted.add(aim.id)
        if result["__status"] in DONE | {"unknown"}:
            sets = {path: value for path, value in aim.sets.items() if not isinstance(value, Once)}
            wanted.setdefault(aim.id, {}).update(sets)
    return {each for each in doubted & now.keys() if not holds(Aim(each, wanted[each]), now[each])}


@dataclass(frozen=True, slots=True)
class Undoing:
    """What an undo has to be judged by: the store at three moments, by id.

    Attributes:
        wanted: as before the run, with what others have written beside it since.
        then: right before the undo.
        after: after it.
        taken: records in which somebody has written over a value of the run.
        spared: records of which `cannot_undo.csv` says so.
    """

    wanted: Store
    then: Store
    after: Store
    taken: frozenset[str]
    spared: frozenset[str]


def of_undo(
    step: str, statuses: Mapping[str, str], stores: Undoing, ended: Mapping[str, Collection[str]]
) -> list[False_]:
    """Return the records that an undo has not treated as it says, or forgot; `ended`: statuses of the run's rows."""
    found = []
    for identity, now in stores.after.items():
        status = statuses.get(identity, "not in the undo")
        restored = same(now, stores.wanted[identity])
        left = same(now, stores.then[identity])
        if status in DONE and not restored:
            found.append(False_(step, identity, status, f"not restored: {difference(stores.wanted[identity], now)}"))
        elif status not in DONE and status != "unknown" and not left:
            found.append(False_(step, identity, status, f"changed: {difference(stores.then[identity], now)}"))
        elif status == "unknown" and not (left or restored):
            found.append(False_(step, identity, status, f"neither: {difference(stores.wanted[identity], now)}"))
        if status == "conflict" and identity not in stores.taken and "unknown" not in ended.get(identity, ()):
            found.append(False_(step, identity, status, "nobody has changed it"))
    applied = {identity for identity, those in ended.items() if "applied" in those}
    forgotten = applied - statuses.keys() - stores.spared - stores.taken
    return found + [
        False_(step, each, "nothing", "was applied, and is in no report of the undo")
        for each in sorted(forgotten)
        if not same(stores.after[each], stores.wanted[each])
    ]


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are one, whatever the order of their names: 1 is not true, and not "1"."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def difference(one: Record, other: Record) -> str:
    """Describe the fields in which two records differ, in short."""
    names = sorted(name for name in one.keys() | other.keys() if not same(one.get(name), other.get(name)))
    return "; ".join(f"{name} should be {one.get(name)!r:.90}, is {other.get(name)!r:.90}" for name in names)


def holds(aim: Aim, record: Record) -> bool:
    """Tell whether a record holds all that a row wants."""
    return same(applied(record, aim), record)


def applied(record: Record, aim: Aim) -> Record:
    """Return the record as it is once the row has been applied to it."""
    new = deepcopy(record)
    for path, value in aim.sets.items():
        inner = new
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        if isinstance(value, Gone):
            inner.pop(path[-1], None)
        elif isinstance(value, Once):
            inner[path[-1]] += 1
        else:
            inner[path[-1]] = value
    return new


def _possible(states: Sequence[Record], aim: Aim, status: str) -> list[Record]:
    """Return what a record may hold after a row of that status, where it may have held one of several things."""
    if status == "applied":
        return [applied(state, aim) for state in states]
    if status == "unknown":
        return [*states, *(applied(state, aim) for state in states)]
    if status == "unchanged":
        # Nothing was sent: the values were there already, with the counters as they were.
        sets = {path: value for path, value in aim.sets.items() if not isinstance(value, Once)}
        return [applied(state, Aim(aim.id, sets)) for state in states if holds(Aim(aim.id, sets), state)] or [
            {"__status": "unchanged, but it was not as wanted"}
        ]
    return list(states)


def _false(
    step: str, identity: str, rows: Iterable[tuple[int, Aim, Mapping[str, str]]], wanted: Record, held: Record
) -> False_:
    those = list(rows)
    place = f"row {','.join(str(place) for place, _, _ in those)} {identity}" if those else f"no row, {identity}"
    said = ", ".join(f"{result['__status']}/{result['__reason']}" for _, _, result in those) or "nothing"
    return False_(step, place, said, difference(wanted, held))
