"""What the end of a row teaches the memory, field by field: what both sides agree on now, and what stands out.

A field is remembered as agreed when it was sent and taken, and also when nothing had to be sent: else a later edit by
hand would be overwritten as if nobody had ever agreed on anything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Final

from jobs.agreement.model import NEVER_AGREED, Agreed, FieldRules, Kind, Remembered, Sealed, Told, Value
from jobs.changes.diff import CompareRules, linkage
from jobs.changes.equality import same_at
from jobs.changes.overtaking import touched
from jobs.changes.paths import is_within, place_of
from jobs.model import ABSENT, UNREAD, Absent, Edit, Path, Status, Unread, UpdateJob
from jobs.reasons import KEPT_FORM
from jobs.values import valueclass

_HELD_BACK: Final = frozenset({"drifted", "kept", "undone", "both_changed"})
"""Reasons of rows of which nothing was sent, since somebody else has changed all that differs, or put it back."""

_HELD: Final = frozenset({"drifted", "kept", "undone", "both_changed", "differs", "gone", "not_ours", "blank"})
"""What is told of fields that were not sent, and on which nobody has agreed anew."""

NOT_READ: Final = "as_agreed"
"""Reason of rows whose record nobody has read tonight."""

_TAKEN: Final = frozenset({Status.APPLIED, Status.UNCHANGED})

_MISSING: Final = frozenset({"not_found", "reference_not_found", "reference_ambiguous"})
"""Reasons that say nothing of a record: a narrower credential makes all of them look missing."""


@valueclass(frozen=True, slots=True)
class RowEnd:
    """How a row ended, as its journal says.

    Attributes:
        status, reason: of its result; an attempt without one is `unknown`.
        edits: what its attempts replaced, unless that is among `landed`. None if nothing was ever sent.
        landed: what certainly took effect although the rest was refused.
        unread: names that were sent although nobody could compare them. `landed_unread`: those that took effect.
        told: what was told of its fields; those that were held back are among them.
    """

    status: Status
    reason: str = ""
    edits: tuple[Edit, ...] | None = None
    landed: tuple[Edit, ...] = ()
    unread: tuple[str, ...] = ()
    landed_unread: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()

    @property
    def was_decided(self) -> bool:
        """Whether the record was read and compared: a field that was neither sent nor told of is as the row wants."""
        settled = (self.status is Status.UNCHANGED and self.reason != NOT_READ) or self.reason in _HELD_BACK
        return settled or self.edits is not None or bool(self.landed)


@valueclass(frozen=True, slots=True)
class Learned:
    """What is remembered of a field from now on.

    Attributes:
        kinds: why it is not in plain agreement, besides a doubt, each with what the record holds, or held.
        sheet: what the sheet said then.
    """

    path: Path
    agreed: Agreed
    kinds: tuple[tuple[Kind, Value | Sealed | Unread], ...] = ()
    sheet: Value | Sealed | Unread = UNREAD


@valueclass(frozen=True, slots=True)
class Memorizing:
    """The rules by which a job remembers.

    Attributes:
        seal: makes the digest that stands for a value which is not to be stored.
    """

    terms: CompareRules
    rules: FieldRules
    seal: Callable[[Value], Sealed]
    _sealed: dict[Path, bool] = field(default_factory=dict)

    def keep(self, path: Path, value: Value | Sealed | Unread) -> Value | Sealed | Unread:
        """Return what the memory may hold of a value."""
        if not self.is_sealed(path) or isinstance(value, Sealed | Unread):
            return value
        return self.seal(value)

    def is_sealed(self, path: Path) -> bool:
        """Return whether only a digest of a field's values is remembered."""
        sealed = self._sealed.get(path)
        if sealed is None:
            place, private = place_of(path), frozenset(map(place_of, self.rules.sealed))
            around = is_within(place, private) or any(is_within(each, {place}) for each in private)
            sealed = self._sealed[path] = around or self.is_write_only(path)
        return sealed

    def is_write_only(self, path: Path) -> bool:
        """Return whether no reply shows a field."""
        return path[0] == "attributes" and self.terms.schema.is_write_only(path[1])

    def is_same(self, path: Path, kept: Value | Sealed | Unread, value: Value | Sealed) -> bool:
        """Return whether a value, or what stands for it, is the one that was remembered."""
        if isinstance(kept, Unread):
            return False
        if isinstance(value, Sealed):
            return kept == value
        return kept == self.seal(value) if isinstance(kept, Sealed) else same_at(path, kept, value, self.terms.schema)


