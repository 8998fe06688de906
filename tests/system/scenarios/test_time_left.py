"""The time left that a run shows, held against the time it then took."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never

import pytest

from tests.system.scenarios.harness import Case, play, sheet
from worker.engine.progress import Progress
from worker.policy.eta import Limiter
from worker.sandbox import SandboxSettings, seeded_id
from worker.settings import Pacing, Stopping

TYPE = "stripe_payments"


@dataclass(slots=True)
class Looks:
    """What was shown, second by second: time, seconds left, what limits."""

    shown: list[tuple[float, float, Limiter]] = field(default_factory=list)

    async def watch(self, progress: Progress) -> Never:
        while True:
            await asyncio.sleep(1.0)
            now = asyncio.get_running_loop().time()
            progress.line(now)
            if (ahead := progress.forecast(now)) is not None:
                self.shown.append((now, ahead.seconds, ahead.limiter))

    def between(self, since: float, until: float) -> list[tuple[float, float, Limiter]]:
        return [look for look in self.shown if since <= look[0] <= until]


@pytest.mark.parametrize(
    ("rows", "every", "rate", "limiter"),
    [
        (400, 1, (), Limiter.QUOTA),  # every row differs
        (2_000, 8, (), Limiter.QUOTA),  # one in eight differs: 250 updates, 80 pages
        (8_000, 400, (), Limiter.QUOTA),  # next to none differs: 320 pages, which have a quota of their own
        (200, 1, ((30, 60.0),), Limiter.USER),  # --rate
    ],
)
def test_from_a_twentieth_of_a_run_on_its_end_is_known_to_a_tenth(
    tmp_path: Path, rows: int, every: int, rate: tuple[tuple[int, float], ...], limiter: Limiter
) -> None:
    differing = [
        {"id": seeded_id(TYPE, row), "reference": f"R-{row}" if row % every == 0 else "<clear>"} for row in range(rows)
    ]
    looks = Looks()
    case = Case(
        sheet(differing),
        blind=False,
        metadata="merge",
        stopping=Stopping(canary=0),
        pacing=Pacing(headroom=0, rate=rate),
    )
    world = SandboxSettings(seed=(f"{TYPE}={rows}",), limit=(100, 60.0), latency=0.024)
    story = play(case, tmp_path, world, watch=looks.watch)
    end = story.summary.elapsed_s
    assert end > 100
    looked = looks.between(0.05 * end, 0.95 * end)
    assert len(looked) > 0.8 * end
    assert {look[2] for look in looked} == {limiter}
    wrong = [(now, seconds, end - now) for now, seconds, _ in looked if abs(now + seconds - end) > 0.1 * (end - now)]
    assert not wrong
