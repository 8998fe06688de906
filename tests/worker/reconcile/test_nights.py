"""The runs that a memory knows, and how many nights lie between two."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.reconcile.kit import DAY, NIGHT
from worker.reconcile import Memory, Night, Nights
from worker.reconcile.nights import Calendar, State


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with closing(Memory.create(tmp_path / "prices.state")) as memory:
        yield memory.nights


FULL = Night("prices-2026-12-01", NIGHT, "exports/ART_1.csv", "running", NIGHT - 60, b"sheet", b"recipe")


def test_a_night_is_kept_as_it_began_and_ended(nights: Nights) -> None:
    serial = nights.begin(FULL)
    night = nights.get(serial)
    assert (night.run, night.source_at, night.source_sha, night.recipe_sha, night.serial) == (
        FULL.run, FULL.source_at, b"sheet", b"recipe", 1,
    )  # fmt: skip
    assert (night.state, night.exit, night.folded) == ("running", None, b"")
    nights.end(serial, "accepted", {"rows": 9}, 0)
    assert (nights.get(serial).state, nights.get(serial).counts, nights.get(serial).exit) == (
        "accepted",
        {"rows": 9},
        0,
    )


def test_a_night_that_goes_on_keeps_its_number(nights: Nights) -> None:
    assert [nights.begin(FULL), nights.begin(Night("other", NIGHT)), nights.begin(FULL)] == [1, 2, 1]


def test_the_number_of_a_night_that_is_forgotten_is_not_given_again(nights: Nights) -> None:
    nights.begin(FULL)
    nights.db.execute("DELETE FROM night")
    assert nights.begin(FULL) == 2


def test_the_nights_that_ended_early_since_the_last_accepted_one_are_known(nights: Nights) -> None:
    states: tuple[State, ...] = (
        "interrupted",
        "accepted",
        "superseded",
        "tripped",
        "partial",
        "undo",
        "interrupted",
        "running",
    )
    for number, state in enumerate(states):
        nights.end(nights.begin(Night(f"n{number}", NIGHT + number * DAY)), state, {}, 0)
    assert nights.cut() == [3, 7]
    nights.end(8, "accepted", {}, 0)
    assert nights.cut() == []


def test_a_night_that_never_was_is_not_found(nights: Nights) -> None:
    with pytest.raises(KeyError):
        nights.get(7)


def test_guards_see_the_last_seven_accepted_nights(nights: Nights) -> None:
    for number in range(20):
        serial = nights.begin(Night(f"n{number}", NIGHT + number * DAY))
        nights.end(serial, "tripped" if number % 2 else "accepted", {"rows": number}, 0)
    assert [night.counts["rows"] for night in nights.accepted()] == [18, 16, 14, 12, 10, 8, 6]
    assert len(nights.all()) == 20


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_bits_stand_for_dates_however_often_a_job_runs_on_a_day(gaps: list[int]) -> None:
    """A row that fails in every run has one bit for each date."""
    dates, bits, last = dict[int, int](), 0, 1
    day = 0
    for serial, gap in enumerate(gaps, 1):
        day += gap
        dates[serial] = day
        bits, last = Calendar(serial, dates).noted(bits, last), serial
    assert bits == (1 << len(set(dates.values()))) - 1


def test_an_older_run_changes_no_bits_and_old_nights_fall_out() -> None:
    calendar = Calendar(2, {1: 1, 2: 2, 3: 3})
    assert calendar.noted(0b101, 3) == 0b101
    assert calendar.noted((1 << 62) - 1, 1) == (1 << 62) - 1
    assert calendar.noted(1 << 61, 1) == 1


def test_nights_that_were_not_accepted_are_no_dates(nights: Nights) -> None:
    for number, state in enumerate(["accepted", "tripped", "interrupted", "accepted"]):
        nights.end(nights.begin(Night(f"n{number}", NIGHT + number * DAY)), state, {}, 0)  # type: ignore[arg-type]  # states
    assert nights.calendar(4).steps(1) == 1
    assert nights.calendar(3).steps(1) == 1
