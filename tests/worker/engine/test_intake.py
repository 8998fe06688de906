"""Rows on their way in: what an earlier process left of a row comes with it."""

import pytest

from jobs.model import JSON, Edit, RowRef, Status, Unsendable, UpdateJob
from worker.engine.intake import Intake
from worker.journal import Image, Planned, RowHistories
from worker.policy.row import InFlightRow
from worker.policy.sequencer import Refused
from worker.policy.verdict import Settle

OLD = (Edit(("attributes", "name"), "old", "new"),)


def update(row: int, *, fires: bool = False, reference: str = "") -> UpdateJob:
    triggers: dict[str, JSON] = {"_capture": True} if fires else {}
    key = "" if reference else "x"
    return UpdateJob(RowRef(row, row, b""), "orders", key, {"name": "new"}, triggers=triggers, reference=reference)


def histories(bits: int, **known: object) -> RowHistories:
    return RowHistories(bytearray([0, bits]), **known)  # type: ignore[arg-type]  # by name


def only(intake: Intake) -> InFlightRow | Refused | None:
    return next(iter(list(intake)), None)


def test_a_new_run_takes_every_row_as_it_is() -> None:
    rows = list(Intake(iter([update(1), update(2)])))
    assert [row.number for row in rows if isinstance(row, InFlightRow)] == [1, 2]
    assert all(isinstance(row, InFlightRow) and row.expected is None and not row.attempts for row in rows)


@pytest.mark.parametrize(
    ("fires", "resend_unknown", "may_resend"), [(False, False, True), (True, False, False), (True, True, True)]
)
def test_a_row_that_may_have_been_applied_says_whether_it_may_be_sent_again(
    fires: bool, resend_unknown: bool, may_resend: bool
) -> None:
    past = histories(
        RowHistories.DOUBTFUL, earlier={1: 3}, reasons={1: "reply_lost"}, images={1: Image(1, "orders", "x", OLD)}
    )
    row = only(Intake(iter([update(1, fires=fires)]), past, resend_unknown))
    assert isinstance(row, InFlightRow)
    assert (row.doubt, row.attempts, row.image, row.may_resend) == ("reply_lost", 3, OLD, may_resend)
    assert not row.has_result


@pytest.mark.parametrize(
    ("bits", "fires", "answered"),
    [(RowHistories.DOUBTFUL, False, 2), (RowHistories.DOUBTFUL, True, 0), (0, False, 3), (0, True, 0)],
)
def test_a_key_that_was_answered_is_not_used_again(bits: int, fires: bool, answered: int) -> None:
    past = histories(bits, earlier={1: 3}, reasons={1: "reply_lost"} if bits else {}, answered={1: 2} if bits else {})
    row = only(Intake(iter([update(1, fires=fires)]), past))
    assert isinstance(row, InFlightRow)
    assert row.answered == answered


def test_a_doubt_without_a_reason_is_an_interruption() -> None:
    row = only(Intake(iter([update(1)]), histories(RowHistories.DOUBTFUL)))
    assert isinstance(row, InFlightRow)
    assert row.doubt == "interrupted"


@pytest.mark.parametrize(
    ("bits", "taken"), [(RowHistories.SETTLED, False), (RowHistories.SETTLED | RowHistories.REDO, True), (0, True)]
)
def test_a_row_with_a_result_is_left_out_unless_it_was_asked_for_again(bits: int, taken: bool) -> None:
    row = only(Intake(iter([update(1)]), histories(bits)))
    assert (row is not None) is taken
    assert not isinstance(row, InFlightRow) or row.has_result is bool(bits)


def test_a_row_that_stays_unknown_only_stands_in_the_way() -> None:
    row = only(Intake(iter([update(1)]), histories(RowHistories.SETTLED | RowHistories.UNKNOWN)))
    assert isinstance(row, InFlightRow)
    assert row.stands


def test_a_record_that_an_earlier_process_found_is_not_looked_up_again() -> None:
    known = only(Intake(iter([update(1, reference="r")]), target=lambda row: f"found-{row}"))
    unknown = only(Intake(iter([update(1, reference="r")])))
    assert isinstance(known, InFlightRow)
    assert isinstance(unknown, InFlightRow)
    assert (known.job.id, unknown.job.id) == ("found-1", "")


@pytest.mark.parametrize(
    ("planned", "expected"), [(None, ()), (Planned(1, "orders", "x", Status.PENDING, edits=OLD), OLD)]
)
def test_a_row_that_keeps_to_a_plan_expects_what_was_planned(
    planned: Planned | None, expected: tuple[Edit, ...]
) -> None:
    row = only(Intake(iter([update(1)]), expected=lambda _: planned))
    assert isinstance(row, InFlightRow)
    assert row.expected == expected


@pytest.mark.parametrize(
    ("bits", "settle"),
    [
        (0, Settle("bad_value", "why", ("name",))),
        (RowHistories.SETTLED | RowHistories.REDO, Settle("bad_value", "why", ("name",))),
        (RowHistories.DOUBTFUL, Settle("interrupted")),
        (RowHistories.DOUBTFUL | RowHistories.SETTLED, Settle("interrupted")),
        (RowHistories.SETTLED, None),
    ],
)
def test_a_row_that_cannot_be_sent_is_told_unless_an_earlier_process_knows_more(
    bits: int, settle: Settle | None
) -> None:
    problem = Unsendable(RowRef(1, 1, b""), "bad_value", "why", "name")
    told = only(Intake(iter([problem]), histories(bits, earlier={1: 2})))
    assert told == (None if settle is None else Refused(problem, settle, 2))
