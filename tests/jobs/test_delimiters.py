from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest

from jobs.reading import InputRefused, find_delimiter, read_sheet


def found(data: bytes, encoding: str = "") -> str:
    @contextmanager
    def opened() -> Iterator[BytesIO]:
        yield BytesIO(data)

    return find_delimiter(opened, encoding=encoding)


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


@pytest.mark.parametrize("header", ["id;x,id,y", "Name;first,last"])
def test_a_header_that_can_be_read_in_two_ways_is_refused(header: str) -> None:
    with pytest.raises(InputRefused, match=r"line 1: .* say --delimiter ',' or --delimiter ';'"):
        found(header.encode())


def test_an_input_that_is_no_text_is_refused_as_such() -> None:
    with pytest.raises(InputRefused, match="offset 3"):
        found(b"id;\xff\n")
    with pytest.raises(InputRefused, match="longer than 1 MiB"):
        found(b"id;" + b"x" * (1 << 20))


def test_the_line_for_excel_is_no_header_and_must_not_be_contradicted() -> None:
    (row,) = sheet = list(read_sheet(BytesIO(b"sep=;\nid;a\n1;x\n"), delimiter=";"))
    assert (row.cells, row.ref.line, len(sheet)) == (["1", "x"], 3, 1)
    with pytest.raises(InputRefused, match="the first line says `sep=;`, --delimiter says ','"):
        read_sheet(BytesIO(b"sep=;\nid;a\n"))
