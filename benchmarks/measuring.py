"""The cost of a command: CPU and time, its children included, and the memory of its largest process."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN = 2000
"""Characters shown of the output of a command that failed."""


class Failed(Exception):
    """A command failed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One command: seconds of CPU (user and system, its children included) and of time, MiB of its largest process."""

    user: float
    system: float
    wall: float
    peak: float

    @property
    def cpu(self) -> float:
        """Seconds of user and system time together."""
        return self.user + self.system


def measure(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Cost:
    """Run a command to its end. Children count once they have been waited for, as all of ours do.

    Raises:
        Failed: it did not succeed.
    """
    with (folder / "said").open("w+b") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            words = said.read()[-SHOWN:].decode(errors="replace")
            raise Failed(f"{' '.join(map(str, command))} exited with {process.returncode}: {words}")
    return Cost(usage.ru_utime, usage.ru_stime, wall, usage.ru_maxrss / 1024)


def interleaved(cases: Mapping[str, Callable[[], Cost]], repeat: int) -> dict[str, list[Cost]]:
    """Run all commands in turn, several times: a disturbance of the machine then affects them alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for round_ in range(repeat):
        for name, run in cases.items():
            costs[name].append(run())
            print(f"  {round_ + 1}/{repeat} {name}: {costs[name][-1].cpu:.2f} s of CPU", file=sys.stderr, flush=True)
    return costs


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Return half the range of the values, as a share of their median."""
    return (max(values) - min(values)) / 2 / statistics.median(values)
