"""Which record a row is about, by the variables of its path or by another field."""

from collections.abc import Mapping

import pytest

from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import Description
from jobs.columns import ObjectColumns, Rules, SheetColumns, keys_of
from jobs.columns.dialects import DIALECTS
from jobs.formats import COMMON_KEYS, Keys
from jobs.formats.stored import Fault, WorkbookRow
from jobs.model import JSON, ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from tests.schemas import DESCRIBED, DESK, SCHEMA

REF = RowRef(1, 2, b"12345678")


def read(kind: str, cells: Mapping[str, str]) -> UpdateJob | Unsendable:
    return SheetColumns(list(cells), Rules(DESK, kind)).read(SheetRow(REF, list(cells.values())))


def from_object(kind: str, members: dict[str, JSON]) -> UpdateJob | Unsendable:
    return ObjectColumns(Rules(DESK, kind)).read(ObjectRow(REF, members))


@pytest.mark.parametrize(
    ("kind", "cells", "key", "reference"),
    [
        ("tickets", {"id": "7"}, "7", ""),
        ("tickets", {"id": "a/b, c"}, "a/b, c", ""),
        ("tickets", {"id": "7", "email": "x", "external_id": "y"}, "7", ""),  # fields, since there is a key
        ("tickets", {"external_id": "A/1=2"}, "", "external_id=A/1=2"),
        ("tickets", {"external_id": "#1"}, "", "external_id=#1"),  # no comment
        ("issues", {"repo": "my shop", "number": "7"}, "acme/my%20shop/7", ""),  # acme is a constant
        ("issues", {"owner": "eve", "repo": "shop", "number": "#7"}, "eve/shop/%237", ""),
        ("issues", {"repo": "my shop", "slug": "a/b"}, "", "acme/my%20shop/slug=a/b"),
        ("people", {"email": "Ann@Example.com"}, "ann@example.com", ""),
    ],
)
def test_a_row_names_its_record(kind: str, cells: dict[str, str], key: str, reference: str) -> None:
    found = read(kind, {**cells, "x": "1"})
    assert isinstance(found, UpdateJob), found
    assert (found.id, found.reference) == (key, reference)
    assert "x" in found.attributes
    assert not found.attributes.keys() & {"id", "number", "slug", "repo"}
    objects = from_object(kind, {**cells, "x": "1"})
    assert isinstance(objects, UpdateJob)
    assert (objects.id, objects.reference, objects.attributes) == (found.id, found.reference, found.attributes)


@pytest.mark.parametrize(
    ("kind", "cells", "reason", "column", "says"),
    [
        ("tickets", {"id": ""}, "id_missing", "id", "`id` is empty"),
        ("issues", {"repo": "r", "number": ""}, "id_missing", "number", "`number` is empty"),
        ("issues", {"owner": "", "repo": "r", "number": "1"}, "id_missing", "owner", "`owner` is empty"),
        ("issues", {"repo": "r", "slug": ""}, "id_missing", "slug", "`slug` is empty"),
        ("tickets", {"id": "# note"}, "comment", "id", "a comment"),
        ("tickets", {"id": "#N/A"}, "id_malformed", "id", "spreadsheet's error"),
        ("tickets", {"id": ".."}, "id_malformed", "id", "is a path"),
        ("tickets", {"id": "a\x07"}, "id_malformed", "id", "character 2 is U+0007"),
        ("tickets", {"id": "a\ud800"}, "id_malformed", "id", "U+D800"),
        ("tickets", {"id": " 7"}, "id_malformed", "id", "white space"),
        ("tickets", {"id": "7\u200b"}, "id_malformed", "id", "without a glyph"),
        ("tickets", {"id": "Total"}, "id_malformed", "id", "totals"),
        ("tickets", {"id": "<clear>"}, "clear_not_allowed", "id", "cannot be cleared"),
        ("issues", {"repo": "r", "slug": "<clear>"}, "clear_not_allowed", "slug", "cannot be cleared"),
        ("issues", {"repo": "r", "slug": " "}, "reference_malformed", "slug", "white space"),
        ("issues", {"repo": "r", "number": "number"}, "", "", ""),  # not of the first column
        ("issues", {"repo": "repo", "number": "number", "x": "x"}, "repeated_header", "", "once more"),
    ],
)
def test_a_row_without_a_record_is_refused(
    kind: str, cells: dict[str, str], reason: str, column: str, says: str
) -> None:
    found = read(kind, {"x": "1", **cells})
    if not reason:
        assert isinstance(found, UpdateJob)
        return
    assert isinstance(found, Unsendable), found
    assert (found.reason, found.column) == (reason, column)
    assert says in found.message


