"""Limits that nobody tells, inferred from refusals: against strict servers, in virtual time."""

import heapq
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.policy.inference import ASKED, LATE, SLOWEST, Inference
from worker.policy.pace import Pace, Window, spacing

HOUR = 3600.0
MINUTE = Window(100, 60.0)
BURST = (Window(200, 60.0), Window(50, 10.0))


@dataclass(slots=True)
class Server:
    """Counts strictly, in sliding windows, and says no more than yes or no.

    Attributes:
        helps: a refusal says when to come again.
        counts_refused: refused requests count like others.
        changes: the windows from a time on.
    """

    windows: Sequence[Window]
    helps: bool = False
    counts_refused: bool = False
    changes: tuple[float, Sequence[Window]] = (math.inf, ())
    counted: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def ask(self, now: float) -> float:
        """0.0, or for how long the request is refused."""
        windows = self.windows if now < self.changes[0] else self.changes[1]
        wait = max(self._wait(now, window) for window in windows)
        if wait <= 0.0 or self.counts_refused:
            self.counted.append(now)
        (self.refused if wait > 0.0 else self.accepted).append(now)
        return max(0.0, wait)

    def _wait(self, now: float, window: Window) -> float:
        inside = len(self.counted) - bisect_right(self.counted, now - window.interval)
        return 0.0 if inside < window.limit else self.counted[-window.limit] + window.interval - now


def work(server: Server, seconds: float = HOUR, *, workers: int = 4, latency: float = 0.03) -> Inference:
    """Send as fast as the inferred pace lets so many workers."""
    pace, inference, dice = Pace(max_in_flight=workers), Inference(), Random(1)
    now, answers = 0.0, [(math.inf, 0.0, 0.0)]
    while now < seconds:
        wait = pace.reserve(now)
        if wait == 0.0:
            trip = latency * dice.lognormvariate(0, 0.5)
            refused = server.ask(now + trip / 2)
            heapq.heappush(answers, (now + trip, now, refused))
            continue
        now = min(now + wait, answers[0][0])
        while answers[0][0] <= now:
            _, sent_at, refused = heapq.heappop(answers)
            pace.answered(now)
            if refused:
                retry_after = float(math.ceil(refused)) if server.helps else None
                pace.close(now + inference.refused(now, sent_at, retry_after, pace.stamps))
                pace.infer(inference.windows)
            else:
                pace.open(sent_at)
                if inference.accepted(now, sent_at, pace.stamps):
                    pace.infer(inference.windows)
    return inference


def rate(windows: Sequence[Window]) -> float:
    return min(window.limit / window.interval for window in windows)


@pytest.mark.parametrize(
    ("windows", "helps", "counts_refused"),
    [
        ([MINUTE], False, False),
        ([MINUTE], True, False),
        ([MINUTE], False, True),  # a penalty box: knocking costs
        (BURST, False, False),  # the second window shows only when the first is kept to
        (BURST, True, False),
        (BURST, False, True),
        ([Window(50, 10.0)], False, False),
        ([Window(600, 60.0)], False, False),
        ([Window(100, 30.0)], False, False),  # no usual window: taken for a minute, and grown into
        ([Window(10, 1.0)], False, False),  # a second: taken for two, tried once
        ([Window(10, 1.0)], True, False),
        ([Window(2, 1.0)], False, False),  # too few to be divided
    ],
)
def test_a_limit_that_nobody_tells_costs_few_refusals_and_little_of_it_is_left(
    windows: Sequence[Window], helps: bool, counts_refused: bool
) -> None:
    server = Server(windows, helps, counts_refused)
    work(server)
    settled = max(60.0, 3 * max(window.interval for window in windows))
    early = sum(at <= settled for at in server.refused)
    late = [at for at in server.refused if at > 300.0]
    assert early <= 9
    assert len(server.refused) <= 14
    assert not [
        one for one, other in pairwise(late) if 1.0 < other - one < 600.0
    ]  # those in flight together count once
    assert sum(at > settled for at in server.accepted) >= 0.9 * rate(windows) * (HOUR - settled)


def test_a_limit_that_shrinks_is_followed_and_one_that_grows_again_is_found_again() -> None:
    server = Server([MINUTE], changes=(1200.0, [Window(50, 60.0)]))
    inference = work(server, 2400.0)
    assert len([at for at in server.refused if at > 1200.0]) <= 10
    assert rate(inference.windows) == pytest.approx(rate([Window(50, 60.0)]), rel=0.15)
    grown = Server([Window(50, 60.0)], changes=(600.0, [MINUTE]))
    assert rate(work(grown, 4 * HOUR).windows) > 0.9 * rate([MINUTE])


