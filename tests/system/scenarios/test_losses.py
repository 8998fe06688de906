"""Updates that take more from a record than they say: the run stops, names what was lost, and an undo puts it back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from jobs.apis.api import Api
from jobs.model import Status
from tests.system.scenarios.harness import Case, Story, clock_of, execute, sheet, work
from tests.virtual_time import run
from worker.journal import inline
from worker.operations import apis, undo
from worker.operations.runs import Host, RunMode
from worker.settings import Secrets, Stopping

SECRETS = Secrets(token=SecretStr("made-up"))
RECORDS = {
    str(number): {
        "id": str(number),
        "name": "old",
        "colour": "red",
        "size": {"width": 8, "height": number, "unit": {"name": "cm"}},
    }
    for number in range(1, 31)
}


@dataclass(slots=True)
class Shop:
    """A server that replaces objects, or whole records, by what it is sent.

    Attributes:
        replaces: `object` or `record`.
        echoes: it answers with the record; else with 204.
    """

    replaces: str = "object"
    echoes: bool = True
    store: dict[str, dict[str, Any]] = field(default_factory=lambda: deepcopy(RECORDS))

    async def read(self, request: web.Request) -> web.Response:
        return web.json_response(self.store[request.match_info["id"]])

    async def update(self, request: web.Request) -> web.Response:
        key, sent = request.match_info["id"], await request.json()
        kept = {"id": key} if self.replaces == "record" else self.store[key]
        self.store[key] = {**kept, **sent}
        await asyncio.sleep(0.02)
        return web.json_response(self.store[key]) if self.echoes else web.Response(status=204)


@asynccontextmanager
async def serve(shop: Shop) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/items/{id}", shop.read)
    app.router.add_patch("/items/{id}", shop.update)
    app.router.add_put("/items/{id}", shop.update)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


WRONG = """
name = "shop"
base_url = "https://shop.example"
[resources.items]
path = "/items/{id}"
fields.size = { type = "object", merge = "shallow" }
fields.name = { type = "text" }
"""


def api_of(folder: Path, text: str) -> Api:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return apis.with_variables(apis.found(str(path)), {})


def case(folder: Path, columns: Mapping[str, str], *, canary: int, text: str = WRONG) -> Case:
    rows = sheet({"id": key, **columns} for key in RECORDS)
    stopping = Stopping(canary=canary)
    return Case(rows, type="items", blind=False, metadata="merge", stopping=stopping, api=api_of(folder, text))


def apply_and_undo(asked: Case, folder: Path, shop: Shop) -> tuple[Story, dict[str, Any], Story]:
    """Apply, then undo; return both stories, and the server's records in between."""

    async def scene() -> tuple[Story, dict[str, Any], Story]:
        async with serve(shop) as url:
            first = await work(asked, folder, url, SECRETS)
            between = deepcopy(shop.store)
            with undo.begun(folder / asked.name, folder / "undo", api=asked.api) as handle:
                host = Host(folder / "state", clock_of(7), commit=inline)
                return first, between, await execute(handle, RunMode("undo", plan="keep"), SECRETS, host)

    return run(scene())


@pytest.mark.parametrize("canary", [0, 3])
@pytest.mark.parametrize("echoes", [True, False])
def test_an_object_that_the_server_replaces_stops_the_run_and_an_undo_puts_it_back(
    tmp_path: Path, canary: int, echoes: bool
) -> None:
    shop = Shop(echoes=echoes)
    first, between, undone = apply_and_undo(case(tmp_path, {"size.width:int": "9"}, canary=canary), tmp_path, shop)
    hurt = [result for result in first.results if result.status is Status.APPLIED]
    assert hurt
    assert {result.reason for result in hurt} == {"values_lost"}
    assert hurt[0].fields == ("size.height", "size.unit")
    assert '`size.height` (was 1), `size.unit` (was {"name": "cm"}) were not sent and gone now' in hurt[0].message
    assert (first.ended.exit_status, first.ended.message.partition(": ")[0]) == (3, "values_lost")
    assert len(hurt) == 1 or not canary
    changed = {key for key in RECORDS if between[key] != RECORDS[key]}
    assert len(changed) < len(RECORDS) or not (canary or echoes)
    known = {str(result.ref.row) for result in hurt}
    assert changed == known or not echoes  # others were in doubt when the run stopped
    assert {result.status for result in undone.results} == {Status.APPLIED}
    assert {key: shop.store[key] for key in known} == {key: RECORDS[key] for key in known}


def test_a_record_that_the_server_replaces_stops_the_run_and_an_undo_puts_it_back(tmp_path: Path) -> None:
    shop = Shop(replaces="record")
    first, between, undone = apply_and_undo(case(tmp_path, {"name": "new"}, canary=3), tmp_path, shop)
    assert [(result.reason, result.fields) for result in first.results] == [("values_lost", ("size", "colour"))]
    assert 'its description has to say send = "record"' in first.ended.message
    assert between["1"] == {"id": "1", "name": "new"}
    assert [result.status for result in undone.results] == [Status.APPLIED]
    assert shop.store == RECORDS


RIGHT = WRONG.replace('merge = "shallow"', 'merge = "replace"')


@pytest.mark.parametrize("canary", [0, 3])
@pytest.mark.parametrize("echoes", [True, False])
def test_a_right_description_loses_nothing_and_stops_nothing(tmp_path: Path, canary: int, echoes: bool) -> None:
    shop = Shop(echoes=echoes)
    asked = case(tmp_path, {"size.width:int": "9"}, canary=canary, text=RIGHT)
    first, between, _ = apply_and_undo(asked, tmp_path, shop)
    assert first.ended.exit_status == 0
    assert {key: each["size"]["height"] for key, each in between.items()} == {key: int(key) for key in RECORDS}
    assert shop.store == RECORDS
