"""The files of a run directory, made from a real journal and a real input."""

import asyncio
import csv
import gzip
import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobs.columns import RESERVED
from jobs.formats import InputRefused, read_objects, read_sheet
from jobs.model import ApiError, RowRef, RowResult, Status
from tests.schemas import SCHEMA
from worker.journal import SAFE, History, Journal, create, inline
from worker.journal.schema import JournalDamaged
from worker.reports import Requests, Summary, write
from worker.reports.outcome import timestamp
from worker.settings import Input, Settings, Target

SHEET = 'id,reference\r\nA,007\r\nB,"two\nlines"\r\nC,=1+1\r\nD\r\nE,x\r\nF,y\r\n'
OBJECTS = '{"id":"A","reference":"007"}\n\n{"id":"B","n":1.50}\n{broken\n'
OUTCOMES = {
    1: RowResult(None, Status.APPLIED, http=200, attempts=1, request_id="r1", at=1_700_000_000.0),  # type: ignore[arg-type]  # filled in by `run`
    2: RowResult(
        None,  # type: ignore[arg-type]  # filled in by `run`
        Status.REJECTED,
        "validation",
        "no good",
        ("reference",),
        422,
        1,
        "r2",
        1_700_000_001.0,
        (ApiError("t", "half \ud83d of a pair"),),
    ),
}


def settings(format_name: str = "csv", limit: int | None = None) -> Settings:
    how = Input(source="s", format=format_name, limit=limit)
    return Settings(target=Target(url="http://localhost", type="transactions"), input=how)


def refs_of(directory: Path) -> list[RowRef]:
    (path,) = directory.glob("input.*")
    with path.open("rb") as stream:
        return [record.ref for record in (read_objects if path.suffix == ".ndjson" else read_sheet)(stream)]


def drafts(directory: Path) -> list[Path]:
    return list(directory.glob(".*.new"))


async def run(directory: Path, outcomes: dict[int, RowResult], doubtful: int = 0) -> None:
    """Let one process settle some rows of the input, leave one open, and end."""
    journal = Journal(directory / "journal.sqlite3")
    journal.begin("apply", 1_700_000_000.0)
    journal.counters.gets, journal.counters.refused = 2, 3
    refs = refs_of(directory)
    committing = asyncio.create_task(journal.commit_forever(inline, lambda: 1_700_000_009.0))
    for row, outcome in outcomes.items():
        await journal.intend(row, 1, 1_700_000_000.0)
        journal.settle(
            RowResult(refs[row - 1], *(getattr(outcome, name) for name in RowResult.__slots__ if name != "ref"))
        )
    if doubtful:
        await journal.intend(doubtful, 1, 1_700_000_002.5)
        journal.note(doubtful, 1, SAFE)
        await journal.intend(doubtful, 2, 1_700_000_003.5)
    journal.stop_committing()
    await committing
    journal.end("stopped", 3, "an outage", 1_700_000_009.5)
    journal.close()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    before = os.umask(0)
    create(tmp_path / "journal.sqlite3", {"sha256": "ab" * 32})
    yield tmp_path
    os.umask(before)


def report(directory: Path, rows: int, how: Settings | None = None) -> Summary:
    with closing(History(directory / "journal.sqlite3")) as history:
        return write(directory, history, how or settings(), SCHEMA, rows)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


async def test_a_sheets_reports_hold_every_row_once_in_order_with_its_outcome(directory: Path) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES, doubtful=3)
    report(directory, 6, settings(limit=5))
    shown = [
        (row["__row"], row["__line"], row["__status"], row["__reason"], row["__attempts"], row["id"], row["reference"])
        for row in table(directory / "results.csv")
    ]
    assert shown[:3] == [
        ("1", "2", "applied", "", "1", "A", "007"),
        ("2", "3", "rejected", "validation", "1", "B", "two\nlines"),
        ("3", "5", "unknown", "interrupted", "2", "C", "'=1+1"),
    ]
    assert [row[:4] for row in shown[3:]] == [
        ("4", "6", "pending", "not_reached"),
        ("5", "7", "pending", "not_reached"),
        ("6", "8", "skipped", "beyond_limit"),
    ]
    assert [row["__row"] for row in table(directory / "failed.csv")] == ["2", "3", "4", "5"]


