"""How long everybody waits after a refusal for pace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.policy.pace import Window
from worker.policy.throttle import FIRST_PAUSE, LONGEST_PAUSE, Throttle

WINDOWS = (Window(100, 60.0), Window(25, 10.0))


@pytest.mark.parametrize(
    ("windows", "retry_after", "pause"),
    [
        (WINDOWS, 0.0, 60.0),  # the recorded Retry-After: 0; a whole window, as counts are never reset
        (WINDOWS, None, 60.0),
        (WINDOWS, 90.0, 90.0),  # the server knows better
        ((), 0.0, 1.0),  # nothing is known
        ((), None, 1.0),
        ((), 7.0, 7.0),
    ],
)
def test_a_pause_is_at_least_the_window_and_what_the_server_says(
    windows: tuple[Window, ...], retry_after: float | None, pause: float
) -> None:
    assert Throttle().refused(windows, retry_after, again=True) == pause


def test_without_windows_pauses_double_up_to_a_minute() -> None:
    throttle = Throttle()
    assert [throttle.refused((), None, again=True) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_requests_refused_together_count_once() -> None:
    throttle = Throttle()
    assert [throttle.refused((), None, again=False) for _ in range(4)] == [1, 1, 1, 1]
    assert throttle.refused((), None, again=True) == 2


def test_a_request_that_gets_through_begins_anew() -> None:
    throttle = Throttle()
    throttle.refused((), None, again=True)
    throttle.refused((), None, again=True)
    throttle.accepted()
    assert throttle.refused((), None, again=False) == FIRST_PAUSE


@given(st.lists(st.tuples(st.sampled_from([None, 0.0, 0.5, 3.0]), st.booleans()), min_size=1, max_size=2000))
def test_no_refusal_is_ever_a_hot_loop(refusals: list[tuple[float | None, bool]]) -> None:
    throttle = Throttle()
    pauses = [throttle.refused((), retry_after, again=again) for retry_after, again in refusals]
    assert all(FIRST_PAUSE <= pause <= LONGEST_PAUSE for pause in pauses)


def test_a_very_long_window_is_asked_about_every_five_minutes() -> None:
    assert Throttle().refused([Window(1000, 3600.0)], None, again=True) == 300.0
