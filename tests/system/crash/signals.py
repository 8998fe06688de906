"""`make hunt NAME=signals`: SIGINT and SIGTERM, once and twice, at random points of real runs; the ledger judges.

python -m tests.system.crash.signals --times 100 [--seed 1] [--rows 300]
"""

import argparse
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from random import Random
from typing import Final

from tests.system.crash.judge import judge
from tests.system.crash.sheet import Style, Variant, make
from tests.system.crash.trial import CONCURRENCY, Moment, Trial
from tests.system.e2e.program import PATIENCE, Desk, Ran, ended, reference, sandbox
from worker.files.run_directory import JOURNAL

STATUS: Final = {signal.SIGINT: 130, signal.SIGTERM: 143}

LATE: Final = 0.1
"""Seconds after a signal beyond which no new request may reach the server."""

PROMPT: Final = 2.0
"""Seconds within which a second signal ends the process."""

QUICK: Final = "5ms"
"""Latency where one signal is given: requests arrive right after they have left, so that the ledger tells when."""

SLOW: Final = "80ms"
"""Latency where two are given: the second finds requests in flight."""

GAP: Final = 0.1
"""Seconds between two signals, at most."""

MOMENTS: Final = (*(Moment.SENDING,) * 8, Moment.MAKING, Moment.REPORTS)
STYLES: Final = (Style.PLAIN, Style.BLIND, Style.MERGE)
AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """Which signal, and whether a second one follows."""

    number: signal.Signals
    twice: bool

    def __str__(self) -> str:
        return f"{self.number.name} {'twice' if self.twice else 'once'}"


KINDS: Final = tuple(Kind(number, twice) for twice in (False, True) for number in STATUS)


@dataclass(frozen=True, slots=True)
class Struck:
    """What a process did that was given one signal or two.

    Attributes:
        at: of the first signal, on the clock of `time.monotonic`. `wall`: the same in seconds since the epoch.
        took: seconds from the last signal to the end of the process.
        reached: the process still lived when the first one was given.
    """

    moment: Moment
    ran: Ran
    at: float
    wall: float
    took: float
    reached: bool


@dataclass(slots=True)
class Tally:
    """Figures of one kind of signal."""

    moments: Counter[Moment] = field(default_factory=Counter)
    open: int = 0
    latest: float = 0.0
    slowest: float = 0.0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """One trial: how late the last new request came after the signal, what was left open, what was broken."""

    kind: Kind
    struck: Struck
    late: float
    open: int
    violations: list[str]


def hunt(times: int, *, seed: int, rows: int, say: Callable[[str], None]) -> dict[Kind, Tally]:
    """Give each kind of signal so many times."""
    tallies = {kind: Tally() for kind in KINDS}
    kinds = KINDS * times
    seeds = [f"{seed}:{number}" for number in range(len(kinds))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for told in pool.map(_trial, kinds, seeds, repeat(rows)):
            tally = tallies[told.kind]
            tally.moments[told.struck.moment] += told.struck.reached
            tally.open = max(tally.open, told.open)
            tally.latest, tally.slowest = max(tally.latest, told.late), max(tally.slowest, told.struck.took)
            tally.violations += told.violations
            for violation in told.violations:
                say(f"{told.kind}, {told.struck.moment}: {violation}\n{told.struck.ran}")
    return tallies


def _trial(kind: Kind, seed: str, rows: int) -> Told:
    """One run, its signals, and its resumption to the end."""
    dice = Random(seed)
    sheet = make(rows // 3 if kind.twice else rows, dice, Variant(dice.choice(STYLES)))
    flags = ("--seed", f"{sheet.variant.type}={sheet.records}", "--latency", SLOW if kind.twice else QUICK)
    with tempfile.TemporaryDirectory() as folder, sandbox(*flags, "--limit", "none") as server:
        trial = Trial(Desk(Path(folder), server), sheet, dice, 0.0)
        trial.write()
        struck = _strike(trial, kind)
        trial.note_open_intents()
        late = _latest(trial.desk, struck, kind)
        said = [*_broken(trial, struck, kind, late)]
        ran = ended(trial.next_process())
        said += [str(violation) for violation in judge(sheet, trial.evidence(ran), CONCURRENCY)]
        return Told(kind, struck, late, len(trial.opened[0]), said)


def _strike(trial: Trial, kind: Kind) -> Struck:
    moment = trial.dice.choice(MOMENTS)
    process = trial.next_process()
    reached = trial.reaches(process, moment)
    at, wall = time.monotonic(), time.time()
    process.send_signal(kind.number)
    last = at
    if kind.twice:
        try:
            process.wait(trial.dice.uniform(0, GAP))
        except subprocess.TimeoutExpired:
            last = time.monotonic()
            process.send_signal(kind.number)
    out, err = process.communicate(timeout=PATIENCE)
    return Struck(moment, Ran(process.returncode, out, err), at, wall, time.monotonic() - last, reached)


def _latest(desk: Desk, struck: Struck, kind: Kind) -> float:
    """Seconds from the signal to the last new request: as the server saw it, or where it is slow, the journal."""
    if not kind.twice:
        return max((entry["at"] - struck.at for entry in desk.server.writes()), default=0.0)
    if not (desk.run / JOURNAL).exists():
        return 0.0
    with closing(sqlite3.connect(f"file:{desk.run / JOURNAL}?mode=ro", uri=True)) as db:
        (at,) = db.execute("SELECT max(at) FROM attempt WHERE coalesce(outcome, '') <> 'safe'").fetchone()
    return float(at or struck.wall) - struck.wall


def _broken(trial: Trial, struck: Struck, kind: Kind, late: float) -> Iterator[str]:
    """The promises that do not wait for the end of the run."""
    desk, ran, status = trial.desk, struck.ran, STATUS[kind.number]
    if "Traceback" in ran.err:
        yield "a traceback"
    if struck.reached and late > LATE:
        yield f"a request {late:.3f} s after the signal"
    if kind.twice and struck.took > PROMPT:
        yield f"ended {struck.took:.1f} s after the second signal"
    # Before the run heeds signals, and while it writes its reports, the system's own way of ending stands.
    heeded = {status} if struck.moment is Moment.SENDING and not kind.twice else {status, -kind.number, 0, 1}
    if struck.reached and ran.status not in heeded:
        yield f"exit status {ran.status}"
    if kind.twice or struck.moment is not Moment.SENDING or "Interrupted." in ran.err:
        return
    if trial.opened[0]:
        yield f"{len(trial.opened[0])} requests in flight were abandoned"
    if f"rowpatch resume {desk.run}" not in ran.out:
        yield "nobody is told how to go on"
    results = desk.results()
    told = {row["reference"] for row in results if row["__status"] == "applied"}
    if told != {reference(entry) for entry in desk.server.writes() if entry["applied"]}:
        yield "the results are not what the server did"
    if len(results) != len(trial.sheet.ids) or desk.summary()["exit_status"] != status:
        yield "rows are missing from the reports, or another status is told"


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="of each kind (default: 100)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and plans")
    parser.add_argument("--rows", type=int, default=300, help="rows of each run (default: 300)")
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    tallies = hunt(given.times, seed=given.seed, rows=given.rows, say=_say)
    for kind, tally in tallies.items():
        places = ", ".join(f"{moment} {times}" for moment, times in tally.moments.items())
        _say(
            f"{kind}: {tally.moments.total()} in time ({places}); last new request {tally.latest * 1000:.0f} ms after;"
            f" {tally.open} open at most; ended within {tally.slowest:.2f} s; {len(tally.violations)} violations"
        )
    return 1 if any(tally.violations for tally in tallies.values()) else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
