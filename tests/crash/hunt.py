"""`make crash`: kill -9 at random points of real runs, judged by the server's own ledger.

python -m tests.crash.hunt --kills 50 [--seed 1] [--rows 2000]
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.crash.judge import Evidence, Kind, Violation, judge, resent
from tests.crash.sheet import TYPE, make
from tests.crash.trial import CONCURRENCY, Moment, Trial
from tests.e2e.program import Desk, sandbox

KILLS_A_RUN: Final = 5
"""Kills of one run at most."""

SECONDS_A_KILL: Final = 30.0
"""A hunt that takes longer than this on average is given up."""

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
        self.most_open = max([self.most_open, *map(len, trial.opened)])
        self.most_resent_a_kill = max(self.most_resent_a_kill, again / max(1, len(trial.moments)))
        self.violations += broken
        return broken

    def table(self) -> str:
        """The figures, one a line."""
        broken = Counter(violation.kind for violation in self.violations)
        figures = [
            ("kill -9", f"{self.kills:,}"),
            *((f"  {moment}", f"{self.moments[moment]:,}") for moment in Moment),
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


def hunt(kills: int, *, seed: int, rows: int, say: Callable[[str], None]) -> Tally:
    """Run until so many processes have been killed.

    Raises:
        TimeoutError: it takes too long.
    """
    tally = Tally(seed)
    begun = time.monotonic()
    duration = _trial(tally, 0, rows, 0.0, say)  # nobody is killed: the judge must have nothing to say
    while tally.kills < kills:
        _trial(tally, min(KILLS_A_RUN, kills - tally.kills), rows, duration, say)
        if time.monotonic() - begun > SECONDS_A_KILL * (kills + 1):
            raise TimeoutError(f"{tally.kills} of {kills} kills took {time.monotonic() - begun:.0f} s")
    return tally


def _trial(tally: Tally, kills: int, rows: int, duration: float, say: Callable[[str], None]) -> float:
    """One run with a server, a folder and a state directory of its own; the seconds it took."""
    dice = Random(f"{tally.seed}:{tally.runs}")
    sheet = make(rows, dice)
    seed = f"{TYPE}={sheet.records}"
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox("--seed", seed, "--limit", "none", "--latency", LATENCY) as server,
    ):
        begun = time.monotonic()
        trial = Trial(Desk(Path(folder), server), sheet, dice, duration)
        evidence = trial.run(kills)
        took = time.monotonic() - begun
        broken = tally.add(trial, evidence)
    places = ", ".join(f"{moment} {len(left)}" for moment, left in zip(trial.moments, trial.opened, strict=True))
    say(
        f"run {tally.runs - 1}: {len(trial.moments)} kills ({places or 'none'}); {len(evidence.sent):,} PATCHes,"
        f" {resent(evidence)} re-sent; {took:.1f} s; {'ok' if not broken else f'{len(broken)} VIOLATIONS'}"
    )
    for violation in broken[:20]:
        say(f"  {violation.kind}: {violation.detail}")
    return took


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="processes to kill (default: 50)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and plans")
    parser.add_argument("--rows", type=int, default=2000, help="rows of each run (default: 2000)")
    given = parser.parse_args()
    _say(f"seed {given.seed}; open intents that each kill left stand behind its place")
    tally = hunt(given.kills, seed=given.seed, rows=given.rows, say=_say)
    _say(f"\n{tally.table()}")
    return 1 if tally.violations or not tally.most_open else 0  # kills that leave nothing open prove nothing


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # the figures are the point


if __name__ == "__main__":
    sys.exit(main())
