"""`make hunt NAME=faults`: a long run against a hostile server, judged by the server's own truth.

python -m tests.system.hostile.hunt --rows 100000 --share 5 [--seed 1] [--blind] [--real]

The real `Run` over real sockets, in virtual time unless `--real` says otherwise: silence then costs nothing.
"""

import argparse
import asyncio
import csv
import resource
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from jobs.model import Status
from tests import virtual_time
from tests.system.hostile.crowd import Fate, gather
from tests.system.hostile.judge import KINDS, Share, Violation, examples, in_time, judge
from tests.system.hostile.server import Server
from tests.system.hostile.stage import CASE, perform
from tests.system.hostile.temper import temper_of
from tests.system.scenarios.harness import Story
from worker.settings import Attempts, Pacing, Stopping

CONCURRENCY: Final = 16

MOST_MEMORY: Final = 400
"""MiB that this process may take at its peak beside `PER_ROW`, server and evidence included: bombs would take more."""

PER_ROW: Final = 4096
"""Bytes of evidence that the judge keeps of a row."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """What is hunted, and how."""

    rows: int
    share: float
    seed: int
    blind: bool = False
    real: bool = False


@dataclass(frozen=True, slots=True)
class Catch:
    """What came of it."""

    hunt: Hunt
    fate: Fate
    server: Server
    story: Story
    share: Share
    violations: list[Violation]
    took: float
    memory: int

    def table(self) -> str:
        """The figures, one a line."""
        truth, story = self.server.truth, self.story
        broken = Counter(violation.kind for violation in self.violations)
        arrived = sum(seen.method == "PATCH" for seen in truth.ledger)
        figures = [
            ("rows", f"{story.summary.rows:,}"),
            *((f"  {status}", f"{count:,}") for status, count in story.counts.items()),
            ("evils committed", f"{sum(self.fate.committed.values()) + truth.killed:,}"),
            ("  of so many kinds", f"{len(self.fate.committed):,}"),
            ("  connections killed at accept", f"{truth.killed:,}"),
            ("rows visible within 5 s", f"{self.share.visible:,}"),
            ("  of those applied", f"{self.share.applied:,}"),
            ("PATCHes in the journal", f"{story.summary.requests.patch:,}"),
            ("PATCHes that arrived", f"{arrived:,}"),
            ("reads", f"{story.summary.requests.get:,}"),
            (f"in flight at most (<= {CONCURRENCY})", f"{truth.most_in_flight:,}"),
            ("peak memory, MiB", f"{self.memory:,}"),
            ("seconds", f"{self.took:,.0f}"),
            *((kind, f"{broken[kind]:,}") for kind in KINDS),
        ]
        width = max(len(name) for name, _ in figures)
        return "\n".join(f"{name:<{width}} {figure:>9}" for name, figure in figures)


def hunt(given: Hunt, place: Path) -> Catch:
    """Apply a sheet to a hostile server, and judge."""
    dice = Random(given.seed)
    crowd = gather(given.rows, dice)
    fate = Fate(crowd, given.share / 100, given.blind, dice, temper_of(given.seed))
    server = fate.server()
    case = replace(
        CASE,
        pacing=Pacing(concurrency=CONCURRENCY, discover=False),
        attempts=Attempts(timeout=1.0, base=0.05, cap=1.0),
        stopping=Stopping(canary=3),
        blind=given.blind,
        metadata="replace" if given.blind else "merge",
        seed=given.seed,
    )
    begun, before = time.monotonic(), _peak()  # what ran in this process earlier is not this hunt's
    run = asyncio.run if given.real else virtual_time.run
    story = perform(case, crowd.rows, server, place, run=run)
    took = time.monotonic() - begun
    memory = _peak()
    violations = judge(crowd.rows, story.results, server.truth, crowd.refused, blind=given.blind)
    share = in_time(crowd.rows, story.results, server.truth, fate.temper, blind=given.blind)
    if not share.is_enough:
        violations.append(Violation("as a whole", 0, f"{share.applied} of {share.visible} visible rows are applied"))
    violations += [
        Violation("as a whole", 0, said) for said in _as_a_whole(given, story, fate, server, place / case.name)
    ]
    if memory > max(before, MOST_MEMORY + given.rows * PER_ROW / 2**20):
        violations.append(Violation("as a whole", 0, f"{memory} MiB of memory"))
    return Catch(given, fate, server, story, share, violations, took, memory)


def _peak() -> int:
    """MiB that this process had at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _as_a_whole(given: Hunt, story: Story, fate: Fate, server: Server, directory: Path) -> list[str]:
    """What is wrong with the run as such."""
    truth, said = server.truth, []
    if story.ended.state != "finished":
        said.append(f"the run ended as {story.ended.state}: {story.ended.message}")
    if server.strangers:
        said.append(f"{server.strangers} connections to another origin")
    if truth.most_in_flight > CONCURRENCY:
        said.append(f"{truth.most_in_flight} in flight")
    with (directory / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        told = [(int(row["__row"]), row["__status"], int(row["__attempts"])) for row in csv.DictReader(file)]
    if [row for row, _, _ in told] != list(range(1, given.rows + 1)):
        said.append("results.csv has not one line a row, in order")
    if Counter(status for _, status, _ in told) != Counter({str(s): n for s, n in story.counts.items()}):
        said.append("the counts of the summary are not those of results.csv")
    if sum(attempts for _, _, attempts in told) != story.summary.requests.patch:
        said.append("the attempts of results.csv are not the PATCHes of the summary")
    lost = story.summary.requests.patch - sum(seen.method == "PATCH" for seen in truth.ledger)
    idle = sum(count for name, count in fate.committed.items() if "idle" in name)
    if not 0 <= lost <= truth.killed + idle:
        said.append(f"{lost} PATCHes in the journal did not arrive; {truth.killed + idle} connections were lost")
    return said


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=5.0, help="per cent of the requests that meet an evil")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the sheet and the evils")
    parser.add_argument("--blind", action="store_true", help="apply without reading first")
    parser.add_argument("--real", action="store_true", help="in real time")
    given = Hunt(**vars(parser.parse_args()))
    _say(f"seed {given.seed}: {temper_of(given.seed)}")
    with tempfile.TemporaryDirectory() as folder:
        catch = hunt(given, Path(folder))
    for line in examples(catch.violations):
        _say(line)
    _say(catch.table())
    return 1 if catch.violations or Status.APPLIED not in catch.story.counts else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
