"""How fast a run is over virtual minutes, judged by the server's ledger."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from jobs.model import Status
from tests.system.scenarios.harness import EPOCH, Case, Said, Story, play, references, rehearse, secrets_of, work
from tests.virtual_time import run
from worker.sandbox import SandboxSettings, serve
from worker.settings import Pacing

STRICT = SandboxSettings(seed=("stripe_payments=800",), limit=(100, 60.0), latency=0.024)


def share_of_quota(story: Story, limit: int = 100, interval: float = 60.0) -> float:
    """Accepted requests as a share of the quota, over the whole windows between the first and the last."""
    times = [entry.at - story.patches[0].at for entry in story.patches if entry.status != 429]
    windows = int(times[-1] // interval) - 1
    return sum(interval <= time < interval * (windows + 1) for time in times) / (limit * windows)


@pytest.mark.parametrize(
    ("headroom", "least"),
    [
        (0.0, 0.97),  # all of it: what is missing is a round trip a window
        (5.0, 0.92),  # the default leaves a twentieth to others
        (50.0, 0.47),
    ],
)
def test_strict_windows_are_used_to_the_full_and_never_broken(tmp_path: Path, headroom: float, least: float) -> None:
    story = play(Case(references(800), pacing=Pacing(headroom=headroom)), tmp_path, STRICT)
    assert story.counts == {Status.APPLIED: 800}
    assert not story.refusals
    assert least <= share_of_quota(story) <= 1.0 - headroom / 100 + 0.005


def test_retries_pass_the_same_limiter(tmp_path: Path) -> None:
    world = SandboxSettings(seed=("stripe_payments=300",), limit=(100, 60.0), latency=0.024, faults=0.2)
    story = play(Case(references(300), pacing=Pacing(headroom=0)), tmp_path, world)
    assert len(story.patches) > 330
    assert not story.refusals
    assert story.summary.refused_429 == 0


def test_a_ceiling_of_the_users_holds_below_the_servers_limit(tmp_path: Path) -> None:
    case = Case(references(60), pacing=Pacing(rate=((10, 10.0),), headroom=0))
    story = play(case, tmp_path, STRICT)
    arrivals = [entry.at for entry in story.patches]
    assert all(late - early > 10.0 - 0.5 for early, late in zip(arrivals, arrivals[10:], strict=False))
    assert arrivals[-1] < 55


def test_a_second_run_knows_the_window_that_the_first_one_filled(tmp_path: Path) -> None:
    case = Case(references(60), pacing=Pacing(headroom=0))

    async def scene() -> list[int]:
        async with serve(replace(STRICT, epoch=EPOCH)) as sandbox:
            await work(case, tmp_path, sandbox.url, secrets_of(sandbox))
            await work(replace(case, name="again"), tmp_path, sandbox.url, secrets_of(sandbox))
            return [entry.status for entry in sandbox.ledger]

    assert run(scene()) == [200] * 120


@pytest.fixture(scope="module")
def untold(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A run against a server that has the limit and does not tell it; its 429 says `Retry-After: 0`."""
    world = SandboxSettings(seed=("stripe_payments=400",), limit=(100, 60.0), latency=0.005, headers=False)
    return play(Case(references(400)), tmp_path_factory.mktemp("untold"), world)


def test_a_limit_that_is_not_told_costs_refusals_and_no_row(untold: Story) -> None:
    assert untold.counts == {Status.APPLIED: 400}
    assert untold.summary.refused_429 == len(untold.refusals)
    assert 1 <= len(untold.refusals) <= 0.25 * len(untold.patches)


def test_a_refusal_closes_the_gate_for_everybody_and_retry_after_0_is_no_hot_loop(untold: Story) -> None:
    in_flight = 0.1
    for refusal in untold.refusals:
        assert not [e for e in untold.patches if refusal.at + in_flight < e.at < refusal.at + 0.4]
    late = [b.at - a.at for a, b in pairwise(untold.refusals) if b.at - a.at > in_flight]
    assert min(late) >= 0.4


def test_refusals_for_pace_do_not_use_up_the_attempts_of_a_row(tmp_path: Path) -> None:
    odd = Said(
        429, {"errors": {"title": "Too Many Requests", "code": "THROTTLED", "status": 429}}, {"Retry-After": "0"}
    )
    story, visits = rehearse(Case(references(1)), tmp_path, lambda now, _: odd if now < 200 else Said())
    pauses = [round(late.came - early.left, 1) for early, late in pairwise(visits)]
    assert pauses == [0.5, 1.5, 3.0, 5.0, 50.0, 60.0, 180.0]  # a window is waited for, not knocked at
    assert story.counts == {Status.APPLIED: 1}
    assert story.results[0].attempts == len(visits)


def test_a_server_that_only_ever_asks_to_slow_down_parks_the_run(tmp_path: Path) -> None:
    slower = Said(503, {}, {"Retry-After": "1"})
    case = Case(references(50), pacing=Pacing(concurrency=4))
    story, visits = rehearse(case, tmp_path, lambda now, _: slower if now > 0.1 else Said())
    assert story.ended.exit_status == 3
    assert story.ended.message.startswith("parked: the server asked 30 times in a row to slow down")
    assert [visit.status for visit in visits].count(503) <= 30 + 4  # one probe a pause, and those in flight together
    assert set(story.counts) <= {Status.APPLIED, Status.PENDING, Status.UNKNOWN}
    assert story.counts[Status.UNKNOWN] <= 4  # a 503 does not say that nothing was done


def test_a_far_retry_after_parks_the_run(tmp_path: Path) -> None:
    far = Said(429, {}, {"Retry-After": "999999999"})
    case = Case(references(50), pacing=Pacing(concurrency=4))
    story, visits = rehearse(case, tmp_path, lambda now, _: far if now > 0.1 else Said())
    assert story.ended.exit_status == 3
    assert story.ended.message.startswith("parked: the server asks for a pause of 999999999 s")
    assert [visit.status for visit in visits].count(429) <= 4  # those in flight together
    assert set(story.counts) <= {Status.APPLIED, Status.PENDING}
