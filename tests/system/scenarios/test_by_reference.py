"""Rows that name their record by its reference: looked up in pages, in file order, and never taken for another."""

import csv
import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.model import RowResult, Status
from tests.system.scenarios.harness import (
    EPOCH,
    Case,
    Story,
    clock_of,
    execute,
    play,
    secrets_of,
    sheet,
    work,
)
from tests.system.scenarios.test_apply_then_undo import take_back
from tests.virtual_time import run
from worker.files.run_directory import JOURNAL
from worker.journal import Journal, inline
from worker.operations import opening, retry
from worker.operations.runs import Host, RunMode
from worker.sandbox import Sandbox, SandboxSettings, serve
from worker.settings import Stopping

TYPE = "stripe_payments"


def world(folder: Path, references: Mapping[str, str | None]) -> SandboxSettings:
    """A sandbox with a record for each id, with that reference."""
    seed = folder / "seed.ndjson"
    entries = ({"type": TYPE, "id": key, "attributes": {"reference": ref}} for key, ref in references.items())
    seed.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return SandboxSettings(seed=(str(seed),), latency=0.01, epoch=EPOCH)


def records(count: int) -> dict[str, str | None]:
    return {f"record{index:04}": f"R-{index}" for index in range(count)}


def case(rows: Iterable[Mapping[str, str]], *, blind: bool = False) -> Case:
    return Case(sheet(rows), blind=blind, metadata="replace" if blind else "merge", stopping=Stopping(canary=0))


def ndjson(*rows: Mapping[str, object]) -> Case:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    return Case(text, blind=False, metadata="merge", stopping=Stopping(canary=0), form="ndjson")


def told(results: Iterable[RowResult]) -> list[tuple[str, str]]:
    return [(str(result.status), result.reason) for result in results]


def lookups(story: Story) -> list[str]:
    return [entry.path for entry in story.ledger if "[reference_" in entry.path]


@pytest.mark.parametrize("blind", [False, True])
def test_every_row_goes_to_the_record_with_its_reference(tmp_path: Path, blind: bool) -> None:
    rows = [{"reference": f"R-{index}", "metadata.n": str(index)} for index in range(100)]
    story = play(case(rows, blind=blind), tmp_path, world(tmp_path, records(100)))
    assert story.counts == {Status.APPLIED: 100}
    for index in range(100):
        found = story.resources[TYPE][f"record{index:04}"].attributes
        metadata = found["metadata"]
        assert isinstance(metadata, Mapping)
        assert (metadata["n"], found["reference"]) == (str(index), f"R-{index}")  # a key, not a value to be set
    assert len(lookups(story)) == 5  # 24 a page
    assert all("reference" not in json.dumps(entry.body) for entry in story.patches)


@pytest.mark.parametrize(
    ("reference", "reason", "says"),
    [
        ("R-1", "", ""),
        ("r-1", "reference_not_found", f"no {TYPE} has the reference 'r-1'"),  # case matters
        ("R-1 ", "reference_not_found", "'R-1 '"),
        ("gone", "reference_not_found", "'gone'"),
        ("twice", "reference_ambiguous", f"several {TYPE} have the reference 'twice': twin000001, twin000002"),
        ("a,b", "", ""),  # a comma ends a value in a list of the API's filters
        ("many", "reference_ambiguous", ", …"),  # more than a page holds
        ("Zürich & Söhne/1?#%", "", ""),
        ("#1001", "", ""),  # an order number, no comment
    ],
)
def test_a_reference_has_one_record_or_nothing_is_sent(tmp_path: Path, reference: str, reason: str, says: str) -> None:
    there: dict[str, str | None] = {"record0001": "R-1", "comma00001": "a,b", "twin000001": "twice"}
    there |= {"twin000002": "twice", "zurich0001": "Zürich & Söhne/1?#%", "number1001": "#1001", "none000001": None}
    there |= {f"many{index:06}": "many" for index in range(30)}
    rows = [{"reference": "R-1", "metadata.n": "0"}, {"reference": reference, "metadata.n": "1"}]
    story = play(case(rows), tmp_path, world(tmp_path, there))
    first, second = story.results
    assert (first.status, second.reason, says in second.message) == (Status.APPLIED, reason, True)
    assert second.status is (Status.REJECTED if reason else Status.APPLIED)
    assert second.fields == (("reference",) if reason else ())
    assert len(story.patches) == (1 if reason else 2)


def test_references_of_many_records_do_not_hide_those_of_one(tmp_path: Path) -> None:
    there = {f"many{index:06}": f"many-{index % 10}" for index in range(100)} | records(14)
    names = [*(f"many-{index}" for index in range(10)), *(f"R-{index}" for index in range(14))]
    rows = [{"reference": name, "metadata.n": "1"} for name in names]
    story = play(case(rows), tmp_path, world(tmp_path, there))
    assert told(story.results) == [("rejected", "reference_ambiguous")] * 10 + [("applied", "")] * 14


