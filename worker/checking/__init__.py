"""The check: what of an input cannot be sent, and what in it looks damaged. Reads; needs no network and no run."""

from worker.checking.findings import Checked, Finding, Group, Spot
from worker.checking.first_pass import check
from worker.checking.listing import findings
from worker.checking.telling import as_json, line_of, summary_as_json, tell, tell_in_short

__all__ = [
    "Checked", "Finding", "Group", "Spot", "as_json", "check", "findings", "line_of", "summary_as_json", "tell",
    "tell_in_short",
]  # fmt: skip
