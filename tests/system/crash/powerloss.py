"""`make hunt NAME=powerloss`: real runs under strace; what a power cut leaves at random points is resumed, and judged.

At every PATCH that leaves, its intent must already be on the disk, counting nothing but what was synced.

python -m tests.system.crash.powerloss --points 200 [--seed 1] [--rows 120]
"""

import argparse
import json
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.system.crash.aftermath import Sent, in_process, server_with
from tests.system.crash.disk import Disk, store
from tests.system.crash.judge import judge, resent
from tests.system.crash.sheet import Sheet, Style, Variant, make, row_of
from tests.system.crash.strace import STRACE, Event, Heard, Left, events, kill_traced, traced
from tests.system.crash.trial import CONCURRENCY, Trial, open_intents
from tests.system.e2e.program import Desk, ended, reference, sandbox, until
from worker.files.run_directory import JOURNAL

STYLES: Final = (Style.BLIND, Style.PLAIN, Style.MERGE)
LATENCY: Final = "10ms"

Intents = frozenset[tuple[int, int]]


@dataclass(slots=True)
class Tally:
    """Figures of a hunt."""

    patches: int = 0
    points: int = 0
    before_journal: int = 0
    open: int = 0
    resent: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that was killed once at a random point and resumed to its end, and all it asked of the kernel.

    Attributes:
        killed_at: events of the first process.
        killed_open: row and attempt of the intents that its end left open.
        arrived: values of the PATCHes that had reached the server by then.
    """

    sheet: Sheet
    folder: Path
    events: Sequence[Event]
    killed_at: int
    killed_open: Intents
    arrived: frozenset[str]


def record(sheet: Sheet, dice: Random, folder: Path) -> Recorded:
    """Run, kill and resume the program under strace."""
    seed = f"{sheet.variant.type}={sheet.records}"
    with sandbox("--seed", seed, "--limit", "none", "--latency", LATENCY) as server:
        desk = Desk(folder / "traced", server)
        desk.folder.mkdir()
        trial = Trial(desk, sheet, dice, 0.0)
        trial.write()
        place = dice.randint(10, sheet.records - 10)
        process = traced(desk, trial.arguments(), folder / "first")
        until(lambda: len(server.writes()) >= place, "the place of the kill")
        kill_traced(process)
        time.sleep(0.2)  # what is under way arrives
        arrived = frozenset(map(reference, server.writes()))
        opened = frozenset(open_intents(desk.run / JOURNAL))
        ran = ended(traced(desk, trial.arguments(), folder / "second"))
        assert ran.status in {0, 1}, ran
    first, second = (list(events(folder / name, desk.folder)) for name in ("first", "second"))
    return Recorded(sheet, desk.folder, [*first, *second], len(first), opened, arrived)


def late_intents(recorded: Recorded) -> list[str]:
    """PATCHes that left before their intent, and the sheet's copy, would have survived a power cut."""
    disk, times, late = Disk(recorded.folder), dict.fromkeys(recorded.sheet.ids, 0), []
    for event in recorded.events:
        if isinstance(event, Left):
            row = row_of(_value(event))
            times[row] += 1
            with tempfile.TemporaryDirectory() as folder:
                store(disk.after_power_loss(), Path(folder))
                found = _intents(Path(folder, "run", JOURNAL), row)
                copied = Path(folder, "run", recorded.sheet.name.replace("sheet", "input"))
                if found < times[row] or not copied.exists() or copied.read_bytes() != recorded.sheet.text().encode():
                    late.append(f"row {row} left for the {times[row]}. time; {found} intents are on the disk")
        disk.happen(event)
    return late


