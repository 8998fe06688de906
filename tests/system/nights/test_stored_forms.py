"""A shop that stores codes in small letters, whatever its replies say: it is told, and stops no job for ever."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.system.nights.clockwork import Machine, nights_loop
from tests.system.nights.job import Job, Night, next_day
from tests.system.nights.worlds import Shop, world
from tests.system.simulation.run import SHELF

COUNT = 6
Reply = Callable[[web.Response, bytes], web.Response]


def as_stored(shown: web.Response, _: bytes) -> web.Response:
    return shown


def as_sent(shown: web.Response, body: bytes) -> web.Response:
    """Repeat what was sent; only a read shows what was made of it."""
    assert isinstance(shown.body, bytes)
    repeated = {**json.loads(shown.body), **json.loads(body)}
    return web.Response(body=json.dumps(repeated).encode(), content_type="application/json")


def nothing(_: web.Response, __: bytes) -> web.Response:
    return web.Response(status=204)


class Tale:
    """Nights of a job that sets a code and a reference of each record."""

    def __init__(self, shop: Shop, home: Path) -> None:
        self.shop = shop
        self.job = Job(shop, Machine(home), "stored forms", more='[guards]\nchanged = "off"\n')
        self.job.write_recipe()
        for key in shop.ids:
            shop.edit(key, "code", "old")

    async def night(self, mark: str, **options: Any) -> Night:
        """Do a night that sets codes such as `C-BLUE-1`, and end the day."""
        lines = [(key, {"code": f"{mark}-{n}", "reference": mark}) for n, key in enumerate(self.shop.ids)]
        self.job.export(lines)
        night = await self.job.night(**options)
        await next_day()
        return night

    def told(self, night: Night) -> Counter[str]:
        """Count how the rows of a night ended."""
        return Counter(f"{row['__status']} {row['__reason']}".strip() for row in self.job.results(night))

    @property
    def codes(self) -> set[str]:
        return {self.shop.record(key)["code"].rpartition("-")[0] for key in self.shop.ids}


def happen(tale: Callable[[Tale], Awaitable[None]], reply: Reply = as_stored) -> None:
    """Let a tale happen in a shop with such replies to updates."""

    async def told(folder: Path) -> None:
        home = folder / "home"
        home.mkdir()
        async with world("unconditional", COUNT) as shop:
            assert isinstance(shop, Shop)
            shop.reply = reply
            await tale(Tale(shop, home))

    with tempfile.TemporaryDirectory(dir=SHELF) as folder, nights_loop() as runner:
        runner.run(told(Path(folder)))


async def settled(tale: Tale, mark: str, nights: int = 1) -> None:
    """See that further nights with the same sheet send nothing, end well, and tell that codes are stored otherwise."""
    for _ in range(nights):
        night = await tale.night(mark)
        assert (night.exit_status, night.puts) == (0, []), night.told()
        assert night.report is not None
        assert night.report.stored_otherwise == COUNT


@pytest.mark.parametrize(("reply", "ends"), [(as_stored, "applied echo_differs"), (nothing, "applied unverified")])
def test_a_form_that_is_seen_once_is_remembered(reply: Reply, ends: str) -> None:
    async def tale(own: Tale) -> None:
        assert own.told(await own.night("C-BLUE", first=True)) == {ends: COUNT}
        await settled(own, "C-BLUE", 2)

    happen(tale, reply)


def test_a_first_update_that_a_read_shows_in_a_form_of_the_shops_own_stops_nothing() -> None:
    async def tale(own: Tale) -> None:
        first = await own.night("C-BLUE", first=True)
        assert (first.exit_status, own.told(first)) == (0, {"applied echo_differs": 3, "applied": 3})  # 3 are read

    happen(tale, as_sent)


@pytest.mark.parametrize("reply", [as_stored, as_sent, nothing])
def test_after_a_lost_memory_words_that_are_there_already_are_sent_once_and_stop_nothing(reply: Reply) -> None:
    async def tale(own: Tale) -> None:
        await own.night("C-BLUE", first=True)
        shutil.rmtree(own.job.machine.home / "items.state")
        own.shop.reply = as_stored
        lost = await own.night("C-BLUE", first=True)
        assert (lost.exit_status, own.told(lost), len(lost.puts)) == (1, {"unknown kept_form": COUNT}, COUNT)
        await settled(own, "C-BLUE", 2)
        assert own.told(await own.night("D-RED")) == {"applied echo_differs": COUNT}
        assert own.codes == {"d-red"}

    happen(tale, reply)


@pytest.mark.parametrize("reply", [as_stored, nothing])
@pytest.mark.parametrize("mark", ["C-BLUE", "D-RED"])
@pytest.mark.parametrize("point", range(21, 45, 4))
def test_after_a_kill_the_form_of_what_was_in_doubt_is_nobody_elses_change(reply: Reply, mark: str, point: int) -> None:
    async def tale(own: Tale) -> None:
        await own.night("A", first=True)
        own.job.export([(key, {"code": f"C-BLUE-{n}", "reference": "b"}) for n, key in enumerate(own.shop.ids)])
        killed = await own.job.night(kill_at=point)
        assert killed.killed_at
        rest = await own.night(mark)
        assert (rest.exit_status, own.codes) == (0, {mark.lower()}), rest.told()
        await settled(own, mark, 2)

    happen(tale, reply)


def test_one_record_whose_update_is_ignored_stops_one_night_and_is_told_in_the_others() -> None:
    async def tale(own: Tale) -> None:
        first = own.shop.ids[0]
        await own.night("A", first=True)
        own.shop.ignored.add(first)
        stopped = await own.night("B")
        assert stopped.report is not None
        assert (stopped.exit_status, stopped.report.cause.partition(":")[0]) == (3, "canary")
        for mark in ("C", "D"):
            night = await own.night(mark)
            assert (night.exit_status, own.told(night)["unknown not_taken"]) == (1, 1), night.told()
            assert own.told(night)["applied echo_differs"] == COUNT - 1
        own.shop.ignored.clear()
        assert own.told(await own.night("D")) == {"applied echo_differs": 1, "unchanged as_wanted": COUNT - 1}

    happen(tale)
