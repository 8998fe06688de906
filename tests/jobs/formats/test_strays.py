"""Rows that stray quotes swallow, and values that a line end cuts in two: found, refused, and nothing lost."""

import csv
from io import BytesIO, StringIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.columns import Rules, SheetColumns
from jobs.formats import read_sheet
from jobs.formats.stored import DamagedRow
from jobs.formats.strays import Layout, swallowed
from jobs.model import SheetRow, Unsendable
from tests.schemas import SCHEMA

A, B, C = "ZfiCcmIvub", "YJNOHFdSXy", "wnrdaHbacF"
RULES = Rules(SCHEMA, type="stripe_payments")

IDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=10, max_size=10).filter(
    lambda id_: not id_.islower() and not id_.istitle()
)
WORDS = st.text("abc xyz.", min_size=1, max_size=12).map(str.strip).filter(bool)


def found(text: str, delimiter: str = ",") -> list[tuple[list[str], str]]:
    """The rows, each with the reason why it is marked, or nothing."""
    rows = read_sheet(BytesIO(text.encode()), delimiter=delimiter)
    return [(row.cells, row.faults[0].reason if isinstance(row, DamagedRow) else "") for row in rows]


def reasons(text: str) -> list[str]:
    """Why each row is not sent, or nothing."""
    sheet = read_sheet(BytesIO(text.encode()))
    columns = SheetColumns(sheet.header, RULES)
    judged = map(columns.read, sheet)
    return [each.reason if isinstance(each, Unsendable) else "" for each in judged]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f'id,reference,note\n{A},r,"12 inch\n{B},r,x\n{C},r,5"\n', "lines 3 to 4"),
        (f'id,reference,note\n{A},r,"12 inch\n{B},r,5"\n', "line 3"),  # the last line alone
        (f'id,reference,note\n{A},"12 inch,x\n{B},r,y\n{C},5",z\n', "lines 3 to 4"),  # a column in between
        (f'note,id\n"12 inch,{A}\nx,{B}\n5",{C}\n', "lines 2 to 3"),  # the id comes last
        (f'note,id\n"12 inch,{A}\n5",{C}\n', "line 2"),
        (f'id,a\n{A},"x\n{B},5"\n', "line 3"),
        (f'id,a\r\n{A},"x\r\n{B},5"\r\n', "line 3"),
        (f'id,a,b\n{A},"x\ny","12 inch\n{B},r,5"\n', "line 4"),  # behind a cell that has lines itself
        ('id,a\n8,"12 inch\n9,x\n10,5"\n', "lines 3 to 4"),  # numbers
        ('id,a\n1f-2,"12 inch\n3c-4,x"\n', "line 3"),
        ('reference,a,b\nx/1,q,"12 inch\nlonger/2,r,s\nno-3,r,5"\n', "lines 3 to 4"),  # whatever they look like
        (f'id,a\n"{A},5 inch\n{B}",x\n', "lines 2 to 3"),  # within the id itself
        ("\n".join((f'id,a\n{A},"x', *[f"{B},y"] * 12_000, f'{C},5"\n')), "lines 3 to 10001"),
    ],
)
def test_rows_between_two_stray_quotes_are_found(text: str, lines: str) -> None:
    (row,) = read_sheet(BytesIO(text.encode()))
    assert isinstance(row, DamagedRow)
    (fault,) = row.faults
    assert fault.reason == "rows_in_cell"
    assert fault.message.startswith(f"{lines} of the file")


def test_swallowed_rows_are_found_whatever_the_delimiter() -> None:
    assert found(f'id\tnote\n{A}\t"12 inch\n{B}\t5"\n', "\t")[0][1] == "rows_in_cell"
    assert found(f'id;note\n{A};"12 inch\n{B};5"\n', ";")[0][1] == "rows_in_cell"


