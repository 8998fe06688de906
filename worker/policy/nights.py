"""What is done about a row of a night once its record has been read: `decision`, with a memory of the last agreement.

A row whose record is as it wants is decided by `decision` alone, and costs no more than there. Of any other, the fields
that are held back are taken out, and what is left is sent as ever.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, overload

from jobs.agreement.model import Clearing, FieldRules, Kind, Remembered, Sealed, Told, Value
from jobs.agreement.rows import NO_CLEARING, decided, in_doubt
from jobs.apis.schema import Schema
from jobs.changes.diff import Change, CompareRules, difference
from jobs.changes.edits import column_of, in_columns
from jobs.changes.overtaking import Inseparable
from jobs.changes.paths import is_within, place_of
from jobs.model import Edit, Live, Path, Status, Unread, UpdateJob
from jobs.values import valueclass
from worker.policy.decision import EARLIER, UNCHANGED, DecisionInput, decide, planned, replaced_before, shown
from worker.policy.row import InFlightRow
from worker.policy.verdict import ReadBack, Settle

_REASONS: Final[Mapping[Kind, str]] = {
    "both_changed": "both_changed",
    "drifted": "drifted",
    "gone": "drifted",
    "kept": "kept",
    "undone": "undone",
}
"""The reason that settles a row by what is told of a field, the worst first."""

_WORDS: Final[Mapping[Kind, str]] = {
    "both_changed": "not sent, both changed",
    "drifted": "not sent, drifted",
    "gone": "not cleared, somebody has changed it",
    "kept": "not sent, kept",
    "undone": "not sent, an undo has put it back",
    "not_ours": "not cleared, never set by this job",
    "differs": "is as the API stores what was sent",
    "overwritten": "sent over somebody's change",
}

_WORST_FIRST: Final = (
    Status.UNKNOWN, Status.FAILED, Status.REJECTED, Status.CONFLICT, Status.APPLIED, Status.SKIPPED, Status.UNCHANGED,
)  # fmt: skip
"""Which of its fields a row takes its status from."""


def no_clearing(_job: UpdateJob) -> Mapping[Path, Clearing]:
    """Return that no rule clears a field of the row."""
    return NO_CLEARING


@valueclass(frozen=True, slots=True)
class Night:
    """How the rows of a night are decided.

    Attributes:
        terms: how a row is compared with its record.
        rules: of the job.
        remembered: what is remembered of a record, by type and id.
        clearing: the fields of a row that a rule clears, and which rule.
    """

    terms: CompareRules
    rules: FieldRules
    remembered: Callable[[str, str], Remembered]
    clearing: Callable[[UpdateJob], Mapping[Path, Clearing]] = no_clearing


def decide_night(night: Night, row: InFlightRow, live: Live) -> Change | Settle | ReadBack:
    """Decide a row by its record and the last agreement; the row keeps what has to be told of its fields."""
    row.told = ()
    job, terms, earlier = row.job, night.terms, replaced_before(row)
    asked = DecisionInput(terms, row.doubt, earlier, row.may_resend)
    first = decide(job, live, asked)
    if not (isinstance(first, Change) or row.doubt):
        return first
    remembered = night.remembered(job.type, job.id)
    row.was_tried = any(not isinstance(known.doubt, Unread) for known in remembered.values())
    if ours := (*(edit for step in live.steps for edit in step.edits), *(earlier if row.doubt else ())):
        remembered = in_doubt(remembered, ours)
    try:
        found = decided(job, live, remembered, night.rules, terms, night.clearing(job))
    except Inseparable as error:
        return Settle(row.doubt or "both_changed", f"somebody else has changed a part of the row: {error}")
    row.told = (*found.held, *found.told)
    contested = [each for each in found.held if row.doubt and _is_about(each, earlier)]
    if not isinstance(first, Change):
        row.told = tuple(each for each in found.held if each not in contested)
        return first
    if contested:  # what is there may have taken the place of what was sent
        return Settle(row.doubt, EARLIER)
    asked = replace(asked, expected=row.expected)
    if found.job is job:
        return planned(job, first, asked, live.lacks)
    change = difference(found.job, live, terms, earlier) if found.job is not None else Change()
    return _left_alone(row, terms.schema) if change.is_empty else planned(job, change, asked, live.lacks)


def at_end(settle: Settle, row: InFlightRow, schema: Schema) -> Settle:
    """Return how a row ends that `settle` settles, with what has to be told of its fields.

    It takes the worst status of all its fields. So a row may end as a conflict of which other fields were applied.
    """
    if not row.told:
        return settle
    held = _left_alone(row, schema)
    if settle.message.endswith(held.message):
        return settle  # it is told already
    worse = min(settle, held, key=_rank)
    words = [settle.message, held.message]
    if settle.status is Status.APPLIED and worse is held:
        words.append("the other fields were applied")
    fields = tuple(dict.fromkeys((*settle.fields, *held.fields)))
    return replace(settle, reason=worse.reason, message="; ".join(filter(None, words)), fields=fields)


def told_of(row: InFlightRow, schema: Schema) -> tuple[str, tuple[str, ...]]:
    """Return what is told of the fields of a row, in words, and their columns; nothing for most rows."""
    if not row.told:
        return "", ()
    held = _left_alone(row, schema)
    return held.message, held.fields


def _left_alone(row: InFlightRow, schema: Schema) -> Settle:
    """Return what settles a row of which nothing is sent: the worst of what is told, and the fields it is about."""
    kinds = {each.kind for each in row.told}
    reason = next((reason for kind, reason in _REASONS.items() if kind in kinds), UNCHANGED.reason)
    said = [(each.kind, *_told(each, row.job.type, schema)) for each in row.told if each.kind in _WORDS]
    about = [column for kind, column, _ in said if _REASONS.get(kind, UNCHANGED.reason) == reason]
    return Settle(reason, "; ".join(words for _, _, words in said), tuple(dict.fromkeys(about)))


def _rank(settle: Settle) -> int:
    """Return how good a status is; one that a row of a night has for other reasons is worse than all."""
    return _WORST_FIRST.index(settle.status) if settle.status in _WORST_FIRST else -1


def _is_about(held: Told, earlier: Iterable[Edit]) -> bool:
    """Return whether an earlier attempt has sent a field that is held now."""
    return is_within(place_of(held.path), {place_of(edit.path) for edit in earlier})


def _told(told: Told, type_name: str, schema: Schema) -> tuple[str, str]:
    """Return the column of a field, and what is told of it with the three values; a private one has none."""
    edit = in_columns(Edit(told.path, _plain(told.live), _plain(told.sheet)), type_name, schema)
    said = f"{column_of(edit)} {_WORDS[told.kind]}"
    if any(isinstance(each, Sealed) for each in (told.sheet, told.live, told.agreed)):
        return column_of(edit), said
    agreed = in_columns(Edit(told.path, _plain(told.agreed), _plain(told.sheet)), type_name, schema).before
    last = "never agreed" if isinstance(told.agreed, Unread) else f"last agreed {shown(agreed)}"
    return column_of(edit), f"{said} (sheet {shown(edit.after)}, record {shown(edit.before)}, {last})"


@overload
def _plain(value: Value | Sealed) -> Value: ...
@overload
def _plain(value: Value | Sealed | Unread) -> Value | Unread: ...
def _plain(value: Value | Sealed | Unread) -> Value | Unread:
    """Return a value; null for one that is private, of which only the column is told."""
    return None if isinstance(value, Sealed) else value
