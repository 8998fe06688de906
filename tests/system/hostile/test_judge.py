"""A judge that finds nothing proves nothing: it is given each untruth once, and has to see it."""

import json
from dataclasses import replace

import pytest

from jobs.model import RowRef, RowResult, Status
from tests.system.hostile.judge import Violation, examples, in_time, judge
from tests.system.hostile.stage import TRIGGER, Row
from tests.system.hostile.temper import CALM, Temper
from tests.system.hostile.truth import Asked, Record, Seen, Truth

DONE = Seen(0.0, "PATCH", "one", "", True)
LOST = Seen(0.0, "PATCH", "one", "silence", False)
LATE = Seen(0.0, "PATCH", "one", "silence", True, lands=4.0)
SLOW = Seen(0.0, "PATCH", "one", "429", False)
WAIT = Seen(0.0, "PATCH", "one", "423 with Retry-After", False)
MISSING = Seen(0.0, "GET", "one", "404", False)
SAFE = Row("one")
FIRES = Row("one", TRIGGER)
SENT = Record("new-one", written=["new-one"])
HELD = Record("other", past=[(0.0, "new-one", ())])


def result(status: Status, reason: str = "", attempts: int = 1, row: int = 1) -> RowResult:
    return RowResult(RowRef(row, 0, b""), status, reason, attempts=attempts)


@pytest.mark.parametrize(
    ("row", "told", "record", "seen", "kinds"),
    [
        (SAFE, result(Status.APPLIED), SENT, [DONE], []),
        (SAFE, result(Status.APPLIED), Record(), [LOST], ["false applied", "wrong at the end"]),
        (SAFE, result(Status.APPLIED), replace(SENT, reference="else"), [DONE], ["wrong at the end"]),
        (SAFE, result(Status.REJECTED, "validation"), SENT, [DONE], ["false rejected"]),
        (SAFE, result(Status.REJECTED, "validation"), Record(), [LOST], []),
        # it was not on the server when the program looked; it is at the end of time
        (SAFE, result(Status.FAILED, "not_applied"), SENT, [LATE], ["false failed"]),
        (SAFE, result(Status.REJECTED, "not_unique", 2), SENT, [LATE, SLOW], ["false rejected"]),
        (SAFE, result(Status.CONFLICT, "precondition_failed"), SENT, [LATE], ["false conflict"]),
        (SAFE, result(Status.FAILED, "throttled"), Record(), [SLOW], []),
        (SAFE, result(Status.REJECTED, "not_found", 0), Record(), [], ["false not_found"]),
        (SAFE, result(Status.REJECTED, "not_found", 0), Record(), [MISSING], []),
        (SAFE, result(Status.UNCHANGED, "as_wanted"), SENT, [DONE], ["false unchanged"]),
        (SAFE, result(Status.UNCHANGED, "as_wanted", 0), Record("other"), [], ["false unchanged", "wrong at the end"]),
        (SAFE, result(Status.UNCHANGED, "as_wanted", 0), Record("new-one"), [], []),
        (SAFE, result(Status.UNCHANGED, "as_wanted", 0), HELD, [], ["wrong at the end"]),
        (SAFE, result(Status.UNKNOWN, "timed_out"), SENT, [DONE], ["unknown without a reason"]),
        (SAFE, result(Status.UNKNOWN, "timed_out", 2), SENT, [LOST, DONE], ["unknown without a reason"]),
        (SAFE, result(Status.UNKNOWN, "timed_out", 0), Record(), [], ["unknown without a reason"]),
        (SAFE, result(Status.UNKNOWN, "timed_out"), Record(), [LOST], []),
        (SAFE, result(Status.UNKNOWN, "timed_out"), SENT, [LATE], []),
        (SAFE, result(Status.SKIPPED, "superseded", 0), Record(), [], ["not worked on"]),
        (SAFE, result(Status.PENDING, "not_reached", 0), Record(), [], ["not worked on", "not worked on"]),
        (SAFE, result(Status.PENDING, "after_unknown", 0), Record(), [], ["not worked on"]),  # nothing is unknown
        (SAFE, result(Status.APPLIED, row=2), SENT, [DONE], ["no result"]),
        (SAFE, result(Status.APPLIED, "resent", 2), SENT, [LOST, DONE], []),
        (SAFE, result(Status.APPLIED), SENT, [DONE, DONE], ["hidden send"]),
        (FIRES, result(Status.APPLIED, "", 2), SENT, [SLOW, DONE], []),
        (FIRES, result(Status.APPLIED, "", 2), SENT, [LOST, DONE], ["trigger sent again"]),
        (FIRES, result(Status.APPLIED, "", 2), SENT, [WAIT, DONE], ["trigger sent again"]),
        (replace(FIRES, tag="vip"), result(Status.APPLIED, "", 2), SENT, [WAIT, DONE], []),
        (FIRES, result(Status.APPLIED), replace(SENT, fired=2), [DONE], ["trigger fired twice"]),
    ],
)
def test_the_judge_sees_what_is_wrong(
    row: Row, told: RowResult, record: Record, seen: list[Seen], kinds: list[str]
) -> None:
    found = judge([row], [told], Truth({"one": record}, seen))
    assert [violation.kind for violation in found] == kinds


