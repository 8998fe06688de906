"""What spreadsheets and exports do to data: found by evidence, told with the way back, never repaired."""

from jobs.damage.column import Column, Example, Role, Sign
from jobs.damage.examination import BATCH, Examination
from jobs.damage.headers import fault_of
from jobs.damage.hints import cause_of
from jobs.damage.registry import WARNINGS, Warned

__all__ = [
    "BATCH", "WARNINGS", "Column", "Examination", "Example", "Role", "Sign", "Warned", "cause_of", "fault_of",
]  # fmt: skip
