"""What is done about a row once its record has been read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.changes.diff import Change, CompareRules, as_written
from jobs.model import ABSENT, UNREAD, Edit, Live, RowRef, Status, UpdateJob
from tests.schemas import DESK, SCHEMA, TERMS
from worker.policy.decision import (
    UNCHANGED,
    DecisionInput,
    decide,
    decide_row,
    give_up,
    moved_on,
    read_back,
    shown,
    with_losses,
)
from worker.policy.row import InFlightRow
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


def reason(decided: Change | Settle | ReadBack) -> str:
    if isinstance(decided, ReadBack):
        return "read again"
    return decided.reason if isinstance(decided, Settle) else "sent"


@pytest.mark.parametrize(
    ("job", "record", "asked", "expected"),
    [
        (JOB, live(), DecisionInput(TERMS), "sent"),
        (JOB, live("new"), DecisionInput(TERMS), "as_wanted"),
        # keys cannot be laid over what is no object
        (KEYED, live(metadata="text"), DecisionInput(TERMS), "lookup_failed"),
        # an earlier attempt left a doubt: the record tells
        (JOB, live("new"), DecisionInput(TERMS, doubt="reply_lost", earlier=OURS), "read_back"),
        (JOB, live("new"), DecisionInput(TERMS, doubt="reply_lost"), "read_back"),
        (JOB, live(), DecisionInput(TERMS, doubt="reply_lost", earlier=OURS), "sent"),
        # an old value proves nothing: it is read again
        (TAGGED, live(), DecisionInput(TERMS, "reply_lost", (Edit(("tags", "vip"), ABSENT, True),), may_resend=False),
         "read again"),
        # nothing that was sent can be seen in the record
        (FIRES, live(), DecisionInput(TERMS, doubt="reply_lost", may_resend=False), "reply_lost"),
        (FIRES, live(), DecisionInput(TERMS, doubt="reply_lost", may_resend=True), "sent"),
        # a trigger that nobody can see: a value that was looked at before and changed proves it, another does not
        (FIRES, live("new"), DecisionInput(TERMS, doubt="reply_lost", earlier=OURS, may_resend=False), "read_back"),
        (FIRES, live("new"), DecisionInput(TERMS, doubt="reply_lost", earlier=BLIND, may_resend=False), "reply_lost"),
        # a plan: what was expected, what is there already, what has moved on
        (JOB, live(), DecisionInput(TERMS, expected=OURS), "sent"),
        (JOB, live("new"), DecisionInput(TERMS, expected=OURS), "as_wanted"),
        (JOB, live("other"), DecisionInput(TERMS, expected=OURS), "changed_since_plan"),
        (JOB, live(), DecisionInput(TERMS, expected=()), "changed_since_plan"),
        # an earlier attempt may have been applied, and been overwritten by somebody else
        (JOB, live("other"), DecisionInput(TERMS, doubt="reply_lost", earlier=OURS, expected=OURS), "reply_lost"),
    ],
)  # fmt: skip
def test_a_row_is_decided_by_its_record(job: UpdateJob, record: Live, asked: DecisionInput, expected: str) -> None:
    assert reason(decide(job, record, asked)) == expected


def test_a_row_is_not_sent_without_the_guard_that_its_description_promises() -> None:
    lacking = replace(live(), lacks=("/rev", "@ETag"))
    found = decide(JOB, lacking, DecisionInput(TERMS))
    told = "its read does not show a value at /rev or the header ETag, and without it an update would go out unguarded"
    assert found == Settle("no_version", f"{told}: nothing was sent")
    assert reason(decide(JOB, replace(live("new"), lacks=("/rev",)), DecisionInput(TERMS))) == "as_wanted"
    assert reason(decide(JOB, lacking, DecisionInput(TERMS, doubt="reply_lost", earlier=OURS))) == "reply_lost"


def test_a_conflict_says_what_was_planned_and_what_is_there() -> None:
    decided = decide(JOB, live(7), DecisionInput(TERMS, expected=OURS))
    assert isinstance(decided, Settle)
    assert decided.message == 'reference was "old" when planned, and is 7 now'
    assert decided.fields == ("reference",)


def test_a_conflict_about_an_element_of_a_set_names_the_column_that_the_sheet_has() -> None:
    row = UpdateJob(REF, "tickets", "x", members={"tags": {"vip": True, "old": ABSENT}})
    planned = (Edit(("attributes", "tags", "vip"), ABSENT, True), Edit(("attributes", "tags", "old"), True, ABSENT))
    now = Live("tickets", {"tags": {"vip": True}})
    decided = decide(row, now, DecisionInput(CompareRules(DESK), expected=planned))
    assert decided is UNCHANGED  # somebody has done the same
    other = (Edit(("attributes", "tags", "vip"), True, ABSENT), planned[1])
    decided = decide(row, Live("tickets", {"tags": {"old": True}}), DecisionInput(CompareRules(DESK), expected=other))
    assert isinstance(decided, Settle)
    assert decided.message == "'vip' was in tags when planned, and is not there now"
    assert decided.fields == ("tags.remove",)


def test_unchanged_is_a_success_that_sends_nothing() -> None:
    assert UNCHANGED.status == "unchanged"


DOUBT = ReadBack("timed_out", "no reply in time")
SUCCESS = ReadBack("unverified", "204", "not_taken")
NOT_TAKEN = ReadBack("not_taken", "the reply still shows the old value: reference")
KEY = Edit(("attributes", "metadata", "k"), 1, 2)


@pytest.mark.parametrize(
    ("record", "question", "now", "finally_"),
    [
        (live("new"), DOUBT, "read_back", "timed_out"),
        (live("old"), DOUBT, "", "timed_out"),  # the request may still land, or the read lag
        (live("third"), DOUBT, "", "timed_out"),  # somebody else was there
        (live("new"), SUCCESS, "read_back", "unverified"),
        (live("old"), SUCCESS, "", "not_taken"),
        (live("third"), SUCCESS, "unverified", "unverified"),  # a form of the API's own, which no reply showed
        (live("old"), NOT_TAKEN, "", "not_taken"),
        (live("third"), NOT_TAKEN, "", "not_taken"),  # somebody's, perhaps
        (live("NEW"), NOT_TAKEN, "echo_differs", "not_taken"),
        (Live("orders", {}), DOUBT, "timed_out", "timed_out"),  # nothing of it can be seen
        (Live("orders", {}), SUCCESS, "unverified", "unverified"),
    ],
)
@pytest.mark.parametrize("fires", [False, True])
def test_what_a_record_proves_about_a_row_in_doubt(
    record: Live, question: ReadBack, now: str, finally_: str, fires: bool
) -> None:
    settle = read_back(OURS, record, question, SCHEMA, fires=fires)
    assert (settle.reason if settle else "") == now
    assert give_up(OURS, record, question, SCHEMA, fires=fires).reason == finally_


def test_a_record_that_was_never_read_proves_nothing() -> None:
    assert give_up(OURS, None, DOUBT, SCHEMA, fires=False).reason == "timed_out"
    assert give_up(OURS, None, SUCCESS, SCHEMA, fires=False).reason == "unverified"


@pytest.mark.parametrize(("question", "held"), [(SUCCESS, "third"), (NOT_TAKEN, " New")])
def test_after_a_success_what_the_record_holds_instead_is_the_form_of_what_was_sent(
    question: ReadBack, held: str
) -> None:
    settle = read_back((*OURS, KEY), live(held, metadata={"k": 2}), question, SCHEMA, fires=False)
    assert settle is not None
    assert [edit.stored for edit in settle.stored] == [held, UNREAD]
    assert settle.fields == ("reference",)


@pytest.mark.parametrize(
    ("edits", "question", "reason"),
    [
        ((Edit(REFERENCE, "old", "OLD"),), NOT_TAKEN, "kept_form"),
        ((Edit(REFERENCE, "old", "OLD"),), SUCCESS, "kept_form"),
        ((Edit(REFERENCE, "old", "OLD"), KEY), NOT_TAKEN, "not_taken"),  # another one was not taken
        ((Edit(REFERENCE, "old", "OLD"),), DOUBT, "timed_out"),  # nothing says that it was received
        ((Edit(REFERENCE, UNREAD, "OLD"),), NOT_TAKEN, "not_taken"),  # nobody knows what was there
        (OURS, NOT_TAKEN, "not_taken"),
    ],
)
def test_old_words_in_other_capitals_are_no_sign_that_an_update_was_ignored(
    edits: tuple[Edit, ...], question: ReadBack, reason: str
) -> None:
    settle = give_up(edits, live("old"), question, SCHEMA, fires=False)
    assert (settle.status, settle.reason) == (Status.UNKNOWN, reason)
    assert [edit.stored for edit in settle.stored] == (["old"] if reason == "kept_form" else [])


WORDS = st.sampled_from(["old", "OLD", " old", "new", "New", "third"])


@given(WORDS, WORDS, WORDS, st.sampled_from([SUCCESS, NOT_TAKEN]))
def test_after_a_success_other_words_than_those_sent_prove_at_most_that_nothing_else_was_shown(
    before: str, sent: str, shown: str, question: ReadBack
) -> None:
    assume(before != sent)
    edits = (Edit(REFERENCE, before, sent),)
    settle = read_back(edits, live(shown), question, SCHEMA, fires=False)
    settle = settle or give_up(edits, live(shown), question, SCHEMA, fires=False)
    words = shown.casefold().split() == sent.casefold().split()
    if words:
        assert settle.reason in {"kept_form", "unverified", "echo_differs", "read_back"}
    elif shown == before or question is NOT_TAKEN:
        assert (settle.status, settle.reason) == (Status.UNKNOWN, "not_taken")
    else:
        assert (settle.status, settle.reason) == (Status.APPLIED, "unverified")
    if settle.reason != "not_taken":
        assert (settle.stored or edits)[0].left == shown


def test_a_part_of_an_update_that_keeps_its_old_value_proves_nothing() -> None:
    assert read_back((*OURS, KEY), live("new"), SUCCESS, SCHEMA, fires=False) is None
    assert give_up((*OURS, KEY), live("new"), SUCCESS, SCHEMA, fires=False).reason == "not_taken"


def test_the_form_that_a_reply_showed_as_stored_proves_that_the_row_was_applied() -> None:
    stored = (replace(OURS[0], stored="NEW"),)
    for value in ("new", "NEW"):
        settle = read_back(stored, live(value), DOUBT, SCHEMA, fires=False)
        assert settle is not None
        assert settle.reason == "read_back"


@given(st.sampled_from(["old", "new", "third"]), st.booleans(), st.sampled_from([DOUBT, SUCCESS]))
def test_no_read_ever_says_that_a_row_was_not_applied(value: str, fires: bool, question: ReadBack) -> None:
    for settle in (
        read_back(OURS, live(value), question, SCHEMA, fires=fires),
        give_up(OURS, live(value), question, SCHEMA, fires=fires),
    ):
        assert settle is None or settle.status in {Status.APPLIED, Status.UNKNOWN}


@pytest.mark.parametrize(
    ("tags", "reference", "fires", "expected"),
    [
        (frozenset(), "new", True, "read_back"),  # the API discards tags it does not know: the rest tells
        (frozenset(), "old", True, ""),
        (frozenset({"vip"}), "old", True, ""),  # the tag is there, the rest is not: somebody else's
        (frozenset(), "new", False, ""),  # nothing is lost by asking again
    ],
)
def test_a_tag_that_is_missing_does_not_prove_that_a_trigger_did_not_fire(
    tags: frozenset[str], reference: str, fires: bool, expected: str
) -> None:
    edits = (*OURS, Edit(("tags", "vip"), ABSENT, True))
    settle = read_back(edits, replace(live(reference), tags=tags), DOUBT, SCHEMA, fires=fires)
    assert (settle.reason if settle else "") == expected


TAGS = ("attributes", "labels")


@pytest.mark.parametrize(
    ("edit", "expected", "moved"),
    [
        (Edit(REFERENCE, "a", "b"), (Edit(REFERENCE, "a", "b"),), 0),
        (Edit(REFERENCE, "c", "b"), (Edit(REFERENCE, "a", "b"), Edit(REFERENCE, "c", "b")), 0),  # any of several
        (Edit(REFERENCE, "d", "b"), (Edit(REFERENCE, "a", "b"),), 1),
        (Edit(REFERENCE, UNREAD, "b"), (Edit(REFERENCE, "a", "b"),), 1),
        (Edit(REFERENCE, "a", "b"), (Edit(REFERENCE, UNREAD, "b"),), 1),
        (Edit(REFERENCE, "a", "b"), (), 1),
        (
            Edit(TAGS, None, {"k": 1}),
            (Edit((*TAGS, "k"), ABSENT, 1),),
            0,
        ),  # what null holds was not there before either
        (Edit(TAGS, None, {"k": 1}), (Edit((*TAGS, "k"), 7, 1),), 1),
        (Edit(TAGS, None, {"k": 1}), (Edit((*TAGS, "m"), ABSENT, 1),), 1),
        (Edit(TAGS, {}, {"k": 1}), (Edit((*TAGS, "k"), ABSENT, 1),), 1),
        (Edit(TAGS, None, 1), (Edit((*TAGS, "k"), ABSENT, 1),), 1),
    ],
)
def test_what_moved_on_since_the_plan(edit: Edit, expected: tuple[Edit, ...], moved: int) -> None:
    assert len(moved_on(Change({}, {}, (edit,)), expected, SCHEMA)) == moved


@pytest.mark.parametrize(
    ("value", "said"), [("7", '"7"'), (7, "7"), (ABSENT, "nothing"), (UNREAD, "something not read"), (None, "null")]
)
def test_values_in_messages_tell_text_from_numbers(value: Any, said: str) -> None:
    assert shown(value) == said


def test_a_text_that_the_record_shows_tidied_was_applied_and_is_remembered_so() -> None:
    settle = read_back((Edit(REFERENCE, "old", " new "),), live("new"), DOUBT, SCHEMA, fires=False)
    assert settle is not None
    assert settle.reason == "read_back"
    assert [edit.stored for edit in settle.stored] == ["new"]


REFUSED = ReadBack("bad_request", "400: nothing to change", proven="no_op")


@pytest.mark.parametrize(
    ("value", "ending"),
    [
        ("new", (Status.UNCHANGED, "no_op", "400: nothing to change; the record already is as the row wants it")),
        ("old", (Status.REJECTED, "bad_request", "400: nothing to change; the record keeps the old value")),
        ("other", (Status.REJECTED, "bad_request", "400: nothing to change")),
    ],
)
def test_an_update_that_the_api_calls_a_no_op_is_unchanged_only_if_the_record_proves_it(
    value: str, ending: tuple[Status, str, str]
) -> None:
    settle = read_back(OURS, live(value), REFUSED, SCHEMA, fires=False)
    settle = settle or give_up(OURS, live(value), REFUSED, SCHEMA, fires=False)
    assert (settle.status, settle.reason, settle.message) == ending


HIDDEN = UpdateJob(REF, "customers", "x", {"reference": "new", "password": "secret"})


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (ReadBack("reply_lost", "the connection broke"), "reply_lost"),
        (ReadBack("unverified", "200"), "read_back"),  # the reply speaks for what no read shows
        (REFUSED, "no_op"),
    ],
)
def test_a_value_that_may_have_been_there_does_not_speak_for_one_that_no_read_shows(
    question: ReadBack, expected: str
) -> None:
    settle = read_back(as_written(HIDDEN).edits, live("new"), question, SCHEMA, fires=False)
    assert settle is not None
    assert settle.reason == expected


def test_a_row_that_sent_only_what_no_read_shows_is_sent_again_where_all_else_was_there_before() -> None:
    row = InFlightRow(HIDDEN, "customers", doubt="interrupted")
    decided = decide_row(TERMS, row, live("new"))
    assert isinstance(decided, Change)
    assert decided.attributes == {"password": "secret"}


def test_only_where_a_row_is_in_doubt_a_plan_takes_a_tidied_text_for_what_it_expects() -> None:
    edits = (Edit(REFERENCE, "b", "old"),)
    certain, doubtful = (Edit(REFERENCE, " b ", "old"),), (Edit(REFERENCE, " b ", "old"), Edit(REFERENCE, "old", "old"))
    assert len(moved_on(Change({}, {}, edits), certain, SCHEMA)) == 1
    assert moved_on(Change({}, {}, edits), doubtful, SCHEMA) == ()


@pytest.mark.parametrize(
    ("doubt", "image", "shown", "expected"),
    [
        ("", (), "old", ""),
        ("", (), "new", "as_wanted"),
        ("reply_lost", (), "new", "read_back"),  # nobody kept what it replaced: it may have sent all that it says
        ("reply_lost", OURS, "new", "read_back"),
        ("reply_lost", OURS, "old", ""),
    ],
)
def test_a_row_is_decided_by_what_is_known_of_it(
    doubt: str, image: tuple[Edit, ...], shown: str, expected: str
) -> None:
    row = InFlightRow(JOB, "orders", doubt=doubt, image=image)
    decided = decide_row(TERMS, row, live(shown))
    assert ("" if isinstance(decided, Change) else decided.reason) == expected


@pytest.mark.parametrize(
    ("settle", "shown", "reason"),
    [
        (Settle("read_back"), {"a": 2}, "values_lost"),
        (Settle("read_back"), {"a": 2, "b": 1}, "read_back"),
        (Settle("read_back"), {"a": 2, "b": ""}, "values_lost"),
        (Settle("not_taken"), {"a": 2}, "not_taken"),  # not applied for certain
    ],
)
def test_a_read_that_shows_an_update_shows_what_it_took_besides(
    settle: Settle, shown: dict[str, Any], reason: str
) -> None:
    edit = Edit(("attributes", "size", "a"), 1, 2)
    row = InFlightRow(UpdateJob(RowRef(1, 2, b""), "tickets", "7"), "tickets")
    row.take(Change({"size": {"a": 2, "b": 1}}, edits=(edit,)))
    found = with_losses(row, settle, Live("tickets", {"size": shown}), DESK)
    assert found.reason == reason
    if reason == "values_lost":
        assert (found.status, found.fields) == (Status.APPLIED, ("size.b",))
        assert found.stored == (edit, Edit(("attributes", "size", "b"), 1, shown.get("b", ABSENT)))


def test_a_record_that_is_not_as_described_blames_the_description() -> None:
    job = UpdateJob(REF, "tickets", "x", members={"tags": {"a": True}})
    found = decide(job, Live("tickets", {"tags": "x;y"}), DecisionInput(CompareRules(DESK)))
    assert isinstance(found, Settle)
    assert (found.reason, "is a text where a set is declared" in found.message) == ("not_as_described", True)
