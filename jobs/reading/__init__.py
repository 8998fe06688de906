"""Bytes to records: CSV, TSV and NDJSON. A stream comes in; nothing is opened, closed or sought here."""

from jobs.reading.csv import Scan, Sheet, read_sheet, scan_sheet
from jobs.reading.errors import InputRefused
from jobs.reading.lines import MAX_RECORD
from jobs.reading.ndjson import read_objects, scan_objects

__all__ = [
    "MAX_RECORD",
    "InputRefused",
    "Scan",
    "Sheet",
    "read_objects",
    "read_sheet",
    "scan_objects",
    "scan_sheet",
]
