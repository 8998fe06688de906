"""What is in a workbook is what is read. Workbooks by XlsxWriter and openpyxl, and markup that neither writes."""

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from jobs.formats import COMMON_KEYS, InputRefused, Keys, read_workbook
from jobs.formats.stored import NOTHING, Kind, Merged, Stored
from jobs.formats.xlsx import Workbook, formats, grid, package, texts, values, workbook
from jobs.formats.xlsx.texts import unescaped
from tests.jobs.formats.workbooks import HEAD, MAIN, opened, parts, relationships, rows_of, text, zipped

XML_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff\0"))


def written(*rows: tuple[object, ...]) -> BytesIO:
    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for line, row in enumerate((("id", "a"), *rows)):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(line, column, value)
                elif isinstance(value, date):
                    sheet.write_datetime(line, column, value, day)
                else:
                    sheet.write(line, column, value)
    return stream


def cell(markup: str, *, styles: str = "", strings: str = "", book: str = "") -> tuple[str, Stored, list[str]]:
    """The text of the one cell in B2, how it was stored, and the reasons why it cannot be read."""
    made = parts(f'{HEAD}<row r="2">{text("A2", "x")}{markup}</row>', styles=styles, strings=strings, book=book)
    (row,) = rows_of(zipped(made))
    return row.cells[1], row.stored[1], [fault.reason for fault in row.faults]


DAY = '<numFmts><numFmt numFmtId="164" formatCode="yyyy-mm-dd"/></numFmts><cellXfs><xf/><xf numFmtId="164"/></cellXfs>'
RICH = (
    "<si><r><t>bo</t></r><r><rPr><b/></rPr><t>ld</t></r><rPh sb='0' eb='1'><t>guide</t></rPh></si>"
    '<si><t xml:space="preserve"> a </t></si><si><t>x_x000D__x005F_x0041_</t></si><si/>'
)


@pytest.mark.parametrize(
    ("markup", "expected", "kind"),
    [
        ('<c r="B2"><v>7</v></c>', "7", Kind.NUMBER),
        ('<c r="B2" t="n"><v>7.0</v></c>', "7", Kind.NUMBER),
        ("<c><v>7</v></c>", "7", Kind.NUMBER),  # no address: the next one
        ('<c r="B2" s="1"><v>45322</v></c>', "2024-01-31", Kind.DATE),
        ('<c r="B2" t="d"><v>2024-01-31T10:20:30</v></c>', "2024-01-31T10:20:30", Kind.DATE),
        ('<c r="B2" t="b"><v>1</v></c>', "true", Kind.BOOLEAN),
        ('<c r="B2" t="b"><v>0</v></c>', "false", Kind.BOOLEAN),
        ('<c r="B2" t="s"><v>0</v></c>', "bold", Kind.TEXT),  # runs of rich text, without the phonetic guide
        ('<c r="B2" t="s"><v>1</v></c>', " a ", Kind.TEXT),
        ('<c r="B2" t="s"><v>2</v></c>', "x\r_x0041_", Kind.TEXT),  # escapes, and an escaped escape
        ('<c r="B2" t="s"><v>3</v></c>', "", Kind.TEXT),  # a shared text that is empty
        ('<c r="B2" t="inlineStr"><is><t>a</t><rPh><t>guide</t></rPh><r><t> b</t></r></is></c>', "a b", Kind.TEXT),
        ('<c r="B2" t="inlineStr"><v>odd</v></c>', "odd", Kind.TEXT),
        ('<c r="B2" t="str"><f>A2&amp;1</f><v>x1</v></c>', "x1", Kind.TEXT),
        ('<c r="B2" t="str"><f>""</f><v></v></c>', "", Kind.TEXT),  # a formula that gives an empty text
        ('<c r="B2"><f t="shared" si="0"/><v>3</v></c>', "3", Kind.NUMBER),
        ('<c r="B2" t="str"><v>00123</v></c>', "00123", Kind.TEXT),
        ('<c r="B2" s="1"/>', "", Kind.EMPTY),  # a format alone
        ('<c r="B2"><v></v></c>', "", Kind.EMPTY),
        ("", "", Kind.EMPTY),
    ],
)
def test_a_cell_is_read_as_it_is_stored(markup: str, expected: str, kind: Kind) -> None:
    found, stored, faults = cell(markup, styles=DAY, strings=RICH)
    assert (found, stored.kind, faults) == (expected, kind, [])
    assert stored.formula is ("<f" in markup)


