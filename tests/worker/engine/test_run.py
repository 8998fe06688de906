"""What a process takes over from the one before it."""

import asyncio
import signal
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest
from pydantic import SecretStr

from jobs.model import RowRef, RowResult, Status
from tests.commerce_layer import COMMERCE_LAYER
from tests.system.scenarios.harness import Case, play, references
from worker.clock import Clock
from worker.engine.run import Run, RunEnd
from worker.journal import Journal, create, inline
from worker.sandbox import Sandbox, SandboxSettings
from worker.settings import Attempts, Input, Secrets, Settings, Target

NOW = 1_800_000_000.0
ENDING = (signal.SIGTERM, signal.SIGHUP)


made = partial(Run, api=COMMERCE_LAYER)


async def fill(journal: Journal) -> None:
    """One row answered 8 s ago, one answered in the future (the clock was set back), one left open 5 s ago."""
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, inline, lambda: NOW)
        for row, answered in ((1, NOW - 8), (2, NOW + 9_000)):
            await journal.intend(row, 1, NOW - 12)
            journal.settle(RowResult(RowRef(row, 0, b""), Status.APPLIED, at=answered))
        await journal.intend(3, 1, NOW - 5)
        journal.stop_committing()


def test_the_server_may_count_what_was_left_open_until_it_would_have_been_given_up_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    create(path, {"sha256": "ab", "rows": "3"})
    how = Input(source="sheet.csv", format="csv")
    settings = Settings(
        target=Target(url="https://a.example", type="orders"), attempts=Attempts(timeout=30.0), input=how
    )
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW)
        anyio.run(fill, journal)
        clock, secrets = Clock(wall=lambda: NOW), Secrets(token=SecretStr("made-up"))
        resumed, fresh = (
            Run(tmp_path, journal, settings, secrets, 3, is_, tmp_path, clock, api=COMMERCE_LAYER)
            for is_ in (True, False)
        )
        assert sorted(resumed._answered_since(NOW - 10)) == [NOW - 8, NOW + 30, NOW + 30]
        assert fresh._answered_since(NOW - 10) == []


async def settle(journal: Journal, doubtful: bool) -> None:
    """One row settled well; with `doubtful`, another attempt of it was open when its process was killed."""
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, inline, lambda: NOW)
        await journal.intend(1, 1, NOW)
        journal.settle(RowResult(RowRef(1, 0, b""), Status.APPLIED, attempts=1, at=NOW))
        if doubtful:
            await journal.intend(1, 2, NOW)
        journal.stop_committing()


@pytest.mark.parametrize(("doubtful", "exit_status"), [(False, 0), (True, 1)])
def test_a_run_does_not_end_well_while_a_row_is_in_doubt(tmp_path: Path, doubtful: bool, exit_status: int) -> None:
    path = tmp_path / "journal.sqlite3"
    create(path, {"sha256": "ab", "rows": "1"})
    settings = Settings(
        target=Target(url="https://a.example", type="orders"), input=Input(source="sheet.csv", format="csv")
    )
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW)
        anyio.run(settle, journal, doubtful)
        run = Run(
            tmp_path, journal, settings, Secrets(token=SecretStr("made-up")), 1, True, tmp_path, api=COMMERCE_LAYER
        )
        assert run._conclude() == RunEnd("finished", exit_status)


def test_a_run_leaves_the_signals_of_a_program_that_it_is_part_of_alone(tmp_path: Path) -> None:
    seen: list[object] = []

    async def look(_: Sandbox) -> None:
        await asyncio.sleep(0.1)  # the first request is under way
        seen.extend(signal.getsignal(number) for number in ENDING)

    before = [signal.getsignal(number) for number in ENDING]
    world = SandboxSettings(seed=("stripe_payments=3",), latency=0.2)
    story = play(Case(references(3)), tmp_path, world, meanwhile=look)
    assert story.ended == RunEnd("finished", 0)
    assert seen == before
