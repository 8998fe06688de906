"""`make hunt NAME=undo-crash`: apply, killed and resumed; then undo, killed and resumed. Nothing is left of either.

python -m tests.system.crash.undo --rounds 20 [--seed 1] [--rows 150]
"""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.system.crash.sheet import TYPE, Sheet, Style, Variant, as_csv, make, value_of
from tests.system.crash.trial import Trial, lives_until
from tests.system.e2e.program import Desk, Process, Ran, Server, ended, sandbox
from worker.files.run_directory import JOURNAL
from worker.sandbox import seeded_id

AT_ONCE: Final = 2
FAULTY: Final = 0.3
"""Share of rounds whose server is a bad one."""

TOUCHED: Final = ("key0", "key1", "key2")
"""Metadata keys that rows set or clear."""

STOPS: Final = 8
"""Processes that an undo may take."""

_VALUES: Final = ("text", "", 0, 7, 1.5, True, None, [1, {"a": None}], {"deep": {"er": "x"}}, "Zoë", "007")

Records = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Mixed(Sheet):
    """Rows that set some keys, clear others and leave the rest alone; `seed` says which."""

    seed: str = ""

    def text(self) -> str:
        """Content of the file."""
        dice = Random(self.seed)
        cells = (
            [key, value_of(row), *(dice.choice(("", "", f"{name} of {row}", "<clear>")) for name in TOUCHED)]
            for row, key in self.ids.items()
        )
        return as_csv([["id", "reference", *(f"metadata.{name}" for name in TOUCHED)], *cells])


@dataclass(frozen=True, slots=True)
class Round:
    """One apply and its undo: how often each was killed, how many PATCHes each cost, what was broken."""

    faulty: bool
    kills: int
    undo_killed: bool
    applied: int
    restored: int
    violations: list[str] = field(default_factory=list)


def hunt(rounds: int, *, seed: int, rows: int, say: Callable[[str], None]) -> list[Round]:
    """So many rounds."""
    done = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for each in pool.map(_round, (f"{seed}:{number}" for number in range(rounds)), repeat(rows)):
            done.append(each)
            say(
                f"{'faulty' if each.faulty else 'good'} server: apply killed {each.kills}x ({each.applied} PATCHes),"
                f" undo {'killed' if each.undo_killed else 'not killed'} ({each.restored} PATCHes);"
                f" {'ok' if not each.violations else f'{len(each.violations)} VIOLATIONS'}"
            )
            for violation in each.violations[:10]:
                say(f"  {violation}")
    return done


def _round(seed: str, rows: int) -> Round:
    dice = Random(seed)
    plain = make(rows, dice, Variant(Style.MERGE, faulty=dice.random() < FAULTY))
    sheet = Mixed(plain.ids, plain.records, plain.variant, seed)
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "records.json")
        records.write_text(json.dumps(list(_furnished(sheet, dice))), encoding="utf-8")
        flags = ("--seed", str(records), "--limit", "none", "--latency", "10ms", *sheet.variant.server_flags)
        with sandbox(*flags) as server:
            before = _records(server)
            trial = Trial(Desk(Path(folder), server), sheet, dice, 1.0)
            trial.run(dice.randint(1, 3))
            applied, mark = len(server.writes()), server.mark()
            changed = sum(before[key] != record for key, record in _records(server).items())
            killed, ran = _undone(trial.desk, dice, place=mark + dice.randrange(max(1, changed)))
            return Round(
                sheet.variant.faulty,
                len(trial.moments),
                killed,
                applied,
                len(server.writes(mark)),
                list(_broken(server, before, ran)),
            )


def _furnished(sheet: Sheet, dice: Random) -> Iterator[dict[str, Any]]:
    """The records as they are before the run: no two alike."""
    names = (*TOUCHED, "kept", "k.e:y", "")
    for number in range(sheet.records + 5):
        metadata = {name: dice.choice(_VALUES) for name in dice.sample(names, dice.randrange(len(names)))}
        attributes = {"reference": dice.choice((None, "", f"was {number}")), "metadata": {"origin": "seed", **metadata}}
        yield {"type": TYPE, "id": seeded_id(TYPE, number), "attributes": attributes}


def _undone(desk: Desk, dice: Random, *, place: int) -> tuple[bool, Ran]:
    """Undo, killed once when the ledger has reached the place, and brought to its end; whether a kill struck."""
    undo = desk.folder / "undo"
    process = desk.start("undo", desk.run, "--run-dir", undo, "--no-progress", "--rate", "none")
    killed = lives_until(process, lambda: desk.server.ledger(place))
    if killed:
        process.kill()
    ran = ended(process)
    for _ in range(STOPS):
        if ran.status in {0, 1}:
            break
        ran = ended(_next(desk, undo, ran))
    return killed, ran


def _next(desk: Desk, undo: Path, last: Ran) -> Process:
    """What the last process said is to be typed next."""
    if not (undo / JOURNAL).exists():
        return desk.start("undo", desk.run, "--run-dir", undo, "--no-progress", "--rate", "none")
    if "apply --plan" in last.err:
        return desk.start("apply", "--plan", undo, "--no-progress")
    return desk.start("resume", undo, "--no-progress")


def _broken(server: Server, before: Records, ran: Ran) -> Iterator[str]:
    if ran.status != 0 or "Traceback" in ran.err:
        yield f"the undo ended with {ran}"
    after = _records(server)
    for key in before:
        if after[key] != before[key]:
            yield f"{key} is {after[key]}, and was {before[key]}"
    for entry in server.writes():
        metadata = entry["body"]["data"]["attributes"].get("metadata")
        if metadata is not None and _untouched(metadata) != _untouched(before[entry["id"]]["metadata"]):
            yield f"request {entry['n']} touched a key of {entry['id']} that no row names"


def _untouched(metadata: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in metadata.items() if name not in TOUCHED}, sort_keys=True)


def _records(server: Server) -> Records:
    """All attributes but the server's own time stamp."""
    found = server.attributes()
    return {key: {name: value for name, value in each.items() if name != "updated_at"} for key, each in found.items()}


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="applies and undos (default: 20)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and plans")
    parser.add_argument("--rows", type=int, default=150, help="rows of each sheet (default: 150)")
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    rounds = hunt(given.rounds, seed=given.seed, rows=given.rows, say=_say)
    broken = sum(len(each.violations) for each in rounds)
    kills = sum(each.kills + each.undo_killed for each in rounds)
    undos = sum(each.undo_killed for each in rounds)
    _say(f"\n{len(rounds)} rounds, {kills} kills, {undos} of them of undos: {broken} violations")
    return 1 if broken else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