@pytest.mark.parametrize(
    ("markup", "book", "reason", "shown"),
    [
        ('<c r="B2" t="e"><v>#N/A</v></c>', "", "cell_error", "#N/A"),
        ('<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "", "cell_error", "#DIV/0!"),
        ('<c r="B2" t="e"><v></v></c>', "", "cell_error", "#"),
        ('<c r="B2"><f>A1+1</f></c>', "", "formula_not_calculated", "=A1+1"),
        ('<c r="B2"><f>A1+1</f><v></v></c>', "", "formula_not_calculated", "=A1+1"),
        ('<c r="B2"><f>A1+1</f><v>0</v></c>', '<calcPr fullCalcOnLoad="1"/>', "formula_not_calculated", "=A1+1"),
        ('<c r="B2" s="1"><v>60</v></c>', "", "date_impossible", "#####"),
        ('<c r="B2" s="1"><v>0.5</v></c>', "", "date_impossible", "#####"),
    ],
)
def test_a_cell_without_a_text_of_its_own_is_a_problem_of_its_row(
    markup: str, book: str, reason: str, shown: str
) -> None:
    found, _, faults = cell(markup, styles=DAY, book=book)
    assert (found, faults) == (shown, [reason])


def test_a_fault_names_the_cell() -> None:
    made = parts(f'{HEAD}<row r="118">{text("A118", "x")}<c r="B118" t="e"><v>#N/A</v></c></row>', names=("My sheet",))
    (row,) = rows_of(zipped(made))
    assert row.faults[0].message == "'My sheet'!B118 holds an error, #N/A"
    assert (row.ref.row, row.ref.line) == (1, 118)


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    markup = '<c r="B2" s="1"><v>0</v></c>'
    assert cell(markup, styles=DAY, book='<workbookPr date1904="1"/>')[0] == "1904-01-01"


@pytest.mark.parametrize(
    ("markup", "says"),
    [
        ('<c r="B2" t="s"><v>9</v></c>', "no shared text of number 9"),
        ('<c r="B2" t="s"><v>-1</v></c>', "no shared text of number -1"),
        ('<c r="B2" t="s"><v>x</v></c>', "no shared text of number x"),
        ('<c r="B2"><v>seven</v></c>', "`seven` is no number"),
        ('<c r="B2" t="b"><v>2</v></c>', "`2` is neither true nor false"),
        ('<c r="B2" t="d"><v>soon</v></c>', "`soon` is no date"),
        ('<c r="B2" t="q"><v>1</v></c>', "of a type, `q`"),
        ('<c r="B2" s="9"><v>1</v></c>', "a style, 9"),
        ('<c r="B3"><v>1</v></c>', "calls itself B3"),  # in another row
        ('<c r="XFE2"><v>1</v></c>', "more than 16,384 columns"),
        ('<c r="A2"><v>1</v></c>', "does not come after"),
        ('<c r="B2"><c/></c>', "outside of a row"),
        ('<c r="B2"><v><v>1</v></v></c>', "a value stands outside"),
        ("<v>1</v>", "a value stands outside"),
        ("<row/>", "there is a row"),
        (f"{'<x>' * 70}{'</x>' * 70}", "64 deep"),
    ],
)
def test_a_cell_that_breaks_the_rules_refuses_the_workbook(markup: str, says: str) -> None:
    with pytest.raises(InputRefused, match=re.escape(says)):
        cell(markup)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('<row r="1048577"/>', "comes after row"),
        ('<row r="2"/><row r="2"/>', "row 2 comes after row 2"),
        ('<row r="x"/>', "a row x"),
        ("", "is empty"),
        (f'<row r="3">{text("A3", "id")}{text("C3", "b")}</row>', "row 3 of sheet `S`: column B has no name"),
        (f'<row r="1">{text("A1", "id")}{text("B1", "id")}</row>', "columns A and B are both `id`"),
        (f'<row r="1">{text("A1", "id")}<c r="B1" t="e"><v>#REF!</v></c></row>', "S!B1 holds an error"),
    ],
)
def test_rows_that_break_the_rules_and_headers_without_names_are_refused(rows: str, says: str) -> None:
    with pytest.raises(InputRefused, match=re.escape(says)):
        rows_of(zipped(parts(rows)))


