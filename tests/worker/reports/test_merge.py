"""Which result a row is shown with."""

from collections.abc import Iterator
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import ApiError, RowRef, SheetRow, Status
from worker.journal import OpenAttempt, RowOutcome, Settled
from worker.journal.schema import JournalDamaged
from worker.reports.merge import merge

REF = RowRef(7, 9, b"digest-7")
APPLIED = RowOutcome(Status.APPLIED, "resent", "m", ("f",), 200, 2, (ApiError("t"),))
HELD_BACK = RowOutcome(Status.PENDING, "after_unknown")
NOT_REACHED = RowOutcome(Status.PENDING, "not_reached")
BEYOND_LIMIT = RowOutcome(Status.SKIPPED, "beyond_limit")
DOUBT = OpenAttempt(7, 3, "timed_out", 8.5)
UNKNOWN = RowOutcome(Status.UNKNOWN, "timed_out", attempts=3)


@pytest.mark.parametrize(
    ("last", "doubt", "limit", "shown", "at"),
    [
        # a result is shown as it is
        (APPLIED, None, None, APPLIED, 5.0),
        # a younger attempt without a result overrules it
        (APPLIED, DOUBT, None, UNKNOWN, 8.5),
        # an attempt alone
        (None, DOUBT, None, UNKNOWN, 8.5),
        # a limit changes nothing about what was done
        (APPLIED, None, 3, APPLIED, 5.0),
        (None, DOUBT, 3, UNKNOWN, 8.5),
        # the last row within the limit, and the first beyond it
        (None, None, 7, NOT_REACHED, 0.0),
        (None, None, 6, BEYOND_LIMIT, 0.0),
        (None, None, 0, BEYOND_LIMIT, 0.0),
        (None, None, None, NOT_REACHED, 0.0),
        # held back behind an unknown row of its id: pending, and on record
        (HELD_BACK, None, None, HELD_BACK, 5.0),
    ],
)
def test_a_row_shows_its_last_result_unless_a_later_attempt_is_in_doubt(
    last: RowOutcome | None, doubt: OpenAttempt | None, limit: int | None, shown: RowOutcome, at: float
) -> None:
    record = SheetRow(REF, [])
    results = [(7, REF.digest, "req", 5.0, last)] if last else []
    ((of, fate, request_id, when),) = merge([record], results, [doubt] if doubt else [], limit)
    assert of is record
    assert astuple(fate) == astuple(shown)
    assert (request_id, when) == ("req" if shown is last else "", at)


@pytest.mark.parametrize("doubts", [[], [DOUBT]])
def test_a_result_of_another_content_is_damage(doubts: list[OpenAttempt]) -> None:
    with pytest.raises(JournalDamaged, match=r"row 7 \(line 9\)"):
        list(merge([SheetRow(REF, [])], [(7, b"changed!", "", 5.0, APPLIED)], doubts, None))


def rows(count: int) -> Iterator[SheetRow]:
    return (SheetRow(RowRef(row, row + 1, b"%08d" % row), []) for row in range(1, count + 1))


def settled(row: int) -> Settled:
    return row, b"%08d" % row, "", 5.0, APPLIED


@given(st.integers(0, 30), st.data())
def test_every_row_comes_out_once_and_in_order_whatever_the_journal_holds(count: int, data: st.DataObject) -> None:
    some = st.sets(st.integers(1, count)) if count else st.just(set[int]())
    done, doubted = data.draw(some), data.draw(some)
    limit = data.draw(st.none() | st.integers(0, 30))
    merged = list(
        merge(
            rows(count),
            map(settled, sorted(done)),
            (OpenAttempt(row, 2, "reply_lost", 1.0) for row in sorted(doubted)),
            limit,
        )
    )
    assert [record.ref.row for record, *_ in merged] == list(range(1, count + 1))
    assert {record.ref.row for record, fate, *_ in merged if fate.status is Status.UNKNOWN} == doubted
    assert {record.ref.row for record, fate, *_ in merged if fate is APPLIED} == done - doubted


@pytest.mark.parametrize(
    ("results", "doubts"),
    [
        # beyond the end
        ([settled(1), settled(4)], []),
        ([], [OpenAttempt(4, 1, "interrupted", 1.0)]),
        # before the beginning: it is never met, so it is still waiting at the end
        ([settled(0)], []),
    ],
)
def test_a_result_of_a_row_that_is_not_there_is_damage(results: list[Settled], doubts: list[OpenAttempt]) -> None:
    with pytest.raises(JournalDamaged, match="does not have"):
        list(merge(rows(3), results, doubts, None))


def test_no_row_is_read_ahead() -> None:
    read: list[int] = []

    def watched() -> Iterator[SheetRow]:
        for record in rows(3):
            read.append(record.ref.row)
            yield record

    next(merge(watched(), [], [], None))
    assert read == [1]