@pytest.mark.parametrize(
    "text",
    [
        f'id,note\n{A},"Dear customer,\nthank you, and good bye"\n',  # prose has commas, with a space behind them
        f'id,note\n{A},"first\nsecond"\n',
        f'id,note\n{A},"all is well\neverything,fine\nwonderful,too"\n',  # words as long as an id
        f'id,note\n{A},"{{\n  ""a"": 1,\n  ""b"": 2\n}}"\n',  # JSON, with line breaks
        f'id,note,x\n{A},"Main Street 5,\n1000,Rome",y\n',  # the last line goes on with the row's own cells
        f'note,id\n"first\nsecond",{A}\n',
        f'id,a,b\n{A},"x\ny","z\nw"\n',
        f'id,note\n{A},"a,b\nc,d"\n',
        f'id,a,b\n{A},x,"1,5,\n,2,"\n',  # without an id
        'id,a\n5,"1234,x\n"\n',
    ],
)
def test_cells_that_have_lines_for_good_reasons_are_left_alone(text: str) -> None:
    assert [reason for _, reason in found(text)] == [""]


def test_a_comment_that_swallows_rows_is_no_comment() -> None:
    assert reasons(f'id,reference\n#{A},"5 inch\n{B},y\n{C},5"\n{A},z\n') == ["rows_in_cell", ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"id,a\r\n{A},fo\ro\r\n{B},x\r\n", ["row_cut", "row_cut", ""]),  # a lone CR
        (f"id,a\r\n{A},first\nsecond\r\n{B},x\r\n", ["row_cut", "row_cut", ""]),
        (f"id,a\n{A},first\rsecond\n{B},x\n", ["row_cut", "row_cut", ""]),
        (f"id,a\r\n{A},first\nsecond\nthird\r\n{B},x\r\n", ["row_cut", "row_cut", "row_cut", ""]),
        (f"id,a\r\n{A},first\nsecond, third\r\n", ["row_cut", "row_cut"]),  # as many cells, but no id
        (f"id,a,b\r\n{A},x,first\nsecond,half\r\n", ["row_cut", "row_cut"]),
        (f"id,a\n{A},first\nsecond\n{B},x\n", ["row_cut", "row_cut", ""]),  # line ends that are all alike
        (f"id,a\n{A},first\n\nsecond\n", ["row_cut", "row_cut"]),  # a paragraph
        (f"id,a\n{A},x\n{B},y", ["", ""]),  # no line end at the end
        (f"id,a\n{A},x\r\n{B},y\n{C},z\r\n", ["", "", ""]),  # put together from both kinds
        (f"id,a\r\n{A},x\n{B},y\n{C},z\r\n", ["", "", ""]),
        ("id,a\r\na,x\nb,y\nlonger,z\n", ["", "", ""]),  # whatever the ids look like
        ("id,a\r\na,x\nlonger,y\r\n", ["row_cut", "row_cut"]),  # one line end alone
        (f"id,a\r\n{A},x\n{B}\r\n", ["", ""]),  # an id without a value: a row of its own
        (f"id,a\n{A},x\n# the end\n", ["", ""]),
        (f"id,a\n{A},\nsecond\n", ["", ""]),  # nothing that could go on
        (f"id,a\n{A}\nsecond\n", ["", ""]),  # no whole row before it
        ("id\n1\n2\n", ["", ""]),
        ("a,id\r\nx,1\nrest\r\n", ["row_cut", "row_cut"]),
    ],
)
def test_a_value_that_a_line_end_cuts_is_found_with_both_halves(text: str, expected: list[str]) -> None:
    assert [reason for _, reason in found(text)] == expected


def test_neither_half_of_a_cut_value_is_sent() -> None:
    assert reasons(f"id,reference\r\n{A},fo\ro\r\n{B},x\r\n") == ["row_cut", "row_cut", ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'id,a\n{A}, "x"\n', ["space_before_quote"]),
        (f'id,a,b\n{A},  "x", "y"\n', ["space_before_quote"]),
        (f'id,a\n{A},say "x"\n', [""]),  # a quote within a cell is a character
        (f'id,a\n{A}," ""x"""\n', [""]),  # and so is one in quotes
        (f'id,a\n{A}," x"\n', [""]),
        (f'id,a\n{A}, x "y"\n', [""]),
        (f'id,a\n "{A}",x\n', ["space_before_quote"]),
    ],
)
def test_a_space_before_an_opening_quote_is_found(text: str, expected: list[str]) -> None:
    assert [reason for _, reason in found(text)] == expected


def test_a_comment_may_have_spaces_before_quotes_and_line_breaks() -> None:
    assert reasons(f'id,reference\n# see, "x"\n#{A}, "y"\n{B},z\n') == ["comment", "comment", ""]


