"""What rows look like in the reports: cells, quotes, columns, JSON."""

import csv
import json
from dataclasses import asdict
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.schema import schema_of
from jobs.columns import RESERVED, ObjectColumns, Rules, SheetColumns
from jobs.formats import read_objects, read_sheet
from jobs.formats.quoting import RISKY, quoted
from jobs.model import JSON, ApiError, ObjectRow, RowRef, SheetRow, Status, Unsendable, UpdateJob
from tests.jobs.apis.described.kit import description
from tests.schemas import SCHEMA
from worker.journal import RowOutcome
from worker.reports.formats import csv_head, csv_line
from worker.reports.keys import KeyNames
from worker.reports.merge import Record
from worker.reports.outcome import errors, needs_action, render, timestamp
from worker.reports.views import ObjectView, SheetView, View
from worker.reports.writing import lines_of

REF = RowRef(3, 5, b"12345678")
FULL = RowOutcome(
    Status.REJECTED,
    "validation",
    "=must be greater than 0",
    ("amount_cents", "metadata.x"),
    422,
    2,
    (ApiError("t", "d", "c", "/data/attributes/amount_cents", "amount_cents"),),
)
SENT = ("-req", 1_700_000_000.0015)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
CELL = TEXT | st.builds(str.__add__, st.sampled_from(sorted(RISKY)), TEXT) | st.sampled_from(["''", "'=", "'x", "'"])
NAME = CELL.filter(lambda name: name and name not in RESERVED)
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUE: st.SearchStrategy[JSON] = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


def lines(view: View, record: Record, fate: RowOutcome = FULL) -> tuple[str, str]:
    """The row's lines in `results.csv` and `results.ndjson`."""
    ((table,), (members,)) = lines_of(view, [(record, fate, *SENT)])
    return table, members


def file_of(view: View, record: SheetRow, fate: RowOutcome = FULL) -> str:
    return csv_head(view.header) + lines(view, record, fate)[0]


def failed(view: View, record: Record) -> str:
    return view.failed([(record, FULL, *SENT)], [])


def cells_of(view: View, record: Record) -> list[str]:
    return view.render(record)[0]


def source(view: View, record: Record) -> dict[str, JSON]:
    members: dict[str, JSON] = json.loads(f"{{{view.render(record)[1]}}}")
    return members


@given(st.lists(NAME, min_size=1, max_size=4, unique=True), st.data())
def test_the_users_columns_survive_any_number_of_feedings_without_growing_quotes(
    header: list[str], data: st.DataObject
) -> None:
    cells = data.draw(st.lists(CELL, min_size=len(header), max_size=len(header)))
    first = file_of(SheetView(header, ""), SheetRow(REF, cells))
    again = SheetView(parsed(first)[0], "")
    second = file_of(again, SheetRow(REF, parsed(first)[1]))
    assert second == first
    assert source(again, SheetRow(REF, parsed(first)[1]))["input"] == dict(zip(header, cells, strict=True))


ODD = st.text(alphabet="a ,;\"=+-@\t\r\n'", max_size=8)


@given(st.lists(CELL | ODD, min_size=1))
def test_a_line_of_csv_reads_back_and_has_quotes_around_what_may_part_cells(cells: list[str]) -> None:
    line = csv_line(cells)
    assert parsed(line) == [cells]
    kept = [cell for cell in cells if not any(each in cell for each in ',;"\t\r\n')]
    assert '"' in line or kept == cells
    assert line.count('"') == sum(2 + 2 * cell.count('"') for cell in cells if cell not in kept) + 2 * (cells == [""])
    assert csv_line([]) == "\r\n"


@pytest.mark.parametrize("delimiters", [",", ";", "\t"])
@given(rows=st.lists(st.lists(CELL | ODD, min_size=2, max_size=3), min_size=1, max_size=3))
def test_no_cell_is_a_formula_whatever_a_spreadsheet_takes_for_the_separator(
    delimiters: str, rows: list[list[str]]
) -> None:
    """A spreadsheet may drop quotes at the beginning of a cell that it made itself."""
    text = "".join(csv_line(["failed", *map(quoted, row)]) for row in rows)
    for row in csv.reader(StringIO(text, newline=""), delimiter=delimiters):
        read = row if delimiters == "," else [cell.lstrip('"') for cell in row]
        assert [cell for cell in read if cell.startswith(("=", "+", "-", "@"))] == []


