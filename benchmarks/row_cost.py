"""What a row costs: the whole program beside a bare tuned aiohttp loop, interleaved in one run.

CPU is user + system time of the client process, memory its largest resident set. The server runs in a process of its
own. Absolute numbers depend on the machine; the ratio is what to look at.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Cost:
    """One process: seconds of CPU and of time, MiB at its peak."""

    cpu: float
    wall: float
    peak: float


def measure(command: Sequence[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end; it must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        sys.exit(f"{command[0]} exited with {process.returncode}: {said.decode()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024)


def write_sheet(path: Path, rows: int) -> None:
    """The rows that the bare loop sends, as a sheet."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "reference", "metadata.batch", "metadata.cost_centre"])
        writer.writerows([f"id{n:08d}", f"ref-{n:08d}", "2026-11", "007"] for n in range(rows))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=50)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(HERE / "echo_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        origin = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        with tempfile.TemporaryDirectory() as folder:
            compare(origin, Path(folder), options)
    finally:
        server.stdin.close()
        server.wait(10)


def compare(origin: str, folder: Path, options: argparse.Namespace) -> None:
    """Interleave the two, then say what they cost."""
    write_sheet(folder / "sheet.csv", options.rows)
    environment = {**os.environ, "ROWPATCH_TOKEN": "x", "XDG_STATE_HOME": str(folder / "state")}
    bare_command = [sys.executable, str(HERE / "bare_loop.py"), origin, str(options.rows), str(options.workers)]
    bare: list[Cost] = []
    whole: list[Cost] = []
    for n in range(options.repeat):
        bare.append(measure(bare_command, environment))
        whole.append(
            measure(
                [str(Path(sys.executable).with_name("rowpatch")), "apply", str(folder / "sheet.csv"), "--url", origin,
                 "--type", "stripe_payments", "--metadata", "replace", "--rate", "none", "--no-progress",
                 "--concurrency", str(options.workers), "--run-dir", str(folder / f"run{n}")],
                environment,
            )
        )  # fmt: skip
    print(f"{options.rows:,} rows, {options.workers} in flight, medians of {options.repeat} interleaved runs\n")
    print(f"{'':34}{'CPU us/row':>12}{'rows/s':>10}{'peak MiB':>10}")
    for name, costs in (("bare tuned aiohttp loop", bare), ("rowpatch apply, reports included", whole)):
        cpu, wall, peak = (
            statistics.median(getattr(cost, field) for cost in costs) for field in ("cpu", "wall", "peak")
        )
        print(f"{name:34}{cpu / options.rows * 1e6:12.0f}{options.rows / wall:10.0f}{peak:10.0f}")
    ratios = [one.cpu / other.cpu for one, other in zip(whole, bare, strict=True)]
    print(f"\nCPU ratio, pair by pair: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


main()
