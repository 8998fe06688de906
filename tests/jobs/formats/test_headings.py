"""The header of a sheet may stand below other lines: `--header-row` says where, and a refusal where it seems to be."""

from io import BytesIO

import pytest

from jobs.columns import Rules, SheetColumns
from jobs.formats import COMMON_KEYS, InputRefused, Keys, first_lines, later_header, read_sheet
from jobs.formats.headings import key_of
from jobs.model import Unsendable
from tests.jobs.formats.workbooks import opened, parts, zipped
from tests.schemas import SCHEMA

A, B = "ZfiCcmIvub", "YJNOHFdSXy"


def looked_for(text: str) -> tuple[int, list[str]] | None:
    return later_header(first_lines(BytesIO(text.encode())))


@pytest.mark.parametrize(
    ("text", "header_row"),
    [
        (f"Export,,\nof today,,\nid,a,b\n{A},x,y\n", 3),
        (f"# made by\nid,a,b\n{A},x,y\n", 2),
        (f'a stray " quote\n\nid,a,b\n{A},x,y\n', 3),  # what stands above is not read at all
        (f"\nid,a,b\n{A},x,y\n", 2),
        (f"id,a,b\n{A},x,y\n", 1),
    ],
)
def test_the_header_stands_on_the_line_that_was_said(text: str, header_row: int) -> None:
    sheet = read_sheet(BytesIO(text.encode()), header_row=header_row)
    (row,) = sheet
    assert (sheet.header, sheet.line) == (["id", "a", "b"], header_row)
    assert (row.ref.row, row.ref.line, row.cells) == (1, header_row + 1, [A, "x", "y"])


def test_a_header_row_beyond_the_end_is_refused() -> None:
    with pytest.raises(InputRefused, match="the input has no line 9, which --header-row says"):
        read_sheet(BytesIO(b"id,a\n"), header_row=9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Export,,\nof today,,\nid,a,b\n{A},x,y\n", (3, ["id", "a", "b"])),
        ("# made by\nid;a\n", (2, ["id", "a"])),
        ('#TYPE Selected\n"id","reference"\n', (2, ["id", "reference"])),
        ("x\nreference\ta\t\n", (2, ["reference", "a"])),
        ("id,a\nid,b\n", None),  # the first line is one
        ("x\nid\n", None),  # a word alone
        ("x\nid,id\n", None),
        ("x\n" * 60 + "id,a\n", None),  # far down
        ("", None),
    ],
)
def test_the_line_that_looks_like_the_header_is_found(text: str, expected: tuple[int, list[str]] | None) -> None:
    assert looked_for(text) == expected


def _row(number: int, *cells: str) -> str:
    texts = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{texts}</row>'


def test_the_header_of_a_workbook_stands_in_the_row_that_was_said() -> None:
    stream = zipped(parts(_row(1, "Export") + _row(3, "id", "a") + _row(4, A, "x")))
    sheet = opened(stream, header_row=3)
    (row,) = sheet
    assert (sheet.header, sheet.line, row.ref.row, row.ref.line) == (["id", "a"], 3, 1, 4)
    for empty in (2, 9):
        with pytest.raises(InputRefused, match=f"row {empty} of sheet `S`, which --header-row says, is empty"):
            opened(stream, header_row=empty)


def test_a_remark_beside_a_table_of_a_workbook_is_named_by_its_cell() -> None:
    sheet = opened(zipped(parts(_row(1, "id", "reference") + _row(2, A, "x", "", "call Bob"))))
    judged = SheetColumns(sheet.header, Rules(SCHEMA, type="stripe_payments")).read(next(iter(sheet)))
    assert isinstance(judged, Unsendable)
    assert judged.reason == "column_unnamed"
    assert judged.message == "S!D2 has `call Bob`, and its column has no name in the header"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<!DOCTYPE html>\n<html></html>\n", "HTML"),
        ("<table><tr><td>id</td></tr></table>\n", "HTML"),
        ('<?xml version="1.0"?>\n', "HTML or XML"),
        ('{"id":"a","b":"c"}\n', "looks like JSON"),
        ('[{"id":"a"}]\n', "looks like JSON"),
    ],
)
def test_another_format_under_the_name_of_a_sheet_is_said_once(text: str, says: str) -> None:
    with pytest.raises(InputRefused, match=says):
        read_sheet(BytesIO(text.encode()))


