"""Every fault of a header, a row and an object; `read` tells the first of them."""

import pytest

from jobs.columns import ObjectColumns, Rules, SheetColumns, header_faults
from jobs.damage import Column
from jobs.formats.stored import Fault, Kind, Stored, WorkbookRow
from jobs.model import JSON, ObjectRow, RowRef, SheetRow, Unsendable
from tests.schemas import SCHEMA

REF = RowRef(1, 2, b"")
PAYMENTS = Rules(SCHEMA, type="stripe_payments")
HEADER = ["id", "reference", "metadata.count:int", "metadata.flag:bool", "_refresh"]


def faults(cells: list[str], header: list[str] = HEADER, rules: Rules = PAYMENTS) -> list[tuple[str, str]]:
    row = SheetRow(REF, cells)
    columns = SheetColumns(header, rules)
    found = columns.faults(row)
    first = columns.read(row)
    assert found[:1] == ([first] if isinstance(first, Unsendable) else [])
    return [(fault.reason, fault.column) for fault in found]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["ZfiCcmIvub", "a", "1", "true", ""], []),  # nothing
        (["ZfiCcmIvub", "a", "x", "y", "z"],
         [("wrong_type", "metadata.count:int"), ("wrong_type", "metadata.flag:bool"), ("wrong_type", "_refresh")]),
        (["", "a", "x", "true", ""], [("id_missing", "id"), ("wrong_type", "metadata.count:int")]),
        (["a b", "a", "1", "<clear>", "true"], [("id_malformed", "id"), ("trigger_not_allowed", "_refresh")]),
        (["#N/A", "a", "", "", ""], [("id_malformed", "id")]),  # a spreadsheet's error is no comment
        (["ZfiCcmIvub", "a"], [("cell_count", "")]),  # which cell is which is not known
        (["#N/A", "a"], [("id_malformed", "id")]),  # nor here
        (["#", "a", "x", "", ""], [("comment", "id")]),  # what is skipped has one reason
        (["ZfiCcmIvub", "", "", "", ""], [("nothing_to_change", "")]),
    ],
)  # fmt: skip
def test_all_faults_of_a_row(cells: list[str], expected: list[tuple[str, str]]) -> None:
    assert faults(cells) == expected


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("stripe_payments", [("id_malformed", "id"), ("wrong_type", "metadata.count:int")]),
        ("stripe_paiments", [("id_malformed", "id"), ("type_unknown", "type")]),  # its columns are not known
        ("", [("id_malformed", "id"), ("type_missing", "type")]),
    ],
)
def test_a_row_that_names_its_type(type_: str, expected: list[tuple[str, str]]) -> None:
    header = ["id", "type", "metadata.count:int"]
    assert faults(["a b", type_, "x"], header, Rules(SCHEMA)) == expected


def test_a_cell_that_a_workbook_could_not_give_is_one_fault_beside_others() -> None:
    text = Stored(Kind.TEXT)
    bad = [Fault(2, "wrong_type", "cannot be read"), Fault(3, "wrong_type", "cannot be read")]
    row = WorkbookRow(REF, ["a b", "a", "x", "y", ""], [text] * 5, bad)
    found = SheetColumns(HEADER, PAYMENTS).faults(row)
    assert sorted(fault.column for fault in found) == ["id", "metadata.count:int", "metadata.flag:bool"]


def test_an_id_that_a_workbook_could_not_give_is_no_other_fault_as_well() -> None:
    row = WorkbookRow(REF, ["a b", "a", "", "", ""], [Stored(Kind.ERROR)] * 5, [Fault(0, "wrong_type", "unreadable")])
    assert [(fault.reason, fault.column) for fault in SheetColumns(HEADER, PAYMENTS).faults(row)] == [
        ("wrong_type", "id")
    ]


def test_a_results_file_is_seen_without_its_own_columns_and_apostrophes() -> None:
    columns = SheetColumns(["__status", "id", "reference"], PAYMENTS)
    assert columns.described() == [Column("id", "id", 1), Column("reference", "text", 2)]
    assert columns.plain(SheetRow(REF, ["failed", "a", "'=1+1"])) == ["failed", "a", "=1+1"]