def test_rows_without_content_are_no_rows_and_others_have_a_cell_for_each_column() -> None:
    rows = (
        f'<row r="2"/><row r="3">{text("A3", "id")}{text("B3", "a")}{text("C3", "b")}<c r="D3" s="0"/></row>'
        f'<row r="5"><c r="A5" s="0"/><c r="B5" t="str"><f>""</f><v></v></c></row><row r="6">{text("B6", "x")}</row>'
        f'<row r="9" hidden="1">{text("A9", "y")}{text("E9", "beyond")}</row><row>{text("A10", "z")}'
        '<c r="F10" t="str"><v></v></c></row>'
    )
    after = '<mergeCells><mergeCell ref="A9:B9"/></mergeCells>'
    stream = zipped(parts(rows, after=after))
    sheet = opened(stream)
    assert (sheet.header, sheet.line) == (["id", "a", "b"], 3)
    found = list(sheet)
    assert [row.cells for row in found] == [["", "x", ""], ["y", "", "", "", "beyond"], ["z", "", ""]]
    assert [(row.ref.row, row.ref.line, row.hidden) for row in found] == [(1, 6, False), (2, 9, True), (3, 10, False)]
    assert [len(row.stored) for row in found] == [3, 5, 3]
    assert found[0].stored[0] is NOTHING
    assert (sheet.grid.merged, sheet.grid.merges) == ([Merged(9, 9, 0, 1)], 1)
    sheet.close()


@pytest.mark.parametrize(
    ("head", "hidden", "values", "keys"),
    [
        (("id", "type", "reference", "a"), (1, 4), [2, 3], COMMON_KEYS),
        (("reference", "type", "a", "b"), (1, 3), [2], COMMON_KEYS),  # the reference says which record is meant
        (("id", "__status", "a", "b"), (1, 9), [2, 3], COMMON_KEYS),
        (("id", "reference", "a", "b"), (7, 9), [], COMMON_KEYS),  # beyond the header
        (("repo", "number", "id", "b"), (1, 9), [2, 3], Keys(("number", "repo"), ())),
    ],
)
def test_hidden_columns_of_values_are_emptied_on_request(
    head: tuple[str, ...], hidden: tuple[int, int], values: list[int], keys: Keys
) -> None:
    letters = "ABCD"
    cells = "".join(text(f"{letter}1", name) for letter, name in zip(letters, head, strict=True))
    row = "".join(text(f"{letter}2", "x") for letter in letters[:3]) + '<c r="D2" t="e"><v>#N/A</v></c>'
    made = parts(f'<row r="1">{cells}</row><row r="2" hidden="1">{row}</row>')
    columns = f'<cols><col min="{hidden[0]}" max="{hidden[1]}" hidden="1"/></cols>'
    made["xl/worksheets/sheet1.xml"] = made["xl/worksheets/sheet1.xml"].replace("<sheetData>", columns + "<sheetData>")
    sheet = read_workbook(zipped(made), scratch=TemporaryFile, keys=keys)
    assert sheet.hidden_columns == values
    (shown,) = list(sheet)
    assert (shown.cells, len(shown.faults)) == (["x", "x", "x", "#N/A"], 1)
    (left,) = list(read_workbook(zipped(made), scratch=TemporaryFile, visible_only=True, keys=keys))
    assert left.cells == ["" if index in values else cell for index, cell in enumerate(shown.cells)]
    assert [stored is NOTHING for stored in left.stored] == [index in values for index in range(4)]
    assert len(left.faults) == (3 not in values)
    assert (left.hidden, left.ref) == (True, shown.ref)


@pytest.mark.parametrize(
    ("line", "column", "covered"),
    [(2, 1, False), (2, 2, True), (3, 1, True), (3, 3, False), (1, 1, False), (4, 1, False), (3, 0, False)],
)
def test_a_merged_cell_covers_all_cells_of_its_range_but_the_first(line: int, column: int, covered: bool) -> None:
    assert Merged(2, 3, 1, 2).covers(line, column) is covered


