"""What nights of a job cost whose sheet changes one row in a hundred.

    make hunt NAME=one-percent
    python -m benchmarks.nights [RECORDS ...]

Requests, hours and sizes are those of two nights in virtual time, under the limits of live mode
(`tests/system/nights/one_percent.py`). CPU and memory are those of the whole program doing the same nights for real,
against a sandbox without limits. Every size and every night is a process of its own.
"""

import csv
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from benchmarks import machine, results
from benchmarks.measuring import Cost, Failed, measure
from benchmarks.rows import MEDIA
from tests.system.e2e.program import ROWPATCH, Desk, Server, sandbox
from tests.system.nights.one_percent import BY_HAND, TYPE, Sheet, Story, Unread, happen, sheets
from worker.exit_statuses import DONE, NOT_ALL

RECORDS: Final = ("10000", "100000")

COLUMNS: Final = ("reference", "metadata.batch")

RECIPE: Final = f"""\
source = "exports/*.csv"
type = "{TYPE}"

[columns]
id = "Key"
reference = "reference"
"metadata.batch" = "metadata.batch"

[guards]
changed_rows = "off"
"""


def main() -> int:
    """Measure for each number of records, print, and keep the figures; return 1 if a night did what it must not."""
    sizes = sys.argv[1:] or RECORDS
    points, faults = [], list[str]()
    for records in map(int, sizes):
        began = time.perf_counter()
        story = happen(records)
        faults += story.faults()
        points.append({**spent(story), **cost(story)})
        print(f"  {records:,} records: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    found = {"machine": machine.facts(), "points": points}
    print(*results.nights(found), *faults, sep="\n")
    if tuple(sizes) == RECORDS:
        results.keep("nights", found)
    return 1 if faults else 0


def spent(story: Story) -> dict[str, Any]:
    """Return what the nights in virtual time have spent, and what simpler ways would."""
    return {
        "records": story.records,
        "changed": len(story.changed),
        "edited": len(story.hands),
        "first": asdict(story.first),
        "second": {
            **asdict(story.second),
            "overwritten": story.overwritten,
            "unknown": len(story.hands.items() - story.told.items()),
        },
        "everything": _unread(story.everything),
        "last_run": _unread(story.last_run),
        "state_bytes": story.state_bytes,
        "run_bytes": story.run_bytes,
    }


def _unread(way: Unread) -> dict[str, Any]:
    return {"reads": 0, "refused": 0, **asdict(way), "seconds": way.seconds}


def cost(story: Story) -> dict[str, Any]:
    """Return what the program costs in both nights: microseconds of CPU for each row, and MiB at its peak.

    Raises:
        Failed: a night did not do what it does in virtual time.
    """
    first, second = sheets(story.records)
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox("--seed", f"{TYPE}={story.records}", "--limit", "none") as server,
    ):
        desk = Desk(Path(folder), server)
        (desk.folder / "exports").mkdir()
        (desk.folder / "job.toml").write_text(RECIPE, encoding="utf-8")
        begun, _ = _night(desk, first, "1.csv", "--first")
        for key, name in story.hands.items():
            _edit(server, key, name)
        usual, told = _night(desk, second, "2.csv")
    if told != story.report.document()["counts"]:
        raise Failed(f"the night ended with {told}, in virtual time with {story.report.line()}")
    nights = {"first": begun, "second": usual}
    return {
        **{f"{name}_cpu_s": round(each.cpu, 2) for name, each in nights.items()},
        **{f"{name}_peak_mib": round(each.peak, 1) for name, each in nights.items()},
    }


def _night(desk: Desk, sheet: Sheet, name: str, *flags: str) -> tuple[Cost, Any]:
    """Do a night; return what it cost, and how many rows ended with each status."""
    with (desk.folder / "exports" / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Key", *COLUMNS])
        writer.writerows([key, *(cells[column] for column in COLUMNS)] for key, cells in sheet)
    command: list[str | Path] = [ROWPATCH, "reconcile", "job.toml", "--json", "--no-progress", "--rate", "none", *flags]
    spent = measure(command, desk.environment, desk.folder, cwd=desk.folder, fine=(DONE, NOT_ALL))
    said = (desk.folder / "said").read_text(encoding="utf-8").splitlines()
    return spent, json.loads(said[-1])["counts"]


def _edit(server: Server, key: str, name: str) -> None:
    """Edit a record by hand."""
    value = {"metadata": {"batch": BY_HAND}} if name == "metadata.batch" else {name: BY_HAND}
    body = {"data": {"type": TYPE, "id": key, "attributes": value}}
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": MEDIA, "Accept": MEDIA}
    request = Request(f"{server.url}/api/{TYPE}/{key}", json.dumps(body).encode(), headers, method="PATCH")
    with urlopen(request, timeout=30):
        pass


if __name__ == "__main__":
    sys.exit(main())