def test_an_hourly_limit_is_asked_about_every_ten_minutes_in_the_end() -> None:
    server = Server([Window(500, HOUR)])
    work(server)
    assert len(server.accepted) == 500
    assert len(server.refused) <= 4 + 11


def test_nothing_is_inferred_while_nothing_is_refused() -> None:
    inference = work(Server([Window(10_000_000, 60.0)]), 30.0)
    assert inference.windows == ()


def burst(count: int, seconds: float) -> list[float]:
    """Times of so many responses, the last one at `seconds`."""
    return [seconds * number / (count - 1) for number in range(count)]


def asked_in_vain(inference: Inference, log: list[float], times: int, retry_after: float | None = None) -> list[float]:
    """Refuse the next request and so many questions after it, each of which leaves when the quiet is over."""
    now, moments = log[-1] + 0.01, []
    for _ in range(times):
        log.append(now)
        pause = inference.refused(now, now, retry_after, log)
        moments.append(now + pause)
        now += pause
    return moments


def test_after_a_burst_it_is_asked_when_a_window_of_a_usual_length_has_room() -> None:
    moments = asked_in_vain(Inference(), burst(100, 0.05), 5)
    assert moments == pytest.approx([each + LATE for each in ASKED[:5]], abs=0.06)


@pytest.mark.parametrize(("asked", "found"), [(1, 0.5), (2, 2.0), (3, 5.0), (4, 10.0), (5, 60.0)])
def test_the_window_that_fits_the_answers_is_kept_to(asked: int, found: float) -> None:
    inference, log = Inference(), burst(30, 0.05)
    sent_at = asked_in_vain(inference, log, asked)[-1]
    log.append(sent_at + 0.01)
    assert inference.accepted(sent_at + 0.01, sent_at, log)
    assert inference.windows == (Window(30, found),)


def test_a_pause_that_the_server_asks_for_is_taken_at_its_word_and_read_as_the_windows_length() -> None:
    inference, log = Inference(), burst(30, 0.2)
    (sent_at,) = asked_in_vain(inference, log, 1, retry_after=9.8)
    assert sent_at == pytest.approx(10.01)
    log.append(sent_at)
    assert inference.accepted(sent_at, sent_at, log)
    assert inference.windows == (Window(30, 10.0),)


def test_no_question_is_asked_before_the_server_wants_to_see_it() -> None:
    pauses = [asked_in_vain(Inference(), burst(30, 0.2), 3, retry_after=each)[-1] for each in (None, 0.0, 60.0)]
    assert pauses == pytest.approx([5.01, 5.01, 180.21], abs=0.05)


def test_what_was_in_flight_together_is_refused_together() -> None:
    inference, log = Inference(), [*burst(30, 0.9), 1.0]
    assert inference.refused(1.0, 0.9, None, log) == 0.5
    log.append(1.2)
    assert inference.refused(1.2, 0.95, None, log) == pytest.approx(0.3)
    assert inference.refused(1.2, 0.95, 7.0, log) == 7.0
    assert not inference.accepted(1.3, 0.96, log)  # it left before the refusal: no sign that the time is over
    assert inference.windows == ()


def test_where_nothing_was_accepted_nothing_is_inferred() -> None:
    inference, log, now = Inference(), [], 0.0
    for _ in range(5):
        log.append(now)
        now += inference.refused(now, now, None, log)
    assert not inference.is_idle
    assert not inference.accepted(now, now, [*log, now])
    assert (inference.windows, inference.is_idle) == ((), True)


def test_nothing_more_is_tried_while_the_limit_is_not_used_up() -> None:
    inference, log = Inference(), burst(100, 0.2)
    sent_at = asked_in_vain(inference, log, 1, retry_after=9.8)[0]
    log.append(sent_at)
    assert inference.accepted(sent_at, sent_at, log)
    for second in range(20, 600):
        log.append(float(second))
        assert not inference.accepted(second, second, log)


def test_nothing_more_is_tried_than_what_the_other_windows_allow() -> None:
    def tries(others: float) -> bool:
        inference, log = Inference(windows=(Window(10, 1.0),), trials_from=0.0), burst(50, 5.0)
        return inference.accepted(5.0, 4.9, log, lambda: others)

    assert [tries(others) for others in (9.0, 10.0, 10.1, math.inf)] == [False, False, True, True]


