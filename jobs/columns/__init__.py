"""What a row means: its cells, under its column names, become an `UpdateJob`, or a reason why the row is not sent."""

from jobs.columns.dialects import header_faults, keys_of
from jobs.columns.grammar import HIDDEN, RESERVED, is_results_file
from jobs.columns.members.keys import in_case
from jobs.columns.objects import ObjectColumns, key_text
from jobs.columns.rules import Rules
from jobs.columns.sheet import SheetColumns

__all__ = [
    "HIDDEN",
    "RESERVED",
    "ObjectColumns",
    "Rules",
    "SheetColumns",
    "header_faults",
    "in_case",
    "is_results_file",
    "key_text",
    "keys_of",
]
