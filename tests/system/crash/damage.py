"""`make hunt NAME=damage`: the journal of a killed run, cut at every byte of its end, with flipped bits, and resumed.

python -m tests.system.crash.damage [--flips 400] [--step 1] [--seed 1] [--rows 150]

What is promised: whatever the damage, the run resumes with the truth or is refused by the journal's name. A cut loses
the last transactions, as a disk does that lied about its syncs: rows whose intents were in them may be sent once more.
A journal that was closed has a seal, and any flipped bit is noticed. That of a killed process has none: its log has
checksums, but the rest of the file has not, and a bit that goes unnoticed there may be told in a report, or restored by
an undo. It never skips a row, sends one that is not in doubt, or invents a result.
"""

import argparse
import json
import secrets
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.system.crash.aftermath import Sent, in_process, server_with
from tests.system.crash.sheet import Sheet, Style, Variant, make, row_of, value_of
from tests.system.crash.trial import Trial
from tests.system.e2e.program import Desk, Ran, sandbox, until
from worker.files.run_directory import JOURNAL
from worker.journal import Journal, JournalError

WAL: Final = f"{JOURNAL}-wal"
PAGE: Final = 4096
FRAME: Final = PAGE + 24
"""Bytes of a frame of the write-ahead log: its header and one page."""

LAST: Final = 3
"""Pages, or frames, at the end of which every byte is cut."""


class Verdict(StrEnum):
    """What became of a damaged journal."""

    UNTOUCHED = "reads as before"
    REFUSED = "refused"
    LATE = "refused when the reports were made"
    TRUE = "resumed, truthfully"
    WRONG = "WRONG"


CLOSED: Final = frozenset({"closed file flipped", "closed file cut"})
"""Damages of a journal that was closed: all of them are to be refused."""


@dataclass(frozen=True, slots=True)
class Case:
    """One damage: the files of the journal as it leaves them."""

    kind: str
    place: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Killed:
    """A run that was killed, and what the server had applied by then."""

    sheet: Sheet
    files: Mapping[str, bytes]
    copy: bytes
    applied: list[Sent]


@dataclass(slots=True)
class Tally:
    """Figures: verdicts by kind of damage; `undo`: damages that go unnoticed and change what an undo restores."""

    verdicts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    states: int = 0
    undo: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Read:
    """All that a journal says, as far as the program would read it."""

    attempts: frozenset[tuple[int, int]]
    settled: frozenset[int]
    written: str
    everything: str


def killed_run(sheet: Sheet, dice: Random) -> Killed:
    """Kill an `apply` somewhere beyond its middle."""
    seed = f"{sheet.variant.type}={sheet.records}"
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox("--seed", seed, "--limit", "none", "--latency", "5ms") as server,
    ):
        desk = Desk(Path(folder), server)
        trial = Trial(desk, sheet, dice, 0.0)
        trial.write()
        process = trial.next_process()
        until(lambda: len(server.writes()) > sheet.records * 0.6, "the place of the kill")
        process.kill()
        process.communicate()
        files = {name: (desk.run / name).read_bytes() for name in (JOURNAL, WAL)}
        copy = (desk.run / sheet.name.replace("sheet", "input")).read_bytes()
        applied = [_sent(entry) for entry in server.writes() if entry["applied"]]
        return Killed(sheet, files, copy, applied)


def checkpointed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same journal, all of it in the main file."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        with closing(sqlite3.connect(Path(folder, JOURNAL))) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {JOURNAL: Path(folder, JOURNAL).read_bytes()}


def sealed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same journal, opened and closed by the program once more."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        Journal(Path(folder, JOURNAL)).close()
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def cases(killed: Killed, *, flips: int, step: int, dice: Random) -> Iterator[Case]:
    """Every cut and flip."""
    whole, closed = checkpointed(killed.files), sealed(killed.files)
    for length in range(len(killed.files[WAL]), len(killed.files[WAL]) - LAST * FRAME, -step):
        yield _cut("log cut", killed.files, WAL, length - 1)
    for length in range(len(whole[JOURNAL]), len(whole[JOURNAL]) - LAST * PAGE, -step):
        yield _cut("file cut", whole, JOURNAL, length - 1)
        yield _cut("closed file cut", closed, JOURNAL, length - 1)
    for _ in range(flips):
        yield _flip("log flipped", killed.files, WAL, dice)
        yield _flip("file flipped", whole, JOURNAL, dice)
        yield _flip("closed file flipped", closed, JOURNAL, dice)


