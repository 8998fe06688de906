"""Rows on their way in: a row that may have been applied holds back the later rows of its record."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobs.model import RowRef, RowResult, Unsendable, UpdateJob
from worker.clock import Clock
from worker.engine.effort import Effort
from worker.engine.intake import Intake
from worker.journal import Journal, create

NOW = 1_800_000_000.0


def capture(row: int, resource_id: str = "x") -> UpdateJob:
    return UpdateJob(RowRef(row, row, b""), "authorizations", resource_id, triggers={"_capture": True})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    path = tmp_path / "journal.sqlite3"
    create(path, {"sha256": "ab", "rows": "9"})
    with closing(Journal(path)) as journal:
        yield journal


def intake(journal: Journal, *rows: UpdateJob) -> tuple[Intake, list[RowResult]]:
    settled: list[RowResult] = []

    def refused(_row: UpdateJob | Unsendable, result: RowResult) -> None:
        settled.append(result)

    return Intake(iter(rows), None, journal, Clock(wall=lambda: NOW), refused), settled


def pages(taking: Intake) -> list[Effort]:
    taking.read_on()
    return taking.page()


def test_a_row_that_comes_in_after_an_earlier_one_of_its_record_became_unknown_is_never_sent(journal: Journal) -> None:
    rows = iter([capture(1)])
    taking, settled = intake(journal)
    taking.rows = rows
    assert [effort.job.ref.row for effort in pages(taking)] == [1]
    assert taking.release("x", unknown=True) is None
    taking.rows, taking._exhausted = iter([capture(2)]), False
    assert pages(taking) == []
    assert [(result.ref.row, result.reason) for result in settled] == [(2, "after_unknown")]


def test_a_row_that_waited_for_an_earlier_one_of_its_record_is_held_back_with_it(journal: Journal) -> None:
    taking, settled = intake(journal, capture(1), capture(2), capture(3, "y"))
    assert [effort.job.ref.row for effort in pages(taking)] == [1, 3]
    assert taking.release("x", unknown=True) is None
    assert [(result.ref.row, result.reason) for result in settled] == [(2, "after_unknown")]


def test_a_row_goes_on_once_the_earlier_one_of_its_record_is_settled(journal: Journal) -> None:
    taking, settled = intake(journal, capture(1), capture(2))
    assert [effort.job.ref.row for effort in pages(taking)] == [1]
    following = taking.release("x", unknown=False)
    assert following is not None
    assert following.job.ref.row == 2
    assert not settled
