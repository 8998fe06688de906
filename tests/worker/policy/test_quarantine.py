"""Rows that fail night after night."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import ApiError, RowRef, RowResult, Status
from jobs.reasons import REASONS
from worker.policy.guards import SERVER_WIDE
from worker.policy.quarantine import (
    Cause,
    Circumstances,
    Quarantine,
    Trouble,
    cause_of,
    failed,
    has_recovered,
    is_set_aside,
    is_too_many,
)

MONDAY = date(2026, 11, 30)
RULES = Quarantine()
AT = Circumstances(b"row", b"recipe", b"live")
CAUSE = Cause(Status.REJECTED, "validation", ("price",), ("VALIDATION_ERROR",))


def night(number: int) -> date:
    return MONDAY + timedelta(number)


def result(status: Status, reason: str, *codes: str, message: str = "", fields: tuple[str, ...] = ()) -> RowResult:
    errors = tuple(ApiError(message, code=code) for code in codes)
    return RowResult(RowRef(1, 2, b""), status, reason, message, fields, errors=errors)


def after_nights(*numbers: int, rules: Quarantine = RULES, cause: Cause = CAUSE) -> Trouble:
    known = None
    for number in numbers:
        known = failed(known, cause, AT, night(number), rules)
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("nights", "count", "aside"),
    [
        ((0,), 1, None),
        ((0, 1), 2, None),
        ((0, 1, 2), 3, 2),
        ((0, 0, 0, 0), 1, None),  # an hourly job has one night a date
        ((0, 5, 9), 3, 9),
        ((0, 1, 2, 9), 4, 2),  # it was tried again
        ((1, 0), 1, None),  # a clock that was set back
    ],
)
def test_a_row_is_set_aside_after_so_many_dates_of_one_failure(
    nights: tuple[int, ...], count: int, aside: int | None
) -> None:
    known = after_nights(*nights)
    assert known.nights == count
    assert known.first == night(nights[0])
    assert known.last == night(max(nights))
    assert known.aside == (None if aside is None else night(aside))


def test_a_row_may_be_set_aside_at_once_or_never() -> None:
    assert after_nights(0, rules=Quarantine(after=1)).aside == MONDAY
    assert after_nights(*range(9), rules=Quarantine(after=0)).aside is None


def test_another_cause_begins_anew() -> None:
    other = Cause(Status.REJECTED, "locked")
    known = failed(after_nights(0, 1, 2), other, AT, night(3), RULES)
    assert known == Trouble(other, AT, night(3), night(3))


def test_a_row_that_fails_alike_although_it_has_changed_waits_again() -> None:
    changed = Circumstances(b"other", b"recipe", b"live")
    known = failed(after_nights(0, 1, 2), CAUSE, changed, night(3), RULES)
    assert (known.at, known.aside) == (changed, night(2))
    assert is_set_aside(known, changed, night(4), RULES)


@pytest.mark.parametrize(
    ("at", "day", "requested", "expected"),
    [
        (AT, 3, False, True),
        (AT, 8, False, True),
        (AT, 9, False, False),  # a week after it was last tried
        (AT, 3, True, False),
        (Circumstances(b"other", b"recipe", b"live"), 3, False, False),
        (Circumstances(b"row", b"other", b"live"), 3, False, False),
        (Circumstances(b"row", b"recipe", b"other"), 3, False, False),
        (Circumstances(b"row", b"recipe"), 3, False, True),  # not read
    ],
)
def test_a_row_is_tried_again_when_something_changes_after_a_week_and_on_request(
    at: Circumstances, day: int, requested: bool, expected: bool
) -> None:
    assert is_set_aside(after_nights(0, 1, 2), at, night(day), RULES, requested=requested) is expected


def test_a_row_that_is_not_set_aside_is_tried_every_night() -> None:
    assert not is_set_aside(None, AT, MONDAY, RULES)
    assert not is_set_aside(after_nights(0, 1), AT, night(2), RULES)


def test_a_row_whose_record_was_never_read_does_not_differ_by_it() -> None:
    unread = Circumstances(b"row", b"recipe")
    assert not unread.differ(AT)
    assert not AT.differ(unread)


def test_without_another_try_a_row_waits_for_a_change() -> None:
    rules = Quarantine(again=0)
    assert is_set_aside(after_nights(0, 1, 2, rules=rules), AT, night(1000), rules)


def test_a_cause_has_no_text_and_no_order() -> None:
    one = result(Status.REJECTED, "validation", "B", "A", "", message="request 7", fields=("y", "x"))
    other = result(Status.REJECTED, "validation", "A", "B", "A", message="request 8", fields=("x", "y"))
    assert cause_of(one) == cause_of(other) == Cause(Status.REJECTED, "validation", ("x", "y"), ("A", "B"))


@pytest.mark.parametrize("reason", REASONS)
def test_only_the_rows_own_failures_count(reason: str) -> None:
    status = REASONS[reason].status
    own = status in {Status.INVALID, Status.REJECTED, Status.FAILED} and reason not in SERVER_WIDE
    assert (cause_of(result(status, reason)) is not None) is own


def test_an_outage_of_three_nights_sets_nothing_aside() -> None:
    assert {"unreachable", "throttled", "busy", "lookup_failed", "not_authorized"} <= SERVER_WIDE


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.APPLIED, True), (Status.UNCHANGED, True), (Status.SKIPPED, False), (Status.PENDING, False),
     (Status.CONFLICT, False), (Status.REJECTED, False)],
)  # fmt: skip
def test_a_row_has_recovered_once_it_is_as_it_should_be(status: Status, expected: bool) -> None:
    assert has_recovered(after_nights(0), status) is expected
    assert not has_recovered(None, status)


@pytest.mark.parametrize(
    ("rules", "aside", "expected"),
    [
        (RULES, 10, False),
        (RULES, 11, True),
        (RULES, 0, False),
        (Quarantine(most=3), 3, False),
        (Quarantine(most=3), 4, True),
        (Quarantine(most=None), 1000, False),
    ],
)
def test_more_than_so_many_rows_set_aside_are_no_good_end(rules: Quarantine, aside: int, expected: bool) -> None:
    assert is_too_many(aside, 1000, rules) is expected


@given(st.integers(1, 5), st.integers(1, 10), st.integers(1, 60))
def test_a_row_that_never_heals_is_tried_every_so_many_nights(after: int, again: int, nights: int) -> None:
    rules, known, tried = Quarantine(after, again), None, []
    for day in map(night, range(nights)):
        if not is_set_aside(known, AT, day, rules):
            tried.append(day)
            known = failed(known, CAUSE, AT, day, rules)
    assert tried[:after] == [night(number) for number in range(min(after, nights))]
    assert all(
        (later - earlier).days == again for earlier, later in zip(tried[after - 1 :], tried[after:], strict=False)
    )
