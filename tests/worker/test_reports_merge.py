"""Which result a row is shown with."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import ApiError, RowRef, RowResult, SheetRow, Status
from worker.journal import Doubt
from worker.journal.file import JournalDamaged
from worker.reports.merge import merge, outcome

REF = RowRef(7, 9, b"digest-7")
APPLIED = RowResult(
    RowRef(7, 0, b"digest-7"), Status.APPLIED, "resent", "m", ("f",), 200, 2, "req", 5.0, (ApiError("t"),)
)
DOUBT = Doubt(7, 3, "timed_out", 8.5)
UNKNOWN = RowResult(REF, Status.UNKNOWN, "timed_out", attempts=3, at=8.5)


@pytest.mark.parametrize(
    ("last", "doubt", "limit", "shown"),
    [
        # a result is shown as it is, with the line that only the input knows
        (APPLIED, None, None, replace(APPLIED, ref=REF)),
        # a younger attempt without a result overrules it
        (APPLIED, DOUBT, None, UNKNOWN),
        # an attempt alone
        (None, DOUBT, None, UNKNOWN),
        # a limit changes nothing about what was done
        (APPLIED, None, 3, replace(APPLIED, ref=REF)),
        (None, DOUBT, 3, UNKNOWN),
        # the last row within the limit, and the first beyond it
        (None, None, 7, RowResult(REF, Status.PENDING, "not_reached")),
        (None, None, 6, RowResult(REF, Status.SKIPPED, "beyond_limit")),
        (None, None, 0, RowResult(REF, Status.SKIPPED, "beyond_limit")),
        (None, None, None, RowResult(REF, Status.PENDING, "not_reached")),
        # held back behind an unknown row of its id: pending, and on record
        (
            RowResult(RowRef(7, 0, b"digest-7"), Status.PENDING, "after_unknown"),
            None,
            None,
            RowResult(REF, Status.PENDING, "after_unknown"),
        ),
    ],
)
def test_a_row_shows_its_last_result_unless_a_later_attempt_is_in_doubt(
    last: RowResult | None, doubt: Doubt | None, limit: int | None, shown: RowResult
) -> None:
    assert outcome(REF, last, doubt, limit) == shown


def test_a_result_of_another_content_is_damage() -> None:
    with pytest.raises(JournalDamaged, match=r"row 7 \(line 9\)"):
        outcome(RowRef(7, 9, b"changed!"), APPLIED, DOUBT, None)


def rows(count: int) -> Iterator[SheetRow]:
    return (SheetRow(RowRef(row, row + 1, b"%08d" % row), []) for row in range(1, count + 1))


def settled(row: int) -> RowResult:
    return RowResult(RowRef(row, 0, b"%08d" % row), Status.APPLIED, attempts=1)


@given(st.integers(0, 30), st.data())
def test_every_row_comes_out_once_and_in_order_whatever_the_journal_holds(count: int, data: st.DataObject) -> None:
    some = st.sets(st.integers(1, count)) if count else st.just(set[int]())
    done, doubted = data.draw(some), data.draw(some)
    limit = data.draw(st.none() | st.integers(0, 30))
    merged = list(
        merge(
            rows(count),
            map(settled, sorted(done)),
            (Doubt(row, 2, "reply_lost", 1.0) for row in sorted(doubted)),
            limit,
        )
    )
    assert [result.ref.row for _, result in merged] == list(range(1, count + 1))
    assert all(record.ref is result.ref for record, result in merged)
    assert {result.ref.row for _, result in merged if result.status is Status.UNKNOWN} == doubted
    assert {result.ref.row for _, result in merged if result.status is Status.APPLIED} == done - doubted


@pytest.mark.parametrize(
    ("results", "doubts"),
    [
        # beyond the end
        ([settled(1), settled(4)], []),
        ([], [Doubt(4, 1, "interrupted", 1.0)]),
        # before the beginning: it is never met, so it is still waiting at the end
        ([settled(0)], []),
    ],
)
def test_a_result_of_a_row_that_is_not_there_is_damage(results: list[RowResult], doubts: list[Doubt]) -> None:
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