def test_hidden_columns_are_known() -> None:
    made = parts(HEAD)
    columns = '<cols><col min="2" max="3" hidden="1"/><col min="5" max="5"/><col min="x" max="9" hidden="1"/></cols>'
    made["xl/worksheets/sheet1.xml"] = made["xl/worksheets/sheet1.xml"].replace("<sheetData>", columns + "<sheetData>")
    assert opened(zipped(made)).grid.hidden_columns == [(1, 2)]


def test_a_row_keeps_its_digest_when_it_moves_and_loses_it_when_a_cell_moves() -> None:
    first, second = rows_of(written(("a", "b"), ("", "ab")))
    moved = rows_of(written(("x", "y"), ("a", "b"), ("ab", "")))
    assert moved[1].ref.digest == first.ref.digest
    assert len({first.ref.digest, second.ref.digest, moved[2].ref.digest}) == 3


@given(st.lists(st.tuples(XML_TEXT.filter(bool), XML_TEXT), min_size=1, max_size=4))
def test_any_text_that_xlsxwriter_writes_arrives_exactly(rows: list[tuple[str, str]]) -> None:
    assert [tuple(row.cells) for row in rows_of(written(*rows))] == rows


@given(XML_TEXT.filter(lambda each: each and not re.search(r"[\x00-\x1f]|_x[0-9a-fA-F]{4}_", each)))
def test_any_text_that_openpyxl_can_write_arrives_exactly(value: str) -> None:
    stream = BytesIO()
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["id", "a"])
    sheet["A2"].value, sheet["A2"].data_type = value, "s"
    book.save(stream)
    (row,) = rows_of(stream)
    assert row.cells == [value, ""]


@given(
    st.lists(
        st.one_of(
            st.integers(-(2**53), 2**53),
            st.floats(-1e15, 1e15).map(lambda number: float(f"{number:.15g}")),
            st.booleans(),
            st.dates(date(1900, 3, 1)).map(lambda day: datetime(day.year, day.month, day.day)),  # noqa: DTZ001
        ),
        min_size=1,
        max_size=5,
    )
)
def test_values_are_those_that_calamine_reads(values: list[object]) -> None:
    stream = written(*[("x", value) for value in values])
    theirs = CalamineWorkbook.from_filelike(BytesIO(stream.getvalue())).get_sheet_by_index(0).to_python()[1:]
    for row, (_, value) in zip(rows_of(stream), theirs, strict=True):
        mine = row.cells[1]
        if isinstance(value, bool):
            assert mine == str(value).lower()
        elif isinstance(value, float | int):
            assert float(mine) == value
        else:
            assert mine == value.isoformat()  # type: ignore[union-attr]  # a date


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("_xD83D__xDE00_", "\U0001f600"),  # two units of UTF-16 that make one character
        ("_xD83D_", "_xD83D_"),  # half a character is left as it is
        ("_x0000_", "_x0000_"),  # so is what no report could hold
        ("_x41_", "_x41_"),
        ("_xD800__xDBFF_", "_xD800__xDBFF_"),
    ],
)
def test_escapes(stored: str, expected: str) -> None:
    assert unescaped(stored) == expected


def test_shared_texts_beyond_what_memory_is_for_lie_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "IN_MEMORY", 200)
    rows = [(f"id {number}", f"é{number}") for number in range(2000)]
    stream = written(*rows, *rows[::-1])
    assert [tuple(row.cells) for row in rows_of(stream)] == [*rows, *rows[::-1]]
    made = parts(f'{HEAD}<row r="2"><c r="A2" t="s"><v>9</v></c></row>', strings="<si><t>abcdefghij</t></si>" * 5)
    with pytest.raises(InputRefused, match="no shared text of number 9"):
        rows_of(zipped(made))
    made = parts(f'{HEAD}<row r="2"><c r="A2" t="s"><v>-1</v></c></row>', strings="<si><t>abcdefghij</t></si>" * 5)
    with pytest.raises(InputRefused, match="no shared text of number -1"):
        rows_of(zipped(made))
    monkeypatch.setattr(texts, "MAX_STRINGS", 100)
    with pytest.raises(InputRefused, match="more than 100 different texts"):
        rows_of(stream)
    monkeypatch.setattr(texts, "MAX_STRINGS", 1 << 24)

    def full() -> BytesIO:
        raise OSError(28, "No space left on device")

    stream.seek(0)
    with pytest.raises(InputRefused, match="no room on disk"):
        list(read_workbook(stream, scratch=full))


TWO = ("One", "Two")


