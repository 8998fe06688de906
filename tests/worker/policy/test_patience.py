"""How often to try again, how long to wait, and when not to: the numbers of rows, reads and tokens."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.meanings import ANSWERS, SLOWS_DOWN, Meaning
from worker.lane.credentials import TOKEN_PATIENCE
from worker.policy.backoff import Circuit, full_jitter
from worker.policy.pace import Window
from worker.policy.patience import FIRST_PAUSE, LONGEST_PAUSE, PATIENT, Patience, Throttle, Tries, outage
from worker.settings import Attempts


def test_the_settings_say_how_patient_rows_and_reads_are() -> None:
    attempts = Attempts(max_attempts=7, throttles=8, base=2.0, cap=9.0, patience=60.0)
    assert attempts.retrying == Patience(attempts=7, throttles=8, races=3, base=2.0, cap=9.0, rest=0.0, pause=60.0)
    assert Attempts().retrying == Patience(pause=900.0)


def test_a_request_has_as_many_tries_as_it_has_numbers() -> None:
    patience = Patience(attempts=3, throttles=4, races=2)
    assert [patience.attempts_left(failures) for failures in range(3)] == [2, 1, 0]
    assert [patience.throttles_left(throttles) for throttles in range(4)] == [3, 2, 1, 0]
    assert [patience.races_left(races) for races in range(3)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("patience", "failures", "sample", "seconds"),
    [
        (PATIENT, 1, 1.0, 0.5),
        (PATIENT, 3, 1.0, 2.0),
        (PATIENT, 3, 0.0, 0.0),  # full jitter
        (PATIENT, 99, 1.0, 20.0),
        (PATIENT, 0, 1.0, 0.5),  # a failure that cost nothing
        (TOKEN_PATIENCE, 1, 0.0, 1.0),  # the endpoint is never asked twice in a second
        (TOKEN_PATIENCE, 2, 1.0, 3.0),
        (TOKEN_PATIENCE, 99, 1.0, 21.0),
    ],
)
def test_waits_grow_up_to_a_bound(patience: Patience, failures: int, sample: float, seconds: float) -> None:
    assert patience.backoff(failures, sample) == seconds


@given(st.integers(0, 1000), st.floats(0, 1, exclude_max=True), st.floats(0, 5))
def test_a_wait_is_the_backoff_and_the_rest(failures: int, sample: float, rest: float) -> None:
    patience = Patience(rest=rest)
    assert patience.backoff(failures, sample) == rest + full_jitter(max(1, failures), sample, base=0.5, cap=20.0)


@pytest.mark.parametrize(
    ("pause", "refusals", "says"),
    [
        (900.0, 29, ""),  # worth waiting for
        (901.0, 0, "a pause of 901 s"),
        (901.0, 30, "a pause of 901 s"),
        (60.0, 30, "30 times in a row"),
    ],
)
def test_a_run_is_parked_when_waiting_makes_no_sense(pause: float, refusals: int, says: str) -> None:
    why = Patience(pause=900.0).parking(pause, refusals)
    assert (says in why) if says else why == ""


@pytest.mark.parametrize("meaning", list(Meaning))
def test_what_a_try_costs(meaning: Meaning) -> None:
    tries = Tries(Patience(attempts=2, throttles=2))
    backs_off = tries.count(meaning, free=False)
    cost = tries.failures, tries.throttles
    if meaning in SLOWS_DOWN:
        assert (cost, backs_off) == ((0, 1), False)
    elif meaning is Meaning.TOKEN_REFUSED:
        assert (cost, backs_off) == ((0, 0), False)
    elif meaning not in ANSWERS:
        assert (cost, backs_off) == ((1, 0), True)


def test_a_server_that_is_down_costs_nothing_who_waits_for_it_and_refusals_for_pace_cost_all() -> None:
    tries = Tries(Patience(attempts=2, throttles=2))
    assert tries.count(Meaning.UNANSWERED, free=True)
    assert (tries.failures, tries.throttles) == (0, 0)
    tries.count(Meaning.UNWELL, free=False)
    assert tries.go_on(waits=False)
    tries.count(Meaning.UNWELL, free=False)
    assert not tries.go_on(waits=False)
    assert tries.go_on(waits=True)
    for _ in range(2):
        tries.count(Meaning.THROTTLED, free=False)
    assert not tries.go_on(waits=True)


def test_an_outage_is_told_once_it_is_hopeless_with_its_cause() -> None:
    never, once = Circuit(), Circuit()
    once.succeeded()
    assert outage(never, "refused") == outage(once, "refused") == ""
    for second in range(100):
        never.failed(0.5, second)
        once.failed(0.5, second)
    assert outage(never, "refused") == (
        "nothing was ever answered (refused); check the URL and the network, then go on"
    )
    assert outage(once, "lost") == "the server has been down for too long (lost); go on later"


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


@pytest.mark.parametrize(("wait", "says"), [(900.0, ""), (901.0, "leave nothing for 901 s"), (math.inf, "")])
def test_a_run_is_parked_when_its_limits_leave_nothing_for_long(wait: float, says: str) -> None:
    why = Patience(pause=900.0).outlasting(wait)
    assert (says in why) if says else why == ""
