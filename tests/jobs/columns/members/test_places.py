"""Where the values of a described API's columns go: one row, given with its header."""

import pytest

from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import Description
from jobs.columns import ObjectColumns, Rules, SheetColumns, header_faults
from jobs.columns.grammar import Heading
from jobs.columns.members.places import path_of
from jobs.formats import InputRefused
from jobs.model import ABSENT, JSON, Absent, ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from tests.schemas import DESK

REF = RowRef(1, 2, b"12345678")
TICKETS = Rules(DESK, "tickets", allow_triggers=frozenset({"close"}))
REPLACING = Rules(DESK, "tickets", replace=True)

AS_SET = 'type = "set", and sep = ";" if one text holds it'


def read(cells: dict[str, str], rules: Rules = TICKETS) -> UpdateJob | Unsendable:
    return SheetColumns(["id", *cells], rules).read(SheetRow(REF, ["t1", *cells.values()]))


def job(cells: dict[str, str], rules: Rules = TICKETS) -> UpdateJob:
    found = read(cells, rules)
    assert isinstance(found, UpdateJob), found
    return found


def refused(cells: dict[str, str], rules: Rules = TICKETS) -> Unsendable:
    found = read(cells, rules)
    assert isinstance(found, Unsendable), found
    return found


def from_object(members: dict[str, JSON], rules: Rules = TICKETS) -> UpdateJob | Unsendable:
    return ObjectColumns(rules).read(ObjectRow(REF, {"id": "t1", **members}))


@pytest.mark.parametrize(
    ("name", "cell", "attribute", "value"),
    [
        ("subject", "007", "subject", "007"),  # that nobody declared
        ("subject:int", "7", "subject", 7),
        ("subject:json", "[1]", "subject", [1]),
        ("/a.b", "x", "/a.b", "x"),
        ("/a.b:bool", "true", "/a.b", True),
        ("/__v", "1", "__v", "1"),
        ("/", "x", "/", "x"),
        ("/id", "x", "id", "x"),  # and not the key
        ("priority", "low", "priority", "low"),
        ("priority:str", "urgent", "priority", "urgent"),  # whoever says the type knows better
        ("level", "2", "level", 2),
        ("count", "7", "count", 7),
        ("count:str", "7", "count", "7"),
        ("solved", "TRUE", "solved", True),
        ("due", "2026-01-31", "due", "2026-01-31"),
        ("due:str", "soon", "due", "soon"),
        ("starts_at", "2026-01-31T09:00:00Z", "starts_at", "2026-01-31T09:00:00Z"),
        ("starts_at", "2026-01-31T09:00:00.123+01:00", "starts_at", "2026-01-31T09:00:00.123+01:00"),
        ("starts_at", "2026-01-31", "starts_at", "2026-01-31"),
        ("tags", "bug, ui,bug", "tags", {"bug": True, "ui": True}),
        ("tags", '["a, b", 7, 1.5, true]', "tags", {"a, b": True, "7": True, "1.5": True, "true": True}),
        ("tags:json", "[]", "tags", {}),
        ("watchers", "7,8", "watchers", {"7": True, "8": True}),
        ("watchers", '[7, "8"]', "watchers", {"7": True, "8": True}),
        ("sizes", "1,2.5", "sizes", [1, 2.5]),
        ("sizes:json", '["1", 2]', "sizes", ["1", 2]),  # a suffix lets other elements through
        ("sizes", "[1, 2.5]", "sizes", [1, 2.5]),
        ("colours", "red,blue", "colours", ["red", "blue"]),
        ("address.lines", "a,b", "address.lines", ["a", "b"]),
        ("address.marks", "a", "address.marks", {"a": True}),
        ("address.pin", "1234", "address.pin", "1234"),
        ("blob", '{"a": {}}', "blob", {"a": {}}),
        ("blob:str", "{", "blob", "{"),
        ("secret", "s", "secret", "s"),
        ("type", "question", "type", "question"),  # --type says the resource
    ],
)
def test_a_column_names_an_attribute(name: str, cell: str, attribute: str, value: JSON) -> None:
    found = job({name: cell})
    assert found.attributes == {attribute: value}
    assert type(found.attributes[attribute]) is type(value)
    assert (found.members, found.id, found.type) == ({}, "t1", "tickets")
    assert found.columns[(attribute,)] == name