def learned(job: UpdateJob, end: RowEnd, remembered: Remembered, by: Memorizing) -> Iterator[Learned]:
    """Yield what a row teaches, for each of its fields that it teaches something about.

    Args:
        job: what the row asks for.
        end: what became of it.
        remembered: what was remembered of its record before.
        by: how it is remembered.
    """
    if end.reason in _MISSING:
        return
    told = {each.path: each for each in end.told}
    sheets = wanted(job, by.terms)
    landed, sent = _by_path(end.landed, sheets), _by_path(end.edits or (), sheets)
    for path, sheet in sheets.items():
        known = remembered.get(path, NEVER_AGREED)
        if path in landed:
            found: Learned | None = _taken(path, sheet, landed[path].left, told.get(path), by)
        elif path in sent:
            edit = sent[path]
            status = Status.APPLIED if end.reason == KEPT_FORM else end.status
            found = _sent(path, sheet, (edit.before, edit.left), status, told.get(path), known, by)
        elif path[0] == "attributes" and path[1] in end.landed_unread:
            found = _taken(path, sheet, UNREAD, told.get(path), by)
        elif path[0] == "attributes" and path[1] in end.unread:
            found = _sent(path, sheet, (UNREAD, UNREAD), end.status, told.get(path), known, by)
        elif path in job.emptied and isinstance(known.sheet, Unread):
            continue  # an empty cell clears only what the job had set, and agrees on nothing else
        else:
            found = _not_sent(path, sheet, end, told.get(path), known, by)
        if found is not None and (found.agreed is not known or found.kinds):
            yield found


def undone(job: UpdateJob, end: RowEnd, remembered: Remembered, by: Memorizing) -> Iterator[Learned]:
    """Yield what a row of an undo teaches: the sheet's value and the restored one agree, until the sheet changes.

    Only what is remembered can be undone. Where nobody knows whether the old value is back, the stored one is unknown.
    """
    if end.status not in {Status.APPLIED, Status.UNCHANGED, Status.UNKNOWN}:
        return
    back = {place_of(path): value for path, value in wanted(job, by.terms).items()}
    for path, known in remembered.items():
        restored = _at_or_within(back, place_of(path))
        sheet = known.sheet if isinstance(known.doubt, Unread) else known.doubt
        if isinstance(restored, Unread) or isinstance(sheet, Unread):
            continue
        if end.status is Status.UNKNOWN:
            yield Learned(path, Agreed(sheet), (("undone", UNREAD),), sheet)
            continue
        edit = edit_at(end.edits or (), path, restored)
        stored = by.keep(path, restored if edit is None else edit.left)
        yield Learned(path, Agreed(sheet, stored), (("undone", stored),), sheet)


def wanted(job: UpdateJob, terms: CompareRules) -> dict[Path, Value]:
    """Return what a row asks for, field by field."""
    return {path: _wanted_at(job, path) for path in touched(job, terms)}


def settled(path: Path, known: Agreed, live: Value | Sealed | Unread, by: Memorizing) -> Agreed:
    """Return what is remembered once a record was read that may hold what is in doubt."""
    if isinstance(known.doubt, Unread) or isinstance(live, Unread):
        return known
    if by.is_same(path, known.doubt, live):
        return Agreed(known.doubt, by.keep(path, live))
    if by.is_same(path, known.before, live):
        return replace(known, doubt=UNREAD, before=UNREAD)
    return known


