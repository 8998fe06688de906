"""What is done about a row of a night once its record has been read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.model import NEVER_AGREED, Agreed, FieldRules, Kind, Remembered, Sealed, Told
from jobs.changes.diff import Change, CompareRules, after
from jobs.model import UNREAD, Edit, Live, Path, RowRef, Status, UpdateJob
from jobs.reasons import REASONS
from tests.schemas import DESK, SCHEMA, TERMS
from worker.policy.decision import UNCHANGED, decide_row
from worker.policy.nights import Night, at_end, decide_night, no_clearing, told_of
from worker.policy.row import InFlightRow
from worker.policy.verdict import ReadBack, Settle

REF = RowRef(1, 2, b"")
NAME: Path = ("attributes", "name")
CODE: Path = ("attributes", "code")
ONE = UpdateJob(REF, "skus", "x", {"name": "new"})
BOTH = UpdateJob(REF, "skus", "x", {"name": "new", "code": "new"})
OLD: Remembered = {NAME: Agreed("old", "old"), CODE: Agreed("old", "old")}
SAME: Remembered = {NAME: Agreed("new", "new"), CODE: Agreed("old", "old")}


def live(name: Any = "old", code: Any = "old", **more: Any) -> Live:
    return Live("skus", {"name": name, "code": code, **more})


def row(job: UpdateJob = BOTH, **more: Any) -> InFlightRow:
    return InFlightRow(job, job.type, **more)


def night(remembered: Remembered | None = None, rules: FieldRules | None = None, terms: CompareRules = TERMS) -> Night:
    return Night(terms, rules or FieldRules(), lambda _type, _id: remembered or {})


def text(decided: Change | Settle | ReadBack) -> str:
    if isinstance(decided, Change):
        return "sends " + ", ".join(edit.path[-1] for edit in decided.edits)
    return decided.reason if isinstance(decided, Settle) else "read again"


@pytest.mark.parametrize(
    ("job", "record", "remembered", "drift", "expected", "held"),
    [
        # nothing to hold
        (BOTH, live("new", "new"), OLD, "report", "as_wanted", []),
        (BOTH, live("x", "y"), {}, "report", "sends name, code", []),
        (BOTH, live(), OLD, "report", "sends name, code", []),
        (BOTH, live("new"), OLD, "report", "sends code", []),
        # nothing left to send
        (ONE, live("x"), SAME, "report", "drifted", ["drifted"]),
        (ONE, live("x"), OLD, "report", "both_changed", ["both_changed"]),
        (ONE, live("x"), OLD, "keep", "kept", ["kept"]),
        (ONE, live("x"), {}, "keep", "kept", ["kept"]),
        (BOTH, live("x", "new"), SAME, "report", "drifted", ["drifted"]),
        # the worst of several
        (BOTH, live("x", "y"), SAME, "report", "both_changed", ["both_changed", "drifted"]),
        # some are sent, others held
        (BOTH, live("x"), SAME, "report", "sends code", ["drifted"]),
        (BOTH, live("x"), OLD, "report", "sends code", ["both_changed"]),
        (BOTH, live("x"), OLD, "overwrite", "sends name, code", ["overwritten"]),
    ],
)  # fmt: skip
def test_a_row_is_decided_by_its_record_and_the_last_agreement(
    job: UpdateJob, record: Live, remembered: Remembered, drift: Any, expected: str, held: list[str]
) -> None:
    taken = row(job)
    assert text(decide_night(night(remembered, FieldRules(drift)), taken, record)) == expected
    assert [each.kind for each in taken.told] == held


@pytest.mark.parametrize(
    ("known", "was_tried"), [(OLD, False), ({**OLD, CODE: Agreed("old", "old", "new", "old")}, True)]
)
def test_a_row_that_an_earlier_night_left_in_doubt_was_tried(known: Remembered, was_tried: bool) -> None:
    taken = row()
    assert text(decide_night(night(known), taken, live())) == "sends name, code"
    assert taken.was_tried is was_tried


def test_who_holds_a_field_back_says_why_with_all_three_values() -> None:
    taken = row(ONE)
    decided = decide_night(night(OLD), taken, live("x"))
    told = 'name not sent, both changed (sheet "new", record "x", last agreed "old")'
    assert decided == Settle("both_changed", told, ("name",))
    assert isinstance(decided, Settle)
    assert at_end(decided, taken, SCHEMA) is decided
    never = decide_night(night({}, FieldRules("keep")), taken, live("x"))
    assert isinstance(never, Settle)
    assert never.message == 'name not sent, kept (sheet "new", record "x", never agreed)'


def test_no_message_shows_a_private_value() -> None:
    rules = FieldRules(sealed=frozenset({NAME}), seal=lambda value: Sealed(f"#{len(str(value))}"))
    remembered = {NAME: Agreed(Sealed("#9"), Sealed("#9"))}
    decided = decide_night(night(remembered, rules), row(ONE), live("x"))
    assert decided == Settle("both_changed", "name not sent, both changed", ("name",))


def test_elements_and_lists_of_a_set_are_told_as_the_sheet_has_them() -> None:
    terms = CompareRules(DESK)
    job = UpdateJob(REF, "tickets", "x", members={"tags": {"vip": True}})
    tags: Path = ("attributes", "tags")
    agreed = {(*tags, "vip"): Agreed(sheet=True, stored=True), tags: Agreed({"a": True}, {"a": True})}
    decided = decide_night(night(agreed, terms=terms), row(job), Live("tickets", {"tags": {}}))
    assert isinstance(decided, Settle)
    assert decided.fields == ("tags.add",)
    job = UpdateJob(REF, "tickets", "x", {"tags": {"a": True}})
    decided = decide_night(night(agreed, terms=terms), row(job), Live("tickets", {"tags": {"b": True}}))
    assert isinstance(decided, Settle)
    assert decided.message == 'tags not sent, drifted (sheet ["a"], record ["b"], last agreed ["a"])'


def test_a_rule_clears_only_what_was_agreed_on_and_tells_the_rest() -> None:
    job = UpdateJob(REF, "skus", "x", {"name": None})
    strict = replace(night(), clearing=lambda _job: {NAME: "empty"})
    taken = row(job)
    decided = decide_night(strict, taken, live("theirs"))
    told = 'name not cleared, never set by this job (sheet null, record "theirs", never agreed)'
    assert decided == Settle("as_wanted", told, ("name",))
    assert isinstance(decided, Settle)
    assert at_end(decided, taken, SCHEMA) is decided
    owned = replace(strict, remembered=lambda _type, _id: {NAME: Agreed("old", "old")})
    assert text(decide_night(owned, row(job), live())) == "sends name"
    gone = replace(owned, clearing=lambda _job: {NAME: "gone"})
    assert text(decide_night(gone, row(job), live("theirs"))) == "drifted"


def test_what_no_read_shows_is_unchanged_as_long_as_the_sheet_is() -> None:
    job = UpdateJob(REF, "customers", "x", {"password": "p"})
    path: Path = ("attributes", "password")
    record = Live("customers", {})
    assert text(decide_night(night({path: Agreed("p")}), row(job), record)) == "as_wanted"
    assert decide_night(night({path: Agreed("q")}), row(job), record) == Change({"password": "p"}, unread=("password",))


def test_a_record_that_cannot_be_read_asks_no_memory() -> None:
    job = UpdateJob(REF, "skus", "x", members={"metadata": {"a": 1}})
    asked: list[str] = []

    def remembered(_type: str, key: str) -> Remembered:
        asked.append(key)
        return {}

    decided = decide_night(Night(TERMS, FieldRules(), remembered), row(job), live(metadata="text"))
    assert text(decided) == "lookup_failed"
    assert text(decide_night(Night(TERMS, FieldRules(), remembered), row(), live("new", "new"))) == "as_wanted"
    assert asked == []


@pytest.mark.parametrize(
    ("record", "remembered", "expected"),
    [
        (live(), OLD, "sends name, code"),
        # a field that this row does not send may have moved: it is held, or as it wants
        (live("x"), SAME, "sends code"),
        (live("new"), OLD, "sends code"),
        # one that it sends has moved
        (live("x"), {}, "changed_since_plan"),
        (live("x", "y"), {CODE: Agreed("new", "new")}, "changed_since_plan"),
        # nothing is left to send
        (live("x", "y"), OLD, "both_changed"),
    ],
)
def test_a_plan_is_kept_by_the_fields_that_are_sent(record: Live, remembered: Remembered, expected: str) -> None:
    plan = (Edit(NAME, "old", "new"), Edit(CODE, "old", "new"))
    assert text(decide_night(night(remembered), row(expected=plan), record)) == expected


def test_a_field_that_was_held_in_the_plan_is_not_sent_unplanned() -> None:
    plan = (Edit(CODE, "old", "new"),)
    assert text(decide_night(night(OLD), row(expected=plan), live())) == "changed_since_plan"


def test_what_an_earlier_row_of_the_run_has_set_is_nobody_elses_change() -> None:
    first = Change({"name": "first"}, edits=(Edit(NAME, "old", "first"),))
    assert text(decide_night(night(OLD), row(ONE), after(live(), first))) == "sends name"


SENT = (Edit(NAME, "old", "new"),)


@pytest.mark.parametrize(
    ("job", "record", "image", "remembered", "may_resend", "expected", "told"),
    [
        # the record proves it, or shows that it may be sent again
        (ONE, live("new"), SENT, OLD, True, "read_back", []),
        (ONE, live("old"), SENT, OLD, True, "sends name", []),
        # neither: it may have been applied, and been overwritten since
        (ONE, live("x"), SENT, OLD, True, "reply_lost", ["both_changed"]),
        (ONE, live("x"), SENT, OLD, False, "read again", []),
        (ONE, live("x"), (), OLD, True, "reply_lost", ["both_changed"]),
        # a field that was held before, and still is, has nothing to do with the doubt
        (BOTH, live("new", "x"), SENT, OLD, True, "read_back", ["both_changed"]),
        (BOTH, live("old", "x"), SENT, OLD, True, "sends name", ["both_changed"]),
        # a doubt of which the record proves the one field applied, the other not
        (BOTH, live("new"), (*SENT, Edit(CODE, "old", "new")), OLD, True, "sends code", []),
        # first contact
        (ONE, live("x"), SENT, {}, True, "reply_lost", ["both_changed"]),
    ],
)
def test_a_row_in_doubt_is_decided_by_what_its_attempt_replaced(
    job: UpdateJob, record: Live, image: tuple[Edit, ...], remembered: Remembered, may_resend: bool, expected: str,
    told: list[Kind],
) -> None:  # fmt: skip
    taken = row(job, doubt="reply_lost", image=image, may_resend=may_resend)
    assert text(decide_night(night(remembered), taken, record)) == expected
    assert [each.kind for each in taken.told] == told


def test_a_doubt_over_a_sheet_that_keeps_to_a_plan_is_no_conflict() -> None:
    plan = (Edit(CODE, "old", "new"),)
    image = (Edit(CODE, "old", "new"),)
    taken = row(UpdateJob(REF, "skus", "x", {"code": "new"}), doubt="reply_lost", image=image, expected=plan)
    assert text(decide_night(night(rules=FieldRules("overwrite")), taken, live(code="x"))) == "reply_lost"


def test_a_row_that_fires_an_action_is_not_parted() -> None:
    job = UpdateJob(REF, "orders", "x", {"reference": "new"}, triggers={"_capture": True})
    agreed: Remembered = {("attributes", "reference"): Agreed("old", "old")}
    taken = row(job)
    decided = decide_night(night(agreed), taken, Live("orders", {"reference": "x"}))
    assert text(decided) == "both_changed"
    assert taken.told == ()


def test_a_row_forgets_what_was_told_of_an_older_read() -> None:
    taken = row(BOTH)
    decide_night(night(OLD), taken, live("x"))
    assert taken.told
    decide_night(night(OLD), taken, live("new", "new"))
    assert taken.told == ()


DRIFTED = Told(NAME, "drifted", "new", "x", "new")
CONFLICT = Told(NAME, "both_changed", "new", "x", "old")
KEPT = Told(NAME, "kept", "new", "x", UNREAD)
UNDONE = Told(NAME, "undone", "new", "x", "new")
OVER = Told(CODE, "overwritten", "new", "x", "old")


@pytest.mark.parametrize(
    ("reason", "told", "expected"),
    [
        ("", (), ""),
        ("", (OVER,), ""),
        ("", (DRIFTED,), ""),
        ("", (KEPT,), ""),
        ("echo_differs", (DRIFTED,), "echo_differs"),
        ("", (CONFLICT,), "both_changed"),
        ("resent", (DRIFTED, CONFLICT), "both_changed"),
        ("no_op", (DRIFTED,), "drifted"),
        ("no_op", (KEPT,), "kept"),
        ("no_op", (UNDONE, KEPT), "kept"),
        ("no_op", (UNDONE,), "undone"),
        ("no_op", (OVER,), "no_op"),
        ("changed_since_plan", (CONFLICT,), "changed_since_plan"),
        ("changed_since_plan", (DRIFTED,), "changed_since_plan"),
        ("validation", (CONFLICT,), "validation"),
        ("unreachable", (CONFLICT,), "unreachable"),
        ("reply_lost", (CONFLICT,), "reply_lost"),
        ("header_impossible", (CONFLICT,), "header_impossible"),
    ],
)
def test_a_row_takes_the_worst_status_of_its_fields(reason: str, told: tuple[Told, ...], expected: str) -> None:
    taken = row()
    taken.told = told
    ended = at_end(Settle(reason, mode="test"), taken, SCHEMA)
    assert ended.reason == expected
    assert ended.mode == "test"
    assert ("name" in ended.fields) is any(each.path == NAME for each in told)


def test_a_conflict_of_a_row_of_which_the_rest_was_applied_says_so() -> None:
    taken = row()
    taken.told = (CONFLICT,)
    ended = at_end(Settle("echo_differs", "the reply shows another value: code", ("code",)), taken, SCHEMA)
    assert ended.message == (
        'the reply shows another value: code; name not sent, both changed (sheet "new", record "x", last agreed "old");'
        " the other fields were applied"
    )
    assert ended.fields == ("code", "name")
    assert "applied" not in at_end(Settle("timed_out"), taken, SCHEMA).message


STATES = st.sampled_from(["old", "new", "x", None])
AGREED = st.sampled_from([NEVER_AGREED, Agreed("old", "old"), Agreed("new", "new"), Agreed("x", "old")])


@given(STATES, STATES, AGREED, AGREED, st.sampled_from(["report", "overwrite", "keep"]))
def test_a_row_sends_a_part_of_what_it_would_send_without_a_memory(
    name: Any, code: Any, of_name: Agreed, of_code: Agreed, drift: Any
) -> None:
    record = live(name, code)
    plain = decide_row(TERMS, row(), record)
    taken = row()
    decided = decide_night(night({NAME: of_name, CODE: of_code}, FieldRules(drift)), taken, record)
    if not isinstance(plain, Change):
        assert decided == plain
        return
    sent = set(decided.edits) if isinstance(decided, Change) else set()
    held = {each.path for each in taken.told if each.kind != "overwritten"}
    assert sent <= set(plain.edits)
    silent = {edit.path for edit in plain.edits} - {edit.path for edit in sent} - held
    known = {NAME: (of_name, name), CODE: (of_code, code)}
    assert all(known[path][0].stored == known[path][1] for path in silent)  # the API's own form of what was agreed


def test_reasons_of_nights_have_the_status_of_the_table() -> None:
    skipped = [REASONS[reason].status for reason in ("drifted", "kept", "undone", "filtered", "quarantined")]
    assert set(skipped) == {Status.SKIPPED}
    assert {REASONS[reason].status for reason in ("both_changed", "key_moved")} == {Status.CONFLICT}


def test_without_rules_nothing_is_cleared() -> None:
    assert no_clearing(ONE) == {}
    assert decide_night(night(), row(), live("new", "new")) is UNCHANGED


def test_what_a_plan_tells_of_a_row_is_what_its_result_would_say() -> None:
    asked = row()
    assert told_of(asked, SCHEMA) == ("", ())
    asked.told = (Told(CODE, "drifted", "S", "theirs", "S"),)
    assert told_of(asked, SCHEMA) == (
        'code not sent, drifted (sheet "S", record "theirs", last agreed "S")',
        ("code",),
    )
