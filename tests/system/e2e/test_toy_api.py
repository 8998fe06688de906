"""An API is a value: a toy that is nothing like the first one goes through everything a run does."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from jobs.apis.api import Api
from jobs.model import Status
from tests.system.e2e.scripted_server import Answer, Asked, Scripted, scripted_server
from tests.system.e2e.toy_api import HARBOUR
from worker.operations import commands
from worker.settings import Input, Pacing, Secrets, Settings, Stopping, Target

TOY: Api = HARBOUR  # for the type checker: it has all that an API is asked for


@dataclass
class Boats:
    """The harbour master's server."""

    boats: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            key: {"name": f"Boat {key}", "berth": 7, "extras": {"flag": "NL"}} for key in ("a", "b", "c-d", "e/f")
        }
    )
    updates: list[tuple[str, Any]] = field(default_factory=list)
    refused: int = 0
    accepts: set[str] = field(default_factory=set)

    def __call__(self, asked: Asked) -> Answer:
        path, _, query = asked.path.partition("?")
        if query:
            name = query.partition("=")[2].replace("%20", " ")
            return self.says({"keys": [key for key, boat in self.boats.items() if boat["name"] == name]})
        self.accepts.add(asked.headers["accept"])
        key = path.removeprefix("/boats/").replace("%2F", "/")
        if key not in self.boats:
            return Answer(404, json.dumps({"message": "no such boat"}).encode())
        if asked.method == "PATCH":
            if self.refused:
                self.refused -= 1
                return Answer(429, b"{}", {"Retry-After": "1"})
            change = json.loads(asked.body)
            self.updates.append((key, change))
            self.boats[key].update(change)
        return self.says({"key": key, **self.boats[key]})

    @staticmethod
    def says(document: dict[str, Any]) -> Answer:
        return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def boats() -> Boats:
    return Boats()


@pytest.fixture
def server(boats: Boats) -> Iterator[Scripted]:
    with scripted_server(boats) as served:
        yield served


SHEET = """id,type,name,berth,extras.owner
a,boats,Anna,7,Ann
b,boats,,8,
c-d,boats,Boat c-d,7,
e/f,boats,,9,Eve
z,boats,Zoe,1,
"""


def test_a_toy_api_plans_applies_verifies_and_undoes(tmp_path: Path, server: Scripted, boats: Boats) -> None:
    before = json.loads(json.dumps(boats.boats))
    (tmp_path / "sheet.csv").write_text(SHEET)
    how = Input(source=str(tmp_path / "sheet.csv"), format="csv")
    settings = Settings(
        target=Target(url=server.url), input=how, pacing=Pacing(discover=False), stopping=Stopping(canary=1)
    )
    secrets = Secrets(token=SecretStr("test-token"))
    common: dict[str, Any] = {"state_directory": tmp_path / "state", "api": HARBOUR}

    async def everything() -> None:
        async with commands.plan(settings, secrets, directory=tmp_path / "plan", **common) as planned:
            plan = (await planned.execute()).plan
        assert plan is not None
        assert (plan.to_send, boats.updates) == (3, [])
        boats.refused = 1
        async with commands.apply(settings, secrets, directory=tmp_path / "run", **common) as run:
            assert run.mode == "test"
            end = await run.execute()
        assert end.summary is not None
        counts = {status: count for status, count in end.summary.counts.items() if count}
        assert counts == {Status.APPLIED: 3, Status.UNCHANGED: 1, Status.REJECTED: 1}
        assert sorted(boats.updates) == [
            ("a", {"name": "Anna", "extras": {"flag": "NL", "owner": "Ann"}}),
            ("b", {"berth": 8}),
            ("e/f", {"berth": 9, "extras": {"flag": "NL", "owner": "Eve"}}),
        ]
        verified = await commands.verify(tmp_path / "run", secrets, **common)
        assert dict(verified.counts) == {"holds": 3}
        async with commands.undo(tmp_path / "run", secrets, directory=tmp_path / "undo", **common) as undo:
            await undo.execute()
        assert boats.boats == before
        assert (await commands.report(tmp_path / "run", api=HARBOUR)).summary is not None

    anyio.run(everything)
    with (tmp_path / "run" / "results.csv").open(encoding="utf-8-sig") as file:
        told = {row["id"]: (row["__status"], row["__reason"]) for row in csv.DictReader(file)}
    assert told["z"] == ("rejected", "not_found")
    assert boats.accepts == {"application/json"}


def test_a_toy_api_finds_records_by_another_key_and_refuses_what_it_does_not_have(
    tmp_path: Path, server: Scripted, boats: Boats
) -> None:
    (tmp_path / "sheet.csv").write_text("reference,berth\nBoat a,3\nBoat nowhere,4\n")
    how = Input(source=str(tmp_path / "sheet.csv"), format="csv")
    settings = Settings(target=Target(url=server.url, type="boats"), input=how, stopping=Stopping(canary=0))
    secrets = Secrets(token=SecretStr("test-token"))
    common: dict[str, Any] = {"state_directory": tmp_path / "state", "api": HARBOUR}

    async def find() -> None:
        async with commands.apply(settings, secrets, directory=tmp_path / "run", **common) as run:
            await run.execute()
        checked = await commands.check(
            how.model_copy(update={"source": str(tmp_path / "odd.csv")}), "boat", api=HARBOUR
        )
        assert checked.exit_status == 2

    (tmp_path / "odd.csv").write_text("id,mast\na,1\n")
    anyio.run(find)
    assert boats.updates == [("a", {"berth": 3})]