def test_a_sheet_by_reference_has_texts_that_say_which_record_is_meant() -> None:
    header = ["reference", "metadata.n:int"]
    assert SheetColumns(header, PAYMENTS).described()[0] == Column("reference", "text", 0)
    assert faults(["", "x"], header) == [("id_missing", "reference"), ("wrong_type", "metadata.n:int")]


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("id", "id"), ("type", "other"), ("reference", "text"), ("attributes.whatever", "text"), ("tags.add", "other"),
        ("attributes.whatever:int", "number"), ("metadata.a", "untyped"), ("metadata.a:str", "text"),
        ("metadata.a:json", "other"), ("metadata", "other"), ("expires_at", "date"), ("market", "link"),
        ("autorefresh", "other"), ("adyen_payments", "other"), ("quantity:str", "text"),
    ],
)  # fmt: skip
def test_what_a_column_is_for(label: str, role: str) -> None:
    """Without --type the first type that has the column decides."""
    header = ["id", "type", label] if label not in {"id", "type"} else ["id", "type"]
    assert {column.label: column.role for column in SheetColumns(header, Rules(SCHEMA)).described()}[label] == role


@pytest.mark.parametrize("default", ["", "stripe_payments", "orders"])
def test_every_column_of_every_type_has_a_role_whatever_the_default_type(default: str) -> None:
    names = {
        name
        for kind in filter(None, map(SCHEMA.resource_type, SCHEMA.names))
        for name in (*kind.attributes, *kind.relationships)
    } - {
        "_add_tags",
        "_remove_tags",
    }
    columns = SheetColumns(["id", "type", *sorted(names)], Rules(SCHEMA, type=default))
    assert len(columns.described()) == len(names) + 2


@pytest.mark.parametrize(
    ("header", "rules", "messages"),
    [
        (["id", "reference"], PAYMENTS, []),
        (["id", "refrence", "metadta.x", "metadata.a:boolean"], PAYMENTS,
         ["did you mean `metadata.a:bool`", "did you mean `reference`", "did you mean `metadata`"]),
        (["\ufeffID", "metadata.a"], PAYMENTS, ["did you mean `id`?"]),
        (["ID", "reference"], PAYMENTS, ["column 'ID' has no meaning; did you mean `id`?"]),
        (["metadata.a"], Rules(SCHEMA), ["no column `id`", "pass --type"]),
        (["id", "reference"], Rules(SCHEMA, type="stripe_paiments"), ["did you mean `stripe_payments`"]),
        (["id", "options", "options.customer"], PAYMENTS, ["keep one of them"]),
    ],
)  # fmt: skip
def test_all_faults_of_a_header(header: list[str], rules: Rules, messages: list[str]) -> None:
    found = [fault.message for fault in header_faults(header, rules)]
    assert len(found) == len(messages)
    for message, expected in zip(found, messages, strict=True):
        assert expected in message


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"id": "ZfiCcmIvub", "reference": "a"}, []),
        ({"id": "ZfiCcmIvub", "reference": 1, "metadata.a:int": "x"},
         [("wrong_type", "reference"), ("wrong_type", "metadata.a:int")]),
        ({"id": "a b", "refrence": "x"}, [("id_malformed", "id"), ("column_not_of_type", "refrence")]),
        ({"id": "a b", "type": "nonsense", "refrence": "x"}, [("id_malformed", "id")]),
        ({"id": "ZfiCcmIvub", "attributes": {"reference": 1, "number": 2}}, [("wrong_type", "reference")]),  # the first
        ({"id": "#"}, [("comment", "id")]),
    ],
)  # fmt: skip
def test_all_faults_of_an_object(members: dict[str, JSON], expected: list[tuple[str, str]]) -> None:
    found = ObjectColumns(PAYMENTS).faults(ObjectRow(REF, members))
    assert [(fault.reason, fault.column) for fault in found] == expected


@pytest.mark.parametrize(
    ("members", "texts"),
    [
        ({"id": "a", "type": "t", "reference": "r", "n": 1, "__status": "failed"}, {"id": "a", "reference": "r"}),
        ({"id": "a", "type": "t", "attributes": {"reference": "r", "n": 1}}, {"id": "a", "reference": "r"}),
        ({"data": {"id": "a", "type": "t", "attributes": {"reference": "r"}}}, {"id": "a", "reference": "r"}),
        ({"data": {"id": "a", "type": "t"}}, {"id": "a"}),
    ],
)
def test_the_texts_of_an_object(members: dict[str, JSON], texts: dict[str, str]) -> None:
    assert ObjectColumns(Rules(SCHEMA)).texts(ObjectRow(REF, members)) == texts


def test_a_formula_that_found_no_record_links_none() -> None:
    (fault,) = SheetColumns(["id", "order"], PAYMENTS).faults(SheetRow(REF, ["ZfiCcmIvub", "#N/A"]))
    assert (fault.reason, fault.message.partition(";")[0]) == ("relationship_malformed", "`order`: names no record")
