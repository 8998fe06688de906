import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.columns import ObjectColumns, Rules
from jobs.formats import InputRefused, read_objects
from jobs.model import ABSENT, JSON, Link, ObjectRow, RowRef, Unsendable, UpdateJob
from jobs.reasons import REASONS
from tests.schemas import SCHEMA

REF = RowRef(1, 1, b"12345678")
ID = "xAyBzCwDvE"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=10,
)


def rules(kind: str = "stripe_payments", *, replace: bool = True, resend: bool = False) -> Rules:
    allowed = frozenset({"_refresh", "_capture"})
    return Rules(SCHEMA, kind, refuse_members=not replace, allow_triggers=allowed, resend_unknown=resend)


def read(members: dict[str, JSON], said: Rules | None = None) -> UpdateJob | Unsendable:
    return ObjectColumns(said or rules()).read(ObjectRow(REF, members))


def job(kind: str, **members: JSON) -> UpdateJob:
    read_ = read({"id": ID, **members}, rules(kind))
    assert isinstance(read_, UpdateJob), read_
    return read_


def problem(members: dict[str, JSON], said: Rules | None = None) -> Unsendable:
    read_ = read(members, said)
    assert isinstance(read_, Unsendable), read_
    assert read_.reason in REASONS
    return read_


FLAT: dict[str, JSON] = {
    "id": ID,
    "type": "stripe_payments",
    "reference": "R-1",
    "options": {"a": 1},
    "metadata": {"b": [True]},
    "_refresh": True,
    "order": "oRdEr",
}
RESOURCE: dict[str, JSON] = {
    "id": ID,
    "type": "stripe_payments",
    "attributes": {"reference": "R-1", "options": {"a": 1}, "metadata": {"b": [True]}, "_refresh": True},
    "relationships": {"order": {"data": {"type": "orders", "id": "oRdEr"}}},
}


@pytest.mark.parametrize("members", [FLAT, RESOURCE, {"data": RESOURCE}])
def test_the_three_shapes_say_the_same(members: dict[str, JSON]) -> None:
    expected = UpdateJob(
        REF,
        "stripe_payments",
        ID,
        attributes={"reference": "R-1", "options": {"a": 1}, "metadata": {"b": [True]}},
        relationships={"order": Link("orders", "oRdEr")},
        triggers={"_refresh": True},
    )
    assert read(members, rules("")) == expected
    assert read(members, rules("orders")) == expected  # the row's own type wins


@given(st.dictionaries(TEXT, VALUES))
def test_any_metadata_arrives_exactly_in_every_shape(metadata: dict[str, JSON]) -> None:
    flat: dict[str, JSON] = {"id": ID, "metadata": metadata}
    resource: dict[str, JSON] = {"id": ID, "attributes": {"metadata": metadata}}
    lines = "\n".join(map(json.dumps, [flat, resource, {"data": resource}]))
    columns = ObjectColumns(rules())
    for row in read_objects(BytesIO(lines.encode())):
        assert isinstance(row, ObjectRow)
        read_ = columns.read(row)
        assert isinstance(read_, UpdateJob)
        assert read_.attributes == {"metadata": metadata}


@pytest.mark.parametrize(
    ("kind", "name", "value", "attributes"),
    [
        ("orders", "reference", "", {"reference": ""}),  # an empty text is a value here
        ("orders", "reference", "<clear>", {"reference": "<clear>"}),  # null clears, no token
        ("orders", "reference", None, {"reference": None}),
        ("orders", "reference:json", None, {"reference": None}),
        ("orders", "reference:int", 7, {"reference": 7}),
        ("orders", "reference:float", 7, {"reference": 7}),
        ("orders", "reference:bool", True, {"reference": True}),
        ("orders", "reference:json", [1], {"reference": [1]}),
        ("line_items", "quantity", 7, {"quantity": 7}),
        ("line_items", "quantity:str", "7", {"quantity": "7"}),
        ("addresses", "lat", 45, {"lat": 45}),
        ("addresses", "lat", 45.5, {"lat": 45.5}),
        ("webhooks", "include_resources", ["order"], {"include_resources": ["order"]}),
        ("skus", "unit_of_weight", "oz", {"unit_of_weight": "oz"}),
        ("orders", "attributes.colour", {"x": 1}, {"colour": {"x": 1}}),  # bypasses the catalogue, keeps its type
        ("orders", "attributes.quantity", 7, {"quantity": 7}),
    ],
)
def test_a_value_keeps_the_type_it_has(kind: str, name: str, value: JSON, attributes: dict[str, JSON]) -> None:
    assert job(kind, **{name: value}).attributes == attributes


