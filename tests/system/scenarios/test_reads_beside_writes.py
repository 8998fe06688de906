"""Reads and writes have a quota each, and neither keeps the other from using its own, over virtual minutes.

The rows are `skus`, a type whose reads the API counts five times as generously as writes. ROWS in the environment makes
the sheet longer.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.model import Status
from tests.system.scenarios.harness import Case, play, sheet
from worker.policy.pace import Window
from worker.sandbox import SandboxSettings, seeded_id
from worker.settings import Pacing, Stopping

WRITES = (Window(100, 60.0), Window(25, 10.0))
READS = (Window(500, 60.0), Window(125, 10.0))
ROWS = int(os.environ.get("ROWS", "500"))


def least(count: int, windows: Sequence[Window]) -> float:
    """Seconds for so many requests at least: whole average windows, and the bursts of the last one."""
    average, burst = windows
    whole, rest = divmod(count - 1, average.limit)
    return whole * average.interval + rest // burst.limit * burst.interval


@pytest.mark.parametrize(
    "changed_of_ten",
    [
        3,  # the writes decide how long it takes
        0,  # the reads do
    ],
)
def test_a_run_takes_as_long_as_the_busier_quota_asks(tmp_path: Path, changed_of_ten: int) -> None:
    rows = sheet(
        {"id": seeded_id("skus", index), "reference": f"R-{index}" if index % 10 < changed_of_ten else "<clear>"}
        for index in range(ROWS)
    )
    world = SandboxSettings(seed=(f"skus={ROWS}",), limit=(100, 60.0), latency=0.024)
    pacing, stopping = Pacing(headroom=0), Stopping(canary=0)
    story = play(Case(rows, "skus", pacing=pacing, stopping=stopping, blind=False), tmp_path, world)
    changed = ROWS * changed_of_ten // 10
    counts = {Status.APPLIED: changed, Status.UNCHANGED: ROWS - changed}
    assert story.counts == {status: count for status, count in counts.items() if count}
    assert not story.refusals
    needed = max(least(changed, WRITES), least(ROWS // 25, READS))
    took = story.ledger[-1].at - story.ledger[0].at
    assert took <= 1.05 * needed + 1.0
