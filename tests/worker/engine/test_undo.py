"""How an undo is prepared from a journal, and which records a verification looks at; without a server."""

import csv
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from stat import S_IMODE

import anyio
import pytest

from jobs.changes.edits import encode, encode_shape
from jobs.model import ABSENT, UNREAD, Edit, RowRef, RowResult, Status
from jobs.model import Path as Place
from tests.schemas import SCHEMA
from worker.engine.undo import CANNOT, Prepared, prepare
from worker.engine.verifier import WrittenRecord, sampled, written_records
from worker.journal import PLAN, History, Image, Journal, Planned, create, inline
from worker.settings import Input, Settings, Target

NOW = 1_800_000_000.0
URL = "https://yourdomain.commercelayer.io"
REFERENCE: Place = ("attributes", "reference")
MADE_WITH = Settings(
    target=Target(url=URL, type="orders"),
    input=Input(
        source="s.csv", format="csv", metadata="replace", blind=True, limit=5, delimiter=";", encoding="cp1252"
    ),
)

Entry = tuple[Image, str]
"""What a row replaced, and the status it ended with; empty when its attempt is still open."""


@pytest.fixture
def new(tmp_path: Path) -> Path:
    new = tmp_path / "new"
    new.mkdir()
    return new


def image(row: int, record: str, before: object, after: object, *unread: str) -> Image:
    return Image(row, "orders", record, (Edit(REFERENCE, before, after),), unread)  # type: ignore[arg-type]  # a table's


def run_of(path: Path, entries: Iterable[Entry]) -> Path:
    """The journal of a run that sent these rows."""

    async def write(journal: Journal) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(journal.commit_forever, inline, lambda: NOW)
            for sent, status in entries:
                await journal.intend(sent.row, 1, NOW, sent)
                if status:
                    journal.settle(RowResult(RowRef(sent.row, 0, b""), Status(status), attempts=1, at=NOW))
            journal.stop_committing()

    create(path, {"sha256": "", "rows": "9"})
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW)
        anyio.run(write, journal)
    return path


def prepared(path: Path, new: Path) -> Prepared:
    with closing(History(path)) as history:
        return prepare(history, MADE_WITH, SCHEMA, new, "undo of run", {})


def lines(new: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (new / "input.ndjson").read_text(encoding="utf-8").splitlines()]


def planned(new: Path) -> list[Planned]:
    with closing(History(new / "journal.sqlite3")) as history:
        return list(history.planned())


ENTRIES: list[Entry] = [
    (image(1, "Bb", "old", "new"), "applied"),
    (image(2, "Aa", None, "x"), "applied"),
    (image(3, "Aa", "x", "y"), "unknown"),  # the first may still stand
    (image(4, "Cc", "old", "new"), "rejected"),  # was never applied
    (image(5, "Dd", "old", "new"), ""),  # killed before the reply
    (image(6, "Ee", UNREAD, "=new"), "applied"),
    (image(7, "Ff", "old", "new", "_capture", "=secret"), "applied"),
]


def test_there_is_a_row_for_each_record_that_can_be_restored_and_a_plan_for_each_row(tmp_path: Path, new: Path) -> None:
    done = prepared(run_of(tmp_path / "old.sqlite3", ENTRIES), new)
    assert (done.rows, done.lost) == (4, 3)
    assert lines(new) == [
        {"type": "orders", "id": "Aa", "attributes.reference:json": None},
        {"type": "orders", "id": "Bb", "attributes.reference:json": "old"},
        {"type": "orders", "id": "Dd", "attributes.reference:json": "old"},
        {"type": "orders", "id": "Ff", "attributes.reference:json": "old"},
    ]
    assert planned(new) == [
        Planned(1, "orders", "Aa", Status.PENDING, edits=(Edit(REFERENCE, "x", None), Edit(REFERENCE, "y", None))),
        *(
            Planned(row, "orders", record, Status.PENDING, edits=(Edit(REFERENCE, "new", "old"),))
            for row, record in ((2, "Bb"), (3, "Dd"), (4, "Ff"))
        ),
    ]


def test_what_is_lost_is_listed_safe_for_spreadsheets(tmp_path: Path, new: Path) -> None:
    prepared(run_of(tmp_path / "old.sqlite3", ENTRIES), new)
    with (new / CANNOT).open(encoding="utf-8-sig", newline="") as file:
        listed = [(row["row"], row["id"], row["column"]) for row in csv.DictReader(file)]
    assert listed == [("6", "Ee", "reference"), ("7", "Ff", "_capture"), ("7", "Ff", "'=secret")]


