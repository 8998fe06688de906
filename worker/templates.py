"""Files for an empty sheet: CSV, or a workbook that a spreadsheet program does not damage."""

from pathlib import Path
from typing import Final

from jobs.template import CLEAR, Template
from worker.reports.formats import csv_head, csv_text
from worker.settings import ConfigError

_LONGEST_LIST: Final = 255
"""Characters of a drop-down's values, commas included, that a workbook can hold in one cell's rule."""

_LAST_ROW: Final = 1_048_575
_WIDTHS: Final = (14, 40)


def as_csv(template: Template) -> str:
    """Render header and comment row as CSV: UTF-8 with the byte order mark that spreadsheets need."""
    return csv_head(template.header) + csv_text([template.comment])


def write_workbook(template: Template, path: Path, name: str) -> None:
    """Write a workbook of one sheet: header frozen, comment row grey, drop-downs, and cells that stay text.

    Cells are formatted as text where codes may go, since a spreadsheet takes `00123` for 123 and `1-2` for a day else.

    Args:
        template: what to write.
        path: of the new file.
        name: of the sheet.

    Raises:
        ConfigError: the library that writes workbooks is not installed.
        OSError: the file cannot be written.
    """
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415  # only where it is needed
        from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]  # noqa: PLC0415  # see above
    except ImportError:
        raise ConfigError(
            "Writing XLSX needs the package xlsxwriter: pipx inject rowpatch xlsxwriter"
            " (in a virtual environment: pip install xlsxwriter). Or take CSV: --format csv"
        ) from None
    book = Workbook(path)
    sheet = book.add_worksheet(name[:31])
    bold, text = book.add_format({"bold": True, "num_format": "@"}), book.add_format({"num_format": "@"})
    grey = book.add_format({"font_color": "#808080", "italic": True, "text_wrap": True, "valign": "top"})
    for index, column in enumerate(template.columns):
        width = min(max(len(column.name) + 2, _WIDTHS[0], len(column.says) // 3), _WIDTHS[1])
        sheet.set_column(index, index, width, None if column.numeric else text)
        sheet.write_string(0, index, column.name, bold)
        sheet.write_string(1, index, column.says, grey)
        choices = [*column.choices, CLEAR]
        if column.choices and len(",".join(choices)) <= _LONGEST_LIST:
            sheet.data_validation(2, index, _LAST_ROW, index, {"validate": "list", "source": choices})
    sheet.freeze_panes(1, 1)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(0, str(error)) from None
