"""Delays are full jitter; retries have a budget; a server that is down is probed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.policy.backoff import Circuit, RetryBudget, full_jitter


@pytest.mark.parametrize(
    ("attempt", "bound"),
    [
        (1, 0.5),  # the base
        (2, 1.0),
        (3, 2.0),
        (6, 16.0),
        (7, 20.0),  # the cap
        (10_000, 20.0),  # and no overflow on the way
    ],
)
def test_the_bound_doubles_up_to_the_cap(attempt: int, bound: float) -> None:
    assert full_jitter(attempt, 1.0, base=0.5, cap=20.0) == bound


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_a_uniform_sample_gives_a_uniform_delay_from_0_to_the_bound(attempt: int, sample: float) -> None:
    bound = full_jitter(attempt, 1.0, base=0.5, cap=20.0)
    assert full_jitter(attempt, sample, base=0.5, cap=20.0) == pytest.approx(sample * bound)


def outage(budget: RetryBudget, seconds: int, requests: int) -> int:
    """Retries granted while `requests` a second all fail and all ask to be sent again four times."""
    granted = 0
    for second in range(seconds):
        for _ in range(requests):
            budget.request()
        granted += sum(budget.withdraw(float(second)) for _ in range(4 * requests))
    return granted


def test_retries_are_a_fifth_of_the_requests_and_a_trickle() -> None:
    granted = outage(RetryBudget(), seconds=100, requests=200)
    assert granted <= 0.2 * 20_000 + 10 * 100 + 50
    assert granted >= 0.9 * (0.2 * 20_000 + 10 * 100)


def test_an_idle_budget_fills_up_to_its_capacity_and_no_further() -> None:
    budget = RetryBudget()
    assert [budget.withdraw(0.0) for _ in range(51)] == [True] * 50 + [False]
    assert not budget.withdraw(0.05)
    assert budget.withdraw(0.1)  # ten a second
    assert sum(budget.withdraw(1000.0) for _ in range(100)) == 50
    budget.request()
    assert budget.tokens == pytest.approx(0.2)


def test_a_million_requests_save_up_no_more_retries_than_the_capacity() -> None:
    budget = RetryBudget()
    for _ in range(1_000_000):
        budget.request()
    assert sum(budget.withdraw(1.0) for _ in range(100)) == 50


def test_failures_in_a_row_open_the_circuit_and_a_success_closes_it() -> None:
    circuit = Circuit(threshold=3)
    assert [circuit.failed(0.0, 0.0), circuit.failed(0.0, 0.0)] == [None, None]
    circuit.succeeded()
    assert [circuit.failed(0.0, 0.0), circuit.failed(0.0, 0.0)] == [None, None]
    assert not circuit.is_open
    assert circuit.failed(0.0, 0.0) == 0.25
    assert circuit.is_open
    circuit.succeeded()
    assert not circuit.is_open


@given(st.integers(0, 500), st.floats(0, 1, exclude_max=True))
def test_a_probe_waits_half_the_bound_to_the_bound(failures: int, sample: float) -> None:
    circuit = Circuit(threshold=10, failures=9 + failures)
    pause = circuit.failed(sample, 0.0)
    bound = min(5.0, 0.5 * 2.0**failures)
    assert pause is not None
    assert bound / 2 <= pause <= bound


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0, 10),  # opens a closed one
        (25, 25),  # and leaves an open one as far as it is
    ],
)
def test_a_budget_that_is_used_up_opens_the_circuit(before: int, after: int) -> None:
    circuit = Circuit(failures=before)
    circuit.exhaust()
    assert circuit.failures == after
    assert circuit.is_open


def test_a_server_that_never_worked_is_given_up_sooner_than_one_that_did() -> None:
    never, once = Circuit(), Circuit()
    once.succeeded()
    for _ in range(29):
        never.failed(0.5, 0.0, answered=True)
    assert not never.is_hopeless
    never.failed(0.5, 0.0, answered=True)
    assert never.is_hopeless
    for _ in range(99):
        once.failed(0.5, 0.0)
    assert not once.is_hopeless
    once.failed(0.5, 0.0)
    assert once.is_hopeless
    once.succeeded()
    assert not once.is_hopeless


@pytest.mark.parametrize(
    ("failures", "seconds", "hopeless"),
    [
        (9, 60.0, False),  # it is not open yet
        (10, 4.9, False),  # a server that is being started
        (10, 5.0, True),
        (200, 1.0, False),
    ],
)
def test_a_server_that_never_answered_is_given_up_after_some_seconds(
    failures: int, seconds: float, *, hopeless: bool
) -> None:
    circuit = Circuit()
    for number in range(failures):
        circuit.failed(0.5, 1000.0 + seconds * number / (failures - 1))
    assert circuit.is_hopeless is hopeless


def test_failures_before_a_success_do_not_count_later() -> None:
    circuit = Circuit(hopeless_later=2)
    circuit.failed(0.5, 0.0)
    circuit.succeeded()
    circuit.failed(0.5, 1000.0)
    assert (circuit.failing_since, circuit.is_hopeless) == (1000.0, False)