def lose_power(recorded: Recorded, at: int, dice: Random, *, torn: bool, tally: Tally) -> None:
    """Resume what a power cut before the event `at` leaves, and judge the run."""
    disk = Disk(recorded.folder)
    for event in recorded.events[:at]:
        disk.happen(event)
    sheet = recorded.sheet
    with (
        tempfile.TemporaryDirectory() as folder,
        server_with(sheet, _applied(recorded, at, dice)) as server,
    ):
        store(disk.after_power_loss(dice if torn else None), Path(folder))
        trial = Trial(Desk(Path(folder), server), sheet, dice, 0.0)
        trial.write()
        known = recorded.killed_open if at > recorded.killed_at else frozenset()
        opened = frozenset(open_intents(trial.desk.run / JOURNAL)) - known
        trial.opened += [frozenset(row for row, _ in intents) for intents in (known, opened)]
        before, begun = server.writes(), (trial.desk.run / JOURNAL).exists()
        ran = in_process(trial.desk, *trial.arguments())
        said = [str(violation) for violation in judge(sheet, trial.evidence(ran), CONCURRENCY)]
        tally.resent += resent(trial.evidence(ran))
    if before and not begun:
        said.append(f"the run is gone, and {len(before)} rows were sent")
    if "Traceback" in ran.err:
        said.append(ran.err)
    tally.points, tally.before_journal = tally.points + 1, tally.before_journal + (not begun)
    tally.open = max(tally.open, len(opened))
    tally.violations += [f"{sheet.variant}, event {at}, {'torn' if torn else 'synced only'}: {each}" for each in said]


def _applied(recorded: Recorded, at: int, dice: Random) -> list[Sent]:
    """The PATCHes that had reached the server; of those whose reply was still to come, dice tell."""
    waiting: dict[int, int] = {}
    sent: list[tuple[int, Left]] = []
    for place, event in enumerate(recorded.events[:at]):
        if isinstance(event, Left):
            waiting[event.socket] = len(sent)
            sent.append((place, event))
        elif isinstance(event, Heard):
            waiting.pop(event.socket, None)
        if place == recorded.killed_at:
            waiting.clear()  # what the first process sent has arrived or not: the ledger told
    in_flight = {number for number in waiting.values() if dice.random() < 0.5}
    if at <= recorded.killed_at:
        return [_as_sent(event) for number, (_, event) in enumerate(sent) if number not in in_flight]
    return [
        _as_sent(event)
        for number, (place, event) in enumerate(sent)
        if (_value(event) in recorded.arrived if place < recorded.killed_at else number not in in_flight)
    ]


def _as_sent(event: Left) -> Sent:
    head, _, body = event.request.partition(b"\r\n\r\n")
    return Sent(head.split()[1].decode(), body)


def _value(event: Left) -> str:
    return str(json.loads(_as_sent(event).body)["data"]["attributes"]["reference"])


def _intents(journal: Path, row: int) -> int:
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(journal)) as db:
        (count,) = db.execute("SELECT count(*) FROM attempt WHERE row = ?", (row,)).fetchone()
    return int(count)


def hunt(points: int, *, seed: int, rows: int, say: Callable[[str], None]) -> Tally:
    """Record a run of each style, check the order, and cut the power at so many points."""
    tally = Tally()
    for number, style in enumerate(STYLES):
        dice = Random(f"{seed}:{style}")
        sheet = make(rows, dice, Variant(style))
        with tempfile.TemporaryDirectory() as folder:
            recorded = record(sheet, dice, Path(folder).resolve())
            sent = sum(isinstance(event, Left) for event in recorded.events)
            tally.patches += sent
            tally.violations += late_intents(recorded)
            say(f"{style}: {len(recorded.events):,} events, {sent} PATCHes; killed at event {recorded.killed_at:,}")
            for point in range(number, points, len(STYLES)):
                at = dice.randint(1, len(recorded.events))
                lose_power(recorded, at, dice, torn=point % 2 == 1, tally=tally)
    return tally


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken, 2 without strace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=200, help="places to cut the power at (default: 200)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and plans")
    parser.add_argument("--rows", type=int, default=120, help="rows of each run (default: 120)")
    given = parser.parse_args()
    if STRACE is None:
        _say("strace is not installed, and nothing was checked. On Debian: apt-get install strace")
        return 2
    _say(f"seed {given.seed}")
    tally = hunt(given.points, seed=given.seed, rows=given.rows, say=_say)
    for violation in tally.violations[:40]:
        _say(violation)
    _say(
        f"{tally.patches} PATCHes left, each after its intent was synced, but for what is told above.\n"
        f"{tally.points} power cuts, {tally.before_journal} of them before there was a journal;"
        f" {tally.open} open intents at most (<= {CONCURRENCY}); {tally.resent} re-sent;"
        f" {len(tally.violations)} violations"
    )
    return 1 if tally.violations or not tally.open else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