@given(st.lists(NAME, min_size=1, max_size=4, unique=True), st.lists(CELL, max_size=6), st.data())
def test_a_line_of_results_ndjson_is_the_json_of_its_members(
    header: list[str], cells: list[str], data: st.DataObject
) -> None:
    text = st.text(st.characters(exclude_categories=[]))  # half characters too: a server may send them
    said, fields, request_id = data.draw(text), data.draw(st.lists(text, max_size=2)), data.draw(text)
    said_wrong = data.draw(
        st.lists(st.builds(ApiError, text, text, text, text, st.sampled_from(["", *header])), max_size=2)
    )
    fate = RowOutcome(
        Status.FAILED, "locked", said, tuple(fields), data.draw(st.sampled_from([0, 503])), 2, tuple(said_wrong)
    )
    at = data.draw(st.sampled_from([0.0, 1_700_000_000.25]))
    view = SheetView(header, "orders")
    named: dict[str, JSON] = dict(zip(header, cells, strict=False))
    if len(cells) > len(header):
        named[""] = cells[len(header) :]
    expected = {
        "status": "failed",
        "reason": "locked",
        "message": said or "The record is locked.",
        "fields": fields,
        "row": 3,
        "line": 5,
        "http": fate.http or None,
        "attempts": 2,
        "request_id": request_id,
        "at": "2023-11-14T22:13:20.250Z" if at else None,
        "id": named.get("id", ""),
        "type": named.get("type") or "orders",
        "input": named,
        "errors": [
            {**asdict(error), "cell": view.place(REF, error.field) if error.field else ""} for error in said_wrong
        ],
    }
    _, (line,) = lines_of(view, [(SheetRow(REF, cells), fate, request_id, at)])
    assert line == json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n"


@given(st.lists(CELL, min_size=2, max_size=2))
def test_the_reader_and_the_columns_get_back_what_the_user_wrote(cells: list[str]) -> None:
    header = ["id", "metadata.a", "metadata.b:str"]
    view = SheetView(header, "")
    text = file_of(view, SheetRow(REF, ["AbCdEfGhIj", *cells]))
    (row,) = sheet = list(read_sheet(BytesIO(text.encode())))
    assert len(sheet) == 1
    assert isinstance(row, SheetRow)
    job = SheetColumns(view.header, Rules(SCHEMA, type="transactions")).read(row)
    members = {key: cell for key, cell in zip("ab", cells, strict=True) if cell and cell != "<clear>"}
    if members and "<clear>" not in cells:
        assert isinstance(job, UpdateJob)
        assert job.members["metadata"] == members


def test_the_reserved_columns_say_what_the_contract_says() -> None:
    assert dict(zip(RESERVED, render(REF, FULL, *SENT)[0], strict=True)) == {
        "__status": "rejected",
        "__reason": "validation",
        "__message": "'=must be greater than 0",
        "__field": "amount_cents;metadata.x",
        "__row": "3",
        "__line": "5",
        "__http": "422",
        "__attempts": "2",
        "__request_id": "'-req",
        "__at": "2023-11-14T22:13:20.002Z",
    }


def test_what_never_happened_is_an_empty_cell_and_null() -> None:
    cells, text = render(REF, RowOutcome(Status.PENDING), "", 0.0)
    assert cells == ["pending", "", "", "", "3", "5", "", "0", "", ""]
    members = json.loads(f"{{{text}}}")
    assert (members["http"], members["at"], members["attempts"], members["fields"]) == (None, None, 0, [])


@pytest.mark.parametrize(
    ("reason", "said", "shown"),
    [
        ("", "", ""),  # a plain applied
        ("locked", "", "The record is locked."),  # nobody said anything: the registry does
        ("locked", "by finance", "by finance"),  # somebody did
        ("of_a_later_version", "", ""),  # a code this version does not know
    ],
)
def test_a_reason_is_never_left_without_a_message(reason: str, said: str, shown: str) -> None:
    cells, text = render(REF, RowOutcome(Status.REJECTED, reason, said), "", 0.0)
    assert cells[2] == shown
    assert json.loads(f"{{{text}}}")["message"] == shown


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, ""),  # never
        (1.0, "1970-01-01T00:00:01.000Z"),
        (1_700_000_000.001, "2023-11-14T22:13:20.001Z"),  # 0.001 has no exact binary form
        (1_700_000_000.9999, "2023-11-14T22:13:21.000Z"),  # rounds into the next second
    ],
)
def test_times_are_rfc_3339_in_utc_with_milliseconds(at: float, text: str) -> None:
    assert timestamp(at) == text