async def test_a_sheets_results_ndjson_has_exact_values(directory: Path) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES)
    report(directory, 6)
    rejected, untouched = lines(directory / "results.ndjson")[1:3]
    assert rejected == {
        "status": "rejected",
        "reason": "validation",
        "message": "no good",
        "fields": ["reference"],
        "row": 2,
        "line": 3,
        "http": 422,
        "attempts": 1,
        "request_id": "r2",
        "at": "2023-11-14T22:13:21.000Z",
        "id": "B",
        "type": "transactions",
        "input": {"id": "B", "reference": "two\nlines"},
        "errors": [
            {"title": "t", "detail": "half \ud83d of a pair", "code": "", "pointer": "", "field": "", "cell": ""}
        ],
    }
    assert untouched["input"] == {"id": "C", "reference": "=1+1"}


async def test_objects_have_a_table_of_names_and_a_file_to_feed_back(directory: Path) -> None:
    (directory / "input.ndjson").write_bytes(OBJECTS.encode())
    await run(directory, OUTCOMES)
    report(directory, 3, settings("ndjson"))
    rows = table(directory / "results.csv")
    assert list(rows[0]) == [*RESERVED, "id", "type"]
    assert [(row["__line"], row["id"], row["type"]) for row in rows] == [
        ("1", "A", "transactions"),
        ("3", "B", "transactions"),
        ("4", "", "transactions"),
    ]
    rejected, broken = lines(directory / "failed.ndjson")
    assert {name: value for name, value in rejected.items() if name not in RESERVED} == {"id": "B", "n": 1.5}
    assert list(broken) == list(RESERVED)
    assert not (directory / "failed.csv").exists()


async def test_the_csv_is_what_a_spreadsheet_reads(directory: Path) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES)
    report(directory, 6)
    data = (directory / "results.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf__status,__reason,")
    assert data.count(b"\r\n") == 7
    assert data.endswith(b"\r\n")


async def test_the_summary_counts_every_row_under_one_of_nine_statuses(directory: Path) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES, doubtful=3)
    summary = report(directory, 6, settings(limit=5))
    written = json.loads((directory / "summary.json").read_text())
    assert written == {
        "schema": 1,
        "state": "stopped",
        "exit_status": 3,
        "input": {"sha256": "ab" * 32, "rows": 6},
        "counts": dict.fromkeys(Status, 0)
        | {Status.APPLIED: 1, Status.REJECTED: 1, Status.UNKNOWN: 1, Status.PENDING: 2, Status.SKIPPED: 1},
        "requests": {"patch": 4, "get": 2, "token": 0},
        "refused_429": 3,
        "longest_gap_s": None,
        "started_at": "2023-11-14T22:13:20.000Z",
        "elapsed_s": 9.5,
    }
    assert written == summary.document()
    assert summary.message == "an outage"
    assert summary.requests == Requests(4, 2, 0)


async def test_a_process_that_never_said_how_it_ended_was_killed(directory: Path) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES)
    with closing(Journal(directory / "journal.sqlite3")) as journal:
        journal.begin("resume", 1_700_000_100.0)
    summary = report(directory, 6)
    assert (summary.state, summary.exit_status, summary.message) == ("killed", None, "")
    assert summary.started_at == "2023-11-14T22:13:20.000Z"
    assert summary.elapsed_s == 9.5


async def test_reports_can_be_rebuilt_and_leave_nothing_else_behind(directory: Path) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES)
    report(directory, 6)
    names = ["results.csv", "failed.csv", "results.ndjson", "report.html", "summary.json"]
    first = [(directory / name).read_bytes() for name in names]
    (directory / ".results.csv.new").write_text("left by a killed process")
    report(directory, 6)
    assert [(directory / name).read_bytes() for name in names] == first
    assert not drafts(directory)


async def test_a_file_without_failures_replaces_an_older_one(directory: Path) -> None:
    (directory / "input.csv").write_bytes(b"id,reference\r\nA,1\r\n")
    (directory / "failed.csv").write_text("stale")
    await run(directory, {1: OUTCOMES[1]})
    report(directory, 1)
    assert (directory / "failed.csv").read_bytes() == b"\xef\xbb\xbf" + ",".join(
        (*RESERVED, "id", "reference")
    ).encode() + b"\r\n"


