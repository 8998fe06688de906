"""The cost of a command: CPU and time, its children included, and the memory of its largest process."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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


def measure(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path,
    *,
    cwd: Path | None = None,
    fine: Collection[int] = (0,),
) -> Cost:
    """Run a command to its end. Children count once they have been waited for, as all of ours do.

    Args:
        command: to run.
        environment: of it.
        folder: gets the file `said` with its output.
        cwd: where it works; None for where this process does.
        fine: exit statuses of success.

    Raises:
        Failed: it did not succeed.
    """
    with (folder / "said").open("w+b") as said:
        found = (folder / "cost").absolute()
        measuring = [sys.executable, "-I", "-S", str(Path(__file__).absolute()), str(found), *map(str, command)]
        subprocess.run(
            measuring, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=True
        )
        status, *cost = json.loads(found.read_text(encoding="utf-8"))
        if status not in fine:
            said.seek(0)
            words = said.read()[-SHOWN:].decode(errors="replace")
            raise Failed(f"{' '.join(map(str, command))} exited with {status}: {words}")
    return Cost(*cost)


def _measured(found: str, *command: str) -> None:
    """Run a command in a process of its own, and write what it cost.

    A process begins with the peak of the one that started it, as Linux counts: that one has to be small.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = (process.returncode, usage.ru_utime, usage.ru_stime, wall, usage.ru_maxrss / 1024)
    Path(found).write_text(json.dumps(cost), encoding="utf-8")


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


if __name__ == "__main__":
    _measured(*sys.argv[1:])
