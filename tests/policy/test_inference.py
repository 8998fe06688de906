"""Limits that nobody tells, inferred from refusals: against strict servers, in virtual time."""

import heapq
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest

from worker.policy.inference import Inference, Tally
from worker.policy.pace import Pace, Window

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
                pace.close(now + inference.refused(now, sent_at, retry_after))
                pace.infer(inference.windows, alone=inference.is_daring)
            else:
                pace.open(sent_at)
                if inference.accepted(now, sent_at):
                    pace.infer(inference.windows, alone=inference.is_daring)
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
        ([Window(10, 1.0)], False, False),  # a second: taken for ten, tried once
        ([Window(10, 1.0)], True, False),
        ([Window(2, 1.0)], False, False),  # too few to be divided
    ],
)
def test_a_limit_that_nobody_tells_costs_few_refusals_and_little_of_it_is_left(
    windows: Sequence[Window], helps: bool, counts_refused: bool
) -> None:
    server = Server(windows, helps, counts_refused)
    work(server)
    settled = 3 * max(window.interval for window in windows)
    early = sum(at <= settled for at in server.refused)
    late = [at for at in server.refused if at > settled]
    assert early <= 5
    assert not [one for one, other in pairwise(late) if other - one < 600.0]
    assert sum(at > settled for at in server.accepted) >= 0.9 * rate(windows) * (HOUR - settled)


def test_a_limit_that_shrinks_is_followed_and_one_that_grows_again_is_found_again() -> None:
    server = Server([MINUTE], changes=(1200.0, [Window(50, 60.0)]))
    inference = work(server, 2400.0)
    assert len([at for at in server.refused if at > 1200.0]) <= 10
    assert rate(inference.windows) == pytest.approx(rate([Window(50, 60.0)]), rel=0.15)
    grown = Server([Window(50, 60.0)], changes=(600.0, [MINUTE]))
    assert rate(work(grown, 4 * HOUR).windows) > 0.9 * rate([MINUTE])


def test_an_hourly_limit_is_asked_about_every_ten_minutes() -> None:
    server = Server([Window(500, HOUR)])
    work(server)
    assert len(server.accepted) == 500
    assert len(server.refused) <= 4 + 8


def test_nothing_is_inferred_while_nothing_is_refused() -> None:
    inference = work(Server([Window(10_000_000, 60.0)]), 30.0)
    assert inference.windows == ()


def test_nothing_more_is_tried_while_the_limit_is_not_used_up() -> None:
    inference = Inference()
    for tenth in range(100):
        inference.accepted(tenth / 10, tenth / 10)
    assert inference.refused(10.0, 9.9, 10.0) == 10.0
    assert inference.windows == (Window(100, 10.0),)
    for second in range(20, 600):
        assert not inference.accepted(float(second), float(second))


def test_what_was_in_flight_together_is_refused_together() -> None:
    inference = Inference()
    assert inference.refused(1.0, 0.9, None) == 10.0
    assert inference.refused(1.5, 0.95, None) == 9.5
    assert not inference.accepted(2.0, 0.96)  # it left before the refusal: no sign that the time is over
    assert inference.windows == ()
    assert inference.refused(11.1, 11.0, None) == 60.0


def test_where_nothing_was_accepted_nothing_is_inferred() -> None:
    inference = Inference()
    pauses, now = [], 0.0
    for asked in (None, None, 5.0, None, 90.0):
        pauses.append(inference.refused(now, now, asked))
        now += pauses[-1]
    assert pauses == [10.0, 60.0, 5.0, 60.0, 90.0]
    assert not inference.accepted(now, now)
    assert inference.windows == ()


def test_counts_are_exact_to_a_quarter_of_a_second() -> None:
    tally = Tally()
    for at in (0.1, 0.2, 0.3, 10.0):
        tally.add(at)
    assert [tally.since(then) for then in (-1.0, 0.2, 0.5, 10.0)] == [4, 4, 1, 1]