def test_a_nul_in_a_servers_message_does_not_make_the_file_unreadable() -> None:
    fate = RowOutcome(Status.REJECTED, "refused", "a\0b")
    text = file_of(SheetView(["id"], ""), SheetRow(REF, ["x"]), fate)
    assert len(list(read_sheet(BytesIO(text.encode())))) == 1


@pytest.mark.parametrize(
    ("status", "needed"),
    [(each, each not in {"applied", "unchanged", "skipped"}) for each in Status],
)
def test_rows_need_action_unless_applied_unchanged_or_skipped(status: Status, needed: bool) -> None:
    assert needs_action(RowOutcome(status)) is needed


@pytest.mark.parametrize(
    ("cells", "in_csv", "in_json"),
    [
        (["x", "1"], ["x", "1"], {"id": "x", "reference": "1"}),
        # short: stays short, so that it is refused again when it is fed back unmended
        (["x"], ["x"], {"id": "x"}),
        # surplus cells are kept
        (["x", "1", "=2", "3"], ["x", "1", "'=2", "3"], {"id": "x", "reference": "1", "": ["=2", "3"]}),
    ],
)
def test_a_row_of_another_width_keeps_all_its_cells(
    cells: list[str], in_csv: list[str], in_json: dict[str, JSON]
) -> None:
    view = SheetView(["id", "reference"], "orders")
    record = SheetRow(REF, cells)
    assert cells_of(view, record) == in_csv
    assert source(view, record) == {"id": "x", "type": "orders", "input": in_json}


def test_reserved_columns_of_the_input_are_replaced_wherever_they_stand() -> None:
    view = SheetView(["id", "__row", "reference", "__status"], "orders")
    assert view.header == [*RESERVED, "id", "reference"]
    record = SheetRow(REF, ["x", "9", "'=1", "failed", "surplus"])
    assert cells_of(view, record) == ["x", "'=1", "surplus"]


@pytest.mark.parametrize(("cell", "type_name"), [("captures", "captures"), ("", "orders")])
def test_the_type_column_wins_where_it_is_filled(cell: str, type_name: str) -> None:
    assert source(SheetView(["id", "type"], "orders"), SheetRow(REF, ["x", cell]))["type"] == type_name


FLAT: dict[str, JSON] = {"id": "x", "type": "captures", "metadata.k": 1.5}
RESOURCE: dict[str, JSON] = {"type": "captures", "id": "x", "attributes": {"reference": "r"}}


@pytest.mark.parametrize(
    ("members", "cells"),
    [
        (FLAT, ["x", "captures"]),
        (RESOURCE, ["x", "captures"]),
        ({"data": RESOURCE}, ["x", "captures"]),
        # the type of the command line
        ({"id": "=x"}, ["'=x", "orders"]),
        # a flat object may have a member of that name
        ({"id": "x", "data": {"id": "y"}}, ["x", "orders"]),
        # wrong, but shown
        ({"id": 7, "type": ["a"]}, ["7", '["a"]']),
        ({"id": "a\0b"}, ["a\ufffdb", "orders"]),
        ({}, ["", "orders"]),
    ],
)
def test_id_and_type_are_found_in_every_shape(members: dict[str, JSON], cells: list[str]) -> None:
    assert cells_of(ObjectView("orders"), ObjectRow(REF, members)) == cells


@pytest.mark.parametrize("members", [FLAT, RESOURCE, {"data": RESOURCE}])
def test_a_failed_line_of_every_shape_can_be_fed_back(members: dict[str, JSON]) -> None:
    columns = ObjectColumns(Rules(SCHEMA))
    line = failed(ObjectView(""), ObjectRow(REF, members))
    (again,) = read_objects(BytesIO(line.encode()))
    assert isinstance(again, ObjectRow)
    before, after = columns.read(ObjectRow(REF, members)), columns.read(ObjectRow(REF, again.members))
    assert isinstance(before, UpdateJob)
    assert before == after


@given(st.dictionaries(TEXT.filter(lambda name: not name.startswith("__")), VALUE, max_size=4))
def test_objects_survive_any_number_of_feedings(members: dict[str, JSON]) -> None:
    view = ObjectView("")
    first = failed(view, ObjectRow(REF, members))
    again = json.loads(first)
    assert {name: value for name, value in again.items() if name not in RESERVED} == members
    assert list(again)[:10] == list(RESERVED)
    assert failed(view, ObjectRow(REF, again)) == first
    assert source(view, ObjectRow(REF, again))["input"] == members


