"""Every format as the rest of the program sees it: by what it can do, and never by its name."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

import pytest

from jobs.formats import FORMATS, InputRefused, ObjectFormat, Options, SheetFormat, later_header
from jobs.formats.format import Opened
from jobs.model import ObjectRow
from tests.jobs.formats.workbooks import HEAD, parts, text, zipped

WORKBOOK = zipped(parts(HEAD + f'<row r="2">{text("A2", "1")}{text("B2", "x")}</row>', names=("S", "T"))).getvalue()
TITLED = zipped(parts(f'<row r="1">{text("A1", "May")}</row>{HEAD.replace("1", "3")}')).getvalue()

SHEETS = [
    ("csv", b"id,a\n1,x\n", {"delimiter": ","}),
    ("csv", b"id;a\n1;x\n", {"delimiter": ";"}),
    ("tsv", b"id\ta\n1\tx\n", {}),
    ("xlsx", WORKBOOK, {"sheet": "S"}),
]


def sheet_format(name: str) -> SheetFormat:
    form = FORMATS[name]
    assert isinstance(form, SheetFormat)
    return form


def opens(data: bytes) -> Opened:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield BytesIO(data)

    return opened


def test_a_format_is_registered_under_its_own_name() -> None:
    assert {name: form.name for name, form in FORMATS.items()} == {name: name for name in FORMATS}


def test_no_two_formats_have_a_suffix_in_common() -> None:
    suffixes = [suffix for form in FORMATS.values() for suffix in form.suffixes]
    assert sorted(suffixes) == sorted(set(suffixes))
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_takes_only_options_that_there_are(name: str) -> None:
    assert FORMATS[name].takes < set(Options.__dataclass_fields__)


@pytest.mark.parametrize(("name", "data", "found"), SHEETS)
def test_a_sheet_says_of_itself_what_the_user_did_not(name: str, data: bytes, found: dict[str, str]) -> None:
    assert sheet_format(name).resolve(opens(data), Options()) == found


@pytest.mark.parametrize(("name", "data", "found"), SHEETS)
def test_a_sheet_is_read_by_what_it_says_of_itself(name: str, data: bytes, found: dict[str, str]) -> None:
    sheet = sheet_format(name).read(BytesIO(data), Options(**found))  # type: ignore[arg-type]  # texts alone
    assert (sheet.header, sheet.line) == (["id", "a"], 1)
    assert [(row.ref.row, row.ref.line, row.cells) for row in sheet] == [(1, 2, ["1", "x"])]


def test_what_the_user_says_of_a_sheet_is_not_looked_for() -> None:
    def opened() -> BytesIO:
        raise AssertionError

    assert sheet_format("csv").resolve(opened, Options(delimiter="|")) == {}


def test_a_sheet_that_the_user_names_is_called_as_the_workbook_calls_it() -> None:
    assert sheet_format("xlsx").resolve(opens(WORKBOOK), Options(sheet="t")) == {"sheet": "T"}


@pytest.mark.parametrize(("name", "data"), [("csv", b"May\n\nid,a\n"), ("tsv", b"May\n\nid\ta\n"), ("xlsx", TITLED)])
def test_the_first_rows_show_a_header_that_is_not_on_top(name: str, data: bytes) -> None:
    assert later_header(sheet_format(name).first_rows(BytesIO(data), Options())) == (3, ["id", "a"])


def test_no_header_is_made_up_where_no_row_looks_like_one() -> None:
    headless = zipped(parts(f'<row r="1">{text("A1", "May")}</row>')).getvalue()
    assert later_header(sheet_format("xlsx").first_rows(BytesIO(headless), Options())) is None


def test_objects_are_read_in_the_encoding_that_the_user_says() -> None:
    form = FORMATS["ndjson"]
    assert isinstance(form, ObjectFormat)
    (found,) = form.read(BytesIO('{"id": "ü"}\n'.encode("latin-1")), Options(encoding="latin-1"))
    assert isinstance(found, ObjectRow)
    assert found.members == {"id": "ü"}
    with pytest.raises(InputRefused, match="not utf-8 text"):
        list(form.read(BytesIO('{"id": "ü"}\n'.encode("latin-1")), Options()))
