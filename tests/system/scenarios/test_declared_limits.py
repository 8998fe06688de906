"""Runs against servers that tell no limit, but enforce what the API's description declares: nothing is refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from jobs.apis.limits import PATH, RECORD, DeclaredLimit, declared
from jobs.model import Status
from tests.system.e2e.toy_api import HARBOUR
from tests.system.scenarios.harness import Case, Story, sheet, work
from tests.system.scenarios.limited import Sliding
from tests.virtual_time import run
from worker.settings import Pacing, Secrets

WHOLE = Pacing(headroom=0)
FLEET = "{fleet}"


@dataclass(frozen=True)
class Came:
    """A request: when the server counted it, what it was about, and what became of it."""

    at: float
    method: str
    key: str
    status: int

    @property
    def fleet(self) -> str:
        return self.key.partition("/")[0]


@dataclass
class Harbour:
    """A server that refuses by limits of its own, of which its replies say nothing.

    Attributes:
        buckets: names of what a request counts for, by its method and key.
        limit: requests that each of these takes in so many seconds.
        most: requests that it bears at once.
        about: whom a refusal is about, None if it does not say.
    """

    buckets: Callable[[str, str], Sequence[str]]
    limit: tuple[int, float]
    most: int = 1000
    about: str | None = None
    boats: dict[str, dict[str, Any]] = field(default_factory=dict)
    came: list[Came] = field(default_factory=list)
    busy: int = 0
    _counted: dict[str, Sliding] = field(default_factory=dict)

    async def answer(self, method: str, key: str, body: bytes, dice: Random) -> tuple[int, Any]:
        self.busy += 1
        await asyncio.sleep(dice.uniform(0.0, 0.1))
        now = asyncio.get_running_loop().time()
        windows = [self._counted.setdefault(each, Sliding(*self.limit)) for each in self.buckets(method, key)]
        is_free = self.busy <= self.most and all(window.left(now) > 0 for window in windows)
        if is_free:
            for window in windows:
                window.take(now)
            boat = self.boats.setdefault(key, {"name": "old", "berth": 1, "extras": {}})
            boat.update(json.loads(body or b"{}"))
        self.came.append(Came(now, method, key, 200 if is_free else 429))
        await asyncio.sleep(dice.uniform(0.0, 0.1))
        self.busy -= 1
        return (200, {"key": key, **self.boats[key]}) if is_free else (429, {})

    @property
    def refused(self) -> list[Came]:
        return [each for each in self.came if each.status == 429]

    @property
    def updates(self) -> list[Came]:
        return [each for each in self.came if each.method == "PATCH" and each.status == 200]


@asynccontextmanager
async def served(harbour: Harbour) -> AsyncIterator[str]:
    dice = Random(7)

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, target, _ = head.split(" ", 2)
                lengths = [
                    line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length")
                ]
                body = await reader.readexactly(int(lengths[0])) if lengths else b""
                key = unquote(target.removeprefix("/boats/"))
                status, document = await harbour.answer(method, key, body, dice)
                text = json.dumps(document).encode()
                about = f"X-About: {harbour.about}\r\n" if harbour.about and status == 429 else ""
                typed = f"Content-Type: application/json\r\n{about}Content-Length: {len(text)}"
                writer.write(f"HTTP/1.1 {status} So\r\n{typed}\r\n\r\n".encode() + text)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.sleep(1)  # for the connections to end


def boats(keys: Iterable[str], name: str = "new") -> str:
    return sheet({"id": key, "name": f"{name} {place}"} for place, key in enumerate(keys))


def sail(
    harbour: Harbour, text: str, place: Path, *limits: DeclaredLimit, pauses: Sequence[str] = (), blind: bool = False,
    pacing: Pacing = WHOLE, runs: int = 1,
) -> list[Story]:  # fmt: skip
    """Apply a sheet, as often as asked; one run after another, as processes that share a host would."""
    api = replace(HARBOUR, limits=declared(limits, pauses))

    async def scene() -> list[Story]:
        async with served(harbour) as url:
            return [
                await work(
                    Case(text, "boats", blind=blind, pacing=pacing, metadata="merge", api=api, name=f"run{each}"),
                    place, url, Secrets(token=SecretStr("made-up")),
                )
                for each in range(runs)
            ]  # fmt: skip

    return run(scene())


def mixed(fleets: int, each: int) -> list[str]:
    return [f"f{fleet}/{number}" for number in range(each) for fleet in range(fleets)]


def took(harbour: Harbour) -> float:
    return harbour.came[-1].at - harbour.came[0].at


@pytest.mark.parametrize("keys", [mixed(4, 30), sorted(mixed(4, 30))], ids=["mixed", "sorted"])
def test_each_value_of_a_variable_has_a_window_of_its_own(tmp_path: Path, keys: list[str]) -> None:
    harbour = Harbour(lambda _, key: [key.partition("/")[0]], (5, 1.0))
    limit = DeclaredLimit(FLEET, rates=((5, 1.0),))
    (story,) = sail(harbour, boats(keys), tmp_path, limit)
    assert story.counts == {Status.APPLIED: 120}
    assert harbour.refused == []
    if keys != sorted(keys):
        assert took(harbour) <= 1.5 * 60 / 5  # 30 reads and as many updates of each, with a round trip in each window


def test_reads_and_updates_spend_one_window_where_they_count_together(tmp_path: Path) -> None:
    harbour = Harbour(lambda _method, _key: ["all"], (20, 10.0))
    (story,) = sail(harbour, boats(mixed(1, 100)), tmp_path, DeclaredLimit(rates=((20, 10.0),)))
    assert story.counts == {Status.APPLIED: 100}
    assert harbour.refused == []
    stale = len(harbour.came) - 200
    assert stale <= 20  # rows that are read again since they waited for too long
    assert took(harbour) <= 1.15 * (200 + stale) / 2


def test_a_very_slow_quota_is_shared_by_reads_and_updates_without_a_standstill(tmp_path: Path) -> None:
    harbour = Harbour(lambda _method, _key: ["all"], (1, 40.0))
    (story,) = sail(harbour, boats(mixed(1, 6)), tmp_path, DeclaredLimit(rates=((1, 40.0),)))
    assert story.counts == {Status.APPLIED: 6}
    assert harbour.refused == []


def test_a_limit_on_updates_beside_one_on_all_is_kept_too(tmp_path: Path) -> None:
    harbour = Harbour(lambda method, _key: ["updates"] * (method == "PATCH"), (10, 10.0))
    limits = DeclaredLimit(rates=((60, 10.0),)), DeclaredLimit(on="update", rates=((10, 10.0),))
    (story,) = sail(harbour, boats(mixed(1, 60)), tmp_path, *limits)
    assert story.counts == {Status.APPLIED: 60}
    assert harbour.refused == []
    assert took(harbour) <= 1.2 * 60


def test_updates_of_one_record_are_spaced_and_those_of_others_go_on(tmp_path: Path) -> None:
    harbour = Harbour(lambda method, key: [key] * (method == "PATCH"), (2, 60.0))
    keys = ["f/busy"] * 5 + [f"f/{number}" for number in range(60)]
    (story,) = sail(harbour, boats(keys), tmp_path, DeclaredLimit(RECORD, "update", rates=((2, 60.0),)))
    assert story.counts == {Status.APPLIED: 65}
    assert harbour.refused == []
    assert max(each.at for each in harbour.updates if each.key != "f/busy") < 60
    assert [each.key for each in harbour.updates].count("f/busy") == 5


def test_a_window_of_a_path_holds_for_the_next_process_too(tmp_path: Path) -> None:
    harbour = Harbour(lambda method, _key: [method], (10, 60.0))
    stories = sail(harbour, boats(mixed(1, 8)), tmp_path, DeclaredLimit(PATH, rates=((10, 60.0),)), runs=2)
    assert [story.summary.exit_status for story in stories] == [0, 0]
    assert harbour.refused == []


def test_no_more_are_in_flight_than_the_api_bears(tmp_path: Path) -> None:
    harbour = Harbour(lambda _method, _key: [], (1, 1.0), most=3)
    (story,) = sail(harbour, boats(mixed(1, 60)), tmp_path, DeclaredLimit(in_flight=3))
    assert story.counts == {Status.APPLIED: 60}
    assert harbour.refused == []


def test_a_pause_of_one_value_leaves_the_others_alone(tmp_path: Path) -> None:
    harbour = Harbour(
        lambda method, key: ["f0"] * (method == "PATCH" and key in ("f0/0", "f0/1")), (1, 20.0), about=FLEET
    )
    (story,) = sail(harbour, boats(mixed(2, 20)), tmp_path, pauses=[FLEET])
    assert story.counts == {Status.APPLIED: 40}
    assert len(harbour.refused) == 1
    refused = harbour.refused[0].at
    during = [each for each in harbour.came if refused + 0.5 < each.at < refused + 29.9]
    assert {each.fleet for each in during} == {"f1"}
    assert during  # those that are read already, and what is read before all readers wait for the first fleet
    assert min(each.at for each in harbour.updates if each.fleet == "f0" and each.at > refused + 0.5) >= refused + 30


def test_without_windows_there_are_none_at_the_gates_either(tmp_path: Path) -> None:
    harbour = Harbour(lambda _method, _key: [], (1, 1.0))
    limits = DeclaredLimit(FLEET, rates=((1, 60.0),)), DeclaredLimit(rates=((1, 60.0),))
    (story,) = sail(harbour, boats(mixed(1, 20)), tmp_path, *limits, pacing=Pacing(discover=False))
    assert story.counts == {Status.APPLIED: 20}
    assert took(harbour) < 10
