"""What is done about a row once its record has been read: before it is sent, and after an attempt left a doubt."""

import json
from collections.abc import Mapping
from typing import Final

from jobs.apis.schema import Schema
from jobs.changes.diff import CannotMerge, Change, CompareRules, as_written, difference
from jobs.changes.edits import Held, as_kept, as_shown, column_of, in_columns, is_hidden, keeps_words, sides
from jobs.changes.equality import same_at, tidied
from jobs.changes.losses import lost_members
from jobs.changes.paths import place_of
from jobs.model import ABSENT, JSON, Absent, Edit, Live, Status, Unread, UpdateJob
from jobs.reasons import KEPT_FORM
from jobs.texts import either, shortened
from jobs.values import valueclass
from worker.policy.row import InFlightRow
from worker.policy.verdict import ReadBack, Settle, values_lost

UNCHANGED: Final = Settle("as_wanted")

EARLIER: Final = "an earlier attempt left without a trustworthy reply"


@valueclass(frozen=True, slots=True)
class DecisionInput:
    """How a row is to be taken.

    Attributes:
        terms: how the row is compared with its record.
        doubt: reason code when an earlier attempt may have been applied, else empty.
        earlier: what that attempt replaced.
        may_resend: the row may be sent although it may have been applied.
        expected: what was planned for the row; None when there is no plan to keep to.
    """

    terms: CompareRules
    doubt: str = ""
    earlier: tuple[Edit, ...] = ()
    may_resend: bool = True
    expected: tuple[Edit, ...] | None = None


def decide(job: UpdateJob, live: Live, asked: DecisionInput) -> Change | Settle | ReadBack:
    """Return what to send, or how the row is settled without sending, or that its record has to be read again."""
    if asked.doubt and (known := _known(job, live, asked)):
        return known
    try:
        change = difference(job, live, asked.terms, asked.earlier)
    except CannotMerge as error:
        is_described = asked.terms.schema.grammar == "members"
        return Settle(asked.doubt or ("not_as_described" if is_described else "lookup_failed"), str(error))
    if asked.doubt and change.is_empty:
        return Settle("read_back", "the record is as the row wants it")
    return planned(job, change, asked, live.lacks)


def decide_row(terms: CompareRules, row: InFlightRow, live: Live) -> Change | Settle | ReadBack:
    """Decide a row by its record; one that is in doubt without an image may have sent all that it says."""
    asked = DecisionInput(terms, row.doubt, replaced_before(row), row.may_resend, row.expected)
    return decide(row.job, live, asked)


def replaced_before(row: InFlightRow) -> tuple[Edit, ...]:
    """Return what earlier attempts of a row replaced, or may have."""
    return row.image or (as_written(row.job).edits if row.doubt else ())


def planned(job: UpdateJob, change: Change, asked: DecisionInput, lacks: tuple[str, ...] = ()) -> Change | Settle:
    """Return a change as far as it keeps to the plan, or how the row is settled because its record has moved on.

    `lacks` names what the record does not show although the update has to be conditional on it.
    """
    if asked.expected is not None and (moved := moved_on(change, asked.expected, asked.terms.schema)):
        moved = tuple(in_columns(edit, job.type, asked.terms.schema) for edit in moved)
        told = "; ".join(map(_told, moved))
        if asked.doubt:  # a conflict says that nothing was sent
            return Settle(asked.doubt, f"{EARLIER}; {told}", tuple(map(column_of, moved)))
        return Settle("changed_since_plan", told, tuple(map(column_of, moved)))
    if lacks and not change.is_empty:
        return _unguarded(lacks, asked.doubt)
    return UNCHANGED if change.is_empty else change


def read_back(edits: tuple[Edit, ...], live: Live, question: ReadBack, schema: Schema, *, fires: bool) -> Settle | None:
    """Settle a row in doubt by its record, or return None: the record proves nothing yet, and is to be read again.

    New values prove that the row was applied, also as APIs tidy texts. Old values prove nothing: reads lag, and an
    update may land late. After a success that showed nothing, a value that is neither is a form of the API's own, and
    is remembered. After one that showed the old value, it has to be the words that were sent: others are somebody's.

    Args:
        edits: of all attempts of the row.
        live: the record.
        question: what is in doubt.
        schema: says which forms of a value are the same.
        fires: the row also has effects that cannot be read: without a success, only a value that changed proves that
            it was applied, as where a value that was sent is never shown; and a tag that is not there says nothing,
            since the API discards those it does not know.
    """
    shown = as_shown(edits, live, schema)
    held = _held(shown, live, schema, fires=fires)
    if not held:
        return Settle(question.reason, question.message, errors=question.errors)
    if held == {"after"}:
        hides = fires or (is_hidden(edits, live) and not question.refused)
        if hides and not question.succeeded and any(isinstance(edit.before, Unread) for edit in edits):
            return Settle(question.reason, question.message, errors=question.errors)
        told = "already is as the row wants it" if question.refused else "shows that it was applied"
        told = f"{question.message}; the record {told}"
        return Settle(question.proven, told, stored=shown if shown != edits else ())
    if "before" not in held:
        told = f"{question.message}; the record shows another value than the one sent"
        if question.stale:
            return _in_its_form(question.reason, told, edits, live, schema)
        if question.succeeded and keeps_words(edits, live, schema):
            return _in_its_form("echo_differs", told, edits, live, schema)
    return None