def test_a_broken_line_has_a_result_and_nothing_else() -> None:
    broken = Unsendable(REF, "bad_json")
    view = ObjectView("orders")
    assert list(json.loads(failed(view, broken))) == list(RESERVED)
    assert source(view, broken) == {"id": None, "type": "orders", "input": None}
    assert cells_of(view, broken) == ["", "orders"]


def test_errors_of_the_api_are_kept_one_by_one() -> None:
    place = SheetView(["id", "amount_cents"], "orders").place
    assert json.loads(errors(REF, FULL, place)) == [
        {"title": "t", "detail": "d", "code": "c", "pointer": "/data/attributes/amount_cents", "field": "amount_cents",
         "cell": f"line {REF.line}, column 2 (B)"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sheet", "field", "expected"),
    [
        ("", "amount_cents", "line 118, column 3 (C)"),
        ("Sheet1", "amount_cents", "Sheet1!C118"),
        ("My sheet", "amount_cents", "'My sheet'!C118"),
        ("", "metadata", "line 118"),  # no column of that name
    ],
)
def test_a_field_has_the_place_of_its_cell(sheet: str, field: str, expected: str) -> None:
    view = SheetView(["__status", "id", "amount_cents"], "orders", sheet)
    assert view.place(RowRef(117, 118, b""), field) == expected


KEYS = KeyNames(schema_of(description({"variables": {"owner": "acme"}}, path="/{owner}/{number}"), {}), "things")


def key_in(view: View, record: Record) -> tuple[object, ...]:
    told = json.loads(lines(view, record)[1])
    assert list(told)[-1] == "key"
    return told["id"], told["type"], told["key"]


@pytest.mark.parametrize(
    ("cells", "target", "id_", "parts"),
    [
        (["7", "n", "t"], "", "acme/7", {"owner": "acme", "number": "7"}),
        (["", "n", "t"], "acme/8", "acme/8", {"owner": "acme", "number": "8"}),  # it was looked up
        ([], "", "", {"owner": "acme", "number": ""}),
    ],
)
def test_a_key_of_several_parts_is_told_part_by_part(
    cells: list[str], target: str, id_: str, parts: dict[str, str]
) -> None:
    view = SheetView(["number", "name", "type"], "things", key_names=KEYS)
    view.targets = {REF.row: target} if target else {}
    assert key_in(view, SheetRow(REF, cells)) == (id_, "things", parts)  # `type` is a field like others


def test_rows_may_name_their_type_where_no_type_is_the_runs() -> None:
    view = SheetView(["type", "owner", "number"], "", key_names=KeyNames(KEYS.schema, ""))
    row = SheetRow(REF, ["things", "o", "7"])
    assert key_in(view, row) == ("o/7", "things", {"owner": "o", "number": "7"})


@pytest.mark.parametrize(
    ("members", "target", "id_", "parts"),
    [
        ({"number": 7, "type": "t"}, "", "acme/7", {"owner": "acme", "number": "7"}),
        ({"number": "7", "owner": "o"}, "", "o/7", {"owner": "o", "number": "7"}),
        ({"number": True}, "", "", {"owner": "acme", "number": ""}),
        ({"name": "n"}, "acme/8", "acme/8", {"owner": "acme", "number": "8"}),
    ],
)
def test_an_object_has_the_parts_of_its_key_in_both_results(
    members: dict[str, JSON], target: str, id_: str, parts: dict[str, str]
) -> None:
    view = ObjectView("things", KEYS)
    view.targets = {REF.row: target} if target else {}
    assert key_in(view, ObjectRow(REF, members)) == (id_, "things", parts)
    assert view.header[-4:] == ["id", "type", "owner", "number"]
    assert cells_of(view, ObjectRow(REF, members)) == [id_, "things", *parts.values()]


def test_an_object_may_name_its_type_where_no_type_is_the_runs() -> None:
    view = ObjectView("", KeyNames(KEYS.schema, ""))
    assert key_in(view, ObjectRow(REF, {"type": "things", "number": 7}))[:2] == ("acme/7", "things")
    assert key_in(view, ObjectRow(REF, {"type": 3, "number": 7})) == ("", "", {})
