"""`make hunt NAME=bench-check`: ratios within generous bounds, in half a minute; before a release, never in CI.

python -m benchmarks.ratios [--rows N]
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.measuring import Cost, interleaved, median
from benchmarks.peers import OURS, PEERS, READING, YARDSTICK, Task, at
from benchmarks.servers import running

MAX_CPU_RATIO: Final = {OURS: 4.5, READING: 5.5}
"""Most CPU per row, in multiples of the bare loop's."""

MAX_MEMORY_MIB: Final = 90.0
"""Maximum MiB of memory, with any number of rows."""

MAX_START_S: Final = 1.2
"""Maximum seconds of CPU until the first row is done."""


def main() -> int:
    """Measure; return 1 if a bound was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    peers = {peer.name: peer for peer in PEERS if peer.name in {YARDSTICK, *MAX_CPU_RATIO}}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), tls=False) as server:
        task = Task(server, options.rows, 50, Path(folder))
        starts = interleaved({name: partial(peer.run, at(task, 1)) for name, peer in peers.items()}, options.repeat)
        costs = interleaved({name: partial(peer.run, task) for name, peer in peers.items()}, options.repeat)
    start = {name: median(each.cpu for each in found) for name, found in starts.items()}
    net = {name: median(each.cpu for each in found) - start[name] for name, found in costs.items()}
    verdicts = [
        _verdict(f"{name}: CPU a row, x bare", net[name] / net[YARDSTICK], most) for name, most in MAX_CPU_RATIO.items()
    ]
    for name in MAX_CPU_RATIO:
        verdicts.append(_verdict(f"{name}: MiB", _peak(costs[name]), MAX_MEMORY_MIB))
        verdicts.append(_verdict(f"{name}: start-up, s", start[name], MAX_START_S))
    return 0 if all(verdicts) else 1


def _peak(costs: list[Cost]) -> float:
    return max(each.peak for each in costs)


def _verdict(what: str, value: float, most: float) -> bool:
    print(f"{'ok  ' if value <= most else 'HIGH'} {what} {value:.2f} (at most {most:g})")
    return value <= most


if __name__ == "__main__":
    sys.exit(main())
