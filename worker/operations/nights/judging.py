"""Whether a night may go on: what its guards compare, counted from the source and from the plan."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from jobs.agreement.model import Kind
from jobs.apis.schema import Schema
from jobs.changes.edits import column_of, in_columns
from jobs.model import ABSENT, Edit, Status, Unread
from jobs.recipe import terms
from jobs.values import valueclass
from worker.journal import History
from worker.lane.connect import ALL, UPDATES
from worker.operations.nights.survey import Survey
from worker.policy.night_guards import Accepted, Limit, NightFacts, NightGuards, Share, SourceFacts, has_moved
from worker.policy.quarantine import Quarantine
from worker.reconcile import Night

ROWS = "rows"
"""Name, among the numbers of a night, of the rows of its source."""

APPROVED = "approved"
"""The same of the mark of a night that a person approved after a guard had stopped it."""

_FILLED = "filled:"
"""What the number of a column's filled cells is called, before the column's name."""

_NOT_FOUND = frozenset({"not_found", "reference_not_found", "reference_ambiguous"})


def guards_of(said: terms.Guards) -> NightGuards:
    """Return the guards of a recipe in the form that the policy takes."""
    moved = {name: share for name, each in said.moved.items() if isinstance(share := _limit(each), Share)}
    return NightGuards(
        said.floor,
        _limit(said.rows_shrink),
        _limit(said.changed),
        _limit(said.changed_rows),
        _limit(said.overwritten),
        _limit(said.emptied),
        _limit(said.gone),
        _limit(said.invalid),
        moved,
    )


def quarantine_of(said: terms.Quarantine) -> Quarantine:
    """Return when rows are set aside in the form that the policy takes."""
    return Quarantine(said.after, said.again, _limit(said.most))


def _limit(said: terms.Threshold) -> Limit:
    if isinstance(said, terms.Share):
        return Share(said.percent)
    return said.number if isinstance(said, terms.Count) else None


def accepted(nights: Iterable[Night]) -> list[Accepted]:
    """Return the nights that were accepted as the guards compare them, in the same order."""
    return [
        Accepted(night.counts.get(ROWS, 0), frozenset(_filled(night.counts)), bool(approval(night))) for night in nights
    ]


def approval(night: Night) -> dict[str, int]:
    """Return the mark of a night that a person approved; nothing of others."""
    return {name: count for name, count in night.counts.items() if name == APPROVED}


def numbers(survey: Survey) -> dict[str, int]:
    """Return the numbers of a source that later nights are compared with."""
    return {ROWS: survey.rows, **{f"{_FILLED}{name}": count for name, count in survey.filled.items()}}


def source_facts(survey: Survey, last: Night | None, gone: int, known: int, to_clear: int) -> SourceFacts:
    """Return what is known before anything is read.

    A column is expected to be filled as it was in the last accepted night, in as large a part of the rows.
    """
    emptied: dict[str, tuple[int, int]] = {}
    before = _filled(last.counts) if last is not None else {}
    rows = last.counts.get(ROWS, 0) if last is not None else 0
    for name, count in before.items():
        expected = count * min(survey.rows, rows) // rows if rows else 0
        if (fewer := expected - survey.filled.get(name, 0)) > 0:
            emptied[name] = (fewer, expected)
    return SourceFacts(survey.rows, frozenset(survey.filled), emptied, gone, known, to_clear)


@valueclass(frozen=True, slots=True)
class Planned:
    """What a plan of a night says.

    Attributes:
        counts: rows by status. `told`: rows by what is told of any of their fields.
        changed: rows that would be sent.
        facts: what the guards compare.
    """

    counts: Counter[Status] = field(default_factory=Counter)
    told: Counter[Kind] = field(default_factory=Counter)
    changed: int = 0
    facts: NightFacts = field(default_factory=lambda: NightFacts(0))

    def padded(self, rows: int) -> "Planned":
        """Return the same of a plan that did not reach all of so many rows."""
        return replace(self, counts=self.counts + Counter({Status.PENDING: rows - self.counts.total()}))


def planned(history: History, schema: Schema, guards: NightGuards, invalid: int) -> Planned:
    """Count what a plan says; `invalid` are the rows of the source that cannot be sent."""
    counts, moved, missing = Counter[Status](), Counter[str](), 0
    for each in history.planned():
        counts[each.status] += 1
        missing += each.reason in _NOT_FOUND
        if each.status is Status.PENDING and guards.moved:
            moved.update(_moved(each.edits, each.type, schema, guards.moved))
    told, overwritten = Counter[Kind](), 0
    for _, held in history.held():
        kinds = {one.kind for one in held}
        told.update(kinds)
        overwritten += "overwritten" in kinds
    rows, changed = sum(counts.values()) - counts[Status.SKIPPED], counts[Status.PENDING]
    return Planned(counts, told, changed, NightFacts(rows, changed, overwritten, invalid + missing, moved))


def told_in(history: History) -> Counter[Kind]:
    """Count the rows by what is told of any of their fields."""
    found: Counter[Kind] = Counter()
    for _, told in history.held():
        found.update({one.kind for one in told})
    return found


def quota_share(history: History) -> float | None:
    """Return which part of the API's quota the updates of a run used while it sent them, from 0 to 1.

    That of the window that was used most, which allows as much as it does in its whole time if the run was over sooner.
    None where nothing was sent, or no limit is on record.
    """
    sent, seconds = history.sending()
    limits = [mark.windows for mark in history.pace() if mark.kind == "limits" and mark.quota in {UPDATES, ALL}]
    if not (sent and limits and limits[-1]):
        return None
    return min(1.0, max(sent / (limit * max(1.0, seconds / interval)) for limit, interval in limits[-1]))


def with_reason(history: History, reason: str) -> int:
    """Count the rows that ended for a reason."""
    return sum(1 for each in history.settled() if each[4].reason == reason)


def _moved(edits: Iterable[Edit], type_name: str, schema: Schema, limits: Mapping[str, Share]) -> Iterable[str]:
    """Yield the columns whose number moves further than it may."""
    for each in edits:
        edit = in_columns(each, type_name, schema)
        name = column_of(edit)
        limit = limits.get(name)
        if limit is None or isinstance(edit.before, Unread) or edit.before is ABSENT:
            continue
        if has_moved(edit.before, edit.after, limit):
            yield name


def _filled(counts: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix(_FILLED): count for name, count in counts.items() if name.startswith(_FILLED)}
