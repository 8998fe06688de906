"""`make hunt NAME=crash`: kill -9 at random points of real runs, judged by the server's own ledger.

python -m tests.system.crash.hunt --kills 50 [--seed 1] [--rows 400]
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from tests.system.crash.judge import Evidence, Kind, Violation, judge, resent
from tests.system.crash.sheet import Style, Variant, make
from tests.system.crash.trial import CONCURRENCY, Moment, Trial
from tests.system.e2e.program import Desk, sandbox

KILLS_A_RUN: Final = 6
"""Kills of one run at most."""

SECONDS_A_KILL: Final = 30.0
"""A hunt that takes longer than this on average is given up."""

AT_ONCE: Final = 5
"""Runs that go on beside each other, each with a server of its own: most of their time they wait."""

VARIANTS: Final = (
    (Variant(), 3),
    (Variant(Style.BLIND), 3),
    (Variant(Style.NDJSON), 1),
    (Variant(Style.MERGE), 3),
    (Variant(Style.ABSTRACT), 1),
    (Variant(faulty=True), 1),
    (Variant(Style.BLIND, faulty=True), 2),
    (Variant(Style.MERGE, faulty=True), 2),
    (Variant(Style.NDJSON, faulty=True), 1),
    (Variant(strange=True), 2),
    (Variant(Style.MERGE, faulty=True, strange=True), 1),
)
"""Kinds of runs, and how often each is chosen."""

LATENCY: Final = "24ms"


@dataclass(slots=True)
class Tally:
    """Figures of a hunt."""

    seed: int
    runs: int = 0
    rows: int = 0
    sent: int = 0
    resent: int = 0
    moments: Counter[Moment] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    most_open: int = 0
    most_resent_a_kill: float = 0.0
    violations: list[Violation] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Kills so far."""
        return self.moments.total()

    def add(self, trial: Trial, evidence: Evidence) -> list[Violation]:
        """Count one finished run; the promises it broke."""
        broken = judge(trial.sheet, evidence, CONCURRENCY)
        again = resent(evidence)
        self.runs += 1
        self.rows += len(trial.sheet.ids)
        self.sent += len(evidence.sent)
        self.resent += again
        self.moments.update(trial.moments)
        self.variants[str(trial.sheet.variant)] += len(trial.moments)
        self.most_open = max([self.most_open, *map(len, trial.opened)])
        by_kills = max(0, again - len(evidence.unheard))
        self.most_resent_a_kill = max(self.most_resent_a_kill, by_kills / max(1, len(trial.moments)))
        self.violations += broken
        return broken

    def table(self) -> str:
        """The figures, one a line."""
        broken = Counter(violation.kind for violation in self.violations)
        figures = [
            ("kill -9", f"{self.kills:,}"),
            *((f"  {moment}", f"{self.moments[moment]:,}") for moment in Moment),
            *((f"  {variant}", f"{kills:,}") for variant, kills in sorted(self.variants.items())),
            ("runs", f"{self.runs:,}"),
            ("rows", f"{self.rows:,}"),
            ("PATCHes on the server", f"{self.sent:,}"),
            (f"open intents a kill, at most (<= {CONCURRENCY})", f"{self.most_open:,}"),
            ("re-sent", f"{self.resent:,}"),
            (f"re-sent a kill, mean of the worst run (<= {CONCURRENCY})", f"{self.most_resent_a_kill:.1f}"),
            *((str(kind), f"{broken[kind]:,}") for kind in Kind),
        ]
        width = max(len(name) for name, _ in figures)
        return "\n".join(f"{name:<{width}} {figure:>9}" for name, figure in figures)


def hunt(
    kills: int, *, seed: int, rows: int, say: Callable[[str], None], variants: Sequence[tuple[Variant, int]] = VARIANTS
) -> Tally:
    """Run until at least so many processes have been killed, some of them with requests under way.

    Raises:
        TimeoutError: it takes too long.
    """
    tally = Tally(seed)
    begun = time.monotonic()
    calm = _trial(Plan(seed, 0, rows, variants=((Variant(), 1),)))  # nobody is killed: the judge must find nothing
    _note(tally, calm, say)
    plans = (Plan(seed, number, rows, KILLS_A_RUN, calm.seconds, variants) for number in count(1))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(_trial, next(plans)) for _ in range(AT_ONCE)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                _note(tally, each.result(), say)
                if tally.kills + KILLS_A_RUN * len(running) < kills:
                    running.add(pool.submit(_trial, next(plans)))
            if not running and (tally.kills < kills or not tally.most_open):
                running.add(pool.submit(_trial, next(plans)))
            if time.monotonic() - begun > SECONDS_A_KILL * (kills + 1):
                raise TimeoutError(f"{tally.kills} of {kills} kills took {time.monotonic() - begun:.0f} s")
    return tally


@dataclass(frozen=True, slots=True)
class Plan:
    """One run to be: its dice follow from the seed and its number; `duration` is that of a run nobody kills."""

    seed: int
    number: int
    rows: int
    kills: int = 0
    duration: float = 0.0
    variants: Sequence[tuple[Variant, int]] = VARIANTS


@dataclass(frozen=True, slots=True)
class Tried:
    """One run that was."""

    number: int
    trial: Trial
    evidence: Evidence
    seconds: float


def _trial(plan: Plan) -> Tried:
    """One run with a server, a folder and a state directory of its own."""
    dice = Random(f"{plan.seed}:{plan.number}")
    kinds, weights = zip(*plan.variants, strict=True)
    sheet = make(plan.rows, dice, dice.choices(kinds, weights)[0])
    seed = ("--seed", f"{sheet.variant.type}={sheet.records}", "--random-seed", "0")
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox(*seed, "--limit", "none", "--latency", LATENCY, *sheet.variant.server_flags) as server,
    ):
        begun = time.monotonic()
        trial = Trial(Desk(Path(folder), server), sheet, dice, plan.duration)
        evidence = trial.run(plan.kills)
        return Tried(plan.number, trial, evidence, time.monotonic() - begun)


def _note(tally: Tally, tried: Tried, say: Callable[[str], None]) -> None:
    trial, evidence = tried.trial, tried.evidence
    broken = tally.add(trial, evidence)
    places = ", ".join(f"{moment} {len(left)}" for moment, left in zip(trial.moments, trial.opened, strict=True))
    say(
        f"run {tried.number} ({trial.sheet.variant}): {len(trial.moments)} kills ({places or 'none'});"
        f" {len(evidence.sent):,} PATCHes, {resent(evidence)} re-sent, {len(evidence.spoiled)} faults;"
        f" {tried.seconds:.1f} s; {'ok' if not broken else f'{len(broken)} VIOLATIONS'}"
    )
    for violation in broken[:20]:
        say(f"  {violation.kind}: {violation.detail}")


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="processes to kill (default: 50)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and plans")
    parser.add_argument("--rows", type=int, default=400, help="rows of each run (default: 400)")
    given = parser.parse_args()
    _say(f"seed {given.seed}; open intents that each kill left stand behind its place")
    tally = hunt(given.kills, seed=given.seed, rows=given.rows, say=_say)
    _say(f"\n{tally.table()}")
    return 1 if tally.violations or not tally.most_open else 0  # kills that leave nothing open prove nothing


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