@pytest.mark.parametrize(
    ("name", "cell", "container", "key", "value"),
    [
        ("address.city", "007", "address", "city", "007"),
        ("address.zip", "007", "address", "zip", "007"),
        ("address.geo.lat:float", "1.5", "address.geo", "lat", 1.5),
        ("a.b.c", "x", "a.b", "c", "x"),
        ("/a.b/c", "x", "/a.b", "c", "x"),
        ("/a/b.c", "x", "a", "b.c", "x"),
        ("/a/", "x", "a", "", "x"),
        ("a.b:json", "null", "a", "b", None),
        ("metadata.a.b", "7", "metadata", "a.b", "7"),
        ("metadata.rank", "7", "metadata", "rank", 7),
        ("metadata.a:int", "7", "metadata", "a", 7),
        ("metadata.a:json", '{"b": 1}', "metadata", "a", {"b": 1}),  # a value, whatever it is
        ("custom_fields.360001", "x", "custom_fields", "360001", "x"),
        ("custom_fields.360001:int", "7", "custom_fields", "360001", 7),
        ("tags.add", "bug", "tags", "bug", True),
        ("tags.remove", '["bug"]', "tags", "bug", ABSENT),
        ("tags.add:json", '["bug"]', "tags", "bug", True),
        ("watchers.add", "7", "watchers", "7", True),
        ("address.marks.add", "x", "address.marks", "x", True),
    ],
)
def test_a_column_names_a_member(name: str, cell: str, container: str, key: str, value: JSON | Absent) -> None:
    found = job({name: cell})
    assert found.members == {container: {key: value}}
    assert found.attributes == {}
    assert all(about[0] == container for about in found.columns if about[0])


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ("subject", ("subject",)),
        ("a.b.c", ("a.b", "c")),
        ("metadata.a.b", ("metadata", "a.b")),
        ("tags.add", ("tags", "add")),
        ("address.lines", ("address.lines",)),
    ],
)
def test_a_job_says_what_its_columns_are_about(names: str, path: tuple[str, ...]) -> None:
    kind = DESK.resource_type("tickets")
    assert kind is not None
    assert path_of(Heading(names, "field", names), kind) == path
    assert path_of(Heading("id", "key", "id"), kind) == ("", "id")


@pytest.mark.parametrize(
    ("names", "untyped"),
    [
        (["subject", "priority", "x:str", "address.city", "address.zip"], {("subject",), ("address", "city")}),
        (["metadata.a", "custom_fields.1", "tags.add"], set()),
        (["secret", "address.pin"], {("secret",), ("address.pin",)}),  # declared, but without a type
    ],
)
def test_a_cell_has_no_type_where_nobody_said_one(names: list[str], untyped: set[tuple[str, ...]]) -> None:
    found = job(dict.fromkeys(names, "low"))
    assert found.untyped == untyped


@pytest.mark.parametrize(
    ("name", "attributes", "members"),
    [
        ("subject", {"subject": None}, {}),
        ("tags", {"tags": None}, {}),
        ("sizes", {"sizes": None}, {}),
        ("metadata", {"metadata": None}, {}),
        ("address", {"address": None}, {}),
        ("address.marks", {"address.marks": None}, {}),
        ("address.city", {}, {"address": {"city": ABSENT}}),
        ("a.b:json", {}, {"a": {"b": ABSENT}}),
        ("metadata.a", {}, {"metadata": {"a": ABSENT}}),
        ("custom_fields.1", {}, {"custom_fields": {"1": ABSENT}}),
        ("blob", {"blob": None}, {}),
        ("priority", {"priority": None}, {}),
    ],
)
def test_the_clear_token_clears(name: str, attributes: dict[str, JSON], members: dict[str, object]) -> None:
    found = job({name: "<clear>"})
    assert (found.attributes, found.members) == (attributes, members)


@pytest.mark.parametrize(
    ("cell", "members"),
    [
        ('{"city": "X"}', {"address": {"city": "X"}}),
        ('{"city": null, "zip": null}', {"address": {"city": None, "zip": None}}),
        ('{"kind": null}', {"address": {"kind": None}}),
        ('{"kind": "home"}', {"address": {"kind": "home"}}),
        (
            '{"geo": {"lat": 1, "in": {"a": []}}}',
            {"address": {}, "address.geo": {"lat": 1}, "address.geo.in": {"a": []}},
        ),
        ("{}", {"address": {}}),
        ('{"x.y": {"z": 1}}', {"address": {}, "/address/x.y": {"z": 1}}),
    ],
)
def test_an_object_sets_the_members_that_it_names(cell: str, members: dict[str, object]) -> None:
    for name in ("address", "address:json"):
        found = job({name: cell})
        assert (found.attributes, found.members) == ({}, members)


