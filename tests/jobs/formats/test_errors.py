"""Why an input is refused: in full for whoever reads it, and in outline for everybody else."""

from io import BytesIO
from tempfile import TemporaryFile

import pytest

from jobs.formats import COMMON_KEYS, FORMATS, InputRefused, Options
from tests.jobs.formats.workbooks import parts, text, zipped

SECRET = "Zq7"


def workbook(row: str) -> bytes:
    return zipped(parts(row)).getvalue()


def read(format_name: str, data: bytes) -> None:
    options = Options(delimiter=",", sheet="S", keys=COMMON_KEYS, scratch=TemporaryFile)
    list(FORMATS[format_name].read(BytesIO(data), options))


@pytest.mark.parametrize(
    ("format_name", "data", "outline"),
    [
        ("csv", b"A;Zq7\n", "line 1: the header is one column. If it is several, say --delimiter ';'"),
        ("csv", b"id,Zq7,Zq7\n", "line 1: columns 2 and 3 have the same name"),
        ("csv", b'{"id": "Zq7"}\n', "line 1: this is no sheet, but looks like JSON: say --format ndjson"),
        ("csv", b"id,name\nA,Zq7\xfc\n", "line 2: the byte at offset 13 (counted from 0) is not utf-8 text. Say which"),
        ("ndjson", b"id,Zq7\nA,x\n", "line 1: this is no JSON, but looks like CSV: say --format csv"),
        ("ndjson", b'[{"id": "Zq7\xfc"}]', "line 1: the byte at offset 12 (counted from 0) is not utf-8 text. Say"),
        (
            "xlsx",
            workbook(f'<row r="1">{text("A1", "id")}{text("B1", SECRET)}{text("C1", SECRET)}</row>'),
            "row 1 of sheet `S`: its names of columns cannot be told apart",
        ),
        (
            "xlsx",
            workbook(f'<row r="1">{text("A1", "id")}</row><row r="2"><c r="A2"><v>Zq7</v></c></row>'),
            "sheet `S` cannot be read: cell S!A2 is damaged.",
        ),
        ("xlsx", workbook('<row r="1"><c r="A1" t="e"><v>#Zq7</v></c></row>'), "a column has no name"),
    ],
)
def test_the_outline_of_a_refusal_has_no_words_of_the_input(format_name: str, data: bytes, outline: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read(format_name, data)
    assert SECRET in str(refused.value)
    assert refused.value.outline.startswith(outline)
    assert SECRET not in refused.value.outline


def test_a_refusal_that_quotes_nothing_is_its_own_outline() -> None:
    assert InputRefused("no such text", line=2).outline == str(InputRefused("no such text", line=2))
