"""Nights that overlap, each a process of its own: one does the work, the other says so and sends nothing."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import Desk, Ran, Server, ended, reference, sandbox, until
from worker.exit_statuses import BUSY
from worker.sandbox import seeded_id

TYPE = "stripe_payments"
ROWS = 40
OF_ALL_ROWS = '[guards]\nchanged = "off"\n'


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a server that takes some seconds for a night."""
    with sandbox("--limit", "40/2s", "--latency", "20ms", "--seed", f"{TYPE}={ROWS}") as server:
        yield server


def job(folder: Path, name: str, columns: str, head: str = f'type = "{TYPE}"\n') -> None:
    """Write a recipe whose sheets lie in a folder of its name."""
    (folder / name).mkdir()
    text = f'source = "{name}/*.csv"\n{head}[columns]\nid = "ID"\n{columns}{OF_ALL_ROWS}'
    (folder / f"{name}.toml").write_text(text)


def export(folder: Path, name: str, mark: str, *, more: str = "") -> None:
    """Write tonight's sheet of a job."""
    lines = [f"{seeded_id(TYPE, row)},{mark}-{row}{more and ','}{more}" for row in range(ROWS)]
    text = "\n".join(["ID,MARK" + (",TYPE" if more else ""), *lines, ""])
    (folder / name / f"{mark}.csv").write_text(text)


def at_once(desk: Desk, *recipes: str) -> list[Ran]:
    """Start a night of each recipe at the same moment, and wait for all."""
    started = [desk.start("reconcile", recipe, "--no-progress", "--first") for recipe in recipes]
    return [ended(process) for process in started]


def test_of_two_nights_of_one_job_one_is_done_and_nothing_is_sent_twice(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    job(tmp_path, "prices", 'reference = "MARK"\n')
    export(tmp_path, "prices", "a")
    both = at_once(desk, "prices.toml", "prices.toml")
    assert sorted(each.status for each in both) == [0, BUSY], both
    (busy,) = (each.out for each in both if each.status == BUSY)
    assert busy.startswith("prices: busy: Process ")
    assert "is working on the job prices; nothing was sent." in busy
    assert Counter(map(reference, server.writes())) == Counter(f"a-{row}" for row in range(ROWS))
    third = desk.rowpatch("reconcile", "prices.toml", "--no-progress")
    assert (third.status, third.out.partition(" See")[0]) == (0, f"prices: ok: {ROWS} rows: {ROWS} unchanged."), third
    assert len(server.writes()) == ROWS
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.parametrize(
    ("columns", "head", "type_name"),
    [('"metadata.b" = "MARK"\n', f'type = "{TYPE}"\n', ""), ('"metadata.b" = "MARK"\ntype = "TYPE"\n', "", TYPE)],
    ids=["of one type", "whose rows name their types"],
)
def test_of_two_jobs_of_one_target_that_send_whole_metadata_none_loses_the_keys_of_the_other(
    tmp_path: Path, server: Server, columns: str, head: str, type_name: str
) -> None:
    desk = Desk(tmp_path, server)
    job(tmp_path, "one", '"metadata.a" = "MARK"\n')
    job(tmp_path, "two", columns, head)
    export(tmp_path, "one", "a")
    export(tmp_path, "two", "b", more=type_name)
    both = at_once(desk, "one.toml", "two.toml")
    assert sorted(each.status for each in both) == [0, BUSY], both
    name = next(name for name, each in zip(("one", "two"), both, strict=True) if each.status == BUSY)
    assert " this target; nothing was sent." in next(each.out for each in both if each.status == BUSY)
    later = desk.rowpatch("reconcile", f"{name}.toml", "--no-progress", "--first")
    assert later.status == 0, later
    found = [server.attributes()[seeded_id(TYPE, row)]["metadata"] for row in range(ROWS)]
    assert [(each.get("a"), each.get("b")) for each in found] == [(f"a-{row}", f"b-{row}") for row in range(ROWS)]


def test_a_killed_night_leaves_no_lock_to_its_job_nor_to_others_of_its_target(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    job(tmp_path, "one", '"metadata.a" = "MARK"\n')
    job(tmp_path, "two", '"metadata.b" = "MARK"\n')
    export(tmp_path, "one", "a")
    export(tmp_path, "two", "b")
    process = desk.start("reconcile", "one.toml", "--no-progress", "--first")
    until(lambda: len(server.writes()) >= 4, "updates")
    os.kill(process.pid, signal.SIGKILL)
    assert ended(process).status == -signal.SIGKILL
    for name in ("two", "one"):
        after = desk.rowpatch("reconcile", f"{name}.toml", "--no-progress", "--first")
        assert after.status == 0, after
    found = [server.attributes()[seeded_id(TYPE, row)]["metadata"] for row in range(ROWS)]
    assert [(each.get("a"), each.get("b")) for each in found] == [(f"a-{row}", f"b-{row}") for row in range(ROWS)]
