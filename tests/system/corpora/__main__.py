"""`make hunt NAME=corpora`: the public corpora, through the program; a table, and every deviation with its explanation.

The corpora are installed by npm into FOLDER and never committed. Exits with 1 for a crash, for a deviation that is not
explained in `deviations.py`, and for an explanation that is no longer needed.
"""

import argparse
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

from tests.system.corpora import naughty, spectrum, suite
from tests.system.corpora.deviations import EXPLAINED, explanation
from tests.system.corpora.fetch import CSV_SPECTRUM, JSON_SUITE, NAUGHTY, NAUGHTY_OLD, fetched
from tests.system.corpora.finding import Finding


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/corpora"))
    folder = parser.parse_args().folder
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    os.environ["XDG_STATE_HOME"] = str(scratch / "state")
    texts = naughty.strings(
        fetched(NAUGHTY, folder) / "resources" / "blns.json", fetched(NAUGHTY_OLD, folder) / "blns.json"
    )
    found = [*spectrum.findings(fetched(CSV_SPECTRUM, folder)), *suite.findings(fetched(JSON_SUITE, folder))]
    return told([*found, *naughty.findings(texts, scratch)])


def told(findings: list[Finding]) -> int:
    """Print the table and the deviations; the exit status."""
    used: set[int] = set()
    bad = 0
    lines: dict[str, Counter[str]] = {}
    for each in findings:
        counts = lines.setdefault(each.corpus, Counter())
        counts["fixtures"] += 1
        if each.crashed:
            bad += 1
            counts["crashes"] += 1
            _say(f"CRASH {each.corpus}: {each.name}: {each.deviation}")
        elif each.deviation:
            place = explanation(each)
            counts["unexplained" if place is None else "explained"] += 1
            bad += place is None
            used |= set() if place is None else {place}
            why = "NOT EXPLAINED" if place is None else EXPLAINED[place].why
            _say(f"{each.corpus}: {each.name}: {each.deviation[:160]}\n    {why}")
    idle = [EXPLAINED[place] for place in range(len(EXPLAINED)) if place not in used]
    for line in idle:
        _say(f"no longer needed: {line}")
    names = ("fixtures", "crashes", "explained", "unexplained")
    _say("\n" + f"{'corpus':24}" + "".join(f"{name:>13}" for name in names))
    for corpus, counts in lines.items():
        _say(f"{corpus:24}" + "".join(f"{counts[name]:>13}" for name in names))
    return 1 if bad or idle else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
