"""`make hunt NAME=full-disk`: runs on a small file system that fills up at random points; needs root, for the mount.

python -m tests.system.crash.full_disk --times 20 [--seed 1] [--rows 300]
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from tests.system.crash.judge import judge
from tests.system.crash.sheet import Style, Variant, make
from tests.system.crash.trial import CONCURRENCY, Trial
from tests.system.e2e.program import Desk, ended, sandbox
from worker.files.run_directory import JOURNAL

STYLES: Final = (Style.PLAIN, Style.BLIND, Style.MERGE)
ROOM: Final = (40, 700)
"""KiB of the disk: from too little for the sheet's copy to nearly enough for everything."""


@contextmanager
def _disk(folder: Path, kib: int) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def trial(seed: str, rows: int) -> tuple[str, list[str]]:
    """Fill a disk, make room, resume: how the first process ended, and what was broken."""
    dice = Random(seed)
    sheet = make(rows, dice, Variant(dice.choice(STYLES)))
    flags = ("--seed", f"{sheet.variant.type}={sheet.records}", "--limit", "none", "--latency", "5ms")
    with tempfile.TemporaryDirectory() as folder, sandbox(*flags) as server, _disk(Path(folder), dice.randint(*ROOM)):
        run = Trial(Desk(Path(folder), server), sheet, dice, 0.0)
        run.write()
        ran = ended(run.next_process())
        run.note_open_intents()
        said = ["a traceback"] if "Traceback" in ran.err else []
        begun = (run.desk.run / JOURNAL).exists()
        if ran.status not in ({0, 1, 3} if begun else {2}):
            said.append(f"exit status {ran.status}: {ran.err}")
        if not begun and server.writes():
            said.append("something was sent, and there is no run")
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
        again = ended(run.next_process())
        said += [str(violation) for violation in judge(sheet, run.evidence(again), CONCURRENCY)]
        what = "no reports" if "cannot write the reports" in ran.err else "journal" if ran.status == 3 else "no run"
        return what if ran.status in {2, 3} else "fitted", said


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken, 2 without root."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="disks to fill (default: 20)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="repeats the same sheets and sizes")
    parser.add_argument("--rows", type=int, default=300, help="rows of each run (default: 300)")
    given = parser.parse_args()
    if os.geteuid() != 0:
        _say("only root may mount a small disk, and nothing was checked; `make test` does the like with a limit")
        return 2
    _say(f"seed {given.seed}")
    ends: Counter[str] = Counter()
    broken = 0
    for number in range(given.times):
        end, said = trial(f"{given.seed}:{number}", given.rows)
        ends[end] += 1
        broken += len(said)
        for each in said[:10]:
            _say(f"  {number}: {each}")
    _say(f"{given.times} disks: {', '.join(f'{end} {times}' for end, times in ends.items())}; {broken} violations")
    return 1 if broken else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
