"""What a job's memory costs: its size, a look-up, the folding of a night, who is gone, and the memory of the process.

make hunt NAME=memory
python -m benchmarks.memory [RECORDS ...]
"""

import random
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from jobs.apis.registry import DEFAULT, api_named
from jobs.changes.diff import CompareRules
from jobs.changes.edits import encode, encode_shape
from jobs.model import Edit, UpdateJob
from worker.files import source
from worker.journal import History, create
from worker.reconcile import Memory, Named, Night, Run, Target, fold
from worker.settings import Input

T = TypeVar("T")

TYPE: Final = "stripe_payments"
FIELDS: Final = ("batch", "cost_centre", "note", "origin", "reviewed")
NIGHTLY: Final = 10_000
LOOKED_UP: Final = 20_000
SCHEMA: Final = api_named(DEFAULT).schema
TERMS: Final = CompareRules(SCHEMA)


def record(row: int) -> str:
    """Return the id of the record of a row."""
    return f"{row:010}".translate(str.maketrans("0123456789", "abcdefghij"))


def values(row: int, night: int) -> tuple[str, ...]:
    """Return what the sheet says of a record in a night, in the order of FIELDS."""
    return (f"2026-Q{row % 4 + 1}", f"{row % 90:04}", f"parcel {row} of night {night}", "erp", "true")


def write(folder: Path, rows: int, night: int) -> None:
    """Write the sheet and the journal of a night in which all rows were applied: one of their fields had changed."""
    with (folder / "sheet.csv").open("w", encoding="utf-8") as sheet:
        sheet.write("id," + ",".join(f"metadata.{name}" for name in FIELDS) + "\n")
        sheet.writelines(f"{record(row)},{','.join(values(row, night))}\n" for row in range(1, rows + 1))
    journal = folder / "journal.sqlite3"
    create(journal, {})
    shape, _ = encode((Edit(("attributes", "metadata", "note"), "", ""),))
    at = 1_800_000_000.0 + night * 86_400
    with closing(sqlite3.connect(journal)) as db, db:
        db.execute("INSERT INTO shape VALUES (1, ?)", (encode_shape(shape),))
        for job in jobs(folder):
            row = job.ref.row
            note = job.members["metadata"]["note"]
            _, content = encode((Edit(("attributes", "metadata", "note"), f"old {row}", note),))
            db.execute("INSERT INTO attempt VALUES (?, 1, 1, ?, NULL)", (row, at))
            db.execute("INSERT INTO image VALUES (?, 1, ?, ?, 1, ?, '', 0)", (row, TYPE, job.id, content))
            result = (row, job.ref.digest, "applied", "", "", "", 200, 1, "", at, "", 0)
            db.execute("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", result)


def jobs(folder: Path) -> Iterator[UpdateJob]:
    """Yield what the rows ask for, parsed again as a folding has to."""
    how = Input(source="sheet.csv", format="csv")
    with source.opened(folder / "sheet.csv") as stream:
        for job in source.jobs(stream, how, TYPE, SCHEMA, lambda _: True):
            assert isinstance(job, UpdateJob)
            yield job


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return seconds of CPU, and what the work returns."""
    began = time.process_time()
    done = work()
    return time.process_time() - began, done


def night(memory: Memory, folder: Path, number: int, named: Iterator[Named] | None = None) -> float:
    """Fold the journal of a night; return seconds of CPU."""
    serial = memory.nights.begin(Night(f"night {number}", 1_800_000_000.0 + number * 86_400, state="accepted"))
    with closing(History(folder / "journal.sqlite3")) as history:
        run = Run(serial, jobs(folder), TERMS, named=named)
        seconds, _ = timed(lambda: fold(memory, history, run))
    return seconds


def peak() -> float:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path, records: int) -> Iterator[str]:
    """Yield lines with what was measured for a memory of so many records."""
    with closing(Memory.create(folder / "job.state")) as memory:
        memory.bind([Target("commercelayer", "https://acme.example.com")])
        (folder / "first").mkdir()
        write(folder / "first", records, 1)
        before = peak()
        first = night(memory, folder / "first", 1)
        yield f"first night: {first:.1f} s, {first / records * 1e6:.0f} us a row"
        yield f"peak {peak():.0f} MiB, {before:.0f} before"
        (folder / "second").mkdir()
        write(folder / "second", NIGHTLY, 2)
        yield f"a night of {NIGHTLY:,} rows: {night(memory, folder / 'second', 2):.2f} s"
        dice = random.Random(1)
        ids = [record(dice.randrange(1, records + 1)) for _ in range(LOOKED_UP)]
        looked, _ = timed(lambda: [memory.remembered(TYPE, each) for each in ids])
        yield f"a look-up: {looked / LOOKED_UP * 1e6:.1f} us"
        named = (Named(TYPE, record(row)) for row in range(1, records))
        yield f"and who is gone of {records:,}: {night(memory, folder / 'second', 3, named):.2f} s"
        yield f"peak {peak():.0f} MiB"
    size = (folder / "job.state" / "state.sqlite3").stat().st_size
    yield f"size: {size / 1e6:.0f} MB, {size / records:.0f} bytes a record"
    opening, again = timed(lambda: Memory(folder / "job.state"))
    again.close()
    yield f"opening: {opening:.2f} s"


def main() -> None:
    """Measure for each number of records."""
    for records in map(int, sys.argv[1:] or ("10000", "1000000")):
        print(f"{records:,} records x {len(FIELDS)} fields")
        with TemporaryDirectory() as folder:
            for line in measure(Path(folder), records):
                print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
