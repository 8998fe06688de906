"""What is done about a row once its record has been read."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.change import Change, as_written
from jobs.model import ABSENT, UNREAD, Edit, Live, RowRef, UpdateJob
from worker.policy.decision import UNCHANGED, Asked, decide, moved_on, read_back, shown
from worker.policy.verdict import ReadBack, Settle

REF = RowRef(1, 2, b"")
REFERENCE = ("attributes", "reference")
JOB = UpdateJob(REF, "orders", "x", {"reference": "new"})
TAGGED = UpdateJob(REF, "orders", "x", add_tags=("vip",))
FIRES = UpdateJob(REF, "orders", "x", {"reference": "new"}, triggers={"_capture": True})
KEYED = UpdateJob(REF, "orders", "x", members={"metadata": {"a": 1}})
BLIND = as_written(FIRES).edits
OURS = (Edit(REFERENCE, "old", "new"),)


def live(reference: Any = "old", **more: Any) -> Live:
    return Live("orders", {"reference": reference, "metadata": {"k": 1}, **more}, tags=frozenset())


def reason(decided: Change | Settle) -> str:
    return decided.reason if isinstance(decided, Settle) else "sent"


@pytest.mark.parametrize(
    ("job", "record", "asked", "expected"),
    [
        (JOB, live(), Asked(), "sent"),
        (JOB, live("new"), Asked(), "as_wanted"),
        # keys cannot be laid over what is no object
        (KEYED, live(metadata="text"), Asked(), "lookup_failed"),
        # an earlier attempt left a doubt: the record tells
        (JOB, live("new"), Asked(doubt="reply_lost", earlier=OURS), "read_back"),
        (JOB, live("new"), Asked(doubt="reply_lost"), "read_back"),
        (JOB, live(), Asked(doubt="reply_lost", earlier=OURS), "sent"),
        (TAGGED, live(), Asked(doubt="reply_lost", earlier=(Edit(("tags", "vip"), ABSENT, True),), may_resend=False),
         "not_applied"),
        # it may still land
        (TAGGED, live(), Asked(doubt="interrupted", earlier=(Edit(("tags", "vip"), ABSENT, True),), may_resend=False),
         "interrupted"),
        # a trigger that nobody can see: a value that was looked at before and changed proves it, another does not
        (FIRES, live("new"), Asked(doubt="reply_lost", earlier=OURS, may_resend=False), "read_back"),
        (FIRES, live("new"), Asked(doubt="reply_lost", earlier=BLIND, may_resend=False), "reply_lost"),
        # a plan: what was expected, what is there already, what has moved on
        (JOB, live(), Asked(expected=OURS), "sent"),
        (JOB, live("new"), Asked(expected=OURS), "as_wanted"),
        (JOB, live("other"), Asked(expected=OURS), "changed_since_plan"),
        (JOB, live(), Asked(expected=()), "changed_since_plan"),
        # an earlier attempt may have been applied, and been overwritten by somebody else
        (JOB, live("other"), Asked(doubt="reply_lost", earlier=OURS, expected=OURS), "reply_lost"),
    ],
)  # fmt: skip
def test_a_row_is_decided_by_its_record(job: UpdateJob, record: Live, asked: Asked, expected: str) -> None:
    assert reason(decide(job, record, asked)) == expected


def test_a_conflict_says_what_was_planned_and_what_is_there() -> None:
    decided = decide(JOB, live(7), Asked(expected=OURS))
    assert isinstance(decided, Settle)
    assert decided.message == 'reference was "old" when planned, and is 7 now'
    assert decided.fields == ("reference",)


def test_unchanged_is_a_success_that_sends_nothing() -> None:
    assert UNCHANGED.status == "unchanged"


@pytest.mark.parametrize(
    ("record", "lingering", "fires", "expected"),
    [
        (live("new"), False, False, "read_back"),
        (live("new"), True, True, "read_back"),
        (live("old"), False, False, "not_applied"),
        (live("old"), True, False, "timed_out"),  # the request may still land
        (live("third"), False, False, "timed_out"),  # somebody else was there
        (None, False, False, "timed_out"),  # a refused read settles nothing
    ],
)
def test_what_reading_back_settles(record: Live | None, lingering: bool, fires: bool, expected: str) -> None:
    question = ReadBack("timed_out", "no reply in time", lingering)
    assert read_back(OURS, record, question, fires=fires).reason == expected


@pytest.mark.parametrize(
    ("tags", "reference", "fires", "expected"),
    [
        (frozenset(), "new", True, "read_back"),  # the API discards tags it does not know: the rest tells
        (frozenset(), "old", True, "not_applied"),
        (frozenset({"vip"}), "old", True, "timed_out"),  # the tag is there, the rest is not: somebody else's
        (frozenset(), "new", False, "timed_out"),  # nothing is lost by asking again
    ],
)
def test_a_tag_that_is_missing_does_not_prove_that_a_trigger_did_not_fire(
    tags: frozenset[str], reference: str, fires: bool, expected: str
) -> None:
    edits = (*OURS, Edit(("tags", "vip"), ABSENT, True))
    record = replace(live(reference), tags=tags)
    assert read_back(edits, record, ReadBack("timed_out", "no reply in time"), fires=fires).reason == expected


@pytest.mark.parametrize(
    ("edit", "expected", "moved"),
    [
        (Edit(REFERENCE, "a", "b"), (Edit(REFERENCE, "a", "b"),), 0),
        (Edit(REFERENCE, "c", "b"), (Edit(REFERENCE, "a", "b"), Edit(REFERENCE, "c", "b")), 0),  # any of several
        (Edit(REFERENCE, "d", "b"), (Edit(REFERENCE, "a", "b"),), 1),
        (Edit(REFERENCE, UNREAD, "b"), (Edit(REFERENCE, "a", "b"),), 1),
        (Edit(REFERENCE, "a", "b"), (Edit(REFERENCE, UNREAD, "b"),), 1),
        (Edit(REFERENCE, "a", "b"), (), 1),
    ],
)
def test_what_moved_on_since_the_plan(edit: Edit, expected: tuple[Edit, ...], moved: int) -> None:
    assert len(moved_on(Change({}, {}, (edit,)), expected)) == moved


@pytest.mark.parametrize(
    ("value", "said"), [("7", '"7"'), (7, "7"), (ABSENT, "nothing"), (UNREAD, "something not read"), (None, "null")]
)
def test_values_in_messages_tell_text_from_numbers(value: Any, said: str) -> None:
    assert shown(value) == said
