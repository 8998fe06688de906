"""An input that comes back: what changed in it, and which of its rows an earlier run has left behind."""

from pathlib import Path

import pytest

from jobs.formats import COMMON_KEYS
from tests.schemas import DESK, SCHEMA
from worker.files.refeed import overtaken, what_changed
from worker.settings import Input

OBJECTS = """{"__status":"failed","repo":"r","number":1,"a":{"b":1}}
{"__status":"applied","number":"1","repo":"r","a.b":2}
{"__status":"applied","a.b":2}
"""
SHEET = "id,reference\nabc,007\n\ndef,1E5\n"


def how(format_name: str = "csv") -> Input:
    return Input(source="x", format=format_name)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("id,reference\nnew,1\nabc,007\ndef,1E5\n", "row 1 is not what it was"),  # inserted on top
        ("id,reference\nabc,007\ndef,1E6\n", "row 2 is not what it was"),  # edited
        ("id,reference\ndef,1E5\nabc,007\n", "row 1 is not what it was"),  # reordered
        ("id,reference\nabc,007\ndef,1E5\nxyz,1\n", "rows were added: row 3 is new"),
        ("id,reference\nabc,007\n", "rows were removed: row 2 is gone"),
        ("id,metadata.reference\nabc,007\ndef,1E5\n", "its header is another one"),
        ("id,reference\r\nabc,007\r\ndef,1E5\r\n", "only its bytes differ"),  # line ends
    ],
)
def test_a_changed_sheet_is_told_by_its_first_difference(tmp_path: Path, now: str, says: str) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(SHEET, newline="")
    new.write_text(now, newline="")
    assert says in what_changed(old, new, how(), COMMON_KEYS)


def test_a_changed_ndjson_input_is_told_by_its_first_difference(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text('{"id":"a"}\n{"id":"b"}\n')
    new.write_text('{"id":"a"}\n{"id":"c"}\n')
    assert what_changed(old, new, how("ndjson"), COMMON_KEYS).startswith("row 2 is not what it was")


@pytest.mark.parametrize(
    ("format_name", "text", "expected"),
    [
        ("csv", "__status,id\nfailed,a\napplied,a\nfailed,a\nrejected,b\n", {1}),  # only what stands before
        ("csv", "id,__status\na,pending\na,unknown\na,unchanged\n", {1, 2}),
        ("csv", "id,reference\na,applied\na,applied\n", set()),  # no results file
        ("csv", "__status,id\nfailed\napplied,a\n", set()),  # an uneven row has no id
        ("csv", "__status,reference\nfailed,a\napplied,a\nfailed,b\n", {1}),  # records by their references
        ("csv", "__status,id,reference\nfailed,x,a\napplied,y,a\n", set()),  # beside ids, a reference is a value
        ("ndjson", '{"__status":"failed","reference":"a"}\n{"__status":"applied","reference":"a"}\n', {1}),
        ("ndjson", '{"__status":"failed","reference":"a"}\n{"__status":"applied","id":"a"}\n', set()),  # who knows
        ("ndjson", '{"__status":"failed","id":"a"}\n{"__status":"applied","id":"a"}\n', {1}),
        ("ndjson", '{"__status":"failed","data":{"id":"a"}}\n{"__status":"applied","data":{"id":"b"}}\n', set()),
        ("ndjson", '{"__status":"failed","data":{"id":"a"}}\n{"__status":"applied","data":{"id":"a"}}\n', {1}),
        ("ndjson", '{"__status":"failed"}\n{"__status":"applied"}\n', set()),  # no ids at all
        ("ndjson", '{"id":"a"}\n{"__status":"applied","id":"a"}\n', set()),  # no results file
    ],
)
def test_rows_of_a_results_file_are_overtaken_by_later_done_rows_of_their_id(
    tmp_path: Path, format_name: str, text: str, expected: set[int]
) -> None:
    path = tmp_path / "input"
    path.write_text(text)
    assert overtaken(path, how(format_name), "stripe_payments", SCHEMA).keys() == expected


HEADER = "__status,id,reference,metadata.a,metadata.b\n"
KEYS = [("attributes", "reference"), ("attributes", "metadata", "a"), ("attributes", "metadata", "b")]


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        ("failed,x,1,,\napplied,x,,2,\n", {1: {KEYS[1]}}),  # a row that set other columns
        ("failed,x,1,1,\napplied,x,,2,\nfailed,x,,1,1\nunchanged,x,,,2\n", {1: {KEYS[1], KEYS[2]}, 3: {KEYS[2]}}),
        ("failed,x,1,,\napplied,y,2,,\n", {}),
        ("failed,x,1,,\napplied,x,<clear>,,\n", {1: {KEYS[0]}}),
        ("failed,x,1,,\napplied,x,,,\n", {1: {()}}),  # mended since: who knows what it set
    ],
)
def test_what_later_rows_have_set_is_taken_from_a_row_that_comes_back(
    tmp_path: Path, rows: str, taken: dict[int, set[tuple[str, ...]]]
) -> None:
    path = tmp_path / "input"
    path.write_text(HEADER + rows)
    assert overtaken(path, how(), "stripe_payments", SCHEMA) == taken


def test_a_results_file_whose_header_means_nothing_overtakes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text("__status,id,no_such\nfailed,x,1\napplied,x,1\n")
    assert overtaken(path, how(), "stripe_payments", SCHEMA) == {}  # the run refuses it, and says why


@pytest.mark.parametrize(
    ("format_name", "kind", "text", "taken"),
    [
        (
            "csv",
            "issues",
            "__status,repo,number,title,body\nfailed,r,1,a,b\napplied,r,2,c,\napplied,r,1,c,\nfailed,,1,a,\n",
            {1: {("attributes", "title")}},
        ),
        ("csv", "people", "__status,email,name\nfailed,Ann@x.y,a\napplied,ann@x.y,b\n", {1: {("attributes", "name")}}),
        (
            "csv",
            "tickets",
            "__status,external_id,tags.add,tags.remove\nfailed,x,a,b\napplied,x,b,\napplied,,a,\n",
            {1: {("attributes", "tags", "b")}},
        ),
        (
            "csv",
            "",
            "__status,type,id,repo,number,title\nfailed,tickets,1,,,a\napplied,issues,,r,1,b\nfailed,issues,,r,1,a\n",
            {},
        ),
        (
            "ndjson",
            "issues",
            OBJECTS,
            {1: {("attributes", "a", "b")}},
        ),
    ],
)
def test_records_with_other_keys_than_an_id_are_known_again(
    tmp_path: Path, format_name: str, kind: str, text: str, taken: dict[int, set[tuple[str, ...]]]
) -> None:
    path = tmp_path / "input"
    path.write_text(text)
    assert overtaken(path, how(format_name), kind, DESK) == taken
