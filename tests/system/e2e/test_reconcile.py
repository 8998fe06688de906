"""Nights by the program itself, against the sandbox: what an operator types, and what a timer starts."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import Desk, Process, Server, ended, sandbox, until
from worker.sandbox import seeded_id

TYPE = "stripe_payments"
RECIPE = f"""\
source = "exports/art_*.csv"
type = "{TYPE}"
[columns]
id = "SHOP_ID"
reference = "REF"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with sandbox("--limit", "4000/2s", "--seed", f"{TYPE}=60") as server:
        yield at(tmp_path, server)


def at(folder: Path, server: Server, name: str = "prices") -> Desk:
    (folder / "exports").mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(RECIPE)
    return Desk(folder, server)


def export(desk: Desk, mark: str, rows: int = 10, number: int = 1) -> Path:
    path = desk.folder / "exports" / f"art_{number}.csv"
    lines = [f"{seeded_id(TYPE, row)},{mark}-{row}" for row in range(rows)]
    path.write_text("\n".join(["SHOP_ID,REF", *lines]) + "\n")
    return path


def references(desk: Desk, rows: int = 10) -> list[str]:
    found = desk.server.attributes()
    return [found[seeded_id(TYPE, row)]["reference"] for row in range(rows)]


def test_a_line_a_night_and_one_object_for_programs(desk: Desk) -> None:
    export(desk, "a")
    refused = desk.rowpatch("reconcile", "prices.toml")
    assert refused.status == 2
    assert refused.out.startswith("prices: refused: prices has no memory")
    first = desk.rowpatch("reconcile", "prices.toml", "--first", "--no-progress")
    assert first.status == 0, first
    (line,) = first.out.splitlines()
    assert line.startswith("prices: ok: 10 rows: 10 applied. See runs/prices-")
    assert references(desk) == [f"a-{row}" for row in range(10)]
    export(desk, "a", number=2)
    told = json.loads(desk.rowpatch("reconcile", "prices.toml", "--json").out)
    assert (told["outcome"], told["rows"], told["changed"]) == ("ok", 10, 0)
    dry = desk.rowpatch("reconcile", "prices.toml", "--dry-run", "--source", export(desk, "b", number=3))
    assert (dry.status, references(desk)[0]) == (0, "a-0")
    listed = desk.rowpatch("runs", "prices.toml").out
    assert listed.startswith("prices: 2 of ")


def test_a_night_that_a_guard_stopped_is_done_by_apply_plan(desk: Desk) -> None:
    export(desk, "a", 50)
    assert desk.rowpatch("reconcile", "prices.toml", "--first").status == 0
    export(desk, "b", 25, 2)
    tripped = desk.rowpatch("reconcile", "prices.toml")
    assert tripped.status == 3
    run = tripped.out.split("apply --plan ")[1].strip()
    assert references(desk, 1) == ["a-0"]
    for command in ("resume", "retry"):
        refused = desk.rowpatch(command, run)
        assert refused.status == 2
    done = desk.rowpatch("apply", "--plan", run)
    assert (done.status, done.out.partition(" See")[0]) == (0, "prices: ok: 25 rows: 25 applied, 25 gone.")
    assert references(desk, 25) == [f"b-{row}" for row in range(25)]


def killed(desk: Desk, *flags: str) -> None:
    """Start a night, and kill it in the midst of its updates."""
    before = desk.server.mark()
    process: Process = desk.start("reconcile", "prices.toml", "--no-progress", *flags)
    until(lambda: len(desk.server.writes(before)) >= 4, "updates")
    os.kill(process.pid, signal.SIGKILL)
    ended(process)


@pytest.mark.parametrize("mark", ["b", "c"])
def test_a_night_that_was_killed_goes_on_or_is_done_anew_by_the_next(tmp_path: Path, mark: str) -> None:
    with sandbox("--limit", "100/2s", "--latency", "20ms", "--seed", f"{TYPE}=60") as server:
        desk = at(tmp_path, server)
        (desk.folder / "prices.toml").write_text(RECIPE + '[guards]\nchanged = "off"\n')
        export(desk, "a", 40)
        assert desk.rowpatch("reconcile", "prices.toml", "--first").status == 0
        export(desk, "b", 40, 2)
        killed(desk)
        done = [reference.startswith("b") for reference in references(desk, 40)]
        assert any(done)
        export(desk, mark, 40, 2)
        rest = desk.rowpatch("reconcile", "prices.toml")
        assert rest.status == 0, rest
        assert references(desk, 40) == [f"{mark}-{row}" for row in range(40)]
        sent = len(server.writes())
        assert desk.rowpatch("reconcile", "prices.toml").status == 0
        assert len(server.writes()) == sent


def test_a_sheet_that_is_applied_by_the_recipe_is_no_drift_and_nobody_is_gone(desk: Desk) -> None:
    export(desk, "a")
    assert desk.rowpatch("reconcile", "prices.toml", "--first").status == 0
    partial = desk.folder / "some.csv"
    partial.write_text(f"SHOP_ID,REF\n{seeded_id(TYPE, 3)},mended\n")
    assert desk.rowpatch("apply", partial, "--recipe", "prices.toml", "--no-progress").status == 0
    path = export(desk, "a", number=2)
    path.write_text(path.read_text().replace("a-3", "mended"))
    told = json.loads(desk.rowpatch("reconcile", "prices.toml", "--json").out)
    assert (told["outcome"], told["changed"], told["drifted"], told["gone"]) == ("ok", 0, 0, 0)
    export(desk, "a", number=3)
    told = json.loads(desk.rowpatch("reconcile", "prices.toml", "--json").out)
    assert (told["changed"], references(desk)[3]) == (1, "a-3")


def test_the_worst_of_several_jobs_is_the_exit_status(desk: Desk) -> None:
    at(desk.folder, desk.server, "skus")
    export(desk, "a")
    assert desk.rowpatch("reconcile", "prices.toml", "--first").status == 0
    export(desk, "a", number=2)
    both = desk.rowpatch("reconcile", "prices.toml", "skus.toml")
    assert both.status == 2
    assert [line.partition(":")[0] + line.split(":")[1] for line in both.out.splitlines()] == [
        "prices ok", "skus refused",
    ]  # fmt: skip


def test_nothing_to_do_is_asked_for(desk: Desk) -> None:
    assert desk.rowpatch("reconcile").status == 2
    assert desk.rowpatch("reconcile", "a.toml", "b.toml", "--source", "x.csv").status == 2
