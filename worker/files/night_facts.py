"""What the journal of a run says of its part in a job: a night, a dry run, a clearing; and what follows from that."""

import json
import shlex
from collections.abc import Mapping
from typing import Final

from worker.files.api_copy import RECIPE_PATH

NIGHT: Final = "night"
"""The fact about a run that is a night of a job: its serial number."""

GONE: Final = "gone"
"""The fact about a run that clears what is gone since a night; it has that of the night, too."""

DRY_RUN: Final = "dry_run"
"""The fact about a run that shows what a night of a job would do: it is no plan to be applied."""

TO_CLEAR: Final = "to_clear"
"""The fact about the plan of a night that clears what is gone: of how many records, and how many fields, in JSON."""

EXIT_STATUS: Final = "exit_status"
"""The fact about a night whose exit status is another than its rows have: clearing what is gone went wrong."""


def command_of_job(facts: Mapping[str, str]) -> str:
    """Return the command that goes on with the job whose night a run is, or shows; empty for any other run."""
    if NIGHT not in facts and DRY_RUN not in facts:
        return ""
    return shlex.join(["rowpatch", "reconcile", facts.get(RECIPE_PATH, "RECIPE")])


def to_clear(facts: Mapping[str, str]) -> tuple[int, int]:
    """Return how many records a planned night clears, and how many of their fields; zeros for any other run."""
    records, fields = json.loads(facts.get(TO_CLEAR, "[0, 0]"))
    return int(records), int(fields)