def edit_at(edits: Iterable[Edit], path: Path, sheet: Value) -> Edit | None:
    """Return the edits as far as they are about one field; None if they are not.

    An edit of the object that a field is in counts as one of the field. Edits of parts count as one of the whole, the
    old value of which nobody knows then.
    """
    place, parts = place_of(path), []
    for edit in edits:
        around = place_of(edit.path)
        if around == place:
            return edit
        if place[: len(around)] == around:
            rest = place[len(around) :]
            stored = edit.stored if isinstance(edit.stored, Unread) else _within(edit.stored, rest)
            before = edit.before if isinstance(edit.before, Unread) else _within(edit.before, rest)
            return Edit(path, before, _within(edit.after, rest), stored)
        if around[: len(place)] == place:
            parts.append(edit)
    if not parts:
        return None
    if all(isinstance(part.stored, Unread) for part in parts) or not isinstance(sheet, Mapping):
        return Edit(path, UNREAD, sheet)
    laid = {**sheet, **{part.path[-1]: part.left for part in parts}}
    return Edit(path, UNREAD, sheet, {key: value for key, value in laid.items() if not isinstance(value, Absent)})


def _by_path(edits: Iterable[Edit], sheets: Mapping[Path, Value]) -> dict[Path, Edit]:
    """Return the edits of the fields of a row; nearly always there is one for each field that was sent."""
    found, others = dict[Path, Edit](), list[Edit]()
    for edit in edits:
        if edit.path in sheets:
            found[edit.path] = edit
        else:
            others.append(edit)
    for path, sheet in sheets.items() if others else ():
        edit_of = edit_at(others, path, sheet)
        if edit_of is not None:
            found.setdefault(path, edit_of)
    return found


def _sent(
    path: Path,
    sheet: Value,
    found: tuple[Value | Unread, Value | Unread],
    status: Status,
    told: Told | None,
    known: Agreed,
    by: Memorizing,
) -> Learned:
    """Return what a field teaches that was sent; `found` is what the record held before, and holds if it was taken."""
    before, left = found
    if status in _TAKEN:
        return _taken(path, sheet, left, told, by)
    known = settled(path, known, before, by)
    if status is Status.UNKNOWN:
        known = replace(known, doubt=by.keep(path, sheet), before=by.keep(path, before))
    return Learned(path, known)


def _taken(path: Path, sheet: Value, left: Value | Unread, told: Told | None, by: Memorizing) -> Learned:
    kinds: list[tuple[Kind, Value | Sealed | Unread]] = []
    if told is not None and told.kind == "overwritten":
        kinds.append(("overwritten", by.keep(path, told.live)))
    if not (isinstance(left, Unread) or same_at(path, sheet, left, by.terms.schema)):
        kinds.append(("differs", by.keep(path, left)))
    agreed = Agreed(by.keep(path, sheet), by.keep(path, left))
    return Learned(path, agreed, tuple(kinds), agreed.sheet)


def _not_sent(
    path: Path, sheet: Value, end: RowEnd, told: Told | None, known: Agreed, by: Memorizing
) -> Learned | None:
    if told is not None and told.kind in _HELD:
        kinds = ((told.kind, by.keep(path, told.live)),)
        return Learned(path, settled(path, known, told.live, by), kinds, by.keep(path, told.sheet))
    if not end.was_decided or by.is_write_only(path):
        return None
    live = told.live if told is not None and told.kind == "agreed" else sheet
    return Learned(path, Agreed(by.keep(path, sheet), by.keep(path, live)))


def _wanted_at(job: UpdateJob, path: Path) -> Value:
    kind, name, *key = path
    if kind == "relationships":
        return linkage(job.relationships[name])
    if kind == "tags":
        return ABSENT if name in job.remove_tags else True
    whole = job.attributes.get(name)
    if not key:
        members = job.members.get(name)
        return whole if members is None or name in job.attributes else _present(members)
    if isinstance(whole, Mapping) and key[0] in whole:
        return whole[key[0]]
    return job.members[name][key[0]]


def _present(members: Mapping[str, Value]) -> Value:
    return {key: value for key, value in members.items() if not isinstance(value, Absent)}


def _within(value: Value, steps: Path) -> Value:
    """Return what stands at steps within a value; ABSENT where it has no such member."""
    for step in steps:
        value = value.get(step, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value


def _at_or_within(values: Mapping[Path, Value], place: Path) -> Value | Unread:
    """Return the value of a place, by itself or as a part of another; UNREAD if there is none."""
    for length in range(len(place), 1, -1):
        if place[:length] in values:
            return _within(values[place[:length]], place[length:])
    return UNREAD