@pytest.mark.parametrize(
    ("members", "key"),
    [({"number": 7, "repo": "r"}, "acme/r/7"), ({"number": "7", "repo": "r"}, "acme/r/7")],
)
def test_a_number_may_name_a_record_of_an_object(members: dict[str, JSON], key: str) -> None:
    found = from_object("issues", {**members, "x": 1})
    assert isinstance(found, UpdateJob)
    assert found.id == key


@pytest.mark.parametrize(
    ("members", "reason", "column"),
    [
        ({"number": 7.5, "repo": "r"}, "wrong_type", "number"),
        ({"number": True, "repo": "r"}, "wrong_type", "number"),
        ({"number": None, "repo": "r"}, "clear_not_allowed", "number"),
        ({"repo": "r"}, "id_missing", "number"),
        ({"number": 7}, "id_missing", "repo"),
        ({"number": "7", "repo": ""}, "id_missing", "repo"),
    ],
)
def test_an_object_without_a_record_is_refused(members: dict[str, JSON], reason: str, column: str) -> None:
    found = from_object("issues", {**members, "x": 1})
    assert isinstance(found, Unsendable)
    assert (found.reason, found.column) == (reason, column)


def test_rows_may_name_any_type_where_the_star_describes_it() -> None:
    resources = {"*": {"path": "/{type}/{id}", "find": {"by": ["sku"], "path": "/{type}", "query": {"s": "{value}"}}}}
    schema = schema_of(Description.model_validate({"name": "x", "resources": resources}, strict=False), {})
    assert keys_of("", schema).names == ("id", "sku")
    columns = SheetColumns(["type", "id", "title"], Rules(schema))
    found = [columns.read(SheetRow(REF, [kind, "7", "x"])) for kind in ("cars", "boats", "a/b", "*")]
    assert [each.type if isinstance(each, UpdateJob) else each.reason for each in found] == [
        "cars", "boats", "type_unknown", "type_unknown",
    ]  # fmt: skip
    by_sku = SheetColumns(["sku", "title"], Rules(schema, "cars")).read(SheetRow(REF, ["s", "x"]))
    assert isinstance(by_sku, UpdateJob)
    assert by_sku.reference == "sku=s"


def test_rows_may_name_their_resources() -> None:
    columns = SheetColumns(["type", "id", "repo", "number", "title"], Rules(DESK))
    rows = [
        ["tickets", "7", "", "", "x"],
        ["issues", "", "r", "1", "x"],
        ["tickets", "7", "r", "", "x"],
        ["people", "", "", "", "x"],
        ["boats", "7", "", "", "x"],
        ["", "7", "", "", "x"],
        ["<clear>", "7", "", "", "x"],
    ]
    found = [columns.read(SheetRow(REF, row)) for row in rows]
    assert [each.id if isinstance(each, UpdateJob) else each.reason for each in found] == [
        "7", "acme/r/1", "column_not_of_type", "id_missing", "type_unknown", "type_missing", "clear_not_allowed",
    ]  # fmt: skip
    refused = found[2]
    assert isinstance(refused, Unsendable)
    assert "a field of tickets that is called like that is written `/repo`" in refused.message
    assert columns.records(rows) == ["tickets 7", "issues acme/r/1", "tickets 7", "", "", "", ""]


def test_objects_may_name_their_resources() -> None:
    columns = ObjectColumns(Rules(DESK))
    found = columns.read(ObjectRow(REF, {"type": "tickets", "id": "7", "/type": "x"}))
    assert isinstance(found, UpdateJob)
    assert (found.type, found.attributes) == ("tickets", {"type": "x"})
    other = columns.read(ObjectRow(REF, {"type": "tickets", "id": "7", "number": "1"}))
    assert isinstance(other, Unsendable)
    assert other.reason == "column_not_of_type"


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("people", {"email": "A@b.c"}, {"email": "a@B.c"}, True),
        ("issues", {"repo": "r", "number": "1"}, {"number": 1, "repo": "r", "x": "y"}, True),
        ("issues", {"repo": "r", "number": "1"}, {"repo": "r", "slug": "1"}, False),
        ("tickets", {"external_id": "a"}, {"external_id": "a", "x": 1}, True),
        ("tickets", {"external_id": "a"}, {"email": "a"}, False),
        ("tickets", {"id": "x"}, {"id": "y"}, False),
    ],
)
def test_rows_of_one_record_are_known_as_such(
    kind: str, one: dict[str, JSON], other: dict[str, JSON], same: bool
) -> None:
    columns = ObjectColumns(Rules(DESK, kind))
    records = [columns.record(ObjectRow(REF, each)) for each in (one, other)]
    assert all(records)
    assert (len(set(records)) == 1) is same


def test_a_row_that_names_no_record_has_no_text_for_it() -> None:
    assert ObjectColumns(Rules(DESK, "issues")).record(ObjectRow(REF, {"repo": "r"})) == ""
    assert SheetColumns(["repo", "number"], Rules(DESK, "issues")).records([["", "1"], ["r", "1"]]) == [
        "", "issues acme/r/1",
    ]  # fmt: skip


