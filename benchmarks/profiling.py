"""`make hunt NAME=profile`: where the CPU goes, by function, as py-spy samples it.

    python -m benchmarks.profiling [--rows N] [--reads]

Writes the functions by their own share and by all below them to `benchmarks/profile-blind.txt` (or `-reads`), in
microseconds a row, and the whole as `.peers/profile-*.speedscope.json`, for https://www.speedscope.app.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from benchmarks.getting import FOLDER, HERE, PYTHON, python_peers
from benchmarks.measuring import measure
from benchmarks.peers import Task, rowpatch
from benchmarks.servers import running

RATE: Final = 500
"""Samples a second."""

SHOWN: Final = 60
"""Functions shown."""


def main() -> None:
    """Profile one run, and write the profile to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--reads", action="store_true", help="read first, as by default")
    options = parser.parse_args()
    if why := python_peers():
        sys.exit(f"py-spy cannot be had: {why}")
    name = "reads" if options.reads else "blind"
    flags = () if options.reads else ("--blind", "--metadata", "replace")
    raw = FOLDER / f"profile-{name}.speedscope.json"
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), tls=False) as server:
        task = Task(server, options.rows, options.workers, Path(folder))
        cost = measure(rowpatch(task, *flags), task.environment, task.folder)
        spy = [
            str(PYTHON.with_name("py-spy")),
            "record",
            "--rate",
            str(RATE),
            "--format",
            "speedscope",
            "-o",
            str(raw),
            "--function",
        ]
        subprocess.run([*spy, "--", *rowpatch(task, *flags)], env=task.environment, check=True, capture_output=True)
    text = render(json.loads(raw.read_text(encoding="utf-8")), cost.cpu / options.rows * 1e6)
    file = HERE / f"profile-{name}.txt"
    file.write_text(f"{options.rows:,} rows, {options.workers} in flight, {name}\n{text}", encoding="utf-8")
    print(f"written: {file.relative_to(HERE.parent)}")


def render(profile: dict[str, Any], microseconds: float) -> str:
    """Render functions by share, scaled to the cost of a row without the profiler; idle stacks are left out."""
    frames = [f"{_short(frame['file'])}:{frame['name']}" for frame in profile["shared"]["frames"]]
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    total = 0.0
    for thread in profile["profiles"]:
        for stack, weight in zip(thread["samples"], thread["weights"], strict=True):
            names = [frames[index] for index in stack]
            if not names or names[-1].endswith(("EpollSelector.select", "thread.py:_worker")):
                continue
            total += weight
            own[names[-1]] += weight
            below.update(dict.fromkeys(names, weight))
    unit = microseconds / total
    lines = [f"{microseconds:.0f} us of CPU a row, start-up and reports included\n"]
    for title, counts in (("itself", own), ("with all below", below)):
        lines.append(f"\n{'us a row':>9}  {title}\n")
        lines += [f"{weight * unit:9.1f}  {name}\n" for name, weight in counts.most_common(SHOWN)]
    return "".join(lines)


def _short(file: str | None) -> str:
    """Shorten a path to the part that begins with the package."""
    parts = Path(file or "?").parts
    for mark in ("site-packages", "python3.11", "bench"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) + 1 :])
    return "/".join(parts[-3:])


if __name__ == "__main__":
    main()