def named(*, state: str = "", filled: tuple[bool, bool] = (True, True)) -> BytesIO:
    made = parts(HEAD, names=TWO)
    empty, full = made["xl/worksheets/sheet2.xml"], made["xl/worksheets/sheet1.xml"]
    for number, has_cells in enumerate(filled, 1):
        made[f"xl/worksheets/sheet{number}.xml"] = full if has_cells else empty
    if state:
        book = made["xl/workbook.xml"]
        made["xl/workbook.xml"] = book.replace("<sheet name", f'<sheet state="{state}" name', 1)
    return zipped(made)


@pytest.mark.parametrize(
    ("stream", "asked", "expected"),
    [
        (named(filled=(True, False)), "", "One"),  # the other one is empty
        (named(filled=(False, True)), "", "Two"),
        (named(state="hidden"), "", "Two"),  # the other one cannot be seen
        (named(state="veryHidden"), "One", "One"),  # but it can be asked for
        (named(), "Two", "Two"),
        (named(), "two", "Two"),  # case does not matter to spreadsheets
    ],
)
def test_the_sheet_is_the_only_one_that_can_be_meant_or_the_one_that_is_named(
    stream: BytesIO, asked: str, expected: str
) -> None:
    assert Workbook(stream, TemporaryFile).chosen(asked).name == expected


@pytest.mark.parametrize(
    ("stream", "asked", "says"),
    [
        (named(), "", "2 sheets with cells: say which one, --sheet 'One', --sheet 'Two'"),
        (named(), "Three", "no sheet `Three`; it has --sheet 'One', --sheet 'Two'"),
        (named(filled=(False, False)), "", "no sheet that can be seen has cells"),
        (zipped(parts(HEAD, names=tuple(f"N{each}" for each in range(30)))), "x", "--sheet 'N19' and 10 more"),
    ],
)
def test_a_choice_is_never_guessed(stream: BytesIO, asked: str, says: str) -> None:
    with pytest.raises(InputRefused, match=re.escape(says)):
        Workbook(stream, TemporaryFile).chosen(asked)


def test_a_workbook_whose_sheets_are_all_hidden_names_them() -> None:
    made = parts(HEAD)
    made["xl/workbook.xml"] = made["xl/workbook.xml"].replace("<sheet name", '<sheet state="hidden" name')
    with pytest.raises(InputRefused, match=r"all sheets of the workbook are hidden: .* --sheet 'S'"):
        Workbook(zipped(made), TemporaryFile).chosen("")


def replaced(name: str, old: str, new: str) -> BytesIO:
    made = parts(HEAD)
    assert old in made[name]
    made[name] = made[name].replace(old, new)
    return zipped(made)


def without(name: str) -> BytesIO:
    return zipped({key: value for key, value in parts(HEAD).items() if key != name})


def with_members(*names: str) -> BytesIO:
    return zipped({**parts(HEAD), **dict.fromkeys(names, "x")})