def _cut(kind: str, files: Mapping[str, bytes], name: str, length: int) -> Case:
    return Case(kind, f"at {length:,} of {len(files[name]):,}", {**files, name: files[name][:length]})


def _flip(kind: str, files: Mapping[str, bytes], name: str, dice: Random) -> Case:
    content = bytearray(files[name])
    place, bit = dice.randrange(len(content)), dice.randrange(8)
    content[place] ^= 1 << bit
    return Case(kind, f"bit {bit} of byte {place:,}", {**files, name: bytes(content)})


def read(files: Mapping[str, bytes], rows: int, folder: Path) -> Read:
    """Open a journal as `resume` does and read all of it.

    Raises:
        JournalError: it is refused.
    """
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with closing(Journal(folder / JOURNAL)) as journal:
        histories = journal.histories(rows)
        written = repr(list(journal.written()))
        parts: list[Any] = [
            journal.facts, journal.processes(), list(journal.results()), list(journal.doubts()), written,
            bytes(histories.marks), histories.earlier, histories.reasons, histories.images,
            journal.unread(), journal.attempts(), list(journal.planned()),
        ]  # fmt: skip
        attempts = frozenset(journal._select("SELECT row, n FROM attempt"))
        settled = frozenset(row for (row,) in journal._select("SELECT row FROM result"))
        return Read(attempts, settled, written, repr(parts))


_LATE: Final = "what the journal says of a row is noticed not to fit when the reports are made"


class Sweep:
    """Tries damages; those that read alike are resumed once."""

    def __init__(self, killed: Killed, tally: Tally) -> None:
        self.killed, self.tally = killed, tally
        self._rows = len(killed.sheet.ids)
        self._seen: dict[str, list[str]] = {}

    def run(self, damages: Iterator[Case]) -> None:
        """Try them all."""
        memory = Path("/dev/shm")  # quicker where there is one
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
            intact = read(self.killed.files, self._rows, Path(folder))
            for case in damages:
                verdict = self._verdict(case, intact, Path(folder))
                self.tally.verdicts.setdefault(case.kind, Counter())[verdict] += 1
        self.tally.states += len(self._seen)

    def _verdict(self, case: Case, intact: Read, folder: Path) -> Verdict:
        try:
            found = read(case.files, self._rows, folder)
        except JournalError as error:
            named = JOURNAL in str(error) or "the journal" in str(error)
            return Verdict.REFUSED if named else self._wrong(case, f"refused without a name: {error}")
        except Exception as error:  # noqa: BLE001  # what would be a traceback
            return self._wrong(case, f"{type(error).__name__}: {error}")
        if case.kind in CLOSED:
            return self._wrong(case, "not noticed")
        return Verdict.UNTOUCHED if found.everything == intact.everything else self._changed(case, intact, found)

    def _changed(self, case: Case, intact: Read, found: Read) -> Verdict:
        if "flipped" in case.kind and found.written != intact.written and found.settled == intact.settled:
            self.tally.undo[case.kind] += 1
        if found.everything not in self._seen:
            self._seen[found.everything] = list(self._resumed(case, intact, found))
        broken = self._seen[found.everything]
        if broken == [_LATE]:
            return Verdict.LATE
        return self._wrong(case, "; ".join(broken)) if broken else Verdict.TRUE

    def _wrong(self, case: Case, why: str) -> Verdict:
        self.tally.wrong.append(f"{case.kind} {case.place}: {why}")
        return Verdict.WRONG

    def _resumed(self, case: Case, intact: Read, found: Read) -> Iterator[str]:
        sheet = self.killed.sheet
        with tempfile.TemporaryDirectory() as folder, server_with(sheet, self.killed.applied) as server:
            trial = Trial(Desk(Path(folder), server), sheet, Random(0), 0.0)
            trial.write()
            trial.desk.run.mkdir(mode=0o700)
            for name, content in {**case.files, sheet.name.replace("sheet", "input"): self.killed.copy}.items():
                (trial.desk.run / name).write_bytes(content)
            standing = server.mark()
            ran = in_process(trial.desk, "resume", str(trial.desk.run), "--no-progress", "--url", server.url)
            if ran.status == 2 and "Traceback" not in ran.err:
                if server.mark() != standing:
                    yield _LATE if JOURNAL in ran.err or "the journal" in ran.err else f"refused: {ran.err}"
                return
            forgotten = {row for row, _ in intact.attempts - found.attempts} | (intact.settled - found.settled)
            doubtful = {row for row, _ in found.attempts if row not in found.settled}
            yield from _untrue(trial, ran, forgotten | doubtful)


