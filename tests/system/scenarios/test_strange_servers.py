"""Servers that store, list and confirm in ways of their own: what each row says is true, and the way back works."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from jobs.model import Status
from tests.commerce_layer import COMMERCE_LAYER
from tests.system.scenarios.doubtful_server import MEDIA, SECRETS, Act, World, play, serve
from tests.system.scenarios.harness import Case, Story, settings_of, sheet
from tests.virtual_time import run
from worker.clock import Clock
from worker.engine.verifier import Finding, Verified, verify, written_records
from worker.journal import Counters, History
from worker.lane.connect import LaneSettings
from worker.settings import Stopping
from worker.stop import Stop

KEYS = [f"record{number:03}" for number in range(30)]
CANARY = Stopping(canary=3)


def said(story: Story) -> set[tuple[Status, str]]:
    return {(result.status, result.reason) for result in story.results}


def verified(directory: Path, world: World, last: float = 0.0) -> tuple[Verified, list[Finding]]:
    """Read again what the run in `directory` wrote."""
    findings: list[Finding] = []

    async def scene() -> Verified:
        async with serve(world) as url:
            settings = settings_of(Case(""), url)
            clock = Clock(wall=anyio.current_time)
            way = LaneSettings(COMMERCE_LAYER, settings, SECRETS, directory / "state", Counters(), clock, Stop())
            history = History(directory / "run" / "journal.sqlite3")
            try:
                return await verify(way, written_records(history), findings.append, last)
            finally:
                history.close()

    return run(scene()), findings


class Tidy(World):
    """Stores texts without blanks at their ends."""

    def land(self, key: str, attributes: Mapping[str, Any]) -> None:
        World.land(self, key, {name: value.strip() for name, value in attributes.items()})


@pytest.mark.parametrize("act", [Act(), Act(204)])
def test_a_sheet_that_the_api_tidies_can_be_applied_again_and_again(tmp_path: Path, act: Act) -> None:
    there = Tidy(lambda n, _: act, {key: {"reference": "old"} for key in KEYS})
    case = Case(sheet({"id": key, "reference": f" {key} "} for key in KEYS), stopping=CANARY)
    for name in ("first", "again", "once more"):
        story = play(replace(case, name=name), tmp_path, there)
        assert {status for status, _ in said(story)} == {Status.APPLIED}
        assert story.ended.exit_status == 0
    assert {each["reference"] for each in there.store.values()} == set(KEYS)


@pytest.mark.parametrize("status", [200, 207])
def test_what_a_success_with_errors_did_not_save_is_neither_applied_nor_verified(tmp_path: Path, status: int) -> None:
    refused = KEYS[4::5]

    def script(_: int, attributes: Mapping[str, Any]) -> Act:
        key = attributes["reference"]
        if key not in refused:
            return Act()
        document = {
            "data": {"type": "stripe_payments", "id": key, "attributes": attributes},
            "errors": [{"title": "x"}],
        }
        return Act(status, json.dumps(document).encode(), None)

    there = World(script, {key: {"reference": "old"} for key in KEYS})
    story = play(Case(sheet({"id": key, "reference": key} for key in KEYS)), tmp_path, there)
    assert {result.ref.row for result in story.results if result.reason == "errors_in_success"} == {
        KEYS.index(key) + 1 for key in refused
    }
    assert said(story) == {(Status.APPLIED, ""), (Status.UNKNOWN, "errors_in_success")}
    found, findings = verified(tmp_path, there)
    assert found.counts == {"holds": len(KEYS) - len(refused), "not taken": len(refused)}
    assert {(each.record.id, each.why, each.live) for each in findings} == {
        (key, "not taken", "old") for key in refused
    }


class Lagging(World):
    """Shows for so many seconds after the first read of a process what was there before."""

    lag = 0.0
    began: float | None = None

    def resource(self, key: str) -> dict[str, Any]:
        now = anyio.current_time()
        self.began = now if self.began is None else self.began
        shown = World.resource(self, key)
        return {**shown, "attributes": {"reference": "old"}} if now - self.began < self.lag else shown


@pytest.mark.parametrize(("lag", "counts"), [(3.0, {"holds": 30}), (60.0, {"differs": 30})])
def test_what_differs_right_after_a_run_is_read_again_for_some_seconds(
    tmp_path: Path, lag: float, counts: dict[str, int]
) -> None:
    there = Lagging(lambda n, _: Act(), {key: {"reference": "old"} for key in KEYS})
    play(Case(sheet({"id": key, "reference": "new"} for key in KEYS)), tmp_path, there)
    there.began, there.lag = None, lag
    assert verified(tmp_path, there)[0].counts == counts
    reads = len(there.reads)
    there.began, there.lag = None, 60.0
    assert verified(tmp_path, there, last=-60.0)[0].counts == {"differs": 30}  # long after the run: once is enough
    assert len(there.reads) == reads + 2


def capped(resources: list[Any], number: int) -> dict[str, Any]:
    pages = -(-len(resources) // number)
    return {"data": resources[:number], "meta": {"record_count": len(resources), "page_count": pages}}


Listing = Callable[[World, list[str]], dict[str, Any]]

LISTINGS: dict[str, Listing] = {
    "pages of ten, and it says so": lambda world, keys: capped([world.resource(key) for key in keys], 10),
    "the filter is ignored": lambda world, keys: capped(list(map(world.resource, world.store)), 25),
    "an index that lags": lambda world, keys: {"data": [world.resource(key) for key in keys[:3]]},
}


class Odd(World):
    """Lists in a way of its own."""

    listing: Listing

    async def listed(self, request: web.Request) -> web.Response:
        self.reads.append(anyio.current_time())
        keys = [key for key in request.query["filter[q][id_in]"].split(",") if key in self.store]
        return web.Response(body=json.dumps(self.listing(self, keys)).encode(), headers={"Content-Type": MEDIA})


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS)
def test_records_that_no_page_shows_are_found_by_a_run_and_a_verification(tmp_path: Path, listing: Listing) -> None:
    there = Odd(lambda n, _: Act(), {key: {"reference": "old"} for key in KEYS})
    there.listing = listing
    story = play(Case(sheet({"id": key, "reference": "new"} for key in [*KEYS, "nobody"])), tmp_path, there)
    assert said(story) == {(Status.APPLIED, ""), (Status.REJECTED, "not_found")}
    assert {each["reference"] for each in there.store.values()} == {"new"}
    del there.store[KEYS[7]]
    assert verified(tmp_path, there)[0].counts == {"holds": len(KEYS) - 1, "gone": 1}
