"""Histories by the thousand, or the story of one: `python -m tests.system.nights --replay commercelayer:7`."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.system.nights.histories import History, happen
from tests.system.nights.worlds import KINDS


def hunted(seeds: Iterable[int], kinds: Iterable[str], processes: int) -> tuple[Counter[str], list[list[str]]]:
    """Let a history happen for each seed and kind; return the counts of what happened, and the logs of the broken."""
    tally: Counter[str] = Counter()
    broken = []
    with ProcessPoolExecutor(processes) as pool:
        for counts, lines in pool.map(_tried, _pairs(seeds, kinds), chunksize=5):
            tally += counts
            broken += [lines] if lines else []
    return tally, broken


def told(history: History) -> list[str]:
    """Return the log of a history, and what is wrong with it."""
    return [f"--replay {history.kind}:{history.seed}", *history.log, *(f"BROKEN {each}" for each in history.broken)]


def _pairs(seeds: Iterable[int], kinds: Iterable[str]) -> Iterator[tuple[int, str]]:
    chosen = list(kinds)
    return ((seed, kind) for seed in seeds for kind in chosen)


def _tried(pair: tuple[int, str]) -> tuple[Counter[str], list[str]]:
    try:
        history = happen(*pair)
    except Exception as error:  # noqa: BLE001  # a crash is a finding like others
        return Counter({"crashed": 1}), [f"--replay {pair[1]}:{pair[0]}", f"BROKEN {type(error).__name__}: {error}"]
    return history.tally, told(history) if history.broken else []


def main() -> int:
    """Hunt, or replay; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.nights", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--replay", metavar="KIND:SEED")
    given = parser.parse_args()
    if given.replay:
        kind, _, seed = given.replay.partition(":")
        history = happen(int(seed), kind)
        print("\n".join(told(history)))
        return 1 if history.broken else 0
    tally, broken = hunted(range(given.first, given.first + given.seeds), given.kinds, given.processes)
    for lines in broken:
        print(lines[0], *(line for line in lines if line.startswith("BROKEN")), sep="\n  ")
    print(f"{given.seeds} seeds x {', '.join(given.kinds)}: {len(broken)} broken")
    print(*(f"{count:7,} {name}" for name, count in tally.most_common()), sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