def patched(change: Callable[[bytes], bytes]) -> BytesIO:
    return BytesIO(change(zipped(parts(HEAD)).getvalue()))


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(30, b"\0") + b"\x09\0" + bytes(480)
DTD = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (BytesIO(), "the input is empty"),
        (BytesIO(b"id,a\n1,x\n"), "no XLSX workbook, whatever its name says"),
        (BytesIO(b"\x1f\x8b123456"), "compressed once more, with gzip"),
        (BytesIO(OLE), "an old workbook (.xls)"),
        (BytesIO(OLE[:100]), "an old workbook (.xls)"),
        (BytesIO(OLE + "EncryptedPackage".encode("utf-16-le")), "has a password"),
        (BytesIO(b"PK\x03\x04" + bytes(100)), "its zip data cannot be read"),
        (patched(lambda data: data[:-60]), "its zip data cannot be read"),
        (patched(lambda data: data.replace(b"\x08\x00", b"\x0e\x00")), "compressed in a way"),  # LZMA
        (with_members("content.xml", "mimetype"), "(.ods)"),
        (with_members("xl/workbook.bin"), "(.xlsb)"),
        (zipped({"a.csv": "id\n"}), "a zip file, but no workbook"),
        (replaced("_rels/.rels", "officeDocument", "picture"), "a zip file, but no workbook"),
        (with_members("XL/Workbook.xml"), "two parts are called"),
        (without(SHEET), f"it has no part `{SHEET}`"),
        (without("xl/_rels/workbook.xml.rels"), "it has no part"),
        (replaced("xl/workbook.xml", "workbook ", "document "), "is not XML"),
        (replaced("xl/workbook.xml", 'r:id="r1"', 'r:id="r9"'), "a sheet that it does not have"),
        (replaced(SHEET, "<sheetData>", "<sheetData"), "is not XML"),
        (replaced(SHEET, "worksheet", "chartsheet"), "no sheet of cells, but a `chartsheet`"),
        (replaced(SHEET, "<worksheet", DTD + "<worksheet"), "a document type declaration"),
        (replaced("xl/sharedStrings.xml", "<sst", DTD + "<sst"), "a document type declaration"),
        (replaced("xl/styles.xml", "></", "><numFmts><numFmt/></numFmts></"), "a number format has no number"),
        (replaced("xl/styles.xml", "></", f">{'<a>' * 70}</"), "more than 64 deep"),
        (replaced("xl/sharedStrings.xml", "></", f">{'<a>' * 70}</"), "nested more than 64 deep"),
        (replaced(SHEET, "<sheetData>", f"<!--{' ' * (2 << 20)}--><sheetData>"), "a tag or a comment of more than"),
        *[
            (replaced(SHEET, "<worksheet", f'<?xml version="1.0" encoding="{name}"?><worksheet'), "is not XML")
            for name in ("shift_jis", "utf-7", "hex", "punycode", "klingon")
        ],
        *[
            (replaced(SHEET, "</sheetData>", f"</sheetData>{''.join(map(name.format, range(20_000)))}"), "names")
            for name in ("<a{}/>", "<a a{}='1'/>", "<a xmlns:a{}='u'/>", "<a xmlns='u{}'/>")
        ],
    ],
)
def test_what_is_no_sound_workbook_is_refused_with_what_to_do(stream: BytesIO, says: str) -> None:
    made = HEAD + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>'
    if "type declaration" in says or "nested" in says:
        stream = _using_a_shared_text(stream, made)
    with pytest.raises(InputRefused, match=re.escape(says)):
        rows_of(stream)


def _using_a_shared_text(stream: BytesIO, rows: str) -> BytesIO:
    with zipfile.ZipFile(stream) as old:
        made = {name: old.read(name).decode() for name in old.namelist()}
    made[SHEET] = made[SHEET].replace(HEAD, rows)
    return zipped(made)


def test_another_office_document_is_no_workbook() -> None:
    made = parts(HEAD)
    made["xl/workbook.xml"] = f'<document xmlns="{MAIN}"/>'
    with pytest.raises(InputRefused, match="an office document, but no workbook"):
        rows_of(zipped(made))


@pytest.mark.parametrize("limit", ["MAX_PARTS", "_LONGEST_READ"])
def test_a_list_of_very_many_parts_is_refused(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, limit, 5 if limit == "MAX_PARTS" else 100)
    with pytest.raises(InputRefused, match=r"parts"):
        rows_of(zipped(parts(HEAD)))


def test_a_part_that_begins_before_the_file_is_damage(tmp_path: Path) -> None:
    damaged = bytearray(zipped(parts(HEAD)).getvalue())
    where = damaged.rindex(b"PK\5\6") + 16
    begins = int.from_bytes(damaged[where : where + 4], "little")
    damaged[where : where + 4] = (begins + 1000).to_bytes(4, "little")  # and so does every part
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(damaged)
    with path.open("rb") as stream, pytest.raises(InputRefused, match="its zip data cannot be read"):
        read_workbook(stream, scratch=TemporaryFile)


def test_a_part_that_unpacks_to_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = zipped(parts(HEAD + " " * 100_000))
    assert rows_of(stream) == []
    monkeypatch.setattr(package, "HARMLESS", 1000)
    with pytest.raises(InputRefused, match="more than 200 times its size"):
        rows_of(stream)
    made = parts(HEAD, book=" " * (17 << 20))
    with pytest.raises(InputRefused, match="16,777,216 are taken at most"):
        rows_of(zipped(made))


