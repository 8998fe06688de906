"""What a night decides about one row: each field by itself, and what is left of the row to be sent."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from jobs.agreement.model import NEVER_AGREED, Clearing, FieldRules, Remembered, Told, Value
from jobs.agreement.table import Comparison, Decision, FieldState, decide
from jobs.apis.schema import Schema
from jobs.changes.diff import CompareRules, linkage, value_at
from jobs.changes.equality import reads_alike, same_at
from jobs.changes.overtaking import rest_of, touched
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Live, Path, Unread, UpdateJob
from jobs.values import valueclass

NO_CLEARING: Final[Mapping[Path, Clearing]] = MappingProxyType({})


@valueclass(frozen=True, slots=True)
class Decided:
    """What becomes of a row.

    Attributes:
        job: what is to be sent of it, as far as the record differs; None for nothing. It is the row itself if nothing
            was taken out.
        held: the fields that are left as they are, of which something is told.
        told: the fields that are sent, of which something is told.
    """

    job: UpdateJob | None
    held: tuple[Told, ...] = ()
    told: tuple[Told, ...] = ()


def decided(
    job: UpdateJob,
    live: Live,
    remembered: Remembered,
    rules: FieldRules,
    terms: CompareRules,
    clearing: Mapping[Path, Clearing] = NO_CLEARING,
) -> Decided:
    """Decide about a row.

    Args:
        job: the row. A field that a rule clears stands in it as if the sheet cleared it.
        live: what was read of its record.
        remembered: of that record.
        rules: of the job.
        terms: how values are compared.
        clearing: the fields that a rule clears, and which rule.

    Raises:
        Inseparable: a field is left, and the rest of the row cannot be sent without it.
    """
    if not remembered and not clearing and _fills_all(rules):
        return Decided(job)  # first contact: every field is sent
    by_path = _decisions(job, live, remembered, rules, terms, clearing)
    told = {path: _told(path, field, decision, by) for path, (field, decision, by) in by_path.items()}
    left = _left(by_path)
    held = tuple(each for path in left if (each := told[path]) is not None)
    sent = tuple(each for path, each in told.items() if each is not None and path not in left)
    return Decided(rest_of(job, left, terms) if left else job, held, sent)


def says_what_was_agreed(job: UpdateJob, remembered: Remembered, rules: FieldRules, terms: CompareRules) -> bool:
    """Return whether all that a row says is what both sides last agreed on, so that only its record can differ."""
    for path in touched(job, terms):
        agreed = remembered.get(path, NEVER_AGREED)
        by = Comparison(partial(_same, job, path, terms.schema), rules.seal, rules.is_sealed(path))
        if not (isinstance(agreed.doubt, Unread) and by.stands(agreed.sheet, _wanted(job, path))):
            return False
    return True


def in_doubt(remembered: Remembered, edits: Iterable[Edit]) -> Remembered:
    """Return what is remembered of a record, with the doubt that an attempt has left which is not remembered yet.

    Args:
        remembered: of the record.
        edits: what the attempt replaced. That of an object as a whole stands for its keys, too.
    """
    known = dict(remembered)
    for edit in edits:
        for path, before, after in _parts(edit):
            known[path] = replace(known.get(path, NEVER_AGREED), doubt=after, before=before)
    return known


_Judged = tuple[FieldState, Decision, Comparison]


def _fills_all(rules: FieldRules) -> bool:
    return rules.drift != "keep" and "keep" not in rules.drift_of.values()


def _decisions(
    job: UpdateJob,
    live: Live,
    remembered: Remembered,
    rules: FieldRules,
    terms: CompareRules,
    clearing: Mapping[Path, Clearing],
) -> dict[Path, _Judged]:
    found: dict[Path, _Judged] = {}
    for path in sorted(touched(job, terms)):
        field = FieldState(
            _wanted(job, path),
            _shown(live, path),
            remembered.get(path, NEVER_AGREED),
            rules.drift_at(path),
            clearing.get(path),
        )
        by = Comparison(partial(_same, job, path, terms.schema), rules.seal, rules.is_sealed(path))
        found[path] = field, decide(field, by), by
    return found


def _left(by_path: Mapping[Path, _Judged]) -> Collection[Path]:
    """Return the fields to be left, in their order; an object that nobody can see is sent whole or not at all."""
    sent = {
        path[:2]
        for path, (field, decision, _) in by_path.items()
        if decision.step == "send" and isinstance(field.live, Unread)
    }
    left = [path for path, (_, decision, _) in by_path.items() if decision.step == "leave"]
    return dict.fromkeys(path for path in left if path[:2] not in sent).keys()


def _told(path: Path, field: FieldState, decision: Decision, by: Comparison) -> Told | None:
    if decision.kind is None:
        return None
    live = field.live if isinstance(field.live, Unread) else by.kept(field.live)
    return Told(path, decision.kind, by.kept(field.sheet), live, field.agreed.sheet)


def _wanted(job: UpdateJob, path: Path) -> Value:
    """Return what a row says of one of the fields that it touches."""
    kind, name, *key = path
    if kind == "tags":
        return True if name in job.add_tags else ABSENT
    if kind == "relationships":
        return linkage(job.relationships[name])
    members = job.members.get(name, {})
    if not key:
        return job.attributes[name] if name in job.attributes else _present(members)
    if key[0] in members:
        return members[key[0]]
    whole = job.attributes[name]
    assert isinstance(whole, Mapping)  # noqa: S101  # what `touched` says of an object that is merged
    return whole[key[0]]


def _present(members: Mapping[str, Value]) -> dict[str, JSON]:
    return {key: value for key, value in members.items() if not isinstance(value, Absent)}


def _shown(live: Live, path: Path) -> Value | Unread:
    try:
        return value_at(live, path)
    except KeyError:
        return UNREAD


def _same(job: UpdateJob, path: Path, schema: Schema, known: Value, value: Value) -> bool:
    """Return whether two values are one, as `difference` finds it for the row."""
    if same_at(path, known, value, schema):
        return True
    if isinstance(known, Absent) or isinstance(value, Absent):
        return False
    return path[1:] in job.untyped and reads_alike(known, value)


def _parts(edit: Edit) -> Iterable[tuple[Path, Value | Unread, Value]]:
    """Yield what an edit replaces, by itself and by the keys of the object that it sets as a whole."""
    yield edit.path, edit.before, edit.after
    if isinstance(edit.after, Mapping):
        old = edit.before
        for key, value in edit.after.items():
            yield (*edit.path, key), _key_of(old, key), value


def _key_of(old: Value | Unread, key: str) -> Value | Unread:
    if isinstance(old, Unread):
        return UNREAD
    return old.get(key, ABSENT) if isinstance(old, Mapping) else ABSENT
