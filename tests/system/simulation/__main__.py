"""`make hunt NAME=simulate` and `make hunt NAME=replay`: stories by their seeds, on all cores.

python -m tests.system.simulation --seeds 10000 [--first 0] [--described]
python -m tests.system.simulation --replay 1
python -m tests.system.simulation --replay described:1

There are two families of seeds: stories about the first API and its sandbox, and stories about described APIs, of which
the seed chooses how the server behaves, too.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from typing import Final, TypeAlias

from tests.system.simulation.described.telling import tell
from tests.system.simulation.described.verdict import Verdict as DescribedVerdict
from tests.system.simulation.described.verdict import try_seed as try_described
from tests.system.simulation.judge import judge
from tests.system.simulation.scenario import scenario
from tests.system.simulation.verdict import Verdict, terms_of, try_seed, unheard

DESCRIBED: Final = "described:"
"""What a seed of the second family begins with."""

AnyVerdict: TypeAlias = Verdict | DescribedVerdict


def simulate(
    first: int, seeds: int, *, processes: int | None = None, described: bool = False
) -> tuple[Counter[str], list[AnyVerdict]]:
    """Let many seeds happen: the figures of all, and the verdicts that are not clean."""
    figures: Counter[str] = Counter()
    broken = []
    attempt: Callable[[int], AnyVerdict] = try_described if described else try_seed
    with get_context("spawn").Pool(processes) as pool:
        for done, verdict in enumerate(pool.imap_unordered(attempt, range(first, first + seeds), chunksize=5), 1):
            figures.update(verdict.figures)
            if not verdict.is_clean:
                broken.append(verdict)
                name = f"{DESCRIBED if described else ''}{verdict.seed}"
                _say(f"seed {name}: {verdict.crash or verdict.violations[0]}")
                _say(f"  make hunt NAME=replay SEED={name}")
            if done % 1000 == 0:
                _say(f"{done:,} of {seeds:,} seeds, {len(broken)} broken")
    return figures, broken


def replay(seed: int) -> int:
    """Tell one seed's story, and what the judge says of it."""
    plan = scenario(seed)
    evidence = unheard(plan)
    _say(plan.case.sheet)
    _say("\n".join(evidence.story))
    for entry in evidence.ledger:
        _say(f"{entry.n:4} {entry.method:5} {entry.status} {'applied' if entry.applied else ''} {entry.fault or ''}")
    for told in evidence.reports.csv:
        _say(f"row {told.row}: {told.status} {told.reason}, {told.attempts} attempts")
    violations = judge(terms_of(plan, evidence), evidence)
    _say("\n".join(f"{each.kind}: {each.detail}" for each in violations) or "no promise was broken")
    _say(f"digest {evidence.digest()}")
    return 1 if violations else 0


def main() -> int:
    """As the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--described", action="store_true")
    parser.add_argument("--replay")
    given = parser.parse_args()
    if given.replay is not None and given.replay.startswith(DESCRIBED):
        return tell(int(given.replay.removeprefix(DESCRIBED)), _say)
    if given.replay is not None:
        return replay(int(given.replay))
    begun = time.monotonic()
    figures, broken = simulate(given.first, given.seeds, described=given.described)
    for name, count in sorted(figures.items()):
        _say(f"{name:<40} {count:>12,}")
    _say(f"{given.seeds:,} seeds from {given.first:,} in {time.monotonic() - begun:.0f} s: {len(broken)} broken")
    return 1 if broken else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
