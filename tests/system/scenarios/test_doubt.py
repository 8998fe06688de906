"""Rows that no reply proves: an old value says nothing, a new one everything, and an action never goes out twice."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.model import UNREAD, Status
from tests.system.scenarios.doubtful_server import CUT, Act, World, play, play_and_resume
from tests.system.scenarios.harness import Case, Story, sheet
from worker.engine.settling import HOLD_AFTER_ROWS, READ_AT_S
from worker.files.run_directory import JOURNAL
from worker.journal import History
from worker.settings import Attempts, Stopping

KEYS = [f"record{number:03}" for number in range(20)]
QUICK = Attempts(max_attempts=2, base=0.1, cap=0.2)


def case(keys: list[str] = KEYS, **more: Any) -> Case:
    return Case(sheet({"id": key, "reference": "new"} for key in keys), attempts=QUICK, **more)


def world(act: Act, later: Act | None = None) -> World:
    """Every record's first PATCH ends as `act`, its later ones as `later`."""
    return World(lambda n, _: act if n == 1 or later is None else later, {key: {"reference": "old"} for key in KEYS})


def reasons(story: Story) -> set[tuple[Status, str]]:
    return {(result.status, result.reason) for result in story.results}


JOB = b'{"data": {"type": "queue_jobs", "id": "5", "attributes": {"status": "pending"}}}'
APPLIED = {(Status.APPLIED, "read_back")}


@pytest.mark.parametrize(
    "act",
    [
        Act(202, JOB, 3.0),  # a job resource, nothing, or the record as it still is
        Act(202, b"", 3.0),
        Act(202, None, 4.9),
        Act(204, None, 4.0),  # a final success, and a read that lags
        Act(200, None, 4.0),  # the echo itself lags
        Act(200, b'{"meta": {}}', 2.0),
        Act(200, b'{"data": {"type": "stripe_payments"', 2.0),
        Act(200, b"<html>", 1.0, {"Content-Type": "text/html"}),
    ],
)
def test_an_update_that_shows_up_within_five_seconds_was_applied(tmp_path: Path, act: Act) -> None:
    there = world(act)
    story = play(case(), tmp_path, there)
    assert reasons(story) == APPLIED
    assert story.ended.exit_status == 0
    assert {len(sent) for sent in there.patches.values()} == {1}


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Act(202, JOB, None), "accepted"),
        (Act(204, None, 60.0), "not_taken"),
        (Act(200, None, None), "not_taken"),
        (Act(200, b"<html>", None, {"Content-Type": "text/html"}), "reply_mismatch"),
    ],
)
def test_what_does_not_show_up_in_time_may_still_land(tmp_path: Path, act: Act, reason: str) -> None:
    story = play(case(), tmp_path, world(act))
    assert reasons(story) == {(Status.UNKNOWN, reason)}
    assert story.ended.exit_status == 3  # twenty alike: something is wrong with the server


MANY = [f"record{number:03}" for number in range(40)]


def slower_after_twenty(act: Act, later: Act | None = None) -> World:
    """Twenty rows alike stop a run while some are still in doubt: their replies took longer."""
    begun: list[str] = []

    def script(n: int, attributes: Mapping[str, Any]) -> Act:
        begun.append(attributes["reference"])
        return later if later and n > 1 else replace(act, takes=0.02 if len(begun) <= HOLD_AFTER_ROWS else 0.5)

    return World(script, {key: {"reference": "old"} for key in MANY})


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Act(200, None, None), "not_taken"),
        (Act(204, None, None), "not_taken"),
        (Act(202, JOB, None), "accepted"),
        (Act(200, b"<html>", None, {"Content-Type": "text/html"}), "reply_mismatch"),
    ],
)
def test_a_resume_reads_the_rows_that_a_success_left_in_doubt_and_sends_none_of_them_again(
    tmp_path: Path, act: Act, reason: str
) -> None:
    there = slower_after_twenty(act)
    first, then = play_and_resume(case(MANY), tmp_path, there)
    assert first.ended.exit_status == 3
    assert len(first.results) < first.counts[Status.UNKNOWN]
    assert {len(sent) for sent in there.patches.values()} == {1}
    assert {(each.status, each.reason) for each in then.results} == {(Status.UNKNOWN, reason)}
    assert len(then.results) >= first.counts[Status.UNKNOWN]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_resume_finds_out_what_has_landed_since(tmp_path: Path, status: int) -> None:
    there = slower_after_twenty(Act(status, None, 12.0))
    first, then = play_and_resume(case(MANY), tmp_path, there)
    left = first.counts[Status.UNKNOWN] - len(first.results)
    assert 0 < left == [(each.status, each.reason) for each in then.results].count((Status.APPLIED, "read_back"))
    assert {len(sent) for sent in there.patches.values()} == {1}


