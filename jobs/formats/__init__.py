"""Bytes to records: CSV, TSV, NDJSON and XLSX. A stream comes in; nothing is opened or closed here."""

from jobs.formats.csv import Sheet, find_delimiter, first_lines, read_sheet
from jobs.formats.errors import InputRefused
from jobs.formats.headings import LOOKED_AT, later_header
from jobs.formats.lines import MAX_RECORD
from jobs.formats.ndjson import read_objects
from jobs.formats.stored import WorkbookRow
from jobs.formats.xlsx import Workbook, WorkbookSheet, read_workbook

__all__ = [
    "LOOKED_AT",
    "MAX_RECORD",
    "InputRefused",
    "Sheet",
    "Workbook",
    "WorkbookRow",
    "WorkbookSheet",
    "find_delimiter",
    "first_lines",
    "later_header",
    "read_objects",
    "read_sheet",
    "read_workbook",
]
