"""Whether a night may go on, by its numbers."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.changes.exact import ExactNumber
from jobs.model import ABSENT
from worker.policy.night_guards import (
    NIGHTS,
    Accepted,
    Base,
    NightFacts,
    NightGuards,
    Share,
    SourceFacts,
    Trip,
    after,
    base_of,
    before,
    has_moved,
)

GUARDS = NightGuards()
BASE = Base(1000, frozenset({"id", "price"}))
SOURCE = SourceFacts(1000, BASE.columns, known=1000)
NIGHT = NightFacts(2000)


def names(trips: tuple[Trip, ...]) -> list[str]:
    return [trip.guard for trip in trips]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (SOURCE, []),
        (replace(SOURCE, rows=800), []),
        (replace(SOURCE, rows=799), ["rows_shrink"]),
        (replace(SOURCE, rows=5000), []),
        (replace(SOURCE, rows=0), ["rows_shrink"]),
        (replace(SOURCE, columns=frozenset({"id", "price", "new"})), []),
        (replace(SOURCE, columns=frozenset({"id"})), ["columns"]),
        (replace(SOURCE, emptied={"price": (50, 1000)}), []),
        (replace(SOURCE, emptied={"price": (51, 1000), "name": (0, 5)}), ["emptied"]),
        (replace(SOURCE, emptied={"price": (11, 200), "name": (11, 11)}), ["emptied", "emptied"]),
        (replace(SOURCE, emptied={"price": (10, 10)}), []),  # a share of few is no reason
        (replace(SOURCE, gone=100), []),
        (replace(SOURCE, gone=101), ["gone"]),
        (replace(SOURCE, rows=0, columns=frozenset(), emptied={"price": (60, 60)}, gone=1000),
         ["rows_shrink", "columns", "emptied", "gone"]),
    ],
)  # fmt: skip
def test_a_source_is_judged_before_anything_is_read(facts: SourceFacts, expected: list[str]) -> None:
    assert names(before(facts, BASE, GUARDS)) == expected


def test_an_empty_source_stops_however_few_rows_it_had() -> None:
    assert names(before(replace(SOURCE, rows=0), Base(3), GUARDS)) == ["rows_shrink"]
    assert before(replace(SOURCE, rows=1), Base(3), GUARDS) == ()
    assert before(replace(SOURCE, rows=0), Base(0), GUARDS) == ()
    assert before(replace(SOURCE, rows=0), Base(3), replace(GUARDS, rows_shrink=None)) == ()


def test_a_first_night_has_nothing_to_shrink_from() -> None:
    assert before(replace(SOURCE, rows=0, columns=frozenset()), None, GUARDS) == ()
    assert names(before(replace(SOURCE, gone=900), None, GUARDS)) == ["gone"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (NIGHT, []),
        (replace(NIGHT, changed=600), []),
        (replace(NIGHT, changed=601), ["changed"]),
        (replace(NIGHT, rows=10_000, changed=1000), []),
        (replace(NIGHT, rows=10_000, changed=1001), ["changed_rows"]),
        (replace(NIGHT, changed=1001), ["changed", "changed_rows"]),
        (replace(NIGHT, overwritten=20), []),
        (replace(NIGHT, overwritten=21), ["overwritten"]),
        (replace(NIGHT, invalid=100), []),
        (replace(NIGHT, invalid=101), ["invalid"]),
        (NightFacts(10, changed=10, overwritten=10, invalid=10), []),  # a share of few is no reason
        (NightFacts(11, changed=11, overwritten=11, invalid=11), ["changed", "overwritten", "invalid"]),
        (replace(NIGHT, moved={"price": 10}), []),
        (replace(NIGHT, moved={"price": 11}), ["moved"]),
        (replace(NIGHT, moved={"weight": 11}), []),  # no limit for that one
    ],
)
def test_a_night_is_judged_before_anything_is_sent(facts: NightFacts, expected: list[str]) -> None:
    assert names(after(facts, replace(GUARDS, moved={"price": Share(50)}))) == expected


def test_a_limit_may_be_a_number_or_off() -> None:
    facts = replace(NIGHT, changed=2000, overwritten=3, invalid=500)
    off = NightGuards(changed=None, changed_rows=None, overwritten=2, invalid=None)
    assert names(after(facts, off)) == ["overwritten"]
    assert after(facts, replace(off, overwritten=3)) == ()


def test_a_first_night_may_change_whatever_differs_and_no_more() -> None:
    facts = replace(NIGHT, changed=2000, overwritten=2000, invalid=500, moved={"price": 2000})
    guards = NightGuards(moved={"price": Share(50)}).at_first()
    assert names(after(facts, guards)) == ["invalid"]
    assert names(before(replace(SOURCE, gone=900, rows=0), BASE, guards)) == ["rows_shrink", "gone"]


def test_a_trip_says_its_numbers_in_a_sentence() -> None:
    facts = SourceFacts(6000, frozenset({"id"}), {"note": (300, 1500)}, 1100, 10_000, lane="eu")
    assert [trip.message for trip in before(facts, Base(10_000, BASE.columns), GUARDS)] == [
        "eu: the source has 6,000 rows, the largest of the last nights had 10,000: 4,000 (40%) fewer (limit: 20%)",
        "eu: the source no longer has `price`, which the last night had",
        "eu: `note` is empty in 300 (20%) of 1,500 rows that had a value (limit: 5%)",
        "eu: 1,100 (11%) of 10,000 known records have no row any more (limit: 10%)",
    ]
    (trip,) = before(replace(SOURCE, gone=250, to_clear=1500), BASE, GUARDS)
    cleared = (
        "250 (25%) of 1,000 known records have no row any more, and their 1,500 fields would be cleared (limit: 10%)"
    )
    assert trip.message == cleared
    many = NightFacts(2000, 1001, 30, 150, {"price": 37})
    assert [trip.message for trip in after(many, NightGuards(moved={"price": Share(50)}))] == [
        "1,001 (50%) of 2,000 rows would change (limit: 30%)",
        "1,001 (50%) of 2,000 rows would change (limit: 1,000)",
        "30 (1.5%) of 2,000 rows would overwrite what somebody else has changed (limit: 1%)",
        "150 (7.5%) of 2,000 rows are invalid, or lead to no single record (limit: 5%)",
        "`price` would move by more than 50% in 37 rows (limit: 10 rows)",
    ]
    assert {trip.lane for trip in before(facts, BASE, GUARDS)} == {"eu"}
    assert after(NightFacts(0, changed=2), NightGuards(changed_rows=1))[0].message == (
        "2 of 0 rows would change (limit: 1)"
    )


def test_a_sentence_names_a_few_columns() -> None:
    base = Base(1, frozenset(f"c{number}" for number in range(7)))
    (trip,) = before(SourceFacts(1), base, GUARDS)
    assert trip.message == "the source no longer has `c0`, `c1`, `c2`, `c3`, `c4` and 2 more, which the last night had"


@pytest.mark.parametrize(
    ("nights", "base"),
    [
        ([], None),
        ([Accepted(5)], Base(5)),
        ([Accepted(5), Accepted(9), Accepted(7)], Base(9)),
        ([*[Accepted(5)] * NIGHTS, Accepted(9)], Base(5)),
        ([*[Accepted(5)] * (NIGHTS - 1), Accepted(9)], Base(9)),
        # what a person approved is the new base
        ([Accepted(5), Accepted(4, approved=True), Accepted(9)], Base(5)),
        ([Accepted(4, approved=True), Accepted(9)], Base(4)),
        # columns are those of the last night
        ([Accepted(5, frozenset({"a"})), Accepted(9, frozenset({"a", "b"}))], Base(9, frozenset({"a"}))),
    ],
)
def test_the_base_is_the_largest_of_the_last_nights(nights: list[Accepted], base: Base | None) -> None:
    assert base_of(nights) == base


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        (100, 150, False),
        (100, 151, True),
        (100, 49, True),
        (100, 10_000, True),
        (0, 1, True),
        (0, 0, False),
        (-100, 100, True),
        (-100, -101, False),
        ("12.50", "12.51", False),
        ("12.50", 1250, True),
        (ExactNumber("1.00000000000000000001"), 2, True),
        # what is no number does not move
        (True, 100, False),
        (None, 100, False),
        (100, ABSENT, False),
        ("abc", "abd", False),
        ("nan", "1", False),
        ("1e9", "1", False),
    ],
)
def test_a_number_moves_by_its_share(old: Any, new: Any, moved: bool) -> None:
    assert has_moved(old, new, Share(50)) is moved


@given(st.integers(1, 2000), st.integers(0, 2000))
def test_the_same_half_of_a_source_trips_night_after_night(rows: int, later: int) -> None:
    """A tripped night is not accepted, so that it never becomes the base."""
    nights = [Accepted(rows)]
    for _ in range(3):
        base = base_of(nights)
        trips = before(SourceFacts(later), base, GUARDS)
        lost = rows - later
        assert bool(trips) is ((lost > 10 and lost * 100 > 20 * rows) or later == 0)
        if not trips:
            break


@given(st.lists(st.integers(100, 3000), min_size=1, max_size=20))
def test_a_source_cannot_dwindle_by_a_fifth_of_itself_each_night(sizes: list[int]) -> None:
    nights: list[Accepted] = []
    for rows in sizes:
        base = base_of(nights)
        if not before(SourceFacts(rows), base, GUARDS):
            nights.insert(0, Accepted(rows))
            assert base is None or rows * 100 >= 80 * base.rows or base.rows - rows <= GUARDS.floor