@pytest.mark.parametrize(
    ("name", "value", "members"),
    [
        ("metadata.a", 7, {"metadata": {"a": 7}}),
        ("metadata.a.b", "x", {"metadata": {"a.b": "x"}}),
        ("metadata.a:str", "7", {"metadata": {"a": "7"}}),
        ("metadata.a", None, {"metadata": {"a": ABSENT}}),
        ("metadata.a:str", None, {"metadata": {"a": ABSENT}}),  # only `:json` says that the value is meant as it is
        ("metadata.a:json", None, {"metadata": {"a": None}}),
        ("metadata.a:json", "null", {"metadata": {"a": "null"}}),
        ("metadata.a:int:json", None, {"metadata": {"a:int": None}}),
        ("metadata.:json", 7, {"metadata": {"": 7}}),  # the key is the empty text
        ("metadata.:json", None, {"metadata": {"": None}}),
        ("metadata.:str", None, {"metadata": {"": ABSENT}}),
        ("options.customer:json", None, {"options": {"customer": None}}),
        ("options.customer", {"x": []}, {"options": {"customer": {"x": []}}}),
    ],
)
def test_a_member_goes_into_its_object(name: str, value: JSON, members: dict[str, object]) -> None:
    assert job("stripe_payments", **{name: value}).members == members


@pytest.mark.parametrize(
    ("kind", "name", "value", "relationships"),
    [
        ("stripe_payments", "order", "aBc", {"order": Link("orders", "aBc")}),
        ("stripe_payments", "order", None, {"order": None}),
        ("orders", "payment_source", "stripe_payments/a", {"payment_source": Link("stripe_payments", "a")}),
        ("orders", "tags", "a,b", {"tags": (Link("tags", "a"), Link("tags", "b"))}),
        ("orders", "tags", ["a", "b"], {"tags": (Link("tags", "a"), Link("tags", "b"))}),
        ("orders", "tags", [], {"tags": ()}),
        ("orders", "tags", None, {"tags": ()}),
    ],
)
def test_a_flat_relationship_is_written_as_in_a_sheet(
    kind: str, name: str, value: JSON, relationships: dict[str, object]
) -> None:
    assert job(kind, **{name: value}).relationships == relationships


@pytest.mark.parametrize("value", ["vip,new", ["vip", "new"]])
def test_tags_are_a_text_or_a_list(value: JSON) -> None:
    assert job("orders", **{"tags.add": value}).add_tags == ("vip", "new")