def test_members_of_an_object_go_where_their_columns_would() -> None:
    cell = '{"lines": ["a"], "marks": ["x"], "pin": "1", "moved_at": "2026-01-31"}'
    found = job({"address": cell})
    assert found.attributes == {"address.lines": ["a"], "address.marks": {"x": True}, "address.pin": "1"}
    assert found.members == {"address": {"moved_at": "2026-01-31"}}
    cleared = job({"address": '{"lines": null, "marks": null}'})
    assert cleared.attributes == {"address.lines": None, "address.marks": None}


def test_an_object_that_nobody_declared_sets_members_too_and_other_json_is_a_value() -> None:
    assert job({"x:json": '{"y": {"z": 1}}'}).members == {"x": {}, "x.y": {"z": 1}}
    assert job({"x:json": "[1]"}).attributes == {"x": [1]}
    assert job({"x": '{"y": 1}'}).attributes == {"x": '{"y": 1}'}  # a text
    assert job({"blob:json": '{"y": 1}'}).attributes == {"blob": {"y": 1}}  # JSON as it is
    assert job({"priority:json": '{"y": 1}'}).attributes == {"priority": {"y": 1}}


def test_a_map_has_one_level() -> None:
    assert refused({"metadata": '{"a": {"b": 1}}'}).reason == "wrong_type"  # its values are texts
    assert job({"metadata": '{"a.b": "1", "rank": 2}'}).members == {"metadata": {"a.b": "1", "rank": 2}}
    assert job({"custom_fields": '{"7": "1"}'}).members == {"custom_fields": {"7": "1"}}


def test_with_metadata_replace_an_object_is_taken_as_it_is() -> None:
    assert job({"address": '{"geo": {"lat": 1}}'}, REPLACING).members == {"address": {"geo": {"lat": 1}}}
    assert job({"address": "<clear>"}, REPLACING).attributes == {"address": None}
    assert job({"x:json": "7"}, REPLACING).attributes == {"x": 7}
    assert job({"metadata": '{"a": "1"}'}, REPLACING).members == {"metadata": {"a": "1"}}


@pytest.mark.parametrize(
    ("cells", "reason", "says"),
    [
        (
            {"priority": "urgent"},
            "not_allowed",
            "takes one of low, high; if the API takes others, name the column `priority:str`",
        ),
        ({"level": "3"}, "not_allowed", "takes one of 1, 2; if the API takes others, name the column `level:int`"),
        ({"colours": "green"}, "not_allowed", "takes one of red, blue"),
        ({"count": "7.5"}, "wrong_type", "whole number"),
        ({"count": "<clear>"}, "clear_not_allowed", "cannot be cleared; leave the cell empty"),
        ({"count:json": "null"}, "clear_not_allowed", "cannot be cleared"),
        ({"due": "01/02/2026"}, "wrong_type", "`due`: needs a date such as 2026-01-31"),
        ({"due": "2026-02-30"}, "wrong_type", "a date such as"),
        ({"due": "2026-01-31T09:00:00Z"}, "wrong_type", "a date such as"),
        ({"starts_at": "20260131"}, "wrong_type", "a date and time such as"),
        ({"starts_at": "2026-01-31 09:00"}, "wrong_type", "a date and time such as"),
        ({"tags": "a,,b"}, "wrong_type", "an empty part"),
        ({"tags": " "}, "wrong_type", "an empty part"),
        ({"tags": '["a", ""]'}, "wrong_type", "an empty element"),
        ({"tags": '["a", null]'}, "wrong_type", "needs texts"),
        ({"tags": '["a"'}, "bad_json", "`tags`"),
        ({"tags:json": "a"}, "bad_json", "`tags:json`"),
        ({"watchers": "a"}, "wrong_type", "whole number"),
        ({"watchers": "[true]"}, "wrong_type", "whole number"),
        ({"sizes": '["1"]'}, "wrong_type", "needs a number"),
        ({"tags.add": "<clear>"}, "clear_not_allowed", "`tags.remove`"),
        ({"tags.add": "a,b", "tags.remove": "b"}, "element_twice", "'b' is to be added and removed"),
        ({"close": "false"}, "trigger_false", "only be true"),
        ({"close": "<clear>"}, "clear_not_allowed", "cannot be cleared"),
        ({"address": "[]"}, "wrong_type", "needs a JSON object"),
        ({"address": '{"zip": 7}'}, "wrong_type", "its member `zip`: needs text"),
        ({"address": '{"id": 7}'}, "column_not_of_type", "its member `id`: `address.id` of tickets is read-only"),
        ({"custom_fields": '{"x": "7"}'}, "column_not_of_type", "the key of an element needs a whole number"),
    ],
)
def test_a_value_that_cannot_go_there_refuses_the_row(cells: dict[str, str], reason: str, says: str) -> None:
    found = refused(cells)
    assert found.reason == reason
    assert says in found.message
    assert found.column == list(cells)[-1]


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("column", ["tags.add", "tags.remove", "address.marks.add"])
def test_a_blind_run_neither_adds_to_a_set_nor_removes_from_it(column: str, replaces: bool) -> None:
    blind = Rules(DESK, "tickets", blind=True, replace=replaces, refuse_members=not replaces)
    found = refused({column: "a,b"}, blind)
    assert (found.reason, found.column) == ("set_not_read", column)
    assert "leave out --blind, or write the whole list into" in found.message
    columns = SheetColumns(["id", column], blind)
    assert list(columns.doubtful([SheetRow(REF, ["t1", "a"])])) == [0]
    objects = from_object({column: ["a"]}, blind)
    assert isinstance(objects, Unsendable)
    assert objects.reason == "set_not_read"


