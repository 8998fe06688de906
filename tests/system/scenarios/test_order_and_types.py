"""Rows of one id keep their order; an abstract type is learned once."""

import math
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jobs.model import Status
from tests.system.scenarios.harness import Case, Said, Visit, play, references, rehearse, sheet
from worker.policy.concurrency import START
from worker.sandbox import SandboxSettings, seeded_id
from worker.settings import Stopping

IDS = [seeded_id("stripe_payments", index) for index in range(5)]


def shuffled(count: int, seed: int) -> list[str]:
    """The ids of a sheet whose rows mention five records over and over."""
    ids = [IDS[row % len(IDS)] for row in range(count)]
    Random(seed).shuffle(ids)
    return ids


@pytest.mark.parametrize(("seed", "faults"), [(1, 0.0), (2, 0.0), (3, 0.1)])
def test_the_last_row_of_every_id_wins(tmp_path: Path, seed: int, faults: float) -> None:
    ids = shuffled(200, seed)
    world = SandboxSettings(seed=("stripe_payments=5",), latency=0.024, faults=faults)
    story = play(Case(sheet({"id": each, "reference": f"{row}"} for row, each in enumerate(ids))), tmp_path, world)
    rows: dict[str, list[int]] = {each: [] for each in IDS}
    for entry in story.patches:
        assert isinstance(entry.body, dict)
        document: Any = entry.body
        rows[entry.id].append(int(document["data"]["attributes"]["reference"]))
    assert all(sent == sorted(sent) for sent in rows.values())
    blocked = {ids[result.ref.row - 1] for result in story.results if result.status is Status.UNKNOWN}
    last = {each: row for row, each in enumerate(ids)}
    for each in set(IDS) - blocked:
        assert story.resources["stripe_payments"][each].attributes["reference"] == str(last[each])


def test_no_two_rows_of_one_id_are_in_flight_together_and_no_worker_idles(tmp_path: Path) -> None:
    ids = shuffled(200, 4)
    case = Case(sheet({"id": each, "reference": f"{row}"} for row, each in enumerate(ids)))
    story, visits = rehearse(case, tmp_path, lambda _now, _data: Said())
    assert story.counts == {Status.APPLIED: 200}
    assert all(most_at_once([visit for visit in visits if visit.id == each]) == 1 for each in IDS)
    assert most_at_once(visits) == START  # all that a server gets at once that tells no limit


def most_at_once(visits: list[Visit]) -> int:
    edges = sorted([(visit.left, -1) for visit in visits] + [(visit.came, 1) for visit in visits])
    most = level = 0
    for _, change in edges:
        level += change
        most = max(most, level)
    return most


def test_the_second_row_of_an_id_is_sent_although_nothing_is_left_to_be_read_and_there_was_no_room_for_it(
    tmp_path: Path,
) -> None:
    """A blind run at a slow pace hung here: what waited behind the canary filled the queue to its end (seed 90,066)."""
    ids = [seeded_id("stripe_payments", max(0, row - 1)) for row in range(60)]
    world = SandboxSettings(seed=("stripe_payments=59",), limit=(100, 60.0))
    rows = sheet({"id": each, "reference": f"{row}"} for row, each in enumerate(ids))
    story = play(Case(rows, stopping=Stopping(canary=1)), tmp_path, world)
    assert story.counts == {Status.APPLIED: 60}
    assert story.resources["stripe_payments"][ids[0]].attributes["reference"] == "1"


def test_rows_after_an_unknown_one_of_their_id_are_held_back(tmp_path: Path) -> None:
    portal = Said(200, {"hello": "guest"})

    def script(_now: float, data: Mapping[str, Any]) -> Said:
        return portal if data["attributes"]["reference"] == "10" else Said()

    ids = [IDS[row % len(IDS)] for row in range(50)]
    case = Case(sheet({"id": each, "reference": f"{row}"} for row, each in enumerate(ids)))
    story, visits = rehearse(case, tmp_path, script)
    said = {result.ref.row - 1: (result.status, result.reason) for result in story.results}
    assert said[10] == (Status.UNKNOWN, "reply_mismatch")
    for row, each in enumerate(ids):
        if each == ids[10] and row > 10:
            assert said[row] == (Status.PENDING, "after_unknown")
        elif row != 10:
            assert said[row][0] is Status.APPLIED
    assert [visit.id for visit in visits].count(ids[10]) == 3
    assert story.ended.exit_status == 1


@pytest.mark.parametrize("status", [404, 405])
def test_an_abstract_type_is_refused_once_and_looked_up_in_pages(tmp_path: Path, status: int) -> None:
    world = SandboxSettings(
        seed=("transactions=200",), abstract_transactions=True, abstract_status=status, latency=0.024
    )
    story = play(Case(references(200, "transactions"), "transactions"), tmp_path, world)
    refused = [entry for entry in story.patches if entry.type == "transactions"]
    pages = [entry for entry in story.ledger if entry.method == "GET"]
    assert story.counts == {Status.APPLIED: 200}
    assert {result.reason for result in story.results} == {"concrete_type"}
    assert {entry.status for entry in refused} == {status}
    assert len(refused) <= 16  # those in the workers' hands when the first refusal came
    assert len(pages) <= math.ceil(200 / 25) + 1
    for kind, records in story.resources.items():
        if kind != "tags":
            sent = {entry.id for entry in story.patches if entry.applied and entry.type == kind}
            assert sent == set(records)


def test_an_abstract_type_that_the_api_updates_is_not_looked_up(tmp_path: Path) -> None:
    world = SandboxSettings(seed=("transactions=50",), latency=0.024)
    story = play(Case(references(50, "transactions"), "transactions"), tmp_path, world)
    assert story.counts == {Status.APPLIED: 50}
    assert len(story.ledger) == 50
    assert {result.reason for result in story.results} == {""}


def test_a_missing_record_of_an_abstract_type_is_rejected_alone(tmp_path: Path) -> None:
    world = SandboxSettings(seed=("transactions=50",), abstract_transactions=True, latency=0.024)
    ids = [seeded_id("transactions", index) for index in range(50)]
    ids[7] = "mIsSiNgOnE"
    case = Case(sheet({"id": each, "reference": "x"} for each in ids), "transactions")
    story = play(case, tmp_path, world)
    assert story.counts == {Status.APPLIED: 49, Status.REJECTED: 1}
    assert [(r.ref.row, r.reason) for r in story.results if r.status is Status.REJECTED] == [(8, "not_found")]