def test_all_of_a_key_may_be_constant() -> None:
    rules = Rules(schema_of(DESCRIBED, {"id": "7"}), "tickets")
    columns = SheetColumns(["subject"], rules)
    found = columns.read(SheetRow(REF, ["#x"]))
    assert isinstance(found, UpdateJob)
    assert (found.id, found.attributes) == ("7", {"subject": "#x"})
    assert columns.doubtful([SheetRow(REF, ["a"]), SheetRow(REF, [""])]) == [1]


def test_rows_that_are_judged_together_are_judged_alike() -> None:
    names = ["owner", "repo", "number", "title", "when:int", "labels.add"]
    columns = SheetColumns(names, Rules(DESK, "issues"))
    rows = [
        ["a", "b", "1", "t", "", ""],
        ["", "b", "1", "t", "", ""],
        ["a", " b", "1", "t", "", ""],
        ["a", "b", "..", "t", "", ""],
        ["#a", "b", "1", "t", "", ""],
        ["a", "b", "1", "", "", ""],
        ["a", "b", "1", "t", "x", ""],
        ["a", "b", "<clear>", "t", "", ""],
        ["Total", "b", "1", "t", "", ""],
    ]
    sheet = [SheetRow(REF, row) for row in rows]
    refused = [index for index, row in enumerate(sheet) if isinstance(columns.read(row), Unsendable)]
    assert list(columns.doubtful(sheet)) == refused == list(range(1, 9))


def test_rows_that_are_found_by_another_field_are_judged_together_too() -> None:
    columns = SheetColumns(["external_id", "subject"], Rules(DESK, "tickets"))
    rows = [SheetRow(REF, row) for row in (["a", "t"], ["", "t"], [" ", "t"], ["#1", "t"], ["external_id", "t"])]
    refused = [index for index, row in enumerate(rows) if isinstance(columns.read(row), Unsendable)]
    assert refused == [1, 2]
    assert list(columns.doubtful(rows)) == [1, 2, 4]
    assert columns.records([row.cells for row in rows[:2]]) == ["tickets reference external_id=a", ""]


def test_every_fault_of_a_row_is_told() -> None:
    columns = SheetColumns(["repo", "number", "when:int"], Rules(DESK, "issues"))
    found = columns.faults(SheetRow(REF, ["", "..", "x"]))
    assert [(each.column, each.reason) for each in found] == [
        ("repo", "id_missing"), ("number", "id_malformed"), ("when:int", "wrong_type"),
    ]  # fmt: skip
    unreadable = WorkbookRow(REF, ["r", "#N/A", "x"], [], [Fault(1, "cell_error", "an error")])
    assert [(each.column, each.reason) for each in columns.faults(unreadable)] == [
        ("number", "cell_error"), ("when:int", "wrong_type"),
    ]  # fmt: skip
    comment = WorkbookRow(REF, ["# r", "1", "#N/A"], [], [Fault(2, "cell_error", "an error")])
    assert [each.reason for each in columns.faults(comment)] == ["comment"]


def test_a_line_of_prose_needs_no_delimiters() -> None:
    columns = SheetColumns(["repo", "number", "x"], Rules(DESK, "issues"))
    for cells, reason in ((["# prose"], "comment"), (["r", "1"], "cell_count")):
        found = columns.read(SheetRow(REF, cells))
        assert isinstance(found, Unsendable)
        assert found.reason == reason


def test_the_target_of_a_sheet_says_where_it_is() -> None:
    for header, position, by_id in ((["x", "repo", "number"], 1, True), (["x", "repo", "slug"], 1, True)):
        rules = Rules(DESK, "issues")
        dialect = DIALECTS["members"]
        target = dialect.target(dialect.headings(header, rules), rules)
        assert (target.position, target.by_id) == (position, by_id)
        assert list(target.besides("issues")) == ([2] if "slug" in header else [])
        assert list(target.besides("boats")) == []
        assert list(target.checks("boats")) == []


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("tickets", Keys(("id",), ("external_id", "email"), "")),
        ("issues", Keys(("number", "repo", "owner"), ("slug",), "")),  # what is the same for most rows comes last
        ("people", Keys(("email",), (), "")),
        ("boats", Keys((), (), "")),  # that there is none is told elsewhere
        ("", Keys(("number", "repo", "owner", "email", "id"), ("slug", "external_id", "email"))),
    ],
)
def test_a_sheet_is_read_by_the_columns_that_may_name_its_records(kind: str, keys: Keys) -> None:
    assert keys_of(kind, DESK) == keys
    assert keys_of(kind, SCHEMA) == COMMON_KEYS