def test_with_consent_a_resume_sends_what_a_success_left_in_doubt(tmp_path: Path) -> None:
    there = slower_after_twenty(Act(200, None, None), Act())
    first, then = play_and_resume(case(MANY), tmp_path, there, resend_unknown=True)
    again = first.counts[Status.UNKNOWN] - len(first.results)
    assert 0 < again == [len(sent) for sent in there.patches.values()].count(2)
    assert [each.reason for each in then.results].count("resent") == again
    assert then.counts == {Status.APPLIED: again, Status.UNKNOWN: len(MANY) - again}  # a result is a result


@pytest.mark.parametrize("status", [408, 500, 503, 504, 524])
def test_an_attempt_in_doubt_is_sent_again_and_the_next_reply_decides(tmp_path: Path, status: int) -> None:
    there = world(Act(status, b"", 0.0, {"Retry-After": "1"}), Act())
    story = play(case(), tmp_path, there)
    assert {result.status for result in story.results} == {Status.APPLIED}
    assert {each["reference"] for each in there.store.values()} == {"new"}


@pytest.mark.parametrize("refusal", [400, 403, 404, 409, 412, 422, 423])
@pytest.mark.parametrize("lands", [0.0, 2.0, 4.0])
def test_a_refusal_after_a_doubt_proves_nothing(tmp_path: Path, refusal: int, lands: float) -> None:
    there = world(Act(body=CUT, lands=lands), Act(refusal, b"{}", None))
    assert reasons(play(case(), tmp_path, there)) == APPLIED


def test_a_refusal_after_a_doubt_leaves_what_does_not_show_up_unknown(tmp_path: Path) -> None:
    story = play(case(), tmp_path, world(Act(body=CUT, lands=None), Act(422, b"{}", None)))
    assert reasons(story) == {(Status.UNKNOWN, "reply_lost")}


@pytest.mark.parametrize("status", [202, 408, 425, 500, 503, 504, 524])
def test_an_action_that_may_have_fired_is_never_sent_again(tmp_path: Path, status: int) -> None:
    """Neither at once, nor after the pause that the server asks for."""
    there = world(Act(status, b"", 0.0, {"Retry-After": "1"}))
    there.type = "authorizations"
    rows = sheet({"id": key, "_capture": "true"} for key in KEYS[:5])
    story = play(Case(rows, type="authorizations", allow_triggers=("_capture",)), tmp_path, there)
    assert {result.status for result in story.results} == {Status.UNKNOWN}
    assert there.fired == dict.fromkeys(KEYS[:5], 1)


def test_an_action_refused_for_pace_goes_out_once_the_pause_is_over(tmp_path: Path) -> None:
    there = world(Act(429, b"", None, {"Retry-After": "1"}), Act())
    there.type = "authorizations"
    rows = sheet({"id": key, "_capture": "true"} for key in KEYS[:5])
    story = play(Case(rows, type="authorizations", allow_triggers=("_capture",)), tmp_path, there)
    assert {result.status for result in story.results} == {Status.APPLIED}
    assert there.fired == dict.fromkeys(KEYS[:5], 1)


def test_a_row_in_doubt_holds_up_the_rows_of_its_record_and_no_others(tmp_path: Path) -> None:
    def script(n: int, attributes: Mapping[str, Any]) -> Act:
        return Act(202, b"", 4.0) if attributes["reference"] == "slow" else Act()

    there = World(script, {key: {"reference": "old"} for key in KEYS})
    rows = [{"id": KEYS[0], "reference": "slow"}, *({"id": key, "reference": "new"} for key in KEYS)]
    story = play(Case(sheet(rows)), tmp_path, there)
    assert {result.status for result in story.results} == {Status.APPLIED}
    assert there.store[KEYS[0]] == {"reference": "new"}
    first, second = there.patches[KEYS[0]]
    assert second - first > 4.0
    assert all(sent[0] - first < 2.0 for key, sent in there.patches.items() if key != KEYS[0])


