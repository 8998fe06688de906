"""Nights as tests need them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from jobs.model import Status
from worker.notices.report import Cause, NightReport

GOOD: Final = NightReport(
    "prices", "finished", 0, Path("runs/prices-2026-12-01"), {Status.APPLIED: 3, Status.UNCHANGED: 197}, changed=3,
    started=1_764_556_204.0, seconds=12.3456, quota_share=0.25,
)  # fmt: skip

REFUSED_ROWS: Final = replace(
    GOOD, exit_status=1, counts={Status.APPLIED: 3, Status.UNCHANGED: 195, Status.REJECTED: 2},
    causes=(Cause(Status.REJECTED, "validation_error", ("PREIS",), 2),), next="rowpatch retry runs/prices-2026-12-01",
)  # fmt: skip

TRIPPED: Final = replace(
    GOOD, state="tripped", exit_status=3, counts={}, changed=70, cause="70 of 200 rows would change; the guard is 30 %",
    next="rowpatch apply --plan runs/prices-2026-12-01",
)  # fmt: skip


def night(state: str = "finished", exit_status: int = 0, **facts: Any) -> NightReport:
    return replace(GOOD, state=state, exit_status=exit_status, **facts)  # type: ignore[arg-type]  # a table
