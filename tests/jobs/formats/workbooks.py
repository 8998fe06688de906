"""Workbooks made by hand: the markup that no writer writes."""

from io import BytesIO
from tempfile import TemporaryFile
from zipfile import ZIP_DEFLATED, ZipFile

from jobs.formats.stored import WorkbookRow
from jobs.formats.xlsx import WorkbookSheet, read_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def relationships(*targets: tuple[str, str]) -> str:
    """A part that refers to others, as (kind, target), under the ids r1, r2, ..."""
    each = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}">{each}</Relationships>'


def parts(
    rows: str, *, strings: str = "", styles: str = "", book: str = "", names: tuple[str, ...] = ("S",), after: str = ""
) -> dict[str, str]:
    """The parts of a workbook whose first sheet has these rows; the others are empty."""
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>' for number, name in enumerate(names, 1)
    )
    targets = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(names) + 1)]
    made = {
        "_rels/.rels": relationships(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{book}<sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relationships(
            *targets, ("sharedStrings", "sharedStrings.xml"), ("styles", "/xl/styles.xml")
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
    }
    for number in range(2, len(names) + 1):
        made[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'
    made["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{MAIN}"><dimension ref="A1"/><sheetData>{rows}</sheetData>{after}</worksheet>'
    )
    return made


def zipped(made: dict[str, str]) -> BytesIO:
    """The parts as one file."""
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as package:
        for name, text in made.items():
            package.writestr(name, text)
    return stream


def opened(stream: BytesIO, sheet: str = "", header_row: int = 0) -> WorkbookSheet:
    return read_workbook(stream, sheet=sheet, scratch=TemporaryFile, header_row=header_row)


def rows_of(stream: BytesIO, sheet: str = "") -> list[WorkbookRow]:
    return list(opened(stream, sheet))


def text(reference: str, value: str) -> str:
    """A cell with a text of its own."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'


HEAD = f'<row r="1">{text("A1", "id")}{text("B1", "a")}</row>'