@pytest.mark.parametrize("end", ["\x1a", "\x1a\x1a", "\n\x1a", "\r\n\x1a"])
def test_ctrl_z_at_the_end_is_no_row_and_no_part_of_a_value(end: str) -> None:
    assert [row.cells for row in read_sheet(BytesIO(f"id,a\n1,x{end}".encode()))] == [["1", "x"]]


def test_a_header_once_more_is_named_as_such() -> None:
    columns = SheetColumns(["id", "reference"], Rules(SCHEMA, type="stripe_payments"))
    text = f"id,reference\n{A},x\n\ufeffid,reference\nid,reference\n{B},y\n"
    judged = [columns.read(row) for row in read_sheet(BytesIO(text.encode()))]
    assert [each.reason if isinstance(each, Unsendable) else "" for each in judged] == [
        "", "repeated_header", "repeated_header", "",
    ]  # fmt: skip


@pytest.mark.parametrize("second", ["id,metadata.note", "id,reference,metadata.note", "\ufeffid,metadata.note"])
def test_a_header_of_other_columns_refuses_the_input(second: str) -> None:
    """The rows under it would set what their own header does not say."""
    columns = SheetColumns(["id", "reference"], Rules(SCHEMA, type="stripe_payments"))
    sheet = read_sheet(BytesIO(f"id,reference\n{A},x\n{second}\n{B},y\n".encode()))
    with pytest.raises(InputRefused, match="files were put together"):
        list(map(columns.read, sheet))


def test_a_reference_may_be_the_word_reference() -> None:
    columns = SheetColumns(["reference", "metadata.note"], Rules(SCHEMA, type="stripe_payments"))
    one, other = read_sheet(BytesIO(b"reference,metadata.note\nreference,x\nreference,metadata.note\n"))
    assert not isinstance(columns.read(one), Unsendable)
    assert isinstance(columns.read(other), Unsendable)


def test_a_row_of_totals_is_named_by_what_it_begins_with() -> None:
    columns = SheetColumns(["id", "reference"], Rules(SCHEMA, type="stripe_payments"))
    rows = list(read_sheet(BytesIO(b"id,reference\nTotal,12\nSumme\n")))
    whole, short = map(columns.read, rows)
    assert isinstance(whole, Unsendable)
    assert isinstance(short, Unsendable)
    assert (whole.reason, whole.message) == ("id_malformed", "`id`: 'Total' stands before totals, and is no id")
    assert (short.reason, short.cell) == ("cell_count", "Summe")
    assert list(columns.doubtful(rows)) == [0, 1]


def test_a_header_once_more_is_a_row_of_its_report_too() -> None:
    header = ["__status", "__reason", "id", "reference"]
    columns = SheetColumns(header, Rules(SCHEMA, type="stripe_payments"))
    (row,) = read_sheet(BytesIO(b"__status,__reason,id,reference\ninvalid,repeated_header,id,reference\n"))
    (fault,) = columns.faults(row)
    assert fault.reason == "repeated_header"


ISSUES = Keys(("number", "repo"), ("slug",), "")


def test_a_header_is_known_by_the_columns_that_name_records() -> None:
    lines = list(first_lines(BytesIO(b"Export\nnumber,a\n7,x\n")))
    assert later_header(lines) is None
    assert later_header(lines, ISSUES) == (2, ["number", "a"])


def test_rows_are_known_by_the_column_that_tells_most_records_apart() -> None:
    header = ["name", "repo", "number", "slug"]
    assert (key_of(header, ISSUES), key_of(header[:2], ISSUES), key_of(header, COMMON_KEYS)) == (2, 1, 0)


@pytest.mark.parametrize(
    ("keys", "header", "named"),
    [
        (COMMON_KEYS, ["id", "reference", "type", "a"], {"id", "type"}),
        (COMMON_KEYS, ["reference:str", "type", "a"], {"reference:str", "type"}),
        (ISSUES, ["number", "slug", "type", "repo"], {"number", "repo"}),
        (ISSUES, ["slug", "repo", "a"], {"slug", "repo"}),
        (Keys((), ("slug",)), ["slug"], set()),
    ],
)
def test_what_says_which_record_is_meant_is_no_value(keys: Keys, header: list[str], named: set[str]) -> None:
    assert keys.among(header) == named
