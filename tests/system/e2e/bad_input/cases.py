"""Inputs with one fault each, and what `rowpatch check` says of them. The table in `docs/input.md` is made of these."""

import gzip
from dataclasses import dataclass
from typing import Final

from tests.jobs.formats.workbooks import parts, text, zipped

A: Final = "ZfiCcmIvub"
B: Final = "YJNOHFdSXy"
C: Final = "wnrdaHbacF"


@dataclass(frozen=True, slots=True)
class Case:
    """One bad input.

    Attributes:
        fault: what is wrong with it, in the words of the table.
        name: of the file.
        content: its bytes.
        says: what the check says about it, among other things.
        status: 2 when something is refused, 0 when it is a warning.
        type: what is passed as --type, or empty.
    """

    fault: str
    name: str
    content: bytes
    says: str
    status: int = 2
    type: str = "stripe_payments"


def sheet(fault: str, content: str, says: str, status: int = 2, type_: str = "stripe_payments") -> Case:
    """A CSV."""
    return Case(fault, "sheet.csv", content.encode(), says, status, type_)


def column(fault: str, name: str, cells: list[str], says: str, status: int = 0) -> Case:
    """A CSV whose second column has these cells; its ids are in order."""
    ids = [f"{A[:-1]}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    quoted = [cell.replace('"', '""') for cell in cells]
    lines = [f'{id_},"{cell}"' for id_, cell in zip(ids, quoted, strict=False)]
    return sheet(fault, "\n".join((f"id,{name}", *lines, "")), says, status)


def workbook(
    fault: str, says: str, cells: str, *, styles: str = "", row: str = "", before: str = "", merged: str = ""
) -> Case:
    """A workbook with an id, a reference and a key, whose one row has these cells besides the id."""
    head = f'<row r="1">{text("A1", "id")}{text("B1", "metadata.b")}{text("C1", "metadata.c")}</row>'
    formats = f'<numFmts><numFmt numFmtId="200" formatCode="{styles}"/></numFmts>' if styles else ""
    after = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    made = parts(
        f'{head}<row r="2"{row}>{text("A2", A)}{cells}</row>',
        styles=f'{formats}<cellXfs><xf numFmtId="0"/><xf numFmtId="200"/></cellXfs>',
        after=after,
    )
    name = "xl/worksheets/sheet1.xml"
    made[name] = made[name].replace("<sheetData>", f"{before}<sheetData>")
    return Case(fault, "sheet.xlsx", zipped(made).getvalue(), says, 0)


def objects(fault: str, content: str, says: str, status: int = 2) -> Case:
    """An NDJSON file."""
    return Case(fault, "sheet.ndjson", content.encode(), says, status)


_LOTS: Final = ["MAR7", "SEPT2", "A-17", "B-18", "C-19", "D-20", "E-21", "F-22", "G-23", "H-24", "I-25"]
_PRICES: Final = ["12.50", "3.99", "100.00", "8.25", "1.10", "7.77", "20.00", "5.05", "6.60", "9.99"]
_IN_PLACE: Final = "".join(
    f"ZfiCcmIvu{'abcdefghijkl'[each]},inv-{each},00{each % 9 + 1},{each}.50\n" for each in range(12)
)
_SHIFTED: Final = f"id,reference,metadata.lot,metadata.price\n{_IN_PLACE}{B},,inv-7,003\n"

CASES: Final = (
    # the file as a whole
    sheet("nothing in it", "", "the input is empty: its first line must name the columns"),
    sheet("a header and no rows", "id,reference\n", "has no rows"),
    Case("Windows encoding", "sheet.csv", b"id,reference\n" + A.encode() + b",caf\xe9\n", "--encoding cp1252"),
    Case("gzip cut off", "sheet.csv.gz", gzip.compress(b"id,reference\n" * 99, mtime=0)[:-9], "damaged or cut off"),
    sheet("a quote that never ends", f'id,reference\n{A},"x\n{B},y\n', "its closing quote is missing"),
    sheet("text behind a quote", f'id,reference\n{A},"x"y\n', "text follows a closing quote"),
    sheet("a NUL", f"id,reference\n{A},a\0b\n", "a NUL character"),
    sheet("a web page", "<!DOCTYPE html>\n<html><body>Log in</body></html>\n", "HTML or XML, not a sheet"),
    sheet("JSON under the name of a CSV", f'[{{"id": "{A}", "reference": "x"}}]\n', "say --format ndjson"),
    objects("a CSV under the name of NDJSON", f"id,reference\n{A},x\n", "say --format csv"),
    objects("an object over several lines", f'{{\n  "id": "{A}",\n  "reference": "x"\n}}\n', "jq -c . FILE"),
    objects("objects side by side", f'{{"id": "{A}"}} {{"id": "{B}"}}\n', "jq -c . FILE"),
    objects("an array that does not end", f'[{{"id": "{A}", "reference": "x"}},\n', "the array has no end"),
    # the header
    sheet("a title above the header", f"Payments of May\n\nid,reference\n{A},x\n", "say --header-row 3"),
    sheet("files put together", f"id,reference\n{A},x\nid,metadata.a\n{B},y\n", "files were put together"),
    sheet("no column id", "metadata.a\nx\n", "there is no column `id`"),
    sheet("id with a byte-order mark of its own", f"metadata.a,\ufeffid\nx,{A}\n", "did you mean `id`?"),
    sheet("ID in capitals", f"ID,metadata.a\n{A},x\n", "did you mean `id`?"),
    sheet("a name misspelt", f"id,refrence\n{A},x\n", "did you mean `reference`?"),
    sheet("two names misspelt", f"id,refrence,metadta.a\n{A},x,y\n", "refused as a whole: 2 reasons"),
    sheet("a name with a space", f'id,"reference "\n{A},x\n', "did you mean `reference`?"),
    sheet("a key with a space", f'id,"metadata.batch "\n{A},x\n', "suspicious_header", 0),
    sheet("a column without a name", f"id,,reference\n{A},x,y\n", "column 2 has no name"),
    sheet("one name twice", f"id,reference,reference\n{A},x,y\n", "are both `reference`"),
    sheet("the whole and a part", f"id,metadata,metadata.a\n{A},{{}},y\n", "keep one of them"),
    sheet("a suffix that does not exist", f"id,metadata.a:boolean\n{A},true\n", "did you mean `metadata.a:bool`?"),
    sheet("a reserved name", f"id,__state\n{A},x\n", "names that begin with `__` are reserved"),
    sheet("tags on a type without", f"id,tags.add\n{A},vip\n", "stripe_payments have no tags"),
    sheet("no type", f"id,reference\n{A},x\n", "pass --type TYPE", type_=""),
    sheet(
        "a type that does not exist",
        f"id,reference\n{A},x\n",
        "did you mean `stripe_payments`?",
        type_="stripe_payment",
    ),
    # rows and cells that cannot be sent
    sheet("a cell too many", f"id,reference\n{A},x,y\n", "the row has 3 cells, the header has 2"),
    sheet("a remark beside the table", f"id,reference,\n{A},x,call Bob\n", "its column has no name in the header"),
    sheet("rows between two stray quotes", f'id,reference\n{A},"12 inch\n{B},5"\n{C},x\n', "rows_in_cell"),
    sheet("a value that a line end cuts", f"id,reference\r\n{A},one\nhalf\r\n{B},x\r\n", "2 x row_cut [reference]"),
    sheet("a space before a quote", f'id,reference\n{A}, "x"\n', "space_before_quote"),
    sheet("the header once more", f"id,reference\n{A},x\nid,reference\n{B},y\n", "repeated_header"),
    sheet("a row of totals", f"id,reference\n{A},x\nTotal,y\n", "'Total' stands before totals"),
    sheet("a zero-width space in an id", f"id,reference\n{A}\u200b,x\n", "an invisible character U+200B"),
    sheet("no id", "id,reference\n,x\n", "id_missing"),
    sheet("a space in an id", f'id,reference\n"{A} ",x\n', "white space, which no id contains"),
    sheet("two ids in one cell", f'id,reference\n"{A},{B}",x\n', "a comma, which no id contains"),
    sheet("a formula that found no id", "id,reference\n#N/A,x\n", "its formula found no id"),
    sheet("a word for a number", f"id,metadata.n:int\n{A},seven\n", "needs a whole number"),
    sheet("a decimal comma in a number", f'id,metadata.n:float\n{A},"1,5"\n', "it has a comma"),
    sheet("a currency sign in a number", f"id,metadata.n:float\n{A},€5\n", "leave out the currency sign"),
    sheet("WAHR for true", f"id,metadata.b:bool\n{A},WAHR\n", "a spreadsheet in another language writes true"),
    sheet("typographic quotes in JSON", f"id,metadata.j:json\n{A},{{“a”: 1}}\n", "typographic quotes"),
    sheet("a value that is not allowed", f"id,unit_of_weight\n{A},kg\n", "takes one of gr, oz, lb", type_="parcels"),
    sheet("a column of another type", f"id,type,unit_of_weight\n{A},orders,gr\n", "column_not_of_type", type_=""),
    sheet("a trigger", f"id,_refresh\n{A},true\n", "if they are meant, --allow-trigger _refresh"),
    sheet("a tag with a space", f"id,tags.add\n{A},very important\n", "is no tag", type_="orders"),
    sheet(
        "eleven tags", f'id,tags.add\n{A},"{",".join("abcdefghijk")}"\n', "a record takes at most 10", type_="orders"
    ),
    sheet("a link of another type", f"id,order\n{A},skus/{B}\n", "links orders, not 'skus'"),
    objects("a line that is no JSON", f'{{"id": "{A}", "reference": "x"\n', "bad_json"),
    objects("a name twice in an object", f'{{"id": "{A}", "id": "{B}"}}\n', "bad_json"),
    objects("a number for a text", f'{{"id": "{A}", "reference": 7}}\n', "needs text"),
    # damage
    column("lost zeros", "reference", ["00123", "00124", "00125", "126"], "leading_zeros_lost"),
    column("scientific notation", "reference", ["1.23457E+15", "A-1"], "scientific_notation"),
    column("more digits than a spreadsheet keeps", "reference", ["1234567890123450000", "7"], "digits_lost"),
    column("scientific notation of a program", "reference", ["99999", "1e+05"], "scientific_notation"),
    column("whole numbers as decimals", "reference", ["10045.0", "10046.0"], "whole_number_as_decimal"),
    column("the last digits of a sum", "metadata.weight", ["0.30000000000000004"], "rounding_noise"),
    column("dates among codes", "reference", [*_LOTS, "1-Mar"], "date_for_code"),
    column("a day that no calendar has", "metadata.due", ["28.02.2026", "31.02.2026"], "no_such_date"),
    column("words among numbers", "metadata.n", [*map(str, range(100, 125)), "tbd"], "mixed_types"),
    column("a comma among points", "metadata.price", [*_PRICES, "12,50"], "decimal_comma"),
    column("a currency sign among numbers", "metadata.price", [*_PRICES, "€12.50"], "currency_sign"),
    column("thousands among plain numbers", "metadata.price", [*_PRICES, "1,200"], "thousands_separator"),
    column("per cent among plain numbers", "metadata.price", [*_PRICES, "12%"], "percent_sign"),
    column("a formula's error", "reference", ["#REF!"], "spreadsheet_error"),
    column("a formula", "reference", ["=VLOOKUP(A2,B:C,2)"], "formula_text"),
    column("a text as a formula", "reference", ['="00123"'], "formula_text"),
    column("an apostrophe before digits", "reference", ["'007"], "guarded_cell"),
    workbook("zeros of a number format alone", "leading_zeros_lost", '<c r="B2" s="1"><v>7</v></c>', styles="000"),
    workbook("per cent of a number format", "percent_sign", '<c r="B2" s="1"><v>0.5</v></c>', styles="0%"),
    workbook("22 digits as a number", "digits_lost", '<c r="B2"><v>9.4001118992231E+21</v></c>'),
    workbook("a hidden row", "hidden_row", text("B2", "x"), row=' hidden="1"'),
    workbook(
        "a hidden column", "hidden_column", text("B2", "x"), before='<cols><col min="2" max="2" hidden="1"/></cols>'
    ),
    workbook("a cell under a merged one", "merged_cells", text("C2", "y"), merged="A2:B2"),
    column("a program's word for nothing", "reference", ["NULL"], "null_word"),
    column("WAHR as text", "metadata.b", ["WAHR", "FALSCH"], "foreign_boolean"),
    column("booleans as text", "metadata.b", ["TRUE", "FALSE"], "boolean_as_text"),
    column("garbled letters", "reference", ["MÃ¼ller"], "mojibake"),
    column("a zero-width space", "reference", ["A\u200b-1"], "[zero-width space]"),
    column("a space at the end", "reference", ["A-1 "], "A-1␣"),
    sheet("a row moved by one column", _SHIFTED, "shifted_row", 0),
    sheet("an id of another shape", "id,reference\n12345,x\n", "id_unusual", 0),
    sheet("a typographic quote in an id", f"id,reference\n“{A}”,x\n", "typographic_character", 0),
    sheet(
        "ids without capitals",
        "id,reference\n" + "".join(f"abcdefghi{each},x\n" for each in "jklmno"),
        "id_case_lost",
        0,
    ),
    sheet("one id twice", f"id,reference\n{A},x\n{B},y\n{A},z\n", "the id of line 2, and other cells", 0),
)
