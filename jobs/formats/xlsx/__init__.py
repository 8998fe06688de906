"""XLSX workbooks (ECMA-376): zip and XML to rows of text, as a stream, in bounded memory, with nothing guessed."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import BinaryIO, Final

from jobs.formats.format import Opened, Options, SheetFormat
from jobs.formats.headings import LOOKED_AT
from jobs.formats.xlsx.sheet import WorkbookSheet, read_workbook
from jobs.formats.xlsx.workbook import SheetEntry, Workbook

__all__ = ["XLSX", "SheetEntry", "Workbook", "WorkbookSheet", "read_workbook"]


def _read(stream: BinaryIO, options: Options) -> WorkbookSheet:
    return read_workbook(
        stream,
        sheet=options.sheet,
        scratch=options.scratch,
        header_row=options.header_row,
        visible_only=options.visible_only,
        keys=options.keys,
    )


def _first_rows(stream: BinaryIO, options: Options) -> Iterator[tuple[int, list[str]]]:
    workbook = Workbook(stream, options.scratch)
    with workbook.lines(workbook.chosen(options.sheet)) as (_, lines):
        for line in islice(lines, LOOKED_AT):
            yield line.number, line.cells


def _sheet_of(opened: Opened, options: Options) -> Mapping[str, str]:
    with opened() as stream:
        return {"sheet": Workbook(stream, options.scratch).chosen(options.sheet).name}


XLSX: Final = SheetFormat(
    name="xlsx",
    suffixes=(".xlsx",),
    takes=frozenset({"sheet", "header_row", "visible_only"}),
    read=_read,
    first_rows=_first_rows,
    resolve=_sheet_of,
    seeks=True,
    in_workbook=True,
)
"""One sheet of a workbook: the only visible one with cells, unless the user names another."""
