"""A short hunt in every test run; `make faults` is the long one. And the judge must see what there is to be seen."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.model import RowRef, RowResult, Status
from tests.hostile.hunt import Hunt, hunt
from tests.hostile.judge import judge
from tests.hostile.stage import TRIGGER, Row
from tests.hostile.truth import Record, Seen, Truth


@pytest.mark.parametrize("blind", [False, True])
def test_of_a_thousand_rows_that_meet_evils_every_one_is_told_truly(blind: bool, place: Path) -> None:
    catch = hunt(Hunt(1000, 8.0, seed=46, blind=blind), place)
    assert catch.violations == []
    assert len(catch.fate.committed) > 40
    assert {Status.APPLIED, Status.REJECTED, Status.FAILED} <= catch.story.counts.keys()


DONE = Seen(0.0, "PATCH", "one", "", True)
LOST = Seen(0.0, "PATCH", "one", "silence", False)
SLOW = Seen(0.0, "PATCH", "one", "429", False)
SAFE = Row("one")
SENT = Record(written=["new-one"])


def result(status: Status, reason: str = "", attempts: int = 1, row: int = 1) -> RowResult:
    return RowResult(RowRef(row, 0, b""), status, reason, attempts=attempts)


@pytest.mark.parametrize(
    ("row", "told", "record", "seen", "kinds"),
    [
        (SAFE, result(Status.APPLIED), SENT, [DONE], []),
        (SAFE, result(Status.APPLIED), Record(), [LOST], ["false applied"]),
        (SAFE, result(Status.REJECTED, "validation"), SENT, [DONE], ["false rejected"]),
        (SAFE, result(Status.REJECTED, "validation"), Record(), [LOST], []),
        (SAFE, result(Status.FAILED, "not_applied"), SENT, [DONE], ["false failed"]),
        (SAFE, result(Status.UNCHANGED, "as_wanted"), SENT, [DONE], ["false unchanged"]),
        (SAFE, result(Status.UNCHANGED, "as_wanted", 0), Record("other"), [], ["false unchanged"]),
        (SAFE, result(Status.UNCHANGED, "as_wanted", 0), Record("new-one"), [], []),
        (SAFE, result(Status.UNKNOWN, "timed_out"), SENT, [DONE], ["unknown without a reason"]),
        (SAFE, result(Status.UNKNOWN, "timed_out"), Record(), [LOST], []),
        (SAFE, result(Status.PENDING, "not_reached", 0), Record(), [], ["not worked on", "not worked on"]),
        (SAFE, result(Status.PENDING, "after_unknown", 0), Record(), [], ["not worked on"]),  # nothing is unknown
        (SAFE, result(Status.APPLIED, row=2), SENT, [DONE], ["no result"]),
        (SAFE, result(Status.APPLIED, "resent", 2), SENT, [LOST, DONE], []),
        (SAFE, result(Status.APPLIED), SENT, [DONE, DONE], ["hidden send"]),
        (Row("one", TRIGGER), result(Status.APPLIED, "", 2), SENT, [SLOW, DONE], []),
        (Row("one", TRIGGER), result(Status.APPLIED, "", 2), SENT, [LOST, DONE], ["trigger sent again"]),
        (Row("one", TRIGGER), result(Status.APPLIED), replace(SENT, fired=2), [DONE], ["trigger fired twice"]),
    ],
)
def test_the_judge_sees_what_is_wrong(
    row: Row, told: RowResult, record: Record, seen: list[Seen], kinds: list[str]
) -> None:
    found = judge([row], [told], Truth({"one": record}, seen))
    assert [violation.kind for violation in found] == kinds


def test_the_judge_sees_rows_of_one_record_that_were_carried_out_in_another_order() -> None:
    rows = [SAFE, Row("one", value="later")]
    told = [result(Status.APPLIED), result(Status.APPLIED, row=2)]
    backwards = Truth({"one": Record(written=["later", "new-one"])}, [DONE, DONE])
    assert [violation.kind for violation in judge(rows, told, backwards)] == ["out of order"]
