"""`make hunt NAME=scale`: one run from a thousand rows to a million (or `--most 10000000`): what it costs and leaves.

    python -m benchmarks.scale [--most ROWS] [--least ROWS] [--repeat N]

The whole program with `--blind` against the raw server, each size a process of its own. Sizes that were measured before
and are not measured now keep their figures.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, results
from benchmarks.measuring import Cost, measure, median
from benchmarks.peers import ROWPATCH, Task, rowpatch
from benchmarks.rows import TYPE
from benchmarks.servers import running
from tests.commerce_layer import COMMERCE_LAYER
from worker.checking import check
from worker.files.run_directory import JOURNAL
from worker.settings import Input

REPORTS: Final = ("results.csv", "failed.csv", "results.ndjson", "summary.json")


def main() -> None:
    """Measure all sizes, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--least", type=int, default=1000)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--workers", type=int, default=50)
    options = parser.parse_args()
    points = {point["rows"]: point for point in (results.load("scale") or {"points": []})["points"]}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), tls=False) as server:
        for rows in _sizes(options.least, options.most):
            task = Task(server, rows, options.workers, Path(folder))
            points[rows] = _point(task, options.repeat)
            print(f"  {rows:,}: {points[rows]}", file=sys.stderr, flush=True)
            task.sheet.unlink()
    found = {"machine": machine.facts(), "points": [points[rows] for rows in sorted(points)]}
    results.keep("scale", found)


def _sizes(least: int, most: int) -> Iterator[int]:
    """Yield the sizes from `least` to `most`: `least` times 1, 3, 10, 30, ..."""
    rows, factors = least, (3, 10 / 3)
    for step in range(100):
        if rows > most:
            return
        yield rows
        rows = round(rows * factors[step % 2])


def _point(task: Task, repeat: int) -> Mapping[str, Any]:
    """Measure one size in microseconds of CPU per row: the check, the whole run, and the reports once more alone."""
    costs, reports, checks = [], [], []
    how = Input(source=str(task.sheet), format="csv", delimiter=",", metadata="replace", blind=True)
    for _ in range(repeat):
        command = rowpatch(task, "--blind", "--metadata", "replace")
        began = time.process_time()
        check(task.sheet, how, TYPE, COMMERCE_LAYER.schema)
        checks.append(time.process_time() - began)
        costs.append(measure(command, task.environment, task.folder))
        reports.append(measure([ROWPATCH, "report", task.folder / "run"], task.environment, task.folder))
    run = task.folder / "run"
    report, check_ = median(each.cpu for each in reports), median(checks)
    start = _start(task)
    whole = median(each.cpu for each in costs)
    per_row = 1e6 / task.rows
    return {
        "rows": task.rows,
        "us": round(whole * per_row, 1),
        "start_s": round(start, 2),
        "check_us": round(check_ * per_row, 2),
        "report_us": round(max(0.0, report - start) * per_row, 1),
        "report_s": round(median(each.wall for each in reports), 1),
        "send_us": round((whole - report - check_) * per_row, 1),
        "rows_per_s": round(task.rows / median(each.wall for each in costs)),
        "peak_mib": round(median(each.peak for each in costs), 1),
        "report_peak_mib": round(median(each.peak for each in reports), 1),
        "journal_bytes": round((run / JOURNAL).stat().st_size / task.rows, 1),
        "report_bytes": round(sum((run / name).stat().st_size for name in REPORTS) / task.rows, 1),
        **_inside(run / JOURNAL, task.rows),
    }


def _start(task: Task) -> float:
    """Measure the seconds of CPU that a report of a single row takes."""
    small = replace(task, rows=1, folder=task.folder / "small")
    small.folder.mkdir(exist_ok=True)
    measure(rowpatch(small, "--blind", "--metadata", "replace"), small.environment, small.folder)
    cost: Cost = measure([ROWPATCH, "report", small.folder / "run"], small.environment, small.folder)
    return cost.cpu


def _inside(path: Path, rows: int) -> dict[str, Any]:
    """Return the bytes per row in each table, and the speed of the last tenth of the rows relative to the first."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        sizes = {}
        for table in ("attempt", "result", "image"):
            names = [each[1] for each in db.execute(f"PRAGMA table_info({table})")]
            lengths = "+".join(f"coalesce(length({name}), 0)" for name in names)
            (total,) = db.execute(f"SELECT sum({lengths}) FROM {table}").fetchone()
            sizes[table] = round((total or 0) / rows, 1)
        part = rows // 10
        first, last = (
            db.execute("SELECT max(at) - min(at) FROM result WHERE row BETWEEN ? AND ?", bounds).fetchone()[0]
            for bounds in ((1, part), (rows - part + 1, rows))
        )
        return {"tables": sizes, "last_to_first": round(first / last, 3)}


if __name__ == "__main__":
    main()