def test_a_text_or_a_row_beyond_16_mib_is_refused() -> None:
    long = "x" * (9 << 20)
    for rows in (f'{HEAD}<row r="2">{text("A2", long + long)}</row>', f'{HEAD}<row r="2">{text("A2", long) * 2}</row>'):
        with pytest.raises(InputRefused, match=r"row 2 .* longer than 16 MiB"):
            rows_of(zipped(parts(rows.replace('r="A2"', ""))))
    many = f'<c t="inlineStr"><is>{"<t/>" * 300_000}</is></c>'
    with pytest.raises(InputRefused, match=r"row 2 .* longer than 16 MiB"):
        rows_of(zipped(parts(f'{HEAD}<row r="2">{many}</row>')))
    made = parts(f'{HEAD}<row r="2"><c r="A2" t="s"><v>0</v></c></row>', strings=f"<si><t>{long}{long}</t></si>")
    with pytest.raises(InputRefused, match="a text of more than 16 MiB"):
        rows_of(zipped(made))


def test_a_workbook_needs_neither_styles_nor_shared_texts_and_charts_are_no_sheets() -> None:
    made = parts(f'{HEAD}<row r="2"><c r="A2"><v>1</v></c></row>', names=("Chart", "S"))
    made["xl/_rels/workbook.xml.rels"] = relationships(
        ("chartsheet", "chartsheets/sheet1.xml"), ("worksheet", "worksheets/sheet1.xml")
    )
    del made["xl/styles.xml"], made["xl/sharedStrings.xml"]
    (row,) = rows_of(zipped(made))
    assert row.cells == ["1", ""]
    made["xl/worksheets/sheet1.xml"] = made["xl/worksheets/sheet1.xml"].replace('r="A2"', 'r="A2" t="s"')
    with pytest.raises(InputRefused, match="no shared text of number 1"):
        rows_of(zipped(made))


@pytest.mark.parametrize(
    ("module", "limit", "says"),
    [
        (formats, "MAX_STYLES", "more than 1 cell formats"),
        (workbook, "MAX_PARTS", "refer to more than 1 others"),
    ],
)
def test_lists_in_a_workbook_are_bounded(
    module: ModuleType, limit: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, 1)
    with pytest.raises(InputRefused, match=says):
        rows_of(zipped(parts(HEAD, styles=DAY)))


def test_sheets_are_bounded_even_where_they_share_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_PARTS", 4)
    made = parts(HEAD)
    listed = '<sheet name="S" sheetId="1" r:id="r1"/>'
    made["xl/workbook.xml"] = made["xl/workbook.xml"].replace(listed, listed * 5)
    with pytest.raises(InputRefused, match="lists more than 4 sheets"):
        rows_of(zipped(made))


def test_ways_to_read_a_cell_are_forgotten_before_they_are_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_MAX_WAYS", 3)
    cells = "".join(f'<c s="{style}"><v>1</v></c><c s="{style}" t="e"><v>#N/A</v></c>' for style in ("0", "00", "000"))
    (row,) = rows_of(zipped(parts(f'{HEAD}<row r="2">{cells}</row>')))
    assert row.cells == ["1", "#N/A"] * 3
    assert [stored.kind for stored in row.stored] == [Kind.NUMBER, Kind.ERROR] * 3


def test_merged_ranges_beyond_those_remembered_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MAX_MERGED", 1)
    sheet = opened(zipped(parts(HEAD, after='<mergeCell ref="A1:B1"/>' * 3)))
    assert (list(sheet), sheet.grid.merged, sheet.grid.merges) == ([], [Merged(1, 1, 0, 1)], 3)


def test_columns_under_merged_ranges_are_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MAX_COVERED", 3)
    after = "".join(f'<mergeCell ref="{each}"/>' for each in ("B1:A2", "A4:B4", "A5:B5", "A6", "A7:"))
    sheet = opened(zipped(parts(HEAD, after=after)))
    assert (list(sheet), sheet.grid.merged, sheet.grid.merges) == ([], [Merged(1, 2, 1, 0), Merged(4, 4, 0, 1)], 5)


def test_a_zip_file_with_a_password_is_refused() -> None:
    def encrypted(data: bytes) -> bytes:
        at = data.index(b"PK\x01\x02")  # the first entry of the list of members, which is `_rels/.rels`
        return data[: at + 8] + bytes([data[at + 8] | 1]) + data[at + 9 :]

    with pytest.raises(InputRefused, match="has a password"):
        rows_of(patched(encrypted))