def test_a_blind_run_may_write_a_whole_set_and_members_that_are_to_be_the_whole_object() -> None:
    blind = Rules(DESK, "tickets", blind=True, replace=True)
    assert isinstance(read({"tags": "a,b"}, blind), UpdateJob)
    assert isinstance(read({"address.city": "X"}, blind), UpdateJob)


def test_an_action_needs_leave() -> None:
    assert job({"close": "true"}).triggers == {"close": True}
    assert job({"close": "true"}).fires
    assert refused({"close": "true"}, Rules(DESK, "tickets")).reason == "trigger_not_allowed"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("prioritty", "tickets have no field `prioritty`; did you mean `priority`? If that is really its name, write"),
        ("prioritty:str", "did you mean `priority:str`?"),
        ("Due", "did you mean `due`?"),
        ("custom fields.360001", "did you mean `custom_fields.360001`?"),
        ("adress.city", "did you mean `address.city`?"),
        ("address.zpi", "did you mean `address.zip`?"),
        ("url", "`url` of tickets is read-only: leave the column out"),
        ("url:str", "is read-only"),
        ("address.id", "`address.id` of tickets is read-only"),
        ("/address/id", "is read-only"),
        ("tags.bug", "`tags` is a set: write `tags`, `tags.add` or `tags.remove`"),
        ("tags.add:int", "`tags.add` takes no `:int`"),
        ("tags:int", "`tags` is a set, so `:int` does not fit"),
        ("address:str", "`address` is an object"),
        (
            "due.add",
            "`due` is a date, to which no elements can be added. If that is wrong, describe it as a set: " + AS_SET,
        ),
        ("due.day", "`due` is a date, so it has no members; a field whose name has a dot is written `/due.day`"),
        ("blob.a", "`blob` is one JSON value"),
        ("sizes.0", "`sizes` is a list"),
        ("custom_fields.x", "`custom_fields.x`: the key of an element needs a whole number"),
    ],
)
def test_a_header_is_refused_for_a_field_that_an_update_cannot_carry(name: str, says: str) -> None:
    with pytest.raises(InputRefused) as error:
        read({name: "x"})
    assert says in error.value.message
    assert error.value.column == name


@pytest.mark.parametrize("name", ["/prioritty", "first_name", "level3", "address.street", "x.zpi", "metadata.rnak"])
def test_a_name_that_nobody_declared_is_a_field_unless_it_is_a_slip(name: str) -> None:
    assert isinstance(read({name: "x"}), UpdateJob)


def test_nothing_is_a_slip_where_something_is_known_of_all_fields() -> None:
    found = SheetColumns(["email", "emial"], Rules(DESK, "people")).read(SheetRow(REF, ["a@b.c", "x"]))
    assert isinstance(found, UpdateJob)
    assert not found.untyped
    assert [key[0] for key in found.columns if key[0]] == ["emial"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("a.b", "/a/b"), "`a.b` and `/a/b` mean the same"),
        (("due", "due:str"), "mean the same"),
        (("a", "a.b"), "`a` sets the whole, `a.b` a part of it"),
        (("a.b.c", "a"), "`a` sets the whole, `a.b.c` a part of it"),
        (("tags", "tags.add"), "sets the whole"),
    ],
)
def test_two_columns_about_the_same_are_refused(names: tuple[str, ...], says: str) -> None:
    assert says in " ".join(fault.message for fault in header_faults(["id", *names], TICKETS))


