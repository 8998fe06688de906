"""What a terminal shows while a run goes on, as pictures: `docs/screens/STATE-COLUMNS.svg`, the same every time.

`make hunt NAME=screens` draws them anew; `docs/display.md` shows them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from jobs.model import RowRef, Status
from tests.docs.documents import ROOT
from worker.cli.display import Line, Span, event_in_words, of_phase, of_run, problem_in_words
from worker.engine.progress import Aim, Problem, Snapshot
from worker.events import Advanced, SlowedDown
from worker.journal import RowOutcome
from worker.policy.eta import Limiter
from worker.reports import Requests, Summary, render_summary
from worker.reports.summary import Causes

FOLDER: Final = ROOT / "docs" / "screens"

COLUMNS: Final = (80, 120, 160)

_NOW: Final = datetime(2026, 12, 1, 14, 26, tzinfo=UTC)

_RUNNING: Final = Snapshot(
    Aim("apply", "https://acme.commercelayer.io", "live", is_live=True), 12_345, 7_654,
    {Status.APPLIED: 7_120, Status.UNCHANGED: 534}, 9.4, 9.5, Limiter.QUOTA, 0.0, 494.0,
)  # fmt: skip

_FAILING: Final = replace(
    _RUNNING,
    done=7_801,
    counts={
        Status.APPLIED: 6_702, Status.UNCHANGED: 534, Status.INVALID: 12, Status.REJECTED: 538, Status.FAILED: 9,
        Status.CONFLICT: 5, Status.UNKNOWN: 1,
    },
    left=478.0,
    retries=63,
)  # fmt: skip

_WAITING: Final = replace(_RUNNING, limiter=Limiter.BACKOFF, rate=0.0, pause=52.0, left=546.0, retries=4)

_PROBLEM: Final = Problem(
    7_798,
    Status.REJECTED,
    "validation",
    "`price_amount_cents`: must be greater than or equal to 0 (the cell holds -1290)",
)

_SLOWED: Final = event_in_words(SlowedDown("PATCH", 429, 52.0))


def screens(columns: int) -> Mapping[str, Sequence[Line]]:
    """What stands on a terminal so wide, by state."""
    return {
        "checking": of_phase(Advanced("check", 340_000, 34, 100), 7.1, columns - 1),
        "running": _run(_RUNNING, ("", ""), columns),
        "failing": _run(_FAILING, (problem_in_words(_PROBLEM), "red"), columns),
        "waiting": _run(_WAITING, (_SLOWED, "yellow"), columns),
        "done": [((line, ""),) for line in _done().splitlines()],
    }


def picture(state: str, columns: int) -> str:
    """A screen as SVG, which needs no font of others."""
    console = Console(file=StringIO(), record=True, width=columns, force_terminal=True, highlight=False)
    for line in screens(columns)[state]:
        console.print(Text.assemble(*line))
    title = f"rowpatch, {state}, {columns} columns"
    drawn = console.export_svg(title=title, code_format=_FORM, unique_id=f"{state}-{columns}")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def pictures() -> dict[Path, str]:
    """Every picture, by its file."""
    names = screens(COLUMNS[0])
    return {FOLDER / f"{state}-{columns}.svg": picture(state, columns) for state in names for columns in COLUMNS}


def _run(shown: Snapshot, said: Span, columns: int) -> Sequence[Line]:
    return of_run(shown, _NOW, said, columns - 1)


def _done() -> str:
    found = {Status.APPLIED: 11_240, Status.UNCHANGED: 561, Status.REJECTED: 538, Status.FAILED: 6}
    counts = {status: found.get(status, 0) for status in Status}
    causes = Causes()
    for row in range(538):
        told = RowOutcome(Status.REJECTED, "validation", "must be greater than or equal to 0", ("price_amount_cents",))
        causes.add(RowRef(7_001 + row, 7_002 + row, b""), told)
    for row in range(6):
        causes.add(RowRef(9_001 + row, 9_002 + row, b""), RowOutcome(Status.FAILED, "server_error", "it answered 503"))
    summary = Summary(
        state="finished", exit_status=1, sha256="", rows=12_345, counts=counts, requests=Requests(), refused_429=1,
        started_at="", elapsed_s=1_320.0, message="", groups=causes.groups(),
        refeed=("--url", "https://acme.commercelayer.io", "--type", "prices"),
    )  # fmt: skip
    return render_summary(summary, Path("runs/prices-20261201T140512Z"))


_FORM: Final = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Consolas, Menlo, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, drawn in pictures().items():
        path.write_text(drawn, encoding="utf-8")
