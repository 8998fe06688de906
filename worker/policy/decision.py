"""What is done about a row once its record has been read: before it is sent, and after an attempt left a doubt."""

import json
from dataclasses import dataclass
from typing import Final

from jobs.change import AS_A_SHEET, CannotMerge, Change, Terms, difference
from jobs.echo import same_at
from jobs.images import column_of, side
from jobs.model import ABSENT, JSON, Absent, Edit, Live, Unread, UpdateJob
from jobs.texts import shortened
from worker.policy.verdict import ReadBack, Settle

UNCHANGED: Final = Settle("as_wanted")

_MAY_STILL_LAND: Final = frozenset({"interrupted", "timed_out"})
"""Doubts about a request that may not have been worked on yet when the record was read."""


_EARLIER: Final = "an earlier attempt left without a trustworthy reply"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a row is to be taken.

    Attributes:
        terms: how the row is compared with its record.
        doubt: reason code when an earlier attempt may have been applied, else empty.
        earlier: what that attempt replaced.
        may_resend: the row may be sent although it may have been applied.
        expected: what was planned for the row; None when there is no plan to keep to.
    """

    terms: Terms = AS_A_SHEET
    doubt: str = ""
    earlier: tuple[Edit, ...] = ()
    may_resend: bool = True
    expected: tuple[Edit, ...] | None = None


def decide(job: UpdateJob, live: Live, asked: Asked) -> Change | Settle:
    """What to send, or how the row is settled without sending anything."""
    if asked.doubt and (settled := _settled_by(job, live, asked)):
        return settled
    try:
        change = difference(job, live, asked.terms)
    except CannotMerge as error:
        return Settle(asked.doubt or "lookup_failed", str(error))
    if asked.doubt and change.is_empty:
        return Settle("read_back", "the record is as the row wants it")
    if asked.expected is not None and (moved := moved_on(change, asked.expected)):
        told = "; ".join(map(_told, moved))
        if asked.doubt:  # a conflict says that nothing was sent
            return Settle(asked.doubt, f"{_EARLIER}; {told}", tuple(map(column_of, moved)))
        return Settle("changed_since_plan", told, tuple(map(column_of, moved)))
    return UNCHANGED if change.is_empty else change


def read_back(edits: tuple[Edit, ...], live: Live | None, question: ReadBack, *, fires: bool) -> Settle:
    """Settle a row whose attempts left a doubt, by what its record holds now.

    Args:
        edits: of the last attempt.
        live: None when the record could not be read, which settles nothing.
        question: what is in doubt.
        fires: the row also has effects that cannot be read: then only a value that changed proves that it was applied,
            and a tag that is not there proves nothing, since the API discards those it does not know.
    """
    telling = tuple(edit for edit in edits if not (fires and _may_be_discarded(edit, live)))
    held = side(telling, live) if live is not None else "unseen"
    if held == "after" and not (fires and any(isinstance(edit.before, Unread) for edit in edits)):
        return Settle("read_back", f"{question.message}; the record shows that it was applied")
    if held == "before" and not question.lingering:
        told = f"{question.message}; the record shows that this attempt was not applied"
        return Settle("not_applied", told, errors=question.errors)
    return Settle(question.reason, question.message, errors=question.errors)


def moved_on(change: Change, expected: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits that are no longer those expected; `after` of each is the live value, `before` the expected one.

    A path may be expected several times: then any of its old values will do. A value that already is what was planned
    needs no edit any more.
    """
    moved = []
    for edit in change.edits:
        wanted = [each for each in expected if each.path == edit.path]
        if not any(_meets(edit, each) for each in wanted):
            before = wanted[-1].before if wanted else edit.after
            moved.append(Edit(edit.path, before, ABSENT if isinstance(edit.before, Unread) else edit.before))
    return tuple(moved)


def shown(value: JSON | Absent | Unread) -> str:
    """A value in a message: text in quotes, so that 7 and "7" can be told apart."""
    if isinstance(value, Absent | Unread):
        return "nothing" if isinstance(value, Absent) else "something not read"
    return shortened(json.dumps(value, ensure_ascii=False, default=float))


def _settled_by(job: UpdateJob, live: Live, asked: Asked) -> Settle | None:
    """What the record says about an earlier attempt, None when the row may simply be sent again."""
    question = ReadBack(asked.doubt, _EARLIER, lingering=asked.doubt in _MAY_STILL_LAND)
    settle = read_back(asked.earlier, live, question, fires=bool(job.triggers))
    return None if asked.may_resend and settle.reason != "read_back" else settle


def _may_be_discarded(edit: Edit, live: Live | None) -> bool:
    """Whether it adds a tag that the record does not have: the rest of the update may have been applied."""
    kind, name, *_ = edit.path
    return kind == "tags" and edit.after is not ABSENT and live is not None and name not in (live.tags or ())


def _meets(edit: Edit, planned: Edit) -> bool:
    if isinstance(edit.before, Unread) or isinstance(planned.before, Unread):
        return False
    return same_at(edit.path, planned.before, edit.before)


def _told(moved: Edit) -> str:
    return f"{column_of(moved)} was {shown(moved.before)} when planned, and is {shown(moved.after)} now"
