"""What a run says about a server with faults, judged by the server's ledger."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jobs.model import RowResult, Status
from tests.system.scenarios.harness import Case, Said, Story, play, references, rehearse, sheet
from worker.sandbox import Entry, SandboxSettings, seeded_id
from worker.settings import Pacing

OUTAGE = (30.0, 90.0)


def truth(entries: list[Entry]) -> set[Status]:
    """The statuses that a row may honestly have, by its PATCHes in the ledger."""
    last = entries[-1]
    if last.applied and not last.fault:
        return {Status.APPLIED}
    if last.fault and (len(entries) == 5 or last.fault == "lost-after"):  # its record was read, if that succeeded
        return {Status.APPLIED if any(entry.applied for entry in entries) else Status.FAILED, Status.UNKNOWN}
    return set()


def by_row(story: Story, type_name: str = "stripe_payments") -> list[tuple[RowResult, list[Entry]]]:
    """Results beside their PATCHes: row n of the sheet is the n-th seeded record."""
    return [
        (result, [entry for entry in story.patches if entry.id == seeded_id(type_name, result.ref.row - 1)])
        for result in story.results
    ]


@pytest.mark.parametrize("seed", range(3))
def test_every_result_agrees_with_the_ledger(tmp_path: Path, seed: int) -> None:
    world = SandboxSettings(seed=("stripe_payments=300",), faults=0.05 + 0.2 * seed, latency=0.024)
    story = play(Case(references(300), seed=seed), tmp_path, world)
    rows = by_row(story)
    assert len(rows) == story.summary.rows == 300
    assert [(result.ref.row, result.status) for result, entries in rows if result.status not in truth(entries)] == []
    # the server has seen each attempt that was counted, and no other
    assert all(result.attempts == len(entries) for result, entries in rows)
    assert story.summary.requests.patch == len(story.patches)


@pytest.mark.parametrize("seed", range(2))
def test_a_trigger_is_sent_exactly_once_whatever_happens(tmp_path: Path, seed: int) -> None:
    ids = [seeded_id("authorizations", index) for index in range(150)]
    case = Case(sheet({"id": each, "_capture": "true"} for each in ids), "authorizations", allow_triggers=("_capture",))
    world = SandboxSettings(seed=("authorizations=150",), faults=0.3, latency=0.024, random_seed=0)
    story = play(case, tmp_path, world)
    assert Counter(entry.id for entry in story.patches) == dict.fromkeys(ids, 1)
    for result, entries in by_row(story, "authorizations"):
        assert result.status is (Status.UNKNOWN if entries[0].fault else Status.APPLIED)
    assert max(record.triggers.get("_capture", 0) for record in story.resources["authorizations"].values()) == 1


def outage(now: float, _: Mapping[str, Any]) -> Said:
    return Said(503, {}) if OUTAGE[0] <= now < OUTAGE[1] else Said()


def test_an_outage_is_probed_rather_than_hammered_and_left_within_ten_seconds(tmp_path: Path) -> None:
    story, visits = rehearse(Case(references(1200), pacing=Pacing(rate=((10, 1.0),), headroom=0)), tmp_path, outage)
    during = [visit for visit in visits if visit.status == 503]
    recovered = min(visit.left for visit in visits if visit.left > OUTAGE[1])
    assert len(during) <= 45  # 600 would have been sent at the pace of a working server
    assert recovered < OUTAGE[1] + 10
    assert story.ended.state == "finished"
    assert set(story.counts) <= {Status.APPLIED, Status.UNKNOWN}
    assert story.counts[Status.APPLIED] >= 1200 - 10
    assert visits[-1].left < 120 + 60 + 10


def test_probes_of_an_outage_go_out_one_at_a_time(tmp_path: Path) -> None:
    _, visits = rehearse(Case(references(600), pacing=Pacing(rate=((10, 1.0),))), tmp_path, outage)
    probes = [visit for visit in visits if OUTAGE[0] + 10 <= visit.came < OUTAGE[1]]
    assert len(probes) >= 8
    assert all(late.came >= early.left + 0.25 for early, late in pairwise(probes))


def test_a_server_that_never_recovers_stops_the_run(tmp_path: Path) -> None:
    story, visits = rehearse(Case(references(100)), tmp_path, lambda _now, _data: Said(500, {}))
    assert story.ended.exit_status == 3
    assert set(story.counts) == {Status.UNKNOWN, Status.PENDING}
    assert len(visits) <= 5 * story.counts[Status.UNKNOWN]
