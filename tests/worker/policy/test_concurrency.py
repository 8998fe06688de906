"""How many at once: doubling, additive increase, multiplicative decrease; what is a sign of too much, and what not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.policy.concurrency import LONGEST_REST, START, Concurrency, Sign, sign_of

RTT = 0.1


def play_round(control: Concurrency, now: float, rtt: float = RTT, *, reached: bool = True, least: int = 1) -> float:
    """As many requests as are allowed leave together and are served together; when that was."""
    count = control.limit
    control.taken(count if reached else count - 1)
    for _ in range(count):
        control.ok(now, now + rtt, least=least)
    return now + rtt


def limits(control: Concurrency, rounds: int, now: float = 0.0, rtt: float = RTT) -> list[int]:
    """The limit after each of so many good rounds."""
    seen = []
    for _ in range(rounds):
        now = play_round(control, now, rtt)
        seen.append(control.limit)
    return seen


def settled(limit: int, most: int) -> tuple[Concurrency, float]:
    """A control that no longer doubles, with that limit and a steady past."""
    control = Concurrency(most)
    control.overloaded(0.0, RTT)
    now = RTT
    while control.limit < limit:
        now = play_round(control, now)
    return control, now


@pytest.mark.parametrize(
    ("status", "paced", "remaining", "sign"),
    [
        (200, True, 10, Sign.OK),
        (204, False, None, Sign.OK),
        (404, True, 10, Sign.IGNORE),  # a refused row proves nothing about the work
        (422, False, None, Sign.IGNORE),
        (302, False, None, Sign.IGNORE),
        (500, False, None, Sign.IGNORE),  # a fault, which fewer requests do not mend
        (502, False, None, Sign.IGNORE),
        (503, True, 10, Sign.OVERLOADED),  # full
        (504, True, 10, Sign.OVERLOADED),  # too slow for its own proxy
        (429, True, 0, Sign.IGNORE),  # the window is used up: a matter of rate
        (429, True, None, Sign.IGNORE),  # presumably
        (429, True, 12, Sign.OVERLOADED),  # although some of the window is left
        (429, False, None, Sign.OVERLOADED),  # nothing is known: less at once is all that can be tried
        (408, False, None, Sign.IGNORE),
    ],
)
def test_what_an_answer_says(status: int, paced: bool, remaining: int | None, sign: Sign) -> None:
    assert sign_of(status, paced=paced, remaining=remaining) is sign


@pytest.mark.parametrize(
    ("most", "seen"),
    [
        (64, [8, 16, 32, 64, 64]),
        (20, [8, 16, 20, 20, 20]),  # never above what the user allows
        (3, [3, 3, 3, 3, 3]),
        (1, [1, 1, 1, 1, 1]),
    ],
)
def test_the_limit_doubles_until_the_most_that_is_allowed(most: int, seen: list[int]) -> None:
    assert limits(Concurrency(most), 5) == seen


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    control = Concurrency(64)
    now = play_round(control, 0.0)
    for _ in range(10):
        now = play_round(control, now, reached=False)
    assert control.limit == 2 * START


def test_the_first_overload_ends_the_doubling_where_all_was_well() -> None:
    control = Concurrency(64)
    now = play_round(control, play_round(control, 0.0))
    assert control.limit == 16
    control.overloaded(now, now + RTT)
    assert control.limit == 8
    assert limits(control, 3, now + RTT) == [9, 10, 11]


def test_refusals_of_one_round_trip_count_once() -> None:
    control, now = settled(20, 64)
    for _ in range(20):
        control.overloaded(now, now + RTT)
    assert control.limit == 18
    control.overloaded(now + RTT, now + 2 * RTT)
    assert control.limit == 16


def test_a_small_limit_shrinks_by_one_at_least_and_never_below_one() -> None:
    control = Concurrency(4)
    now, seen = 0.0, []
    for _ in range(5):
        control.overloaded(now, now + RTT)
        now += RTT
        seen.append(control.limit)
    assert seen == [2, 1, 1, 1, 1]


def test_a_limit_that_is_refused_each_time_is_tried_ever_more_rarely() -> None:
    control, now = settled(5, 64)
    tries = []
    for number in range(3000):
        if control.limit > 5:
            control.overloaded(now, now + RTT)
            tries.append(number)
            now += RTT
        else:
            now = play_round(control, now)
    gaps = [late - early for early, late in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST_REST + 1
    assert len(tries) < 60


def test_a_limit_that_was_refused_by_chance_is_soon_passed() -> None:
    control, now = settled(10, 64)
    control.overloaded(now, now + RTT)
    assert limits(control, 4, now + RTT) == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("slower", "limit"),
    [
        (1.05, 21),  # within what is usual
        (1.09, 18),  # a sign, although the growth so far still pays
        (2.0, 15),  # the growth so far no longer pays
    ],
)
def test_a_round_slower_than_those_before_shrinks_the_limit(slower: float, limit: int) -> None:
    control, now = settled(20, 64)
    for _ in range(10):
        now = play_round(control, now, reached=False)
    play_round(control, now, slower * RTT)
    assert control.limit == limit


def test_a_slow_round_below_the_limit_says_nothing_about_it() -> None:
    control, now = settled(20, 64)
    for _ in range(10):
        now = play_round(control, now, reached=False)
    play_round(control, now, 2 * RTT, reached=False)
    assert control.limit == 20


def test_single_requests_that_stall_are_no_sign() -> None:
    control = Concurrency(16)
    now = 0.0
    for _ in range(50):
        control.taken(control.limit)
        count = control.limit
        stalled = count // 8
        for number in range(count):
            control.ok(now, now + (8.0 if number < stalled else RTT))
        now += 8.0
    assert control.limit == 16


def test_growth_that_does_not_pay_is_taken_back() -> None:
    control = Concurrency(64)
    now, seen = 0.0, []
    for _ in range(40):
        now = play_round(control, now, RTT * control.limit)  # a queue: any number is served at the same speed
        seen.append(control.limit)
    assert max(seen) == 2 * START
    assert sum(seen[10:]) / len(seen[10:]) < START


def test_a_server_that_grows_slower_step_by_step_is_not_followed() -> None:
    control, now = settled(10, 64)
    seen = []
    for _ in range(100):
        now = play_round(control, now, RTT * 1.1 ** max(0, control.limit - 10))
        seen.append(control.limit)
    assert max(seen) <= 13
    assert min(seen) >= 8


def test_slowness_never_brings_the_limit_below_the_least_that_is_asked_for() -> None:
    control = Concurrency(16)
    now = 0.0
    for number in range(60):
        now = play_round(control, now, RTT * 1.5**number, least=START)
    assert control.limit == START
    control.overloaded(now, now + RTT)
    assert control.limit < START  # a refusal does


def test_answers_to_what_left_under_another_limit_do_not_count() -> None:
    control = Concurrency(64)
    now = play_round(control, 0.0)
    control.taken(8)
    for _ in range(20):
        control.ok(now - RTT, now)
    assert control.limit == 8


def test_a_refused_connection_counts_while_others_get_through() -> None:
    control = Concurrency(64)
    control.not_sent(0.0, 0.05)  # nobody got through so far: down, or not there
    assert control.limit == START
    control.ok(0.1, 0.2)
    control.not_sent(0.15, 0.25)
    assert control.limit == START // 2


def test_a_fixed_limit_stays() -> None:
    control = Concurrency(50, fixed=True)
    now = play_round(control, 0.0)
    control.overloaded(now, now + 1)
    assert control.limit == 50


def test_times_of_nothing_are_no_harm() -> None:
    assert limits(Concurrency(16), 20, rtt=0.0)[-1] == 16


@given(
    st.integers(1, 12),
    st.lists(
        st.tuples(
            st.sampled_from(["ok"] * 8 + ["overloaded", "not sent"]), st.floats(0, 5), st.sampled_from([0, 0, 0, 7])
        ),
        max_size=300,
    ),
)
def test_whatever_happens_the_limit_is_between_one_and_the_most(
    most: int, events: list[tuple[str, float, float]]
) -> None:
    control, now = Concurrency(most), 0.0
    for what, later, lasted in events:
        now += later
        control.taken(control.limit)
        if what == "ok":
            control.ok(now - lasted, now)
        elif what == "overloaded":
            control.overloaded(now - lasted, now)
        else:
            control.not_sent(now - lasted, now)
        assert 1 <= control.limit <= most
