import csv
from hashlib import blake2b
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.formats import MAX_RECORD, InputRefused, read_sheet
from jobs.model import SheetRow

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def rows(text: str, delimiter: str = ",") -> list[SheetRow]:
    return list(read_sheet(BytesIO(text.encode()), delimiter=delimiter))


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return [row.cells for row in rows(text, delimiter)]


def refusal(data: bytes, **options: Any) -> InputRefused:
    """The refusal of a sheet."""
    with pytest.raises(InputRefused) as refused:
        list(read_sheet(BytesIO(data), **options))
    return refused.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,a\n1,x\n", [["1", "x"]]),
        ("id,a\r\n1,x\r\n", [["1", "x"]]),  # line ends of Windows
        ("id,a\r1,x\r", [["1", "x"]]),  # line ends of an old Mac
        ("id,a\n1,x", [["1", "x"]]),  # no line end at the end
        ("\ufeffid,a\n1,x\n", [["1", "x"]]),  # a byte order mark
        ("\n\nid,a\n\n1,x\n\n\n2,y\n", [["1", "x"], ["2", "y"]]),  # blank lines are no records
        ("id,a\n,\n", [["", ""]]),  # a record of empty cells is one
        ('id,a\n1,"x,y"\n', [["1", "x,y"]]),  # a delimiter in quotes
        ('id,a\n1,"say ""hi"""\n', [["1", 'say "hi"']]),  # a doubled quote
        ('id,a\n1,"x\ny"\n', [["1", "x\ny"]]),  # a line feed in quotes
        ('id,a\r\n1,"x\r\ny"\r\n', [["1", "x\r\ny"]]),  # kept as it is
        ('id,a\n1,"x\ry\n\nz"\n', [["1", "x\ry\n\nz"]]),  # a blank line in quotes
        ("id,a\n007, x \n", [["007", " x "]]),  # nothing is trimmed or reinterpreted
        ("id,a\n1,NULL\n", [["1", "NULL"]]),
        ('id,a\n1,5" tube\n', [["1", '5" tube']]),  # a quote inside an unquoted cell is a character
        ("id,a\n1,x\u2028y\x0bz\n", [["1", "x\u2028y\x0bz"]]),  # only CR and LF end lines
        ("id,a\n", []),
        ("id\n1\n", [["1"]]),  # one column
        ("id,a,,\n1,x,,\n2,y\n", [["1", "x"], ["2", "y"]]),  # columns that a spreadsheet left behind
        ("id,a,,\n1,x,,z\n", [["1", "x", "", "z"]]),  # what stands in one of them is not dropped
        ("id,a\n1,x,\n", [["1", "x", ""]]),  # where the header has none, a cell too many is one
    ],
)
def test_records_are_those_of_rfc_4180(text: str, expected: list[list[str]]) -> None:
    assert cells(text) == expected


def test_a_tsv_is_a_csv_with_tabs() -> None:
    assert cells('id\ta\n1\t"x\ty"\n2\tb,c\n', "\t") == [["1", "x\ty"], ["2", "b,c"]]


def test_a_sheet_knows_its_header_before_its_rows() -> None:
    assert read_sheet(BytesIO(b'id,"metadata.a b",x\n')).header == ["id", "metadata.a b", "x"]


def test_a_row_is_known_by_number_line_and_content() -> None:
    text = 'id,a\r\n1,x\r\n\r\n#2,"y\r\nz"\r\n3\r\n4,w'
    refs = [row.ref for row in rows(text)]
    assert [(ref.row, ref.line) for ref in refs] == [(1, 2), (2, 4), (3, 6), (4, 7)]
    raws = ["1,x", '#2,"y\r\nz"', "3", "4,w"]
    assert [ref.digest for ref in refs] == [blake2b(raw.encode(), digest_size=8).digest() for raw in raws]


def test_a_row_keeps_its_digest_when_line_ends_change_or_rows_move() -> None:
    first, second = rows("id,a\n1,x\n2,y\n")
    moved_second, moved_first = rows("id,a\r\n2,y\r\n1,x")
    assert (first.ref.digest, second.ref.digest) == (moved_first.ref.digest, moved_second.ref.digest)


def test_a_record_with_another_number_of_cells_keeps_them_all() -> None:
    assert cells("id,a\n1\n2,x\n3,y,z\n") == [["1"], ["2", "x"], ["3", "y", "z"]]


