"""What later rows of a record leave of an earlier one that was not applied.

Rows of one record go in file order, so the last value of each field wins. An earlier row that comes late must not undo
that; what it sets besides is still wanted. An action is no value: none is overtaken by another.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from jobs.apis.schema import Schema
from jobs.changes.diff import CompareRules
from jobs.changes.paths import is_within, place_of
from jobs.model import Path, Unsendable, UpdateJob

V = TypeVar("V")

WHOLE: Final[Path] = ()
"""Stands for whatever a row may have set: one in doubt that fires an action, or one whose fields nobody knows."""


class Inseparable(Exception):
    """A part of the row is overtaken, and the rest cannot be sent without it. The text says which."""


def touched(job: UpdateJob, terms: CompareRules) -> frozenset[Path]:
    """Return what the row sets, as paths without actions. Objects that are replaced are set as a whole."""
    schema = terms.schema
    paths: set[Path] = {("relationships", name) for name in job.relationships}
    paths.update(("tags", name) for name in (*job.add_tags, *job.remove_tags))
    for name, value in job.attributes.items():
        merged = isinstance(value, dict) and not terms.replace and schema.is_merged(job.type, name)
        paths.update(_of_keys(name, value) if merged else [("attributes", name)])  # type: ignore[arg-type]  # a dict
    for name, members in job.members.items():
        whole = terms.replace and not schema.is_set(job.type, name)
        paths.update([("attributes", name)] if whole else _of_keys(name, members))
    return frozenset(paths)


def rest_of(job: UpdateJob, taken: Collection[Path], terms: CompareRules) -> UpdateJob | None:
    """Return the row without what later rows have set; None when nothing is left of it.

    Raises:
        Inseparable: it is a part of a value, or the row also fires an action, which would meet other values.
    """
    if WHOLE in taken:
        raise Inseparable("a later row of this record may have set any of it")
    mine, lost = touched(job, terms), set(map(place_of, taken))
    gone = {path for path in mine if is_within(place_of(path), lost)}
    torn = {path for path in mine - gone if any(is_within(each, {place_of(path)}) for each in lost)}
    if not (gone or torn):
        return job
    if torn or job.fires:
        names = ", ".join(f"`{name}`" for name in sorted(map(_name, gone | torn)))
        raise Inseparable(f"a later row of this record has set {names} already")
    left = _without(job, gone, terms.schema)
    return left if touched(left, terms) or left.triggers else None


@dataclass(slots=True)
class Overtaking:
    """Finds what the later rows of each record have set; memory grows with the rows that wait only."""

    _waiting: dict[str, list[tuple[list[int], set[Path]]]] = field(default_factory=dict)

    def wait(self, record: str, row: int) -> None:
        """Take note of a row that was not applied."""
        groups = self._waiting.setdefault(record, [])
        if not groups or groups[-1][1]:
            groups.append(([], set()))
        groups[-1][0].append(row)

    def knows(self, record: str) -> bool:
        """Return whether a row of the record waits."""
        return record in self._waiting

    def take(self, record: str, paths: Collection[Path]) -> None:
        """Take note of what a row sets that was applied, or may have been."""
        groups = self._waiting.get(record, [])
        for place in reversed(range(len(groups))):
            rows, taken = groups[place]
            enough = taken.issuperset(paths)
            taken.update(paths)
            if place + 1 < len(groups) and groups[place + 1][1] == taken:
                rows += groups.pop(place + 1)[0]
            if enough:
                break  # what the rows of a group have lost, those before have lost, too

    def taken(self) -> dict[int, frozenset[Path]]:
        """Return what was taken from each of the rows that wait; those that lost nothing are not among them."""
        groups = (group for groups in self._waiting.values() for group in groups)
        return {row: frozenset(taken) for rows, taken in groups for row in rows if taken}


def without(
    jobs: Iterable[UpdateJob | Unsendable], taken: Mapping[int, Collection[Path]], terms: CompareRules
) -> Iterator[UpdateJob | Unsendable]:
    """Yield the rows, but for what was taken from them."""
    for job in jobs:
        lost = taken.get(job.ref.row)
        yield left_of(job, lost, terms) if lost and isinstance(job, UpdateJob) else job


def left_of(job: UpdateJob, taken: Collection[Path], terms: CompareRules) -> UpdateJob | Unsendable:
    """Return the row without what later rows have set, or why it cannot be sent."""
    try:
        return rest_of(job, taken, terms) or Unsendable(job.ref, "superseded")
    except Inseparable as error:
        return Unsendable(job.ref, "overtaken", str(error))


def overtaken_by(job: UpdateJob, changed: Collection[Path], schema: Schema) -> Unsendable:
    """Say why a row cannot be sent of whose record later rows have changed this: what else they set is unknown."""
    mine = touched(job, CompareRules(schema))
    if mine and mine.issubset(changed) and not job.fires:
        return Unsendable(job.ref, "superseded")
    said = "a later row of this record has been applied already, and what it set besides is not known"
    return Unsendable(job.ref, "overtaken", said)


def _of_keys(name: str, keys: Iterable[str]) -> Iterator[Path]:
    return (("attributes", name, key) for key in keys)


def _without(job: UpdateJob, gone: Collection[Path], schema: Schema) -> UpdateJob:
    attributes = {name: value for name, value in job.attributes.items() if ("attributes", name) not in gone}
    objects = {name: _kept(name, members, gone) for name, members in job.members.items()}
    for name, whole in list(attributes.items()):
        if isinstance(whole, dict) and schema.is_merged(job.type, name):
            attributes[name] = _kept(name, whole, gone)
            if whole and not attributes[name]:
                del attributes[name]
    return replace(
        job,
        attributes=attributes,
        members={name: members for name, members in objects.items() if members},
        relationships={name: each for name, each in job.relationships.items() if ("relationships", name) not in gone},
        add_tags=tuple(name for name in job.add_tags if ("tags", name) not in gone),
        remove_tags=tuple(name for name in job.remove_tags if ("tags", name) not in gone),
    )


def _kept(name: str, members: Mapping[str, V], gone: Collection[Path]) -> dict[str, V]:
    if ("attributes", name) in gone:
        return {}
    return {key: value for key, value in members.items() if ("attributes", name, key) not in gone}


def _name(path: Path) -> str:
    return "tags" if path[0] == "tags" else ".".join(path[1:])
