"""`make hunt NAME=rates`: what is done without sending, by itself: check of each format, plan, report.

    python -m benchmarks.rates [--rows N] [--repeat N]

Each is a process of its own, its start-up (measured with one row) taken off. Plans are made against the raw server.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, results, rows
from benchmarks.measuring import Cost, interleaved, measure, median
from benchmarks.peers import ROWPATCH, Task, at, rowpatch
from benchmarks.servers import running

Job = Callable[[Task], Cost]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), tls=False) as server:
        task = Task(server, options.rows, options.workers, Path(folder))
        starts = interleaved({name: partial(job, at(task, 1)) for name, job in JOBS.items()}, options.repeat)
        costs = interleaved({name: partial(job, task) for name, job in JOBS.items()}, options.repeat)
    told = {name: _told(options.rows, starts[name], costs[name]) for name in JOBS}
    results.keep("rates", {"machine": machine.facts(), "rows": options.rows, "rates": told})


def _told(count: int, starts: list[Cost], costs: list[Cost]) -> dict[str, Any]:
    cpu = median(each.cpu for each in costs) - median(each.cpu for each in starts)
    wall = median(each.wall for each in costs) - median(each.wall for each in starts)
    peak = median(each.peak for each in costs)
    return {"us": round(cpu / count * 1e6, 1), "rows_per_s": round(count / wall), "peak_mib": round(peak, 1)}


def _check(write: Callable[[Path, int], None], ending: str, task: Task) -> Cost:
    sheet = task.folder / f"{task.rows}.{ending}"
    if not sheet.exists():
        write(sheet, task.rows)
    return measure([ROWPATCH, "check", sheet, "--type", rows.TYPE], task.environment, task.folder)


def _plan(task: Task) -> Cost:
    directory = task.folder / "plan"
    shutil.rmtree(directory, ignore_errors=True)
    origin, workers = task.server.origin, str(task.workers)
    command: list[str | Path] = [
        ROWPATCH, "plan", task.sheet, "--url", origin, "--type", rows.TYPE, "--rate", "none", "--no-progress",
        "--concurrency", workers, "--run-dir", directory,
    ]  # fmt: skip
    return measure(command, task.environment, task.folder)


def _report(task: Task) -> Cost:
    directory = task.folder / "run"
    done = directory / "input.csv"
    if not done.exists() or done.stat().st_size != task.sheet.stat().st_size:
        measure(rowpatch(task, "--blind", "--metadata", "replace"), task.environment, task.folder)
    return measure([ROWPATCH, "report", directory], task.environment, task.folder)


JOBS: Final[dict[str, Job]] = {
    "check, CSV": partial(_check, rows.write_sheet, "csv"),
    "check, NDJSON": partial(_check, rows.write_objects, "ndjson"),
    "check, XLSX": partial(_check, rows.write_workbook, "xlsx"),
    "plan": _plan,
    "report": _report,
}


if __name__ == "__main__":
    main()
