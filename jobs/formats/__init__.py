"""Bytes to records, in any of `FORMATS`. A stream comes in; nothing is opened or closed here."""

from typing import Final

from jobs.formats.csv import CSV, TSV, Sheet, find_delimiter, first_lines, read_sheet
from jobs.formats.errors import InputRefused
from jobs.formats.format import Format, ObjectFormat, Options, SheetFormat, Table
from jobs.formats.headings import COMMON_KEYS, LOOKED_AT, Keys, later_header
from jobs.formats.lines import MAX_RECORD
from jobs.formats.ndjson import NDJSON, read_objects
from jobs.formats.stored import WorkbookRow
from jobs.formats.xlsx import XLSX, Workbook, WorkbookSheet, read_workbook

__all__ = [
    "COMMON_KEYS",
    "FORMATS",
    "LOOKED_AT",
    "MAX_RECORD",
    "Format",
    "InputRefused",
    "Keys",
    "ObjectFormat",
    "Options",
    "Sheet",
    "SheetFormat",
    "Table",
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

FORMATS: Final[dict[str, Format]] = {
    "csv": CSV,
    "tsv": TSV,
    "ndjson": NDJSON,
    "xlsx": XLSX,
}
"""Every input format by its name, in the order in which messages list them."""
