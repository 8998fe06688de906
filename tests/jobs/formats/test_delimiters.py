from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest

from jobs.formats import COMMON_KEYS, InputRefused, Keys, find_delimiter, read_sheet


def found(data: bytes, encoding: str = "", keys: Keys = COMMON_KEYS) -> str:
    @contextmanager
    def opened() -> Iterator[BytesIO]:
        yield BytesIO(data)

    return find_delimiter(opened, encoding=encoding, keys=keys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,a\n1;2,x\n", ","),
        ("id;a\n1,5;x\n", ";"),
        ("id\ta\n", "\t"),
        ("id|a\n", "|"),
        ("id\n1\n", ","),  # one column
        ("", ","),
        ("id;metadata.a,b\n", ";"),  # a comma in a name: only with semicolons there is a column `id`
        ("metadata.a;b,id\n", ","),
        ('"a,b";id\n', ";"),  # in quotes
        ('"id";"a"\n', ";"),  # which no other delimiter can read at all
        ('"a\n,";id\n', ";"),  # a name of two lines
        ("Name;Email\n", ";"),  # no `id` under any: the only one that parts it
        ("sep=;\nid;a\n", ";"),  # a line for Excel
        ("SEP=^\r\nid^a\r\n", "^"),
    ],
)
def test_the_header_decides(text: str, expected: str) -> None:
    assert found(text.encode()) == expected
    assert found(text.encode("utf-16")) == expected


def test_a_sheet_may_name_its_records_by_other_columns() -> None:
    header = b"title,x;number;labels,a\n"
    with pytest.raises(InputRefused, match="more than one way"):
        found(header)
    assert found(header, keys=Keys(("number",), ())) == ";"
    assert found(b"number;a,email\n", keys=Keys(("number",), ("email",))) == ";"  # the first that is there counts
    assert found(b"a;b,email\n", keys=Keys(("number",), ("email",))) == ","


@pytest.mark.parametrize("header", ["id;x,id,y", "Name;first,last"])
def test_a_header_that_can_be_read_in_two_ways_is_refused(header: str) -> None:
    with pytest.raises(InputRefused, match=r"line 1: .* say --delimiter ',' or --delimiter ';'"):
        found(header.encode())


def test_an_input_that_is_no_text_is_refused_as_such() -> None:
    with pytest.raises(InputRefused, match="offset 3"):
        found(b"id;\xff\n")
    with pytest.raises(InputRefused, match="longer than 1 MiB"):
        found(b"id;" + b"x" * (1 << 20))


@pytest.mark.parametrize(
    "line", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;", '"sep=;";;', "sep = ;", '"sep=,"'], ids=lambda line: line
)
def test_the_line_for_excel_is_no_header_however_it_is_written(line: str) -> None:
    """LibreOffice takes it for a cell: it may be quoted, filled up, or name a delimiter that the file no longer has."""
    data = f"{line}\r\nid;a\r\n1;x\r\n".encode()
    assert found(data) == ";"
    (row,) = sheet = list(read_sheet(BytesIO(data), delimiter=";"))
    assert (row.cells, row.ref.line, len(sheet)) == (["1", "x"], 3, 1)


def test_a_tab_is_declared_by_its_name_too() -> None:
    assert found(b"sep=\\t\nid\ta,b\n") == found(b"sep=\t\nid\ta,b\n") == "\t"


def test_a_delimiter_that_was_said_counts_more_than_the_line_for_excel() -> None:
    with pytest.raises(InputRefused, match=r"the header is one column, `id;a`. If it is several, say --delimiter ';'"):
        read_sheet(BytesIO(b"sep=;\nid;a\n"))


def test_a_declared_delimiter_stands_where_the_header_does_not_contradict() -> None:
    assert found(b"sep=;\nName;first,last\n") == ";"
    assert found(b"sep=;\nid\n") == ";"
    assert found(b"sep=^\nName,Email\n") == "^"