@given(st.lists(st.lists(ANY_TEXT, min_size=2, max_size=2)), st.sampled_from(["\r\n", "\n", "\r"]))
def test_any_text_that_a_csv_writer_writes_arrives_exactly(table: list[list[str]], line_end: str) -> None:
    written = StringIO(newline="")
    csv.writer(written, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows([["id", "a"], *table])
    assert cells(written.getvalue()) == table


def test_comments_broken_and_empty_records_are_rows_too_and_blank_lines_are_not() -> None:
    assert [(row.ref.row, row.ref.line) for row in rows("id,a\n#1,x\n2\n,\n\n3,y\n")] == [
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 6),
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", None, "empty"),
        ("\n\r\n", None, "empty"),  # blank lines alone
        ("\nid,,a\n1,x,y\n", 2, "column 2 has no name"),
        ("id,,a\n1,,x\n", 1, "column 2 has no name"),
        ("id,a,id\n", 1, "columns 1 and 3 are both `id`"),
        ("id;a\n1;x\n", 1, "--delimiter ';'"),
        ("id\ta\n1\tx\n", 1, "--format tsv"),
        ("id|a\n", 1, r"--delimiter '|'"),
        ('id,a\n1,x\n2,"y\nz\n', 3, "closing quote is missing"),  # where the record begins, not where the file ends
        ('id,a\n1,"x"y\n', 2, "text follows a closing quote"),
        ('id,a\n"1\n2",x\n3,"x" \n', 4, "text follows a closing quote"),
        ('"id,a\n', 1, "closing quote is missing"),
        ("id,a\n1,x\0\n", 2, "NUL"),
    ],
)
def test_a_broken_sheet_is_refused_with_its_line(text: str, line: int | None, says: str) -> None:
    refused = refusal(text.encode())
    assert refused.line == line
    assert says in str(refused)
    assert (f"line {line}: " in str(refused)) is (line is not None)


def test_a_refusal_keeps_its_facts_apart() -> None:
    refused = refusal(b"id,a,id\n")
    assert (refused.message, refused.line, refused.column) == ("columns 1 and 3 are both `id`", 1, "id")


def test_commas_under_another_delimiter_are_named() -> None:
    assert "--delimiter ','" in str(refusal(b"id,a\n", delimiter=";"))
    assert "text follows" in str(refusal(b'id;a\n1;"x"y\n', delimiter=";"))


@pytest.mark.parametrize("delimiter", ["", ";;", "\n", '"'])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter: str) -> None:
    assert "cannot be one" in str(refusal(b"id\n1\n", delimiter=delimiter))


def test_bytes_that_are_not_text_refuse_the_sheet() -> None:
    refused = refusal(b"id,a\n1,x\n2,\xe9\n")
    assert refused.line == 3
    assert "--encoding cp1252" in str(refused)


def test_the_encoding_can_be_said() -> None:
    (row,) = read_sheet(BytesIO("id,a\n1,é\n".encode("cp1252")), encoding="cp1252")
    assert isinstance(row, SheetRow)
    assert row.cells == ["1", "é"]


@pytest.mark.parametrize(
    "data",
    [
        b"id,a\n1,x\n2," + b"y" * MAX_RECORD,  # one line
        b'id,a\n1,x\n2,"' + b"yyyyyyy\n" * (MAX_RECORD // 8),  # a quote that swallows the file
    ],
)
def test_a_record_over_16_mib_refuses_the_sheet(data: bytes) -> None:
    refused = refusal(data)
    assert refused.line == 3
    assert "16 MiB" in str(refused)


def test_a_cell_of_many_mib_is_read() -> None:
    ((_, cell),) = cells("id,a\n1," + "x" * (MAX_RECORD - 4))
    assert len(cell) == MAX_RECORD - 4


def test_a_header_is_bounded_more_tightly_than_a_record() -> None:
    with pytest.raises(InputRefused, match=r"line 1: the header has 16,385 columns; a sheet has 16,384 at most"):
        read_sheet(BytesIO(",".join(map(str, range(16_385))).encode()))
    assert len(read_sheet(BytesIO(",".join(map(str, range(16_384))).encode())).header) == 16_384
    with pytest.raises(InputRefused, match="line 1: the record that begins here is longer than 1 MiB"):
        read_sheet(BytesIO(b"id," + b"x" * (1 << 20)))


@pytest.mark.parametrize("lines", [4094, 4095, 4096, 4097, 8191, 8192, 8193, 20_000])
def test_a_record_of_many_lines_is_exact_and_the_next_one_begins_where_it_says(lines: int) -> None:
    cell = "\n" * lines
    found = list(read_sheet(BytesIO(f'id,a\n1,"{cell}"\n2,b\n'.encode())))
    assert [row.cells for row in found] == [["1", cell], ["2", "b"]]
    assert [row.ref.line for row in found] == [2, 2 + lines + 1]
    (other,) = read_sheet(BytesIO(f'id,a\n1,"{cell}"\n'.encode()))
    assert other.ref == found[0].ref
    with pytest.raises(InputRefused, match=r"^line 2: a quoted cell never ends"):
        list(read_sheet(BytesIO(f'id,a\n1,"{cell}'.encode())))