@pytest.mark.parametrize(
    "names", [("metadata.a", "metadata.a.b"), ("a.b", "a.bc"), ("id", "/id"), ("tags.add", "tags.remove")]
)
def test_others_are_not(names: tuple[str, ...]) -> None:
    assert not list(header_faults(list(dict.fromkeys(["id", *names])), TICKETS))


def test_an_object_and_a_part_of_it_cannot_both_be_replaced() -> None:
    assert not list(header_faults(["id", "subject", "address.geo.lat"], REPLACING))
    names = ["id", "address.city", "address.geo.lat"]
    assert not list(header_faults(names, TICKETS))
    (fault,) = header_faults(names, REPLACING)
    assert "with --metadata replace, write all of `address` as one JSON cell" in fault.message


@pytest.mark.parametrize(
    ("members", "attributes", "inner"),
    [
        ({"subject": 7, "x": [1], "solved": True}, {"subject": 7, "x": [1], "solved": True}, {}),
        ({"subject": None, "tags": ["a"], "sizes": [1]}, {"subject": None, "tags": {"a": True}, "sizes": [1]}, {}),
        ({"a.b": None, "c": {"d": None}}, {}, {"a": {"b": ABSENT}, "c": {"d": None}}),
        ({"a.b:json": None, "x:json": None, "tags:json": None}, {"x": None, "tags": None}, {"a": {"b": None}}),
        ({"tags.remove": ["a"], "metadata": {"k": "v"}}, {}, {"tags": {"a": ABSENT}, "metadata": {"k": "v"}}),
        ({"/address/zip": "1", "data": {"id": "x"}}, {}, {"address": {"zip": "1"}, "data": {"id": "x"}}),
        ({"attributes": {"a": 1}}, {}, {"attributes": {"a": 1}}),  # no shape of JSON:API
    ],
)
def test_an_object_of_an_input_has_the_same_names(
    members: dict[str, JSON], attributes: dict[str, JSON], inner: dict[str, object]
) -> None:
    found = from_object(members)
    assert isinstance(found, UpdateJob), found
    assert (found.attributes, found.members) == (attributes, inner)
    assert not found.untyped


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"tags": "a,b"}, "wrong_type"),
        ({"tags.add": None}, "clear_not_allowed"),
        ({"tags.add:json": None}, "clear_not_allowed"),
        ({"due": 20260131}, "wrong_type"),
        ({"starts_at": None, "due": "soon"}, "wrong_type"),
        ({"starts_at": 7}, "wrong_type"),
        ({"prioritty": "x"}, "column_not_of_type"),
        ({"a": 1, "a.b": 2}, "bad_shape"),
        ({"address": {"zip": 7}}, "wrong_type"),
        ({"close": None}, "clear_not_allowed"),
    ],
)
def test_an_object_may_be_refused(members: dict[str, JSON], reason: str) -> None:
    found = from_object(members)
    assert isinstance(found, Unsendable)
    assert found.reason == reason


ENCODED = schema_of(
    Description.model_validate(
        {
            "name": "x",
            "resources": {
                "boats": {
                    "path": "/boats/{id}",
                    "fields": {
                        "at": {"type": "datetime", "encode": "epoch"},
                        "at_ms": {"type": "datetime", "encode": "epoch_ms"},
                        "names": {"encode": "list"},
                        "berth": {"type": "int", "encode": "text"},
                    },
                },
                "yachts": {"path": "/yachts/{id}", "omits_empty": True},
            },
        },
        strict=False,
    ),
    {},
)


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("at", "1970-01-01T00:01:00Z", 60),
        ("at", "1970-01-02", 86400),  # in UTC, which nobody said
        ("at", "1970-01-01T00:00:00.500+00:00", 0.5),
        ("at", "<clear>", None),
        ("at:int", "60", 60),
        ("at:json", "null", None),
        ("at_ms", "1970-01-01T00:00:00.123Z", 123),
        ("names", "a", ["a"]),
        ("names:json", '["a"]', ["a"]),
        ("berth", "7", "7"),
    ],
)
def test_a_value_is_written_in_the_form_that_the_description_says(name: str, cell: str, value: JSON) -> None:
    found = job({name: cell}, Rules(ENCODED, "boats"))
    assert list(found.attributes.values()) == [value]
    assert type(next(iter(found.attributes.values()))) is type(value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("0", None), ("false", None), ('""', None), ("[]", None), ("1", 1), ('"a"', "a")],
)
def test_an_empty_value_clears_where_reads_leave_it_out(cell: str, value: JSON) -> None:
    assert job({"x:json": cell}, Rules(ENCODED, "yachts")).attributes == {"x": value}