@pytest.mark.parametrize(("later", "gentle"), [(500.0, True), (-1.0, False)])
def test_a_later_process_goes_on_with_what_was_inferred_and_with_when_more_may_be_tried(
    later: float, gentle: bool
) -> None:
    inference = Inference()
    inference.resume((Window(10, 1.0),), 100.0 + later, 100.0)
    assert (inference.windows, inference.settled) == ((Window(10, 1.0),),) * 2
    assert inference.is_gentle is gentle
    assert inference.no_trial_before == (600.0 if gentle else -math.inf)
    assert inference.trials_from >= 105.0
    inference.resume((), 0.0, 100.0)
    assert inference.windows == (Window(10, 1.0),)


@pytest.mark.parametrize(
    ("known", "accepted", "found"),
    [
        (Window(100, 60.0), 4, False),  # a chance refusal after a quiet time: so few a minute are no limit
        (Window(100, 60.0), 5, True),
        (Window(2, 30.0), 4, True),  # few, but not many fewer than are known to be borne
    ],
)
def test_few_requests_show_a_further_window_only_where_they_are_not_far_below_the_known_rate(
    known: Window, accepted: int, found: bool
) -> None:
    inference, log = Inference(windows=(known,)), [100.0 + 5.0 * each for each in range(accepted)]
    asked = asked_in_vain(inference, log, 5)[-1]
    log.append(asked)
    assert inference.accepted(asked, asked, log) is found
    assert (inference.windows == (known,)) is not found


@pytest.mark.parametrize("counts_refused", [False, True])
@pytest.mark.parametrize("window", [Window(1, 7.0), Window(2, 7.0), Window(4, 7.0), Window(3, 30.0)])
def test_a_window_of_few_requests_and_an_unusual_length_is_found_too(window: Window, counts_refused: bool) -> None:
    server = Server([window], True, counts_refused)
    work(server, 600.0, latency=0.002)
    assert len(server.refused) <= 24


def test_a_refusal_that_no_window_explains_costs_a_tenth() -> None:
    inference, log = Inference(windows=(Window(10, 1.0),)), [each / 10 for each in range(3000)]
    asked = asked_in_vain(inference, log, 1)[0]
    log.append(asked)
    assert inference.accepted(asked, asked, log)
    (window,) = inference.windows
    assert rate([window]) == pytest.approx(9.0)


def test_a_trial_whose_gain_was_somebody_elses_is_taken_back() -> None:
    """Fixed windows: what was accepted in half of two of them is no rate."""
    server = Server([MINUTE])
    inference = Inference(windows=(Window(100, 60.0),), trials_from=0.0)
    log = [each * 0.6 for each in range(200)]
    assert inference.accepted(log[-1], log[-1] - 0.1, log)
    tried = inference.windows
    assert rate(tried) > rate(server.windows)
    log += [120.0 + each * 0.5 for each in range(100)]
    inference.refused(170.0, 169.9, None, log)
    assert rate(inference.windows) > rate(server.windows)
    inference.refused(175.0, 174.9, None, log)
    assert inference.windows == (Window(100, 60.0),)


WINDOWS = st.builds(Window, st.integers(1, 120), st.sampled_from([0.5, 1.0, 1.5, 2.0, 5.0, 7.0, 10.0, 30.0, 60.0]))


@example(Window(91, 7.0), True, False, 0.08)
@settings(max_examples=12)
@given(WINDOWS, st.booleans(), st.booleans(), st.sampled_from([0.002, 0.03, 0.08]))
def test_whatever_the_window_refusals_stay_few(window: Window, helps: bool, counts: bool, latency: float) -> None:
    server = Server([window], helps, counts)
    work(server, 600.0, latency=latency)
    assert len(server.refused) <= 28
    assert len(server.accepted) >= 0.3 * rate([window]) * 600.0 or len(server.refused) <= 12


@pytest.mark.parametrize("share", [0.08, 0.33])
@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_refuses_at_random_is_not_taken_for_ever_slower(share: float, seed: int) -> None:
    """A request each time the windows allow it, twice a second at most; refused by dice alone."""
    inference, dice, now = Inference(), Random(seed), 0.0
    log: list[float] = []
    for _ in range(400):
        now += max(0.5, spacing(inference.windows))
        log.append(now)
        if dice.random() < share:
            now += inference.refused(now, now - 0.1, 1.0, log)
        else:
            inference.accepted(now, now - 0.1, log)
    assert rate(inference.windows) >= SLOWEST
    assert now <= 400 * 60.0
