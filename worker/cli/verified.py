"""What `verify` found: a file of what differs, and a few words."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jobs.model import JSON, Absent
from jobs.quoting import quoted
from worker.reports.files import replacing
from worker.reports.formats import csv_head, csv_text
from worker.reports.printable import printable
from worker.verify import Finding, Verified

_HEADER: Final = ("row", "type", "id", "finding", "column", "written", "live")

_SAID: Final = {
    "holds": "still hold what the run wrote",
    "differs": "differ: somebody has changed them since",
    "gone": "are gone",
    "not readable": "could not be read",
}


@contextmanager
def reporting(directory: Path) -> Iterator[Callable[[Finding], None]]:
    """Write `verify.csv`; it appears complete or not at all."""
    with replacing(directory, ("verify.csv",)) as (file,):
        file.write(csv_head(_HEADER))
        yield lambda finding: _write(file.write, finding)


def tell_verified(verified: Verified, directory: Path) -> str:
    """The findings in words."""
    counts = verified.counts
    total = sum(counts.values())
    if not total:
        return "The run wrote nothing: there is nothing to verify."
    lines = [f"{total:,} record{'' if total == 1 else 's'} read again:"]
    lines += [f"  {counts[name]:,} {said}" for name, said in _SAID.items() if counts[name]]
    if counts.keys() - {"holds"}:
        lines.append(f"What differs: {printable(str(directory))}/verify.csv")
    return "\n".join(lines)


def _write(write: Callable[[str], object], finding: Finding) -> None:
    record = finding.record
    cells = [str(record.row), record.type, record.id, finding.why, finding.column]
    write(csv_text([[*map(quoted, cells), quoted(_cell(finding.written)), quoted(_cell(finding.live))]]))


def _cell(value: JSON | Absent) -> str:
    if isinstance(value, Absent) or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