@pytest.mark.parametrize(
    ("kind", "name", "value", "reason", "says"),
    [
        ("orders", "reference", 7, "wrong_type", 'write it in quotes, "7"'),
        ("orders", "reference", False, "wrong_type", "needs text"),
        ("line_items", "quantity", "7", "wrong_type", "without quotes"),
        ("line_items", "quantity", True, "wrong_type", "whole number"),
        ("line_items", "quantity", 7.0, "wrong_type", "without a fraction"),
        ("addresses", "lat", "45.5", "wrong_type", "without quotes"),
        ("addresses", "lat", True, "wrong_type", "needs a number"),
        ("orders", "autorefresh", "true", "wrong_type", "without quotes"),
        ("orders", "autorefresh", 1, "wrong_type", "true or false"),
        ("stripe_payments", "options", "{}", "wrong_type", "JSON object"),
        ("webhooks", "include_resources", {}, "wrong_type", "JSON array"),
        ("orders", "metadata.a:int", "7", "wrong_type", "whole number"),
        ("skus", "unit_of_weight", "stone", "not_allowed", "gr, oz, lb"),
        ("stripe_payments", "_refresh", False, "trigger_false", "only be true"),
        ("stripe_payments", "_refresh", None, "clear_not_allowed", "trigger"),
        ("authorizations", "_void", True, "trigger_not_allowed", "--allow-trigger _void"),
        ("orders", "tags.add", [1], "tag_invalid", "names of tags"),
        ("orders", "tags.add", None, "clear_not_allowed", "`tags.remove`"),
        ("orders", "tags", 7, "relationship_malformed", "ids with commas"),
        ("stripe_payments", "order", {"data": None}, "relationship_malformed", "one id, as text"),
        ("stripe_payments", "order", "", "relationship_malformed", "missing"),
        ("orders", "refrence", "x", "column_not_of_type", "did you mean `reference`?"),
        ("orders", "__state", "x", "column_not_of_type", "reserved"),
        ("orders", "metadata:int", 1, "column_not_of_type", "does not fit"),
        ("stripe_payments", "order:int", 1, "column_not_of_type", "takes no `:int`"),
        ("stripe_payments", "tags.add", "vip", "column_not_of_type", "no tags"),
    ],
)
def test_a_wrong_member_is_named_with_what_to_write(kind: str, name: str, value: JSON, reason: str, says: str) -> None:
    wrong = problem({"id": ID, name: value}, rules(kind))
    assert (wrong.reason, wrong.column) == (reason, name)
    assert says in wrong.message


@pytest.mark.parametrize(
    ("members", "reason", "column", "says"),
    [
        ({}, "empty_row", "", "no members"),
        ({"__row": 7}, "empty_row", "", "no members"),
        ({"metadata": {}}, "id_missing", "id", "which record"),
        ({"type": "orders", "attributes": {"reference": "x"}}, "id_missing", "id", "which record"),  # that sets it
        ({"reference": ""}, "id_missing", "reference", "which record"),
        ({"reference": None}, "clear_not_allowed", "reference", "cannot be cleared"),
        ({"reference": 7}, "wrong_type", "reference", 'write it in quotes, "7"'),
        ({"reference": " \t"}, "reference_malformed", "reference", "white space"),
        ({"reference": "x"}, "nothing_to_change", "", "nothing to change"),
        ({"reference": "x", "type": "order", "code": "y"}, "type_unknown", "type", "did you mean `orders`?"),
        ({"id": "", "reference": "x"}, "id_missing", "id", "which record"),
        ({"id": None, "reference": "x"}, "clear_not_allowed", "id", "cannot be cleared"),
        ({"id": 7, "reference": "x"}, "wrong_type", "id", 'write it in quotes, "7"'),
        ({"id": "a b", "reference": "x"}, "id_malformed", "id", "white space"),
        ({"id": "#a", "reference": "x"}, "comment", "id", "comment"),
        ({"id": ID}, "nothing_to_change", "", "nothing to change"),
        ({"id": ID, "attributes": {}}, "nothing_to_change", "", "nothing to change"),
        ({"id": ID, "type": None}, "clear_not_allowed", "type", "cannot be cleared"),
        ({"id": ID, "type": "order", "reference": "x"}, "type_unknown", "type", "did you mean `orders`?"),
        ({"id": ID, "type": "order", "attributes": {}}, "type_unknown", "type", "did you mean `orders`?"),
        ({"id": ID, "reference": "a", "attributes.reference": "b"}, "bad_shape", "", "mean the same"),
        ({"id": ID, "metadata": {}, "metadata.a": "b"}, "bad_shape", "", "sets the whole"),
    ],
)
def test_an_object_without_a_record_or_a_change_is_not_sent(
    members: dict[str, JSON], reason: str, column: str, says: str
) -> None:
    wrong = problem(members)
    assert (wrong.reason, wrong.column) == (reason, column)
    assert says in wrong.message


