"""What a connection knows before its first request: what the file of the pace, and the journal, remember."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.apis.commercelayer.api import COMMERCE_LAYER
from worker.clock import Clock
from worker.journal import Counters
from worker.lane.connect import LaneSettings, connected
from worker.policy.concurrency import Concurrency
from worker.settings import Input, Pacing, Secrets, Settings, Target
from worker.stop import Stop

URL = "https://api.example"


def _since(answered: list[float], since: float) -> list[float]:
    return [at for at in answered if at > since]


def way(place: Path, clock: Clock, answered: list[float]) -> LaneSettings:
    pacing = Pacing(rate=((10, 60.0),), headroom=0.0)
    settings = Settings(target=Target(url=URL), input=Input(source="s.csv", format="csv"), pacing=pacing)
    secrets = Secrets(token=SecretStr("a-token-of-nobody"))
    return LaneSettings(
        COMMERCE_LAYER,
        settings,
        secrets,
        place,
        Counters(),
        clock,
        Stop(),
        lambda since: [at for at in answered if at > since],
    )


@pytest.mark.parametrize(("answered", "free"), [([], 10), ([1000.0, 1001.0, 1002.0], 7)])
async def test_what_only_the_journal_knows_of_a_killed_process_takes_slots(
    tmp_path: Path, answered: list[float], free: int
) -> None:
    clock = Clock(now=lambda: 5.0, wall=lambda: 1003.0)
    async with connected(way(tmp_path, clock, answered)) as connection:
        limiter = connection.writes
        limiter.pace._concurrency = Concurrency(16, fixed=True)  # how many the server bears is another matter
        assert sum(limiter.admit_at_once() for _ in range(16)) == free


async def test_the_next_process_waits_for_the_pause_that_the_last_one_was_asked_for(tmp_path: Path) -> None:
    clock = Clock(now=lambda: 5.0, wall=lambda: 1003.0)
    async with connected(way(tmp_path, clock, [])) as connection:
        assert connection.writes._shared is not None
        connection.writes._shared.close(1000.0)
    async with connected(way(tmp_path, clock, [])) as connection:
        assert connection.writes.pace.held(5.0) == pytest.approx(1000.0)
        assert not await connection.writes.admit()
