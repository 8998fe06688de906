"""What a row means: its cells, under its column names, become an `UpdateJob`, or a reason why the row is not sent."""

from jobs.columns.dialects import header_faults
from jobs.columns.grammar import RESERVED, is_results_file
from jobs.columns.objects import ObjectColumns
from jobs.columns.rules import Rules
from jobs.columns.sheet import SheetColumns

__all__ = ["RESERVED", "ObjectColumns", "Rules", "SheetColumns", "header_faults", "is_results_file"]
