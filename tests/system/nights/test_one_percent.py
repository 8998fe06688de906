"""Two nights of a thousand records under live limits, of which one in a hundred has changed by the second."""

import pytest

from tests.system.nights.one_percent import (
    CANARIES,
    CONTESTED,
    DRIFTED,
    LIVE,
    PAGE,
    Story,
    Unread,
    happen,
    least_seconds,
)  # fmt: skip
from worker.sandbox.limits import Counter

RECORDS = 1000
CHANGED = 10


@pytest.fixture(scope="module")
def story() -> Story:
    """Return both nights."""
    return happen(RECORDS)


def test_nothing_is_refused_and_the_last_morning_is_right_to_the_last_key(story: Story) -> None:
    assert list(story.faults()) == []
    assert (story.first.refused, story.second.refused) == (0, 0)


def test_a_night_costs_a_read_a_page_an_update_a_change_and_a_look_at_what_is_sent(story: Story) -> None:
    sent = CHANGED - CONTESTED
    assert story.second.writes == story.to_send == sent
    assert story.second.reads == story.expected_reads == RECORDS // PAGE + 1 + 2 * CANARIES


def test_every_edit_by_hand_is_told_and_none_is_overwritten(story: Story) -> None:
    report = story.report
    assert (report.drifted, report.conflicts, report.overwritten) == (DRIFTED, CONTESTED, 0)
    assert story.told == story.hands
    assert len(story.hands) == DRIFTED + CONTESTED
    assert story.overwritten == 0


def test_who_reads_nothing_overwrites_edits_or_never_learns_of_them(story: Story) -> None:
    assert story.everything == Unread(RECORDS, overwritten=DRIFTED + CONTESTED, unknown=0)
    assert story.last_run == Unread(CHANGED, overwritten=CONTESTED, unknown=DRIFTED)


@pytest.mark.parametrize("requests", [1, 50, 51, 200, 201, 999, 1000, 1001])
def test_the_least_time_of_requests_is_what_the_servers_own_windows_allow(requests: int) -> None:
    counter, now = Counter.of(*LIVE), 0.0
    for _ in range(requests):
        while not counter.admit(now):
            now += 0.5
    assert least_seconds(requests) == now