def test_a_type_is_needed_from_the_row_or_the_flag() -> None:
    assert problem({"id": ID, "reference": "x"}, rules("")).reason == "type_missing"
    assert problem({"id": ID, "attributes": {}}, rules("")).reason == "type_missing"
    with pytest.raises(InputRefused, match="did you mean `orders`"):
        ObjectColumns(rules("order"))
    ObjectColumns(rules(""))


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"data": []}, "`data` must be an object"),
        ({"data": {"id": 7}}, "`data.id` must be text"),
        ({"data": {"id": ID}, "meta": {}}, "`meta` is not part of this shape"),
        ({"id": ID, "attributes": []}, "`attributes` must be an object"),
        ({"id": ID, "attributes": {}, "links": {}}, "`links` is not part of this shape"),
        ({"id": ID, "attributes": {}, "reference": "x"}, "`reference` is not part"),  # two shapes at once
        ({"id": ID, "relationships": []}, "`relationships` must be an object"),
        ({"id": ID, "relationships": {"order": "x"}}, "`relationships.order` must be an object"),
        ({"id": ID, "relationships": {"order": {}}}, "`relationships.order.data` must be {"),
        ({"id": ID, "relationships": {"order": {"data": "x"}}}, "`relationships.order.data` must be {"),
        ({"data": {"id": ID, "relationships": {"order": {"data": {"id": "x"}}}}}, ".order.data` must be {"),
        ({"id": ID, "relationships": {"order": {"data": None, "meta": 1}}}, ".order.meta` is not part"),
    ],
)
def test_a_wrong_shape_is_named_without_quoting_values(members: dict[str, JSON], says: str) -> None:
    wrong = problem(members)
    assert wrong.reason == "bad_shape"
    assert says in wrong.message
    assert "Identifier" not in wrong.message


@pytest.mark.parametrize(
    ("kind", "relationships", "expected"),
    [
        ("stripe_payments", {"order": {"data": None}}, {"order": None}),
        ("orders", {"tags": {"data": []}}, {"tags": ()}),
        ("orders", {"tags": {"data": [{"type": "tags", "id": "a"}]}}, {"tags": (Link("tags", "a"),)}),
    ],
)
def test_a_resource_object_links_by_identifiers(kind: str, relationships: JSON, expected: dict[str, object]) -> None:
    assert job(kind, relationships=relationships).relationships == expected


@pytest.mark.parametrize(
    ("part", "reason", "column", "says"),
    [
        ({"attributes": {"refrence": "x"}}, "column_not_of_type", "refrence", "did you mean `reference`?"),
        ({"attributes": {"metadata.a": "x"}}, "column_not_of_type", "metadata.a", "no attribute"),  # names are literal
        ({"attributes": {"order": "x"}}, "column_not_of_type", "order", "no attribute"),  # a relationship
        ({"attributes": {"reference": 7}}, "wrong_type", "reference", "needs text"),
        ({"relationships": {"reference": {"data": None}}}, "column_not_of_type", "reference", "relationship"),
        ({"relationships": {"order": {"data": []}}}, "relationship_malformed", "order", "links one"),
        (
            {"relationships": {"order": {"data": {"type": "skus", "id": "a"}}}},
            "relationship_malformed",
            "order",
            "not 'skus'",
        ),
        (
            {"relationships": {"order": {"data": {"type": "orders", "id": ".."}}}},
            "relationship_malformed",
            "order",
            "path",
        ),
    ],
)
def test_a_wrong_part_of_a_resource_object_is_named(part: dict[str, JSON], reason: str, column: str, says: str) -> None:
    wrong = problem({"id": ID, **part})
    assert (wrong.reason, wrong.column) == (reason, column)
    assert says in wrong.message


@pytest.mark.parametrize(
    ("data", "says"),
    [(None, "write []"), ({"type": "tags", "id": "a"}, "links many")],
)
def test_a_to_many_relationship_takes_a_list(data: JSON, says: str) -> None:
    wrong = problem({"id": ID, "relationships": {"tags": {"data": data}}}, rules("orders"))
    assert wrong.reason == "relationship_malformed"
    assert says in wrong.message


