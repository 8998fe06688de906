"""Bytes to records: CSV, TSV, NDJSON and XLSX. A stream comes in; nothing is opened or closed here."""

from jobs.reading.csv import Scan, Sheet, find_delimiter, read_sheet, scan_sheet
from jobs.reading.errors import InputRefused
from jobs.reading.lines import MAX_RECORD
from jobs.reading.ndjson import read_objects, scan_objects
from jobs.reading.stored import WorkbookRow
from jobs.reading.xlsx import Workbook, WorkbookSheet, read_workbook, scan_workbook

__all__ = [
    "MAX_RECORD",
    "InputRefused",
    "Scan",
    "Sheet",
    "Workbook",
    "WorkbookRow",
    "WorkbookSheet",
    "find_delimiter",
    "read_objects",
    "read_sheet",
    "read_workbook",
    "scan_objects",
    "scan_sheet",
    "scan_workbook",
]