@pytest.mark.parametrize("umask", [0o000, 0o777])
async def test_reports_are_private_whatever_the_umask(directory: Path, umask: int) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES)
    os.umask(umask)
    report(directory, 6)
    for name in ("results.csv", "failed.csv", "results.ndjson", "report.html", "summary.json"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600


async def test_a_compressed_tab_separated_input_becomes_a_csv_report(directory: Path) -> None:
    (directory / "input.tsv.gz").write_bytes(gzip.compress(b"id\treference\nA\ta,b\n"))
    report(directory, 1, settings("tsv"))
    assert table(directory / "results.csv")[0]["reference"] == "a,b"


@pytest.mark.parametrize(
    ("sheet", "rows", "error"),
    [
        # the copy was edited: another row 2
        (SHEET.replace("two", "2"), 6, JournalDamaged),
        # rows are gone: one with a result, and one without
        ("id,reference\r\nA,007\r\n", 6, JournalDamaged),
        (SHEET.removesuffix("F,y\r\n"), 6, JournalDamaged),
        # it breaks on the way
        (SHEET + '"', 6, InputRefused),
    ],
)
async def test_old_reports_stand_when_new_ones_cannot_be_made(
    directory: Path, sheet: str, rows: int, error: type[Exception]
) -> None:
    (directory / "input.csv").write_bytes(SHEET.encode())
    await run(directory, OUTCOMES)
    (directory / "input.csv").write_bytes(sheet.encode())
    (directory / "results.csv").write_text("old")
    with closing(History(directory / "journal.sqlite3")) as history, pytest.raises(error):
        write(directory, history, settings(), SCHEMA, rows)
    assert (directory / "results.csv").read_text() == "old"
    assert not drafts(directory)
    assert not (directory / "summary.json").exists()


async def test_many_rows_are_reported_as_completely_as_few(directory: Path) -> None:
    count = 1201  # beyond two chunks
    (directory / "input.csv").write_text("id,reference\n" + "".join(f"id{row},{row}\n" for row in range(1, count + 1)))
    await run(directory, {count: OUTCOMES[1]})
    assert report(directory, count).counts[Status.PENDING] == count - 1
    for name in ("results.csv", "failed.csv"):
        rows = table(directory / name)
        assert [row["__row"] for row in rows] == [row["reference"] for row in rows]
    assert len(lines(directory / "results.ndjson")) == len(table(directory / "failed.csv")) + 1 == count


@pytest.mark.parametrize(
    ("type_name", "how", "flags"),
    [
        # the report is UTF-8 with commas, whatever the input was
        ("", {"encoding": "cp1252", "delimiter": ";"}, ()),
        ("orders", {}, ("--type", "orders")),
        ("", {"metadata": "replace"}, ("--metadata", "replace")),
        ("", {"allow_triggers": ("_a", "_b")}, ("--allow-trigger", "_a", "--allow-trigger", "_b")),
        ("", {"clear_token": "NULL"}, ("--clear-token", "NULL")),
    ],
)
def test_feeding_back_takes_the_flags_that_say_what_cells_mean(
    directory: Path, type_name: str, how: dict[str, Any], flags: tuple[str, ...]
) -> None:
    input_ = Input.model_validate({"source": "s", "format": "csv", **how})
    (directory / "input.csv").write_text("id;reference\n" if "delimiter" in how else "id,reference\n")
    chosen = Settings(target=Target(url="http://localhost", type=type_name), input=input_)
    assert report(directory, 0, chosen).refeed == ("--url", "http://localhost", *flags)


def test_a_run_that_never_began_is_reported_as_killed(directory: Path) -> None:
    (directory / "input.csv").write_text("id,reference\n1,2\n")
    summary = report(directory, 1)
    assert (summary.state, summary.started_at, summary.elapsed_s) == ("killed", "", 0)


@pytest.mark.parametrize("seconds", [1e12, 1e306, -1e18, float("inf"), float("nan"), b"x"])
def test_a_time_that_no_clock_shows_is_damage_and_no_traceback(seconds: Any) -> None:
    """One flipped bit of a time makes it so."""
    with pytest.raises(JournalDamaged, match="a time that no clock shows"):
        timestamp(seconds)
