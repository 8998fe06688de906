"""What `verify` found: a file of what differs, and a few words."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jobs.model import JSON, Absent
from jobs.printable import printable
from worker.engine.verifier import Finding, Verified
from worker.files.atomic import replacing
from worker.reports.formats import csv_head, csv_line
from worker.reports.outcome import own_text

_HEADER: Final = ("row", "type", "id", "finding", "column", "written", "live")

_SAID: Final = {
    "holds": ("still holds what the run wrote", "still hold what the run wrote"),
    "differs": ("differs: somebody has changed it since", "differ: somebody has changed them since"),
    "not taken": (
        "is without an update that was in doubt: it was not applied, or may still land",
        "are without an update that was in doubt: it was not applied, or may still land",
    ),
    "gone": ("is gone", "are gone"),
    "not readable": ("could not be read", "could not be read"),
}
"""What is said of one record, and of several."""


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
    if not total and not verified.hidden:
        return "The run wrote nothing: there is nothing to verify."
    lines = [f"{total:,} record{'' if total == 1 else 's'} read again" + (":" if total else ".")]
    lines += [f"  {counts[name]:,} {said[counts[name] > 1]}" for name, said in _SAID.items() if counts[name]]
    if verified.hidden:
        names = ", ".join(f"{printable(name)} ({count:,})" for name, count in verified.hidden.items())
        lines.append(f"Nobody can verify what the API does not show: {names}.")
    if counts.keys() - {"holds"}:
        lines.append(f"What differs: {printable(str(directory))}/verify.csv")
    return "\n".join(lines)


def _write(write: Callable[[str], object], finding: Finding) -> None:
    record = finding.record
    cells = [str(record.row), record.type, record.id, finding.why, finding.column]
    write(csv_line([own_text(cell) for cell in (*cells, _cell(finding.written), _cell(finding.live))]))


def _cell(value: JSON | Absent) -> str:
    if isinstance(value, Absent) or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=float)