def test_rows_that_turn_out_to_be_one_record_go_in_file_order(tmp_path: Path) -> None:
    """By id and by reference in turn, further apart than a page."""
    rows: list[dict[str, object]] = []
    for index in range(120):
        target = {"id": "record0000"} if index % 3 else {"reference": "R-0"}
        rows.append({**target, "metadata.n:int": index} if index % 2 else {"reference": f"R-{index}", "metadata.n": 0})
    story = play(ndjson(*rows), tmp_path, world(tmp_path, records(120)))
    sent = [entry.body["data"]["attributes"]["metadata"]["n"] for entry in story.patches if entry.id == "record0000"]  # type: ignore[index,call-overload]
    wanted = [index for index in range(120) if index % 2]
    assert [number for number in sent if number] == wanted
    assert set(story.counts) <= {Status.APPLIED, Status.UNCHANGED}


def test_a_sheet_of_wrong_references_ends_early(tmp_path: Path) -> None:
    rows = [{"reference": f"no-{index}", "metadata.n": "1"} for index in range(400)]
    story = play(case(rows), tmp_path, world(tmp_path, records(1)))
    assert story.ended.exit_status == 3
    assert story.ended.message.startswith("reference_not_found: 20 rows in a row")
    assert len(lookups(story)) < 5


def test_reports_and_undo_know_the_record(tmp_path: Path) -> None:
    asked = ndjson({"reference": "R-1", "metadata.n": 1}, {"reference": "no", "metadata.n": 1})

    async def scene() -> None:
        async with serve(world(tmp_path, records(3))) as sandbox:
            before = sandbox.resources[TYPE]["record0001"].attributes["metadata"]
            await work(asked, tmp_path, sandbox.url, secrets_of(sandbox))
            assert sandbox.resources[TYPE]["record0001"].attributes["metadata"] != before
            summary = await take_back(tmp_path, tmp_path / "run", secrets_of(sandbox))
            assert summary.counts[Status.APPLIED] == 1
            assert sandbox.resources[TYPE]["record0001"].attributes["metadata"] == before

    run(scene())
    lines = [json.loads(line) for line in (tmp_path / "run" / "results.ndjson").read_text().splitlines()]
    assert [(line["id"], line["reason"]) for line in lines] == [("record0001", ""), (None, "reference_not_found")]
    with (tmp_path / "run" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["record0001", ""]
    failed = (tmp_path / "run" / "failed.ndjson").read_text()
    assert json.loads(failed)["reference"] == "no"  # as it was, to be fed back


def rename(sandbox: Sandbox, names: Mapping[str, str]) -> None:
    for key, name in names.items():
        record = sandbox.resources[TYPE][key]
        sandbox.resources[TYPE][key] = replace(record, attributes={**record.attributes, "reference": name})


async def again(asked: Case, folder: Path, sandbox: Sandbox, command: str) -> list[RowResult]:
    """Another process on the run: `resume`, or `retry`."""
    host = Host(folder / "state", clock_of(3, shift=5.0), commit=inline)
    with opening.opened(folder / asked.name) as handle:
        mode = retry.prepare(handle).mode if command == "retry" else RunMode(command, resumed=True)
        return list((await execute(handle, mode, secrets_of(sandbox), host)).results)


def test_a_later_process_stays_with_the_record_that_the_intent_was_written_for(tmp_path: Path) -> None:
    """The reference wanders to another record between the two."""
    asked = case([{"reference": "R-0", "metadata.n": "1"}], blind=True)

    async def scene() -> None:
        async with serve(world(tmp_path, records(2))) as sandbox:
            first = await work(asked, tmp_path, sandbox.url, secrets_of(sandbox))
            assert told(first.results) == [("applied", "")]
            rename(sandbox, {"record0000": "R-1", "record0001": "R-0"})
            with closing(Journal(tmp_path / "run" / JOURNAL)) as journal:  # as if it had been killed before the reply
                journal._db.execute("DELETE FROM result")
            assert told(await again(asked, tmp_path, sandbox, "resume")) == [("applied", "resent")]
            assert [entry.id for entry in sandbox.ledger if entry.method == "PATCH"] == ["record0000", "record0000"]

    run(scene())


def test_a_row_whose_record_is_known_too_late_does_not_overwrite_a_later_one(tmp_path: Path) -> None:
    """The reference was ambiguous while the later row went by id; a retry must not put the older value over it."""
    asked = ndjson({"reference": "R-0", "metadata.n": 1}, {"id": "record0000", "metadata.n": 2})

    async def scene() -> None:
        async with serve(world(tmp_path, {"record0000": "R-0", "record0001": "R-0"})) as sandbox:
            first = await work(asked, tmp_path, sandbox.url, secrets_of(sandbox))
            assert told(first.results) == [("rejected", "reference_ambiguous"), ("applied", "")]
            rename(sandbox, {"record0001": "R-1"})
            then = await again(asked, tmp_path, sandbox, "retry")
            assert told(then) == [("skipped", "superseded"), ("applied", "")]
            assert [entry.id for entry in sandbox.ledger if entry.method == "PATCH"] == ["record0000"]

    run(scene())