def test_a_remark_in_a_column_without_a_name_is_named_by_its_cell() -> None:
    sheet = read_sheet(BytesIO(f"id,reference,,\n{A},r,,call Bob\n,,x\n".encode()))
    columns = SheetColumns(sheet.header, RULES)
    first, second = map(columns.read, sheet)
    assert isinstance(first, Unsendable)
    assert isinstance(second, Unsendable)
    assert first.reason == second.reason == "column_unnamed"
    assert first.message == "line 2, column 4 (D) has `call Bob`, and its column has no name in the header"
    assert second.message.endswith("; if the header has two rows, write it as one")


@pytest.mark.parametrize("reason", ["rows_in_cell", "row_cut", "space_before_quote"])
def test_what_was_misread_is_not_sent_from_its_report_before_it_is_mended(reason: str) -> None:
    """The report writes the cells as they were read: what was wrong with them cannot be seen any more."""
    assert reasons(f"__status,__reason,id,reference\ninvalid,{reason},{A},x\n") == [reason]
    assert reasons(f"__status,__reason,id,reference\ninvalid,,{A},x\n") == [""]


def test_every_fault_of_a_misread_row_is_that_one() -> None:
    sheet = read_sheet(BytesIO(f'id,reference\n{A}x y, "z"\n'.encode()))
    columns = SheetColumns(sheet.header, RULES)
    (row,) = sheet
    assert [fault.reason for fault in columns.faults(row)] == ["space_before_quote"]
    assert list(columns.doubtful([row])) == [0]


ROWS = st.lists(st.tuples(IDS, WORDS, WORDS), min_size=3, max_size=12, unique_by=lambda row: row[0])


@given(ROWS, st.data(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]))
def test_no_row_is_lost_between_stray_quotes(
    table: list[tuple[str, str, str]], data: st.DataObject, delimiter: str, end: str
) -> None:
    """Every row is either there by itself, or in a record that is refused."""
    first = data.draw(st.integers(0, len(table) - 2))
    last = data.draw(st.integers(first + 1, len(table) - 1))
    lines = [[*row] for row in table]
    lines[first][2] = '"' + lines[first][2]
    lines[last][2] += '"'
    text = end.join(delimiter.join(row) for row in [["id", "a", "b"], *lines]) + end
    rows = list(read_sheet(BytesIO(text.encode()), delimiter=delimiter))
    assert len(rows) == len(table) - (last - first)
    assert isinstance(rows[first], DamagedRow)
    assert all(any(id_ in cell for cell in rows[first].cells) for id_, _, _ in table[first : last + 1])


@given(ROWS, st.data(), st.sampled_from([("\r\n", "\n"), ("\r\n", "\r"), ("\n", "\r")]), st.text("ab ,", max_size=9))
def test_no_half_of_a_cut_value_is_sent(
    table: list[tuple[str, str, str]], data: st.DataObject, ends: tuple[str, str], rest: str
) -> None:
    end, odd = ends
    cut = data.draw(st.integers(0, len(table) - 1))
    text = f"id,a,b{end}" + "".join(
        ",".join(row) + (f"{odd}{rest or 'x'}" if number == cut else "") + end for number, row in enumerate(table)
    )
    rows = list(read_sheet(BytesIO(text.encode())))
    assert isinstance(rows[cut], DamagedRow)
    assert isinstance(rows[cut + 1], DamagedRow)
    assert [row.cells[0] for row in rows if not isinstance(row, DamagedRow)] == [
        id_ for number, (id_, _, _) in enumerate(table) if number != cut
    ]


@given(st.lists(st.tuples(IDS, st.text("ab,;\n\r\" \t'", max_size=30)), max_size=8))
def test_whatever_a_csv_writer_writes_arrives_whole_marked_or_not(table: list[tuple[str, str]]) -> None:
    written = StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("id", "a"), *table])
    rows: list[SheetRow] = list(read_sheet(BytesIO(written.getvalue().encode())))
    assert [tuple(row.cells) for row in rows] == table
    assert all(one.ref.row + 1 == other.ref.row for one, other in pairwise(rows))
    assert not any(isinstance(row, DamagedRow) for row in rows)


def test_the_layout_says_where_a_key_would_be() -> None:
    assert swallowed(["x"], 1, Layout(3, 2, ",")) is None
