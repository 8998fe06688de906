"""Records that no row of the source names: by id, by key, or because a row led there under another name."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import Status
from tests.schemas import SCHEMA
from tests.worker.reconcile.kit import NIGHT, SHOP, TYPE, Row, folded, write
from worker.reconcile import Memory, Named, Night
from worker.reconcile.gone import BATCH, NamedRecords

ROWS: Final = (Row("x"), Row("y"), replace(Row("z"), reference="R-1"))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with closing(Memory.create(tmp_path / "prices.state")) as memory:
        memory.bind([SHOP])
        night(memory, tmp_path, ROWS)
        yield memory


def night(memory: Memory, folder: Path, rows: tuple[Row, ...], named: list[Named | None] | None = None) -> int | None:
    number = len(memory.nights.all()) + 1
    serial = memory.nights.begin(Night(f"n{number}", NIGHT + number, state="accepted"))
    path = write(folder / f"{number}.sqlite3", rows, NIGHT + number)
    done = folded(memory, path, serial, rows, named=named)
    assert done is not None
    return done.gone


def gone(memory: Memory) -> dict[str, int]:
    return dict(memory.select("SELECT id, gone FROM record WHERE gone IS NOT NULL"))


def missing(memory: Memory, *named: Named | None) -> list[str] | None:
    source = NamedRecords(memory.db, SCHEMA)
    return [id_ for _, id_, *_ in source.missing(1)] if source.note(named) else None


X, Y, Z = Named(TYPE, "x"), Named(TYPE, "y"), Named(TYPE, "R-1", by_key=True)


@pytest.mark.parametrize(
    ("named", "lost"),
    [
        ((X, Y, Z), []),
        ((X, X, Z), ["y"]),
        ((X, Y), ["z"]),
        ((X, Y, Named(TYPE, "z")), []),  # named by its id tonight
        ((Named(TYPE, "x", by_key=True), Named(TYPE, "R-1")), ["x", "y", "z"]),  # a key is no id
        ((Named("orders", "x"), Y, Z), ["x"]),
        ((), ["x", "y", "z"]),
        ((X, None, Y), None),  # may be anybody's
    ],
)
def test_who_is_not_named_is_missing_unless_a_key_cannot_be_read(
    memory: Memory, named: tuple[Named | None, ...], lost: list[str] | None
) -> None:
    assert missing(memory, *named) == lost


@given(st.lists(st.sampled_from([X, Y, Z]), max_size=4), st.integers(0, 4))
def test_one_unreadable_key_anywhere_forbids_to_tell(named: list[Named], place: int) -> None:
    with closing(connected()) as db:
        source = NamedRecords(db, SCHEMA)
        assert source.note(named)
        assert not source.note([*named[:place], None, *named[place:]])


def connected() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_an_unreadable_key_is_found_in_any_batch(memory: Memory) -> None:
    many = [Named(TYPE, f"n{number}") for number in range(2 * BATCH)]
    assert missing(memory, *many) == ["x", "y", "z"]
    assert missing(memory, *many, None) is None


def test_a_type_counts_as_the_family_that_it_belongs_to(memory: Memory) -> None:
    memory.db.execute("UPDATE record SET type = 'transactions'")
    assert missing(memory, Named("authorizations", "x"), Named("captures", "y")) == ["z"]


def test_who_is_gone_is_so_since_one_night_until_a_row_names_it_again(memory: Memory, tmp_path: Path) -> None:
    assert night(memory, tmp_path, (Row("x"),), [X, Y]) == 1
    assert gone(memory) == {"z": 2}
    assert night(memory, tmp_path, (Row("x"),), [X]) == 1
    assert gone(memory) == {"z": 2, "y": 3}
    assert night(memory, tmp_path, (Row("x"),), [X, Y, Z]) == 0
    assert gone(memory) == {}


def test_a_partial_sheet_and_an_unreadable_key_leave_everybody_where_they_are(memory: Memory, tmp_path: Path) -> None:
    night(memory, tmp_path, (Row("x"),), [X, Y])
    assert night(memory, tmp_path, (Row("x"),)) is None
    assert night(memory, tmp_path, (Row("x"),), [X, None]) is None
    assert gone(memory) == {"z": 2}


def test_a_record_whose_key_was_corrected_is_not_gone(memory: Memory, tmp_path: Path) -> None:
    corrected = replace(Row("z"), reference="R-2")
    assert night(memory, tmp_path, (corrected,), [X, Y, Named(TYPE, "R-2", by_key=True)]) == 0
    assert missing(memory, X, Y, Named(TYPE, "R-2", by_key=True)) == []


def test_a_row_that_fails_still_names_the_record_that_its_corrected_key_led_to(memory: Memory, tmp_path: Path) -> None:
    failed = replace(Row("z"), reference="R-2", status=Status.FAILED, reason="lookup_failed")
    assert night(memory, tmp_path, (failed,), [X, Y, Named(TYPE, "R-2", by_key=True)]) == 0


def test_before_it_is_looked_up_a_corrected_key_needs_the_record_that_it_leads_to(memory: Memory) -> None:
    source = NamedRecords(memory.db, SCHEMA)
    assert source.note([X, Y, Named(TYPE, "R-2", by_key=True)])
    assert list(source.missing(1)) == [(TYPE, "z", "R-1", None)]
    source.reach(TYPE, "z")
    assert list(source.missing(1)) == []