def test_the_new_run_goes_where_the_old_one_went_and_reads_its_own_input(tmp_path: Path, new: Path) -> None:
    done = prepared(run_of(tmp_path / "old.sqlite3", ENTRIES), new)
    assert done.settings == MADE_WITH.model_copy(
        update={
            "target": Target(url=URL),
            "input": Input(source="undo of run", format="ndjson", encoding="utf-8", limit=5),
        }
    )
    with closing(History(new / "journal.sqlite3")) as history:
        assert history.facts[PLAN] == "complete"
        assert history.facts["rows"] == "4"
        assert Settings.model_validate_json(history.facts["settings"]) == done.settings
    files = {"input.ndjson", "journal.sqlite3", ".journal.sqlite3.sha256", CANNOT}
    assert {path.name for path in new.iterdir()} == files
    assert S_IMODE((new / "input.ndjson").stat().st_mode) == S_IMODE((new / CANNOT).stat().st_mode) == 0o600


def test_an_undo_is_as_private_as_the_run_it_undoes(tmp_path: Path, new: Path) -> None:
    how = MADE_WITH.input.model_copy(update={"private": (REFERENCE,)})
    with closing(History(run_of(tmp_path / "old.sqlite3", ENTRIES))) as history:
        made_with = MADE_WITH.model_copy(update={"input": how})
        prepare(history, made_with, SCHEMA, new, "undo of run", {})
    with closing(History(new / "journal.sqlite3")) as history:
        assert Settings.model_validate_json(history.facts["settings"]).input.private == (REFERENCE,)


@pytest.mark.parametrize(
    ("entries", "lost"),
    [([], 0), ([(image(1, "Aa", UNREAD, "x"), "applied")], 1), ([(image(1, "Aa", "old", "x"), "failed")], 0)],
)
def test_without_a_row_there_is_no_new_journal(tmp_path: Path, new: Path, entries: list[Entry], lost: int) -> None:
    done = prepared(run_of(tmp_path / "old.sqlite3", entries), new)
    assert (done.rows, done.lost) == (0, lost)
    assert not (new / "journal.sqlite3").exists()


def test_memory_does_not_grow_with_the_records(tmp_path: Path) -> None:
    peaks = [peak_of(tmp_path, count) for count in (4_000, 12_000)]
    assert peaks[1] < peaks[0] * 1.1


def peak_of(folder: Path, count: int) -> int:
    """Bytes at most while the undo of a run of `count` records of 600 bytes is prepared."""
    path, new = run_of(folder / f"{count}.sqlite3", []), folder / str(count)
    new.mkdir()
    shape, content = encode([Edit(REFERENCE, "x" * 600, ABSENT)])
    with closing(Journal(path)) as journal:
        images = ((row, 1, "orders", f"id{row:08}", 1, content, "", 0) for row in range(count))
        results = ((row, b"", "applied", "", "", "", 200, 1, "", NOW, "", 0) for row in range(count))
        journal._db.execute("BEGIN")
        journal._db.execute("INSERT INTO shape VALUES (1, ?)", [encode_shape(shape)])
        journal._db.executemany("INSERT INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?)", images)
        journal._db.executemany("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", results)
        journal._db.execute("COMMIT")
    tracemalloc.start()
    try:
        assert prepared(path, new).rows == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_verify_looks_at_every_record_that_was_written_or_may_have_been(tmp_path: Path) -> None:
    path = run_of(tmp_path / "old.sqlite3", ENTRIES)
    with closing(History(path)) as history:
        found = {kept.id: ([trail.held for trail in kept.trails], kept.row) for kept in written_records(history)}
    assert found == {
        "Aa": ([("x", "y")], 3),
        "Bb": ([("new",)], 1),
        "Dd": ([("old", "new")], 5),
        "Ee": ([("=new",)], 6),
        "Ff": ([("new",)], 7),
    }


def records(count: int) -> Iterator[WrittenRecord]:
    return (WrittenRecord(row, "orders", f"id{row}", ()) for row in range(count))


def test_a_sample_is_fair_and_in_order() -> None:
    chosen: Counter[str] = Counter()
    for seed in range(2000):
        ids = [kept.id for kept in sampled(records(10), 3, Random(seed))]
        assert ids == sorted(ids)
        assert len(set(ids)) == 3
        chosen.update(ids)
    assert all(500 < count < 700 for count in chosen.values())  # 600 expected, four standard deviations are 82
    assert len(chosen) == 10


def test_a_sample_of_more_than_there_is_is_everything() -> None:
    assert [kept.id for kept in sampled(records(3), 9, Random(0))] == ["id0", "id1", "id2"]
