"""XLSX workbooks (ECMA-376): zip and XML to rows of text, as a stream, in bounded memory, with nothing guessed."""

from jobs.formats.xlsx.sheet import WorkbookSheet, read_workbook
from jobs.formats.xlsx.workbook import SheetEntry, Workbook

__all__ = ["SheetEntry", "Workbook", "WorkbookSheet", "read_workbook"]
