"""A sheet without ids, by the program itself: planned, applied, and told by reference."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import Desk, Server, sandbox

TYPE = "stripe_payments"
THERE = {"aaaaaaaaaa": "R-1", "bbbbbbbbbb": "R-2", "cccccccccc": "twice", "dddddddddd": "twice"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    seed = tmp_path / "seed.json"
    seed.write_text(
        json.dumps([{"type": TYPE, "id": key, "attributes": {"reference": ref}} for key, ref in THERE.items()])
    )
    with sandbox("--seed", str(seed), "--limit", "none") as server:
        yield server


def test_a_plan_by_reference_is_kept_to_the_records_that_it_showed(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    desk.write([["R-1", "x"], ["R-2", "y"], ["twice", "z"], ["no", "z"]], ["reference", "metadata.batch"])
    planned = desk.rowpatch("plan", desk.sheet, "--type", TYPE, "--run-dir", desk.run, "--no-progress")
    assert planned.status == 1  # rows that name no one record
    assert "aaaaaaaaaa" in planned.out
    other = Desk(tmp_path / "other", server)
    other.folder.mkdir()
    other.write([["aaaaaaaaaa", "R-0"], ["bbbbbbbbbb", "R-1"]])  # the reference wanders meanwhile
    assert other.apply().status == 0
    before = server.mark()
    assert desk.rowpatch("apply", "--plan", desk.run, "--no-progress").status == 1
    assert sorted(entry["id"] for entry in server.writes(before)) == ["aaaaaaaaaa", "bbbbbbbbbb"]
    assert [(row["__status"], row["__reason"], row["__field"]) for row in desk.results()] == [
        ("applied", "", ""),
        ("applied", "", ""),
        ("rejected", "reference_ambiguous", "reference"),
        ("rejected", "reference_not_found", "reference"),
    ]
    assert [row["reference"] for row in desk.results()] == ["R-1", "R-2", "twice", "no"]
    assert server.attributes()["aaaaaaaaaa"]["metadata"]["batch"] == "x"


def test_a_results_file_by_reference_is_fed_back(tmp_path: Path, server: Server) -> None:
    desk = Desk(tmp_path, server)
    desk.write([["R-1", "x"], ["no", "z"]], ["reference", "metadata.batch"])
    assert desk.apply().status == 1
    mended = (desk.run / "results.csv").read_text(encoding="utf-8-sig").replace("no,z", "R-2,z")
    desk.sheet.write_text(mended)
    before = server.mark()
    again = desk.rowpatch(
        "apply", desk.sheet, "--type", TYPE, "--run-dir", tmp_path / "again", "--rate", "none", "--no-progress"
    )
    assert again.status == 0, again.err
    assert [entry["id"] for entry in server.writes(before)] == ["bbbbbbbbbb"]