def _untrue(trial: Trial, ran: Ran, may_be_sent_again: set[int]) -> Iterator[str]:
    """What a resumed run got wrong about its rows."""
    if "Traceback" in ran.err or ran.status not in {0, 1}:
        yield f"it ended with {ran.status}: {ran.err[-300:]}"
        return
    sheet, evidence = trial.sheet, trial.evidence(ran)
    times = Counter(map(row_of, evidence.sent))
    told = {int(result["__row"]): result for result in evidence.results}
    if [int(result["__row"]) for result in evidence.results] != list(sheet.ids):
        yield "not one result a row"
        return
    for row, key in sheet.ids.items():
        expected = {"applied", "unchanged"} if sheet.sendable(row) else {"invalid"}
        if told[row]["__status"] not in expected or (told[row]["id"], told[row]["reference"]) != (key, value_of(row)):
            yield f"row {row} is told as {told[row]['__status']} ({told[row]['__reason']})"
        if sheet.sendable(row) and not times[row]:
            yield f"row {row} was skipped"
        if times[row] > 1 and row not in may_be_sent_again:
            yield f"row {row} was sent {times[row]} times"
    for key, value in sheet.final.items():
        if evidence.stored.get(key) != value:
            yield f"{key} holds {evidence.stored.get(key)!r} at the end, not {value!r}"


def _sent(entry: Mapping[str, Any]) -> Sent:
    return Sent(entry["path"], json.dumps(entry["body"]).encode())


def hunt(
    *, flips: int, step: int, seed: int, rows: int, styles: tuple[Style, ...], say: Callable[[str], None]
) -> Tally:
    """Damage the journal of one killed run of each style."""
    tally = Tally()
    for style in styles:
        dice = Random(f"{seed}:{style}")
        killed = killed_run(make(rows, dice, Variant(style)), dice)
        sizes = ", ".join(f"{name} {len(content):,} bytes" for name, content in killed.files.items())
        say(f"{style}: {len(killed.applied)} rows applied before the kill; {sizes}")
        Sweep(killed, tally).run(cases(killed, flips=flips, step=step, dice=dice))
    return tally


def main() -> int:
    """Sweep as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=400, help="flipped bits of each file and style (default: 400)")
    parser.add_argument("--step", type=int, default=1, help="bytes between two cuts (default: 1)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and places")
    parser.add_argument("--rows", type=int, default=150, help="rows of each run (default: 150)")
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    styles = (Style.BLIND, Style.PLAIN, Style.MERGE)
    tally = hunt(flips=given.flips, step=given.step, seed=given.seed, rows=given.rows, styles=styles, say=_say)
    for line in tally.wrong[:60]:
        _say(f"  {line}")
    for kind, verdicts in tally.verdicts.items():
        told = ", ".join(f"{verdict} {verdicts[verdict]:,}" for verdict in Verdict)
        _say(f"{kind}: {verdicts.total():,} ({told}; {tally.undo[kind]} would change an undo)")
    _say(f"{tally.states} different states were resumed; {len(tally.wrong)} are wrong")
    return 1 if tally.wrong else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