@pytest.mark.parametrize(
    "members",
    [{"metadata": {}}, {"metadata": None}, {"metadata.a": 1}, {"options.a": 1}, {"attributes": {"metadata": {}}}],
)
def test_an_object_that_would_wipe_keys_needs_the_flag(members: dict[str, JSON]) -> None:
    assert problem({"id": ID, **members}, rules(replace=False)).reason == "needs_metadata_replace"


@pytest.mark.parametrize("shape", [FLAT, RESOURCE, {"data": RESOURCE}])
@pytest.mark.parametrize(
    ("status", "reason", "done"),
    [
        ("applied", None, True),
        ("skipped", "already_done", True),
        ("skipped", "comment", False),
        ("failed", "throttled", False),
        (7, None, False),  # nobody's status
    ],
)
def test_a_failed_file_fed_back_runs_what_is_not_done(
    shape: dict[str, JSON], status: JSON, reason: JSON, done: bool
) -> None:
    read_ = read({"__status": status, "__reason": reason, **shape})
    assert isinstance(read_, Unsendable) is done
    assert not done or (isinstance(read_, Unsendable) and read_.reason == "already_done")


def test_a_line_that_was_already_broken_is_named_as_such_when_its_failed_file_is_fed_back() -> None:
    found = problem({"__status": "invalid", "__row": 3})
    assert (found.reason, "write the update anew, or remove it" in found.message) == ("bad_shape", True)
    assert problem({"__row": 3}).reason == "empty_row"


def test_an_unknown_row_is_repeated_only_when_said() -> None:
    members: dict[str, JSON] = {"__status": "unknown", "id": ID, "_capture": True}
    assert problem(members, rules("authorizations")).reason == "resend_refused"
    assert isinstance(read(members, rules("authorizations", resend=True)), UpdateJob)


def test_a_value_in_json_has_its_type() -> None:
    assert job("orders", **{"metadata.a": "7"}).untyped == frozenset()


def test_an_apostrophe_is_no_guard_in_json() -> None:
    assert job("orders", __status="", reference="'=1").attributes == {"reference": "'=1"}


def test_a_long_value_is_quoted_shortened() -> None:
    wrong = problem({"id": ID, "reference": ["x" * 200]})
    assert len(wrong.cell) == 80
    assert wrong.cell.endswith("…")


def test_an_object_without_an_id_is_found_by_its_reference() -> None:
    found = ObjectColumns(Rules(SCHEMA, "orders")).read(
        ObjectRow(REF, {"reference": "R", "metadata.a": 1, "type": "skus"})
    )
    assert found == UpdateJob(REF, "skus", "", members={"metadata": {"a": 1}}, reference="R")


def test_an_object_has_as_many_members_as_a_sheet_has_columns_at_most() -> None:
    members: dict[str, JSON] = {"id": ID, **{f"metadata.k{number}": 1 for number in range(16_384)}}
    refused = problem(members)
    assert (refused.reason, refused.message) == (
        "bad_shape", "the object has 16,385 members; 16,384 are taken at most",
    )  # fmt: skip


def test_objects_that_share_no_names_are_all_understood() -> None:
    columns = ObjectColumns(rules())
    for number in range(30):  # so many names that those of the first are forgotten
        names = [f"k{number}.{each}" for each in range(1000)]
        found = columns.read(ObjectRow(REF, {"id": ID, **{f"metadata.{name}": name for name in names}}))
        assert isinstance(found, UpdateJob)
        assert found.members == {"metadata": {name: name for name in names}}


@pytest.mark.parametrize(
    ("members", "record"),
    [
        ({"id": "x", "reference": "r"}, "x"),
        ({"data": {"id": "x"}}, "x"),
        ({"reference": "r"}, "reference r"),
        ({"metadata.a": 1}, ""),
    ],
)
def test_a_record_is_known_by_its_id_or_its_reference(members: dict[str, JSON], record: str) -> None:
    assert ObjectColumns(Rules(SCHEMA)).record(ObjectRow(REF, members)) == record