def test_rows_after_one_that_stays_unknown_are_held_back(tmp_path: Path) -> None:
    there = World(lambda n, _: Act(202, b"", None), {KEYS[0]: {"reference": "old"}})
    rows = sheet({"id": KEYS[0], "reference": text} for text in ("one", "two", "three"))
    story = play(Case(rows), tmp_path, there)
    assert [result.reason for result in story.results] == ["accepted", "after_unknown", "after_unknown"]
    assert len(there.patches[KEYS[0]]) == 1


def test_what_an_accepted_update_asks_to_wait_is_waited_before_the_first_read(tmp_path: Path) -> None:
    there = world(Act(202, b"", 11.0, {"Retry-After": "10"}))
    story = play(case(KEYS[:1]), tmp_path, there)
    assert reasons(story) == APPLIED
    sent = there.patches[KEYS[0]][0]
    assert not [read for read in there.reads if sent + 0.1 < read < sent + 10]


def test_reading_again_costs_a_few_pages_and_no_request_a_row(tmp_path: Path) -> None:
    there = world(Act(202, b"", None))
    play(case(), tmp_path, there)
    assert len(there.reads) <= 3 * len(READ_AT_S)


CANARY = Stopping(canary=3)


def test_a_first_update_that_shows_up_late_lets_the_others_go(tmp_path: Path) -> None:
    there = world(Act(lands=2.0))
    story = play(case(stopping=CANARY), tmp_path, there)
    assert {result.status for result in story.results} == {Status.APPLIED}
    assert story.ended.exit_status == 0


def echoed(attributes: Mapping[str, Any]) -> bytes:
    """A reply that shows what was sent, whatever becomes of it."""
    said = ", ".join(f'"{name}": "{value}"' for name, value in attributes.items())
    return f'{{"data": {{"type": "stripe_payments", "id": "{KEYS[0]}", "attributes": {{{said}}}}}}}'.encode()


def test_a_first_update_that_does_not_stick_is_unknown_and_stops_the_run(tmp_path: Path) -> None:
    there = World(lambda _, data: Act(200, echoed(data), None), {key: {"reference": "old"} for key in KEYS})
    story = play(case(stopping=CANARY), tmp_path, there)
    assert story.counts == {Status.UNKNOWN: 1, Status.PENDING: len(KEYS) - 1}
    assert [result.reason for result in story.results if result.status is Status.UNKNOWN] == ["not_taken"]
    assert (story.ended.exit_status, story.ended.message.partition(":")[0]) == (3, "canary")


def test_a_lost_race_is_read_and_decided_anew(tmp_path: Path) -> None:
    """Somebody else writes another key of the same object between our reading and our writing."""

    def script(n: int, _: Mapping[str, Any]) -> Act:
        if n == 1:
            there.store[KEYS[0]]["metadata"] = {"a": 1, "theirs": 2}
        return Act(412, b"{}", None) if n == 1 else Act()

    there = World(script, {KEYS[0]: {"metadata": {"a": 1}}})
    story = play(Case(sheet([{"id": KEYS[0], "metadata.ours": "3"}])), tmp_path, there)
    assert [(result.status, result.reason) for result in story.results] == [(Status.APPLIED, "")]
    assert there.store[KEYS[0]]["metadata"] == {"a": 1, "theirs": 2, "ours": "3"}


@pytest.mark.parametrize("theirs", ["other", "new"])
def test_a_lost_race_about_the_very_field_is_a_conflict_but_for_the_same_value(tmp_path: Path, theirs: str) -> None:
    def script(_: int, __: Mapping[str, Any]) -> Act:
        there.store[KEYS[0]]["reference"] = theirs
        return Act(412, b"{}", None)

    there = World(script, {KEYS[0]: {"reference": "old"}})
    story = play(case(KEYS[:1]), tmp_path, there)
    expected = (Status.UNCHANGED, "as_wanted") if theirs == "new" else (Status.CONFLICT, "changed_since_plan")
    assert reasons(story) == {expected}
    assert len(there.patches[KEYS[0]]) == 1


def test_a_record_that_is_never_as_expected_is_a_conflict_after_a_few_rounds(tmp_path: Path) -> None:
    there = world(Act(412, b"{}", None))
    story = play(case(KEYS[:1]), tmp_path, there)
    assert reasons(story) == {(Status.CONFLICT, "precondition_failed")}
    assert len(there.patches[KEYS[0]]) == 4


