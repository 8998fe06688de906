"""What the page of a report asks a journal for."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from jobs.model import ABSENT, Edit, RowRef, RowResult, Status
from worker.journal import SAFE, Activity, History, Image, Journal, JournalDamaged, PaceMark, create, inline

NOW = 1_800_000_000.0
NAME = ("attributes", "name")

MARKS = (
    PaceMark(NOW, "limits", "PATCH", ((50, 10.0), (300, 60.0))),
    PaceMark(NOW + 1.5, "pause", "PATCH", pause_s=2.25, http=429),
    PaceMark(NOW + 2, "down", "GET"),
    PaceMark(NOW + 3, "up", "GET"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "journal.sqlite3", {"sha256": "ab", "rows": "9"})
    return tmp_path / "journal.sqlite3"


async def work(journal: Journal) -> None:
    """Row 1 is applied at once, row 2 at the second try, row 3 is refused, row 4 edits something else."""
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, inline, lambda: NOW + 9)
        for row, tries, status in ((1, 1, "applied"), (2, 2, "applied"), (3, 1, "rejected"), (4, 1, "applied")):
            edit = Edit(NAME, f"old {row}", f"new {row}") if row < 4 else Edit(NAME, ABSENT, "x")
            for n in range(1, tries + 1):
                image = Image(row, "skus", f"id{row}", (edit,)) if n == 1 else None
                await journal.intend(row, n, NOW + row + n - 1, image)
                if n < tries:
                    journal.note(row, n, SAFE)
            http = 200 if status == "applied" else 422
            journal.settle(
                RowResult(RowRef(row, 0, b"d"), Status(status), http=http, attempts=tries, at=NOW + row + tries - 0.75)
            )
        journal.settle(RowResult(RowRef(5, 0, b"d"), Status.INVALID, "id_missing"))
        for mark in MARKS:
            journal.mark(mark)
        journal.stop_committing()


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW)
        anyio.run(work, journal)
    with closing(History(path)) as history:
        yield history


def test_the_marks_of_the_pace_come_back_as_they_were(history: History) -> None:
    assert tuple(history.pace()) == MARKS


def test_sending_lasts_from_the_first_to_the_last_attempt(history: History) -> None:
    assert history.sending() == (5, 3.0)


def test_a_journal_of_before_there_were_marks_has_none(path: Path) -> None:
    with closing(History(path)) as history:
        assert list(history.pace()) == []


@pytest.mark.parametrize("row", [(NOW, "sleep", "PATCH", "[[],0,0]"), (NOW, "pause", "PATCH", "[[]]")])
def test_a_mark_that_nobody_wrote_is_damage(path: Path, history: History, row: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO pace VALUES (?, ?, ?, ?)", row)
    with pytest.raises(JournalDamaged):
        list(history.pace())


def test_attempts_are_counted_in_intervals_from_the_start_of_their_process(history: History) -> None:
    assert list(history.activity(2.0)) == [Activity(1, 0, 1, 0), Activity(1, 1, 3, 1), Activity(1, 2, 1, 0)]


def test_a_delay_is_that_of_the_last_try_of_a_row_with_a_reply(history: History) -> None:
    assert list(history.delays([1, 2, 5, 8])) == [0.25, 0.25]


def test_shapes_count_what_took_effect_and_show_the_first_of_each(history: History) -> None:
    found = [(image.row, rows, image.edits) for image, rows in history.shapes()]
    assert found == [(1, 2, (Edit(NAME, "old 1", "new 1"),)), (4, 1, (Edit(NAME, ABSENT, "x"),))]


def test_the_images_of_rows_are_those_of_rows_that_were_changed(history: History) -> None:
    assert [image.row for image in history.changed([1, 3, 4, 7])] == [1, 4]


def test_rows_with_a_result_are_counted(history: History) -> None:
    assert history.settled_rows() == 5


def test_a_process_leaves_the_facts_it_begins_with(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW, facts={"who": "anna@office", "rows": "8"})
        assert journal.facts["who"] == "anna@office"
    with closing(History(path)) as history:
        assert (history.facts["who"], history.facts["rows"]) == ("anna@office", "8")
