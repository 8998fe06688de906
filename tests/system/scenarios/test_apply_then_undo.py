"""Apply, then undo: the server is as it was, whatever the sheet, whatever went wrong, and also after a kill."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.model import JSON, Status
from tests.system.scenarios.harness import EPOCH, Case, Story, clock_of, execute, secrets_of, sheet, work
from tests.virtual_time import run
from worker import reports
from worker.journal import inline
from worker.operations import undo
from worker.operations.runs import Host, RunMode
from worker.reports import Summary
from worker.sandbox import Sandbox, SandboxSettings, seeded_id, serve
from worker.sandbox.faults import Luck
from worker.settings import ConfigError, Secrets, Stopping

TYPE = "stripe_payments"
IDS = [seeded_id(TYPE, index) for index in range(6)]

State = Mapping[str, Mapping[str, JSON]]

live_values: st.SearchStrategy[Any] = st.sampled_from(["", "7", 7, 7.5, True, None, "x", [1], {"deep": "er"}])
metadata = st.dictionaries(st.sampled_from(["a", "b", "keep", "dotted.key", "k:int"]), live_values, max_size=4)
records = st.fixed_dictionaries({"reference": st.none() | st.sampled_from(["r", "s"]), "metadata": metadata})
cells = st.sampled_from(["", "7", "new", "<clear>"])
rows = st.fixed_dictionaries({
    "id": st.sampled_from(IDS),
    "reference": cells,
    "metadata.a": cells,
    "metadata.dotted.key": cells,
    "metadata.b:json": st.sampled_from(["", "7", '"7"', "8", "true", "null", '{"deep":"sea"}', "<clear>"]),
    "metadata.k:int:str": cells,
})  # fmt: skip


def stored(sandbox: Sandbox) -> State:
    """What is stored of every record, but for the API's own time stamps."""
    found = sandbox.resources[TYPE]
    return {key: {k: v for k, v in found[key].attributes.items() if k != "updated_at"} for key in IDS}


def furnish(sandbox: Sandbox, states: list[dict[str, Any]]) -> None:
    for key, state in zip(IDS, states, strict=True):
        record = sandbox.resources[TYPE][key]
        sandbox.resources[TYPE][key] = replace(record, attributes={**record.attributes, **state})


async def take_back(directory: Path, done: Path, secrets: Secrets) -> Summary:
    """Undo the run in `done`, as `rowpatch undo` does."""
    host = Host(directory / "state", clock_of(2), commit=inline)
    try:
        with undo.begun(done, directory / "undo") as handle:
            return (await execute(handle, RunMode("undo", plan="keep"), secrets, host)).summary
    except (undo.NothingToUndo, ConfigError):  # the run wrote nothing, or nothing that can be restored
        return Summary("finished", 0, "", 0, {}, reports.Requests(), 0, "", 0.0)


def there_and_back(
    states: list[dict[str, Any]], wanted: list[dict[str, str]], *, faults: float = 0.0, replaces: bool = False
) -> tuple[State, Story, State, Summary, State]:
    """The server's state before, after the apply and after the undo."""
    directory = Path(tempfile.mkdtemp())
    case = Case(sheet(wanted), blind=False, metadata="replace" if replaces else "merge", stopping=Stopping(canary=0))

    async def scene() -> tuple[State, Story, State, Summary, State]:
        world = SandboxSettings(seed=(f"{TYPE}=6",), faults=faults, epoch=EPOCH, latency=0.02)
        async with serve(world) as sandbox:
            furnish(sandbox, states)
            before = stored(sandbox)
            story = await work(case, directory, sandbox.url, secrets_of(sandbox))
            between = stored(sandbox)
            sandbox._api.luck = Luck(0, 0.0, 0.0)
            undone = await take_back(directory, directory / case.name, secrets_of(sandbox))
            return before, story, between, undone, stored(sandbox)

    try:
        return run(scene())
    finally:
        shutil.rmtree(directory)


@given(st.lists(records, min_size=6, max_size=6), st.lists(rows, min_size=1, max_size=12))
def test_undo_leaves_the_server_as_it_was(states: list[dict[str, Any]], wanted: list[dict[str, str]]) -> None:
    before, _, between, undone, behind = there_and_back(states, wanted)
    assert behind == before
    assert not undone.counts.get(Status.CONFLICT)
    for key in IDS:  # what the sheet does not name is kept
        was, is_ = before[key]["metadata"], between[key]["metadata"]
        assert isinstance(was, Mapping)
        assert isinstance(is_, Mapping)
        assert is_.get("keep", "none") == was.get("keep", "none")


@settings(max_examples=15)
@given(st.lists(records, min_size=6, max_size=6), st.lists(rows, min_size=1, max_size=12))
def test_undo_restores_keys_that_a_replacement_wiped(
    states: list[dict[str, Any]], wanted: list[dict[str, str]]
) -> None:
    before, _, _, _, behind = there_and_back(states, wanted, replaces=True)
    assert behind == before


@settings(max_examples=25)
@given(st.lists(records, min_size=6, max_size=6), st.lists(rows, min_size=1, max_size=12))
def test_undo_leaves_the_server_as_it_was_also_after_faults(
    states: list[dict[str, Any]], wanted: list[dict[str, str]]
) -> None:
    before, _, between, _, behind = there_and_back(states, wanted, faults=0.25)
    assert behind == before
    for key in IDS:
        was, is_ = before[key]["metadata"], between[key]["metadata"]
        assert isinstance(was, Mapping)
        assert isinstance(is_, Mapping)
        assert is_.get("keep", "none") == was.get("keep", "none")