def test_not_found_is_true_where_the_server_says_so_of_the_update() -> None:
    told = [result(Status.REJECTED, "not_found")]
    seen = Seen(0.0, "PATCH", "one", "", False)
    assert judge([SAFE], told, Truth({"one": Record()}, [seen]), {"one": 404}) == []


def test_the_judge_sees_rows_of_one_record_that_were_carried_out_in_another_order() -> None:
    rows = [SAFE, Row("one", value="later")]
    told = [result(Status.APPLIED), result(Status.APPLIED, row=2)]
    backwards = Truth({"one": Record("later", written=["later", "new-one"])}, [DONE, DONE])
    assert [violation.kind for violation in judge(rows, told, backwards)] == ["out of order"]


def test_requests_of_another_row_of_the_record_are_no_excuse_for_doubt() -> None:
    rows = [SAFE, Row("one", value="later")]
    told = [result(Status.UNKNOWN, "timed_out"), result(Status.UNKNOWN, "timed_out", 0, row=2)]
    truth = Truth({"one": Record()}, [replace(LOST, wanted="new-one")])
    assert [(each.kind, each.row) for each in judge(rows, told, truth)] == [("unknown without a reason", 2)]


def test_a_form_that_the_server_stores_is_as_wanted() -> None:
    row, temper = Row("one", value=" A@B.com "), Temper(canonical=True)
    truth = Truth({"one": Record("a@b.com", written=[" A@B.com "])}, [DONE], stored=temper.stored)
    assert judge([row], [result(Status.APPLIED, "echo_differs")], truth) == []
    assert [each.kind for each in judge([row], [result(Status.APPLIED)], replace(truth, stored=CALM.stored))] == [
        "wrong at the end"
    ]


def test_a_blind_run_cannot_tell_a_stored_form_from_the_old_value() -> None:
    row = Row("one", value=" blank ")
    truth = Truth({"one": Record("blank", written=[" blank "])}, [DONE], stored=str.strip)
    told = [result(Status.UNKNOWN, "not_taken")]
    assert judge([row], told, truth, blind=True) == []
    assert [each.kind for each in judge([row], told, truth)] == ["unknown without a reason"]
    plain = Truth({"one": SENT}, [DONE])
    assert [each.kind for each in judge([SAFE], told, plain, blind=True)] == ["unknown without a reason"]


@pytest.mark.parametrize(
    ("row", "lands", "lag", "blind", "visible"),
    [
        (SAFE, 4.0, 0.0, False, 1),
        (SAFE, 4.0, 2.0, False, 0),  # nobody can be asked to wait so long
        (SAFE, 5.5, 0.0, False, 0),
        (FIRES, 4.0, 0.0, False, 1),
        (FIRES, 4.0, 0.0, True, 0),  # whatever is read, it may have been so before
        (Row("one", value=" blank "), 4.0, 0.0, False, 0),  # reads show another form
    ],
)
def test_doubt_is_no_excuse_where_the_change_became_visible_in_time(
    row: Row, lands: float, lag: float, blind: bool, visible: int
) -> None:
    temper = Temper(lag=lag, canonical=True)
    truth = Truth({"one": Record()}, [replace(LATE, lands=lands, wanted=row.wanted)], stored=temper.stored)
    share = in_time([row], [result(Status.UNKNOWN, "timed_out")], truth, temper, blind=blind)
    assert (share.visible, share.applied, share.is_enough) == (visible, 0, not visible)
    assert in_time([row], [result(Status.APPLIED)], truth, temper, blind=blind).is_enough


def test_the_telling_violations_come_first_and_none_buries_the_others() -> None:
    found = [*(Violation("no result", row, "") for row in range(1, 500)), Violation("false failed", 500, "")]
    lines = list(examples([*found, Violation("as a whole", 0, "it stopped")]))
    assert [line.partition(":")[0] for line in lines[:3]] == ["as a whole", "false failed", "no result"]
    assert len(lines) == 12


def test_a_record_shows_what_it_was() -> None:
    body = json.dumps({"data": {"attributes": {"reference": " new "}}}).encode()
    truth = Truth({"one": Record("old")}, stored=str.strip)
    truth.apply(Asked("PATCH", "/api/orders/one", body), 7.0)
    assert [truth.records["one"].as_of(moment)[0] for moment in (6.9, 7.0)] == ["old", "new"]
    assert truth.records["one"].written == [" new "]