def test_the_form_in_which_a_value_is_stored_is_what_the_next_row_is_compared_with(tmp_path: Path) -> None:
    def script(_: int, attributes: Mapping[str, Any]) -> Act:
        attributes["reference"] = attributes["reference"].strip()  # type: ignore[index]  # ours to change
        return Act()

    there = World(script, {KEYS[0]: {"reference": "old"}})
    rows = sheet([{"id": KEYS[0], "reference": "new "}, {"id": KEYS[0], "reference": "new"}])
    story = play(Case(rows), tmp_path, there)
    assert [(result.status, result.reason) for result in story.results] == [
        (Status.APPLIED, "echo_differs"), (Status.UNCHANGED, "as_wanted"),
    ]  # fmt: skip


def after_a_late_row(second: Act) -> World:
    """The first row is confirmed at once and lands six seconds later; the others end as `second`."""

    def script(n: int, attributes: Mapping[str, Any]) -> Act:
        return Act(200, echoed(attributes), 6.0) if n == 1 else second

    return World(script, {KEYS[0]: {"reference": "old"}})


@pytest.mark.parametrize("status", [200, 204])
def test_what_was_there_before_an_earlier_row_is_an_old_value_too(tmp_path: Path, status: int) -> None:
    """What the second row is answered, and the first reads after it, show the record as it was before the first."""
    there = after_a_late_row(Act(status, None, None))
    rows = sheet({"id": KEYS[0], "reference": text} for text in ("one", "two"))
    story = play(Case(rows), tmp_path, there)
    assert [(each.status, each.reason) for each in story.results] == [
        (Status.APPLIED, ""), (Status.UNKNOWN, "not_taken"),
    ]  # fmt: skip
    assert there.store == {KEYS[0]: {"reference": "one"}}


@pytest.mark.parametrize("status", [200, 204])
def test_a_row_behind_one_that_lands_late_is_not_stored_in_a_form_of_its_own(tmp_path: Path, status: int) -> None:
    rows = sheet({"id": KEYS[0], "reference": text} for text in ("one", "two", "three"))
    story = play(Case(rows), tmp_path, after_a_late_row(Act(status, None, 6.5)))
    assert [each.reason for each in story.results] == ["", "read_back", "read_back"]
    with closing(History(tmp_path / "run" / JOURNAL)) as history:
        stored = [edit.stored for image, _ in history.written() for edit in image.edits]
    assert stored == [UNREAD] * 3


def test_the_form_in_which_a_text_was_stored_before_is_no_old_value(tmp_path: Path) -> None:
    def script(_: int, attributes: Mapping[str, Any]) -> Act:
        attributes["reference"] = attributes["reference"].upper()  # type: ignore[index]  # ours to change
        return Act()

    there = World(script, {KEYS[0]: {"reference": "old"}})
    rows = sheet({"id": KEYS[0], "reference": text} for text in ("on", "off", "on", "off"))
    story = play(Case(rows), tmp_path, there)
    assert reasons(story) == {(Status.APPLIED, "echo_differs")}


def test_a_server_that_is_down_is_probed_with_a_read_and_not_with_an_action(tmp_path: Path) -> None:
    down = replace(Act(), status=500, body=b"", lands=None)
    there = world(down)
    there.type = "authorizations"
    rows = sheet({"id": key, "_capture": "true"} for key in KEYS)
    story = play(Case(rows, type="authorizations", allow_triggers=("_capture",)), tmp_path, there)
    assert {len(sent) for sent in there.patches.values()} == {1}
    assert {result.status for result in story.results} <= {Status.UNKNOWN, Status.PENDING}


def test_what_was_there_before_a_doubtful_attempt_is_what_an_undo_restores(tmp_path: Path) -> None:
    """The first attempt lands trimmed and without a reply: what the second one finds is no old value, but our own."""

    def script(n: int, attributes: Mapping[str, Any]) -> Act:
        attributes["reference"] = attributes["reference"].strip()  # type: ignore[index]  # ours to change
        return Act(body=CUT) if n == 1 else Act()

    there = World(script, {KEYS[0]: {"reference": "old"}})
    story = play(Case(sheet([{"id": KEYS[0], "reference": "new "}]), attempts=QUICK), tmp_path, there)
    assert reasons(story) == {(Status.APPLIED, "echo_differs")}
    with closing(History(tmp_path / "run" / JOURNAL)) as history:
        ((image, _),) = history.written()
    assert [(edit.before, edit.after, edit.stored) for edit in image.edits] == [("old", "new ", "new")]
