"""Read first: only what differs is sent, missing records are noticed, the first updates go alone."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.model import Status
from tests.system.scenarios.harness import Case, Story, play, references, sheet
from worker.policy.row import MAX_READ_AGE_S as FRESH
from worker.sandbox import Sandbox, SandboxSettings, seeded_id
from worker.settings import Stopping

TYPE = "stripe_payments"
LIMITS = (100, 60.0)


def case(rows: Iterable[Mapping[str, str]], *, canary: int = 0, name: str = "run") -> Case:
    return Case(sheet(rows), blind=False, metadata="merge", stopping=Stopping(canary=canary), name=name)


def reads(story: Story) -> int:
    return sum(entry.method == "GET" for entry in story.ledger)


def test_ten_thousand_rows_of_which_two_in_a_hundred_differ(tmp_path: Path) -> None:
    rows = [
        {"id": seeded_id(TYPE, index), "reference": f"R-{index}" if index % 50 == 0 else "<clear>"}
        for index in range(10_000)
    ]
    story = play(case(rows, canary=3), tmp_path, SandboxSettings(seed=(f"{TYPE}=10000",), limit=LIMITS, latency=0.024))
    assert story.counts == {Status.APPLIED: 200, Status.UNCHANGED: 9_800}
    assert (reads(story), len(story.patches), len(story.refusals)) == (10_000 // 25 + 2 * 3, 200, 0)
    assert story.summary.elapsed_s < 300  # a blind run takes 6,300 s


def test_what_was_read_is_fresh_when_it_is_sent(tmp_path: Path) -> None:
    blindly = references(300)
    world = SandboxSettings(seed=(f"{TYPE}=300",), limit=LIMITS, latency=0.024)
    story = play(replace(Case(blindly), blind=False), tmp_path, world)
    assert story.counts == {Status.APPLIED: 300}
    assert story.summary.longest_gap_s is not None
    assert story.summary.longest_gap_s < FRESH + 1
    assert reads(story) <= 3 * 300 // 25


def test_a_record_that_is_not_there_is_not_sent(tmp_path: Path) -> None:
    rows = [{"id": "nOtThErEaA", "reference": "x"}, {"id": seeded_id(TYPE, 0), "reference": "x"}]
    story = play(case(rows), tmp_path, SandboxSettings(seed=(f"{TYPE}=5",)))
    assert [(result.status, result.reason) for result in story.results] == [
        (Status.REJECTED, "not_found"),
        (Status.APPLIED, ""),
    ]
    assert [entry.id for entry in story.patches] == [seeded_id(TYPE, 0)]


def test_records_that_are_missing_here_and_there_stop_nothing(tmp_path: Path) -> None:
    """Every tenth from the first on: they are known to be missing before those between them have been sent."""
    keys = [f"missing{index:03}" if index % 10 == 0 else seeded_id(TYPE, index) for index in range(400)]
    rows = "".join(json.dumps({"id": key, "reference": key}) + "\n" for key in keys)
    world = SandboxSettings(seed=(f"{TYPE}=400",), limit=LIMITS, latency=0.024)
    story = play(replace(case([{"id": "x"}], canary=3), sheet=rows, form="ndjson"), tmp_path, world)
    assert (story.ended.exit_status, story.counts) == (1, {Status.APPLIED: 360, Status.REJECTED: 40})
    assert reads(story) <= 400 // 25 + 40 + 2 * 3 + 15  # a page for 25, one for each that it does not show


def test_rows_of_one_id_are_compared_with_what_the_one_before_left(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, 0), "reference": f"R-{index // 3}"} for index in range(1_500)]
    story = play(case(rows), tmp_path, SandboxSettings(seed=(f"{TYPE}=1",)))
    assert story.counts == {Status.APPLIED: 500, Status.UNCHANGED: 1_000}
    assert (reads(story), len(story.patches)) == (1, 500)
    assert story.resources[TYPE][seeded_id(TYPE, 0)].attributes["reference"] == "R-499"


def test_a_thousand_rows_of_one_id_that_change_nothing_do_not_nest(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, 0), "metadata.origin": "seed"} for _ in range(1_500)]
    story = play(case(rows), tmp_path, SandboxSettings(seed=(f"{TYPE}=1",)))
    assert story.counts == {Status.UNCHANGED: 1_500}


def test_keys_that_the_sheet_does_not_name_are_kept(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, index), "metadata.batch": "007"} for index in range(30)]
    story = play(case(rows, canary=3), tmp_path, SandboxSettings(seed=(f"{TYPE}=30",)))
    assert [record.attributes["metadata"] for record in story.resources[TYPE].values()] == [
        {"origin": "seed", "batch": "007"}
    ] * 30


async def meddle(sandbox: Sandbox) -> None:
    """Whenever a reference is written, the record's metadata goes: a server with a side effect."""
    while True:
        await asyncio.sleep(0.001)
        for key, record in sandbox.resources[TYPE].items():
            if record.attributes["reference"]:
                sandbox.resources[TYPE][key] = replace(record, attributes={**record.attributes, "metadata": {}})


def test_a_first_update_that_changes_more_than_was_sent_stops_the_run(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, index), "reference": "x"} for index in range(50)]
    world = SandboxSettings(seed=(f"{TYPE}=50",), latency=0.02)
    story = play(case(rows, canary=3), tmp_path, world, meanwhile=meddle)
    assert (story.ended.state, story.ended.exit_status) == ("stopped", 3)
    assert "`metadata` was not sent and has changed" in story.ended.message
    assert len(story.patches) == 1  # the first went alone


def test_first_updates_go_alone_and_other_types_meanwhile(tmp_path: Path) -> None:
    kinds = (TYPE, "captures")
    rows = [{"id": seeded_id(kind, index), "type": kind, "reference": "x"} for index in range(20) for kind in kinds]
    story = play(case(rows, canary=2), tmp_path, SandboxSettings(seed=tuple(f"{k}=20" for k in kinds), latency=0.02))
    assert story.counts == {Status.APPLIED: 40}
    for kind in kinds:
        first = [entry.at for entry in story.patches if entry.type == kind][:4]
        assert first[1] - first[0] > 0.01  # the second only after the first was read back


@pytest.mark.parametrize("exists", [True, False])
def test_two_types_of_one_id_are_two_records(tmp_path: Path, exists: bool) -> None:
    seed = tmp_path / "seed.ndjson"
    entries = [{"type": "orders", "id": "sameidsame", "attributes": {"reference": "old"}}]
    entries += [{"type": "skus", "id": "sameidsame", "attributes": {"reference": "other"}}] if exists else []
    seed.write_text("".join(json.dumps(each) + "\n" for each in entries))
    world = SandboxSettings(seed=(str(seed),), latency=0.01)
    text = "type,id,reference\norders,sameidsame,new\nskus,sameidsame,new\n"
    story = play(Case(text, type="", blind=False, metadata="merge", stopping=Stopping(canary=0)), tmp_path, world)
    told = [(str(each.status), each.reason) for each in story.results]
    assert told == [("applied", ""), ("applied", "") if exists else ("rejected", "not_found")]