def with_losses(row: InFlightRow, settle: Settle, live: Live, schema: Schema) -> Settle:
    """Return how a row is settled by a read that shows its update, and shows what that took from the record besides."""
    if settle.status is not Status.APPLIED or not (lost := lost_members(row.change, live, schema)):
        return settle
    return values_lost(settle.stored or row.image, lost)


def give_up(edits: tuple[Edit, ...], live: Live | None, question: ReadBack, schema: Schema, *, fires: bool) -> Settle:
    """Settle a row that no read has settled in time; `live` is the last one, None when it failed.

    Old values that are the same words as those sent are no sign that the API ignores updates: it may have made the old
    ones of them. What the record holds is remembered as their form, then.
    """
    held = _held(edits, live, schema, fires=fires) if live is not None else frozenset[Held]()
    reason, told = question.reason, question.message
    if "before" in held:
        blind = any(isinstance(edit.before, Unread) for edit in edits)
        shown = "does not hold the new value" if blind else "keeps the old value"
        reason, told = question.stale or reason, f"{told}; the record {shown}"
        if reason == "not_taken" and live is not None and not blind and keeps_words(edits, live, schema):
            return _in_its_form(KEPT_FORM, told, edits, live, schema)
    return Settle(reason, told, errors=question.errors)


def _in_its_form(reason: str, told: str, edits: tuple[Edit, ...], live: Live, schema: Schema) -> Settle:
    """Settle a row whose record holds something else than what was sent, which is remembered as its form."""
    kept = as_kept(edits, live, schema)
    return Settle(
        reason, told, tuple(column_of(edit) for edit in kept if not isinstance(edit.stored, Unread)), stored=kept
    )


def _known(job: UpdateJob, live: Live, asked: DecisionInput) -> Settle | ReadBack | None:
    """Return what becomes of a row that an earlier attempt left in doubt; None when it may simply be sent again."""
    question = ReadBack(asked.doubt, EARLIER)
    settled = read_back(asked.earlier, live, question, asked.terms.schema, fires=bool(job.triggers))
    if settled is not None and settled.status is Status.APPLIED:
        return settled
    return None if asked.may_resend else settled or question


def _held(edits: tuple[Edit, ...], live: Live, schema: Schema, *, fires: bool) -> frozenset[Held]:
    return sides((edit for edit in edits if not (fires and _may_be_discarded(edit, live))), live, schema)


def moved_on(change: Change, expected: tuple[Edit, ...], schema: Schema) -> tuple[Edit, ...]:
    """Return the edits that are no longer as expected; `after` of each is the live value, `before` the expected one.

    A path may be expected several times: then any of its old values will do. A value that already is what was planned
    needs no edit any more.
    """
    moved = []
    for edit in change.edits:
        wanted = [each for each in expected if place_of(each.path) == place_of(edit.path)]
        if not wanted and _laid_over_null(edit, expected):
            continue
        if not any(_meets(edit, each, schema, in_doubt=len(wanted) > 1) for each in wanted):
            before = wanted[-1].before if wanted else edit.after
            moved.append(Edit(edit.path, before, ABSENT if isinstance(edit.before, Unread) else edit.before))
    return tuple(moved)


def _laid_over_null(edit: Edit, expected: tuple[Edit, ...]) -> bool:
    """Return whether an edit lays over null what was planned as members that are not there: nor are they now."""
    if edit.before is not None or not isinstance(edit.after, Mapping):
        return False
    planned = {each.path[-1]: each.before for each in expected if each.path[:-1] == edit.path}
    return all(isinstance(planned.get(key), Absent) for key in edit.after)


def shown(value: JSON | Absent | Unread) -> str:
    """Render a value for a message: text in quotes, so that 7 and "7" differ."""
    if isinstance(value, Absent | Unread):
        return "nothing" if isinstance(value, Absent) else "something not read"
    return shortened(json.dumps(value, ensure_ascii=False, default=float))


def _may_be_discarded(edit: Edit, live: Live) -> bool:
    """Whether it adds a tag that the record does not have: the rest of the update may have been applied."""
    kind, name, *_ = edit.path
    return kind == "tags" and edit.after is not ABSENT and name not in (live.tags or ())


def _meets(edit: Edit, planned: Edit, schema: Schema, *, in_doubt: bool) -> bool:
    """Whether the live value is the one that was planned for; `in_doubt`: or that one tidied, which nobody has seen."""
    if isinstance(edit.before, Unread) or isinstance(planned.before, Unread):
        return False
    before, expected = edit.before, planned.before
    if edit.path != planned.path:  # a member for one, and an object for the other, of which no read shows the absence
        before, expected = (None if isinstance(each, Absent) else each for each in (before, expected))
    if same_at(edit.path, expected, before, schema):
        return True
    return in_doubt and tidied(expected, before)


def _unguarded(lacks: tuple[str, ...], doubt: str) -> Settle:
    """Return the end of a row whose record does not show what its update has to be conditional on."""
    told = either([f"the header {name[1:]}" if name.startswith("@") else f"a value at {name}" for name in lacks])
    return Settle(
        doubt or "no_version",
        f"its read does not show {told}, and without it an update would go out unguarded: nothing was sent",
    )


def _told(moved: Edit) -> str:
    if moved.path[0] == "elements":
        was, now = ("" if each is True else "not " for each in (moved.before, moved.after))
        return f"{moved.path[2]!r} was {was}in {moved.path[1]} when planned, and is {now}there now"
    return f"{column_of(moved)} was {shown(moved.before)} when planned, and is {shown(moved.after)} now"
