"""Nights that are too short for their sheet: every record has its turn, whatever the order of the rows."""

import tempfile
from pathlib import Path
from random import Random

import pytest

from tests.system.nights.clockwork import Machine, nights_loop
from tests.system.nights.job import Job, Night, next_day
from tests.system.nights.worlds import world
from tests.system.simulation.run import SHELF

COUNT = 30
NIGHTS = 3
PACES = {"commercelayer": "3/10s", "conditional": "12/10s", "unconditional": "7/10s"}
"""Requests that let a third of the rows through in a minute, by kind of world: they read in pages, or one by one."""


async def cut_short(kind: str, folder: Path) -> tuple[set[str], list[Night]]:
    """Let nights pass, of a minute each, which are to change every record; return the records and the nights.

    The sheet of each night has the rows in another order.
    """
    home = folder / "home"
    home.mkdir()
    dice = Random(f"deadline:{kind}")
    async with world(kind, COUNT) as there:
        more = f'[run]\ndeadline = "02:01"\nrate = "{PACES[kind]}"\n[guards]\nchanged = "off"\n'
        job = Job(there, Machine(home), "deadline", more=more)
        job.write_recipe()
        passed = []
        for n in range(NIGHTS):
            job.export(
                [(key, {"metadata.batch": f"night {n}"}) for key in dice.sample(list(there.ids), COUNT)],
            )
            passed.append(await job.night(first=True))
            await next_day()
        return set(there.ids), passed


@pytest.mark.parametrize("kind", PACES)
def test_nights_that_a_deadline_cuts_send_to_every_record_before_they_send_to_one_again(kind: str) -> None:
    with tempfile.TemporaryDirectory(dir=SHELF) as folder, nights_loop() as runner:
        ids, passed = runner.run(cut_short(kind, Path(folder)))
    assert [night.report and night.report.cause.partition(":")[0] for night in passed] == ["deadline"] * NIGHTS
    assert all(COUNT / NIGHTS <= len(night.puts) < COUNT / 2 for night in passed), [len(night.puts) for night in passed]
    sent = [put.id for night in passed for put in night.puts]
    assert set(sent[:COUNT]) == ids
