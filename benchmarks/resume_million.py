"""`make hunt NAME=million`: how soon a run of a million rows, all but a thousand of them done, sends a request.

python benchmarks/resume_million.py [--rows 1000000]
"""

import argparse
import csv
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks import machine, results
from tests.commerce_layer import COMMERCE_LAYER
from tests.system.e2e.program import Desk, Process, sandbox
from worker.files import run_directory, source
from worker.files.run_directory import JOURNAL
from worker.journal import create
from worker.sandbox import seeded_id
from worker.settings import Input, Settings, Target

TYPE: Final = "stripe_payments"
ROWS: Final = 1_000_000

LEFT: Final = 1000
"""Rows at the end of the sheet that are not done."""

FIRST_REQUEST: Final = 5.0
"""Maximum seconds to the first request."""

MEMORY: Final = 300.0
"""Maximum MiB of memory."""


def identifier(row: int, rows: int) -> str:
    """Return the id of a row; only the rows that are left have a record on the server."""
    left = row - (rows - LEFT) - 1
    return seeded_id(TYPE, left) if left >= 0 else f"x{row:09}"


def furnish(desk: Desk, rows: int) -> None:
    """Write the sheet, and the journal of a run that was killed shortly before its end."""
    desk.write((identifier(row, rows), f"r{row}") for row in range(1, rows + 1))
    how = Input(source=str(desk.sheet), format="csv")
    settings = Settings(target=Target(url=desk.server.url, type=TYPE), input=how)
    run_directory.make(desk.run)
    with desk.sheet.open("rb") as stream:
        spooled = source.spool(stream, desk.run, "csv")
    facts = {"source": str(desk.sheet), "sha256": spooled.sha256, "rows": str(rows), "settings": settings.recorded()}
    create(desk.run / JOURNAL, facts)
    with closing(sqlite3.connect(desk.run / JOURNAL)) as db:
        at, done = time.time() - 1000, range(1, rows - LEFT + 1)
        db.execute(
            "INSERT INTO process (command, started_at, last_at, state) VALUES ('apply', ?, ?, 'running')", (at, at)
        )
        db.executemany("INSERT INTO attempt VALUES (?, 1, 1, ?, NULL)", ((row, at) for row in done))
        db.execute("INSERT INTO shape VALUES (1, ?)", ['[["attributes","reference"],null,null]'])
        images = ((row, TYPE, identifier(row, rows), '[null,"r"]') for row in done)
        db.executemany("INSERT INTO image VALUES (?, 1, ?, ?, 1, ?, '', 0)", images)
        results = zip(done, digests(spooled.path, how), strict=False)
        db.executemany("INSERT INTO result VALUES (?, ?, 'applied', '', '', '', 200, 1, '', 0, '', 0)", results)
        db.commit()


def digests(sheet: Path, how: Input) -> Iterator[bytes]:
    """Yield the digests by which the journal recognises the rows."""
    with source.opened(sheet) as stream:
        for job in source.jobs(stream, how, TYPE, COMMERCE_LAYER.schema, lambda _: True):
            yield job.ref.digest


def resume(desk: Desk) -> tuple[float, float]:
    """Resume the run to its end; return the seconds to the first request, and the peak memory in MiB."""
    mark, begun = desk.server.mark(), time.monotonic()
    process = desk.start("resume", desk.run, "--no-progress", "--rate", "none")
    first = peak = 0.0
    while process.poll() is None:
        if not first and (seen := desk.server.ledger(mark)):
            first = seen[0]["at"] - begun
        peak = max(peak, memory(process))
        time.sleep(0.05)
    if process.wait() != 0:
        raise SystemExit(f"the run ended with {process.returncode}: {process.communicate()}")
    return first, peak


def memory(process: Process) -> float:
    """Return the peak memory of the process so far, in MiB."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def main() -> int:
    """Measure; return 1 if a bound was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox("--seed", f"{TYPE}={LEFT}", "--limit", "none") as server,
    ):
        desk = Desk(Path(folder), server)
        furnish(desk, rows)
        size = (desk.run / JOURNAL).stat().st_size / 2**20
        first, peak = resume(desk)
        with (desk.run / "results.csv").open(encoding="utf-8-sig", newline="") as file:
            told = sum(result["__status"] == "applied" for result in csv.DictReader(file))
        arrived = len(server.writes())
    print(f"{rows:,} rows, {rows - LEFT:,} of them done; a journal of {size:.0f} MiB")
    print(f"first request after {first:.2f} s (at most {FIRST_REQUEST:g}); {peak:.0f} MiB (at most {MEMORY:g})")
    print(f"{arrived:,} PATCHes arrived, {told:,} rows are told as applied")
    if rows == ROWS:
        found = {"machine": machine.facts(), "rows": rows, "left": LEFT, "first_s": round(first, 2)}
        results.keep("million", {**found, "peak_mib": round(peak, 1), "journal_mib": round(size, 1)})
    return 0 if first <= FIRST_REQUEST and peak <= MEMORY and (arrived, told) == (LEFT, rows) else 1


if __name__ == "__main__":
    sys.exit(main())
