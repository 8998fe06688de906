"""Rows that fail night after night: whose failure it is, and when a row is set aside, skipped and tried again."""

from datetime import date, timedelta

import pytest

from jobs.model import Status
from jobs.reasons import REASONS
from worker.policy.guards import SERVER_WIDE
from worker.policy.quarantine import Circumstances, Quarantine, is_own, is_ripe, is_skipped, is_too_many

MONDAY = date(2026, 11, 30)
RULES = Quarantine()
AT = Circumstances(b"row", b"recipe", b"live")


def night(number: int) -> date:
    return MONDAY + timedelta(number)


@pytest.mark.parametrize(("after", "nights"), [(3, 3), (1, 1), (0, None)])
def test_a_row_is_set_aside_after_so_many_nights_at_once_or_never(after: int, nights: int | None) -> None:
    ripe = [number for number in range(1, 10) if is_ripe(number, Quarantine(after))]
    assert ripe == ([] if nights is None else list(range(nights, 10)))


@pytest.mark.parametrize(
    ("at", "day", "expected"),
    [
        (AT, 3, True),
        (AT, 8, True),
        (AT, 9, False),  # a week after it was last tried
        (Circumstances(b"other", b"recipe", b"live"), 3, False),
        (Circumstances(b"row", b"other", b"live"), 3, False),
        (Circumstances(b"row", b"recipe", b"other"), 3, False),
        (Circumstances(b"row", b"recipe"), 3, True),  # not read
    ],
)
def test_a_row_is_tried_again_when_something_changes_and_after_a_week(
    at: Circumstances, day: int, expected: bool
) -> None:
    assert is_skipped(AT, night(2), at, night(day), RULES) is expected


def test_a_row_whose_record_was_never_read_does_not_differ_by_it() -> None:
    unread = Circumstances(b"row", b"recipe")
    assert not unread.differ(AT)
    assert not AT.differ(unread)


def test_without_another_try_a_row_waits_for_a_change() -> None:
    assert is_skipped(AT, night(2), AT, night(1000), Quarantine(again=0))


@pytest.mark.parametrize("reason", REASONS)
def test_only_the_rows_own_failures_count(reason: str) -> None:
    status = REASONS[reason].status
    own = status in {Status.INVALID, Status.REJECTED, Status.FAILED} and reason not in SERVER_WIDE
    assert is_own(status, reason) is own


def test_an_outage_of_three_nights_sets_nothing_aside() -> None:
    assert {"unreachable", "throttled", "busy", "lookup_failed", "not_authorized"} <= SERVER_WIDE


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
