import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.columns import HIDDEN, Rules, SheetColumns
from jobs.columns.cells import id_fault
from jobs.formats import InputRefused, read_sheet
from jobs.model import ABSENT, JSON, Link, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.reasons import REASONS
from tests.schemas import SCHEMA

REF = RowRef(1, 2, b"12345678")
ID = "xAyBzCwDvE"
EAGER = frozenset({"_refresh", "_capture", "_trigger", "_update", "_add_tags", "_reset_password_token"})


def rules(
    kind: str = "stripe_payments", *, replace: bool = True, triggers: frozenset[str] = EAGER, resend: bool = False
) -> Rules:
    return Rules(SCHEMA, type=kind, refuse_members=not replace, allow_triggers=triggers, resend_unknown=resend)


def read(row: dict[str, str], said: Rules) -> UpdateJob | Unsendable:
    """One row, given with its header."""
    return SheetColumns(list(row), said).read(SheetRow(REF, list(row.values())))


def job(kind: str, said: Rules | None = None, /, **cells: str) -> UpdateJob:
    read_ = read({"id": ID, **cells}, said or rules(kind))
    assert isinstance(read_, UpdateJob), read_
    return read_


def problem(row: dict[str, str], said: Rules) -> Unsendable:
    read_ = read(row, said)
    assert isinstance(read_, Unsendable), read_
    assert read_.reason in REASONS
    assert read_.ref == REF
    return read_


def test_a_row_of_the_stripe_page_carries_all_its_arguments() -> None:
    row = {
        "id": ID,
        "options": '{"customer": "cus_1"}',
        "_refresh": "true",
        "reference": "R-1",
        "reference_origin": "erp",
        "metadata": '{"a": 1}',
        "order": "oRdErIdXyZ",
    }
    assert read(row, rules()) == UpdateJob(
        REF,
        "stripe_payments",
        ID,
        attributes={
            "options": {"customer": "cus_1"},
            "reference": "R-1",
            "reference_origin": "erp",
            "metadata": {"a": 1},
        },
        relationships={"order": Link("orders", "oRdErIdXyZ")},
        triggers={"_refresh": True},
    )


def test_attributes_stand_in_the_order_of_the_header() -> None:
    assert list(job("orders", reference="r", language_code="it", autorefresh="true").attributes) == [
        "reference",
        "language_code",
        "autorefresh",
    ]


@pytest.mark.parametrize(
    ("kind", "column", "text", "value"),
    [
        ("orders", "reference", "007", "007"),  # text is text
        ("orders", "reference", " x ", " x "),  # never trimmed
        ("orders", "reference", "null", "null"),
        ("orders", "reference", "true", "true"),
        ("orders", "reference", "\\n", "\\n"),
        ("orders", "reference:int", "7", 7),
        ("orders", "reference:json", '""', ""),  # the empty string
        ("orders", "reference:json", "null", None),
        ("sku_lists", "attributes.x_at", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),  # a time is text
        ("orders", "autorefresh", "TRUE", True),
        ("orders", "autorefresh", "False", False),
        ("orders", "autorefresh:str", "True", "True"),
        ("line_items", "quantity", "42", 42),
        ("line_items", "quantity", "-0", 0),
        ("line_items", "quantity", "123456789012345678901234567890", 123456789012345678901234567890),
        ("line_items", "quantity:str", "042", "042"),
        ("addresses", "lat", "45.5", 45.5),
        ("addresses", "lat", "1E2", 100.0),
        ("addresses", "lat", "45", 45),  # a whole number stays one
        ("skus", "unit_of_weight", "oz", "oz"),
        ("stripe_payments", "options", ' {"b": 1, "a": [1.5, null]} ', {"b": 1, "a": [1.5, None]}),
        ("stripe_payments", "options:json", "null", None),
        ("webhooks", "include_resources", '["order"]', ["order"]),
        ("stripe_payments", "attributes.colour", "007", "007"),  # bypasses the catalogue
        ("stripe_payments", "attributes.colour:int", "7", 7),
        ("line_items", "attributes.quantity", "7", "7"),
        ("skus", "attributes.unit_of_weight", "stone", "stone"),  # even its list of values
    ],
)
def test_a_cell_is_of_the_type_of_its_column(kind: str, column: str, text: str, value: JSON) -> None:
    attributes = job(kind, **{column: text}).attributes
    assert list(attributes.values()) == [value]
    assert type(next(iter(attributes.values()))) is type(value)
    assert next(iter(attributes)) == column.removeprefix("attributes.").partition(":")[0]


@pytest.mark.parametrize(
    ("column", "text", "attribute", "key", "value"),
    [
        ("metadata.a", "7", "metadata", "a", "7"),  # text unless a suffix says otherwise
        ("metadata.a", "true", "metadata", "a", "true"),
        ("metadata.a:int", "7", "metadata", "a", 7),
        ("metadata.a:float", "7.5", "metadata", "a", 7.5),
        ("metadata.a:bool", "true", "metadata", "a", True),
        ("metadata.a:json", '{"x": [1]}', "metadata", "a", {"x": [1]}),
        ("metadata.a:json", "null", "metadata", "a", None),  # a null to store, not a removal
        ("metadata.a:json", '""', "metadata", "a", ""),
        ("metadata.a:str", "7", "metadata", "a", "7"),
        ("metadata.a.b", "x", "metadata", "a.b", "x"),
        ("metadata.a", "<clear>", "metadata", "a", ABSENT),
        ("options.customer", "cus_1", "options", "customer", "cus_1"),
        ("options.amount:int", "7", "options", "amount", 7),
        ("options.customer", "<clear>", "options", "customer", ABSENT),
    ],
)
def test_a_member_goes_into_its_object(column: str, text: str, attribute: str, key: str, value: object) -> None:
    assert job("stripe_payments", **{column: text}).members == {attribute: {key: value}}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_text_of_a_sheet_arrives_exactly(text: str) -> None:
    written = StringIO(newline="")
    csv.writer(written).writerows([["id", "metadata.a", "reference"], [ID, text, "r"]])
    sheet = read_sheet(BytesIO(written.getvalue().encode()))
    (row,) = sheet
    assert isinstance(row, SheetRow)
    read_ = SheetColumns(sheet.header, Rules(SCHEMA, "orders", "\0")).read(row)
    assert isinstance(read_, UpdateJob)
    assert read_.members == {"metadata": {"a": text}}


def test_an_empty_cell_leaves_its_target_untouched() -> None:
    row = {"id": ID, "reference": "", "metadata.a": "", "order": "", "_refresh": "", "options": "", "return_url": "x"}
    assert read(row, rules()) == UpdateJob(REF, "stripe_payments", ID, attributes={"return_url": "x"})


@pytest.mark.parametrize(
    ("kind", "column", "attributes", "relationships"),
    [
        ("orders", "reference", {"reference": None}, {}),
        ("line_items", "quantity", {"quantity": None}, {}),
        ("stripe_payments", "options", {"options": None}, {}),
        ("skus", "unit_of_weight", {"unit_of_weight": None}, {}),  # null is none of the listed values, and fine
        ("orders", "attributes.colour", {"colour": None}, {}),
        ("orders", "reference:int", {"reference": None}, {}),
        ("stripe_payments", "order", {}, {"order": None}),  # to-one
        ("orders", "tags", {}, {"tags": ()}),  # to-many
    ],
)
def test_the_clear_token_clears(
    kind: str, column: str, attributes: dict[str, JSON], relationships: dict[str, object]
) -> None:
    cleared = job(kind, **{column: "<clear>"})
    assert (cleared.attributes, cleared.relationships) == (attributes, relationships)


def test_a_row_knows_which_of_its_texts_have_no_type() -> None:
    said = {"metadata.a": "7", "metadata.b:str": "7", "attributes.c": "7", "attributes.d:int": "7", "reference": "7"}
    assert job("orders", **said).untyped == {("metadata", "a"), ("c",)}


def test_the_clear_token_can_be_another_text() -> None:
    said = Rules(SCHEMA, "orders", clear_token="∅")
    assert job("orders", said, reference="∅").attributes == {"reference": None}
    assert job("orders", said, reference="<clear>").attributes == {"reference": "<clear>"}


@pytest.mark.parametrize(
    ("kind", "column", "text", "relationships"),
    [
        ("stripe_payments", "order", "aBc", {"order": Link("orders", "aBc")}),
        ("stripe_payments", "order", "orders/aBc", {"order": Link("orders", "aBc")}),
        ("orders", "payment_source", "stripe_payments/aBc", {"payment_source": Link("stripe_payments", "aBc")}),
        ("orders", "tags", "a,b", {"tags": (Link("tags", "a"), Link("tags", "b"))}),
        ("orders", "tags", "tags/a", {"tags": (Link("tags", "a"),)}),
    ],
)
def test_a_relationship_is_an_id_or_a_type_and_an_id(
    kind: str, column: str, text: str, relationships: dict[str, object]
) -> None:
    assert job(kind, **{column: text}).relationships == relationships


def test_tags_are_added_and_removed_by_name() -> None:
    tagged = job("orders", **{"tags.add": "vip,eu-west", "tags.remove": "old_1"})
    assert (tagged.add_tags, tagged.remove_tags) == (("vip", "eu-west"), ("old_1",))
    assert not tagged.replay_safe


def test_a_tag_cannot_be_added_and_removed_by_one_row() -> None:
    refused = problem({"id": "x", "tags.add": "a,b", "tags.remove": "b"}, rules("orders"))
    assert (refused.reason, refused.column) == ("tag_invalid", "tags.add")
    assert refused.message == "'b' is to be added and removed: drop it from one"


@pytest.mark.parametrize(
    ("kind", "column", "text", "triggers"),
    [
        ("stripe_payments", "_refresh", "true", {"_refresh": True}),
        ("authorizations", "_capture", "true", {"_capture": True}),
        ("stripe_payments", "attributes._capture", "true", {"_capture": "true"}),  # text, as ever; still a trigger
        ("stripe_payments", "attributes._capture:bool", "true", {"_capture": True}),
        ("orders", "_add_tags", "vip", {"_add_tags": "vip"}),  # the raw form of `tags.add`
        ("customer_password_resets", "_reset_password_token", "t", {"_reset_password_token": "t"}),
    ],
)
def test_an_allowed_trigger_is_kept_apart(kind: str, column: str, text: str, triggers: dict[str, JSON]) -> None:
    fired = job(kind, **{column: text})
    assert (fired.triggers, fired.attributes) == (triggers, {})


@pytest.mark.parametrize(
    ("kind", "column", "text", "reason", "says"),
    [
        ("line_items", "quantity", "4.0", "wrong_type", "whole number"),
        ("line_items", "quantity", "1E5", "wrong_type", "whole number"),
        ("line_items", "quantity", "007", "wrong_type", "leading zeros"),
        ("line_items", "quantity", "+7", "wrong_type", "whole number"),
        ("line_items", "quantity", " 7", "wrong_type", "without spaces"),
        ("line_items", "quantity", "7\n", "wrong_type", "whole number"),
        ("line_items", "quantity", "\u0667", "wrong_type", "whole number"),  # a digit, but not one of JSON
        ("line_items", "quantity", "9" * 5000, "number_not_exact", "thousands of digits"),
        ("addresses", "lat", "1,5", "wrong_type", "decimal point"),
        ("addresses", "lat", "NaN", "wrong_type", "number"),
        ("addresses", "lat", ".5", "wrong_type", "number"),
        ("addresses", "lat", "0.12345678901234567890", "number_not_exact", "cannot be carried exactly"),
        ("addresses", "lat", "1e999", "number_not_exact", "cannot be carried exactly"),
        ("orders", "autorefresh", "yes", "wrong_type", "true or false"),
        ("orders", "autorefresh", "1", "wrong_type", "true or false"),
        ("stripe_payments", "options", "[1]", "wrong_type", "JSON object"),
        ("stripe_payments", "options", "null", "wrong_type", "JSON object"),
        ("stripe_payments", "options", "{'a': 1}", "bad_json", "character 2"),
        ("webhooks", "include_resources", "{}", "wrong_type", "JSON array"),
        ("orders", "metadata.a:json", "{", "bad_json", "character 2"),
        ("orders", "metadata.a:json", "1e999", "number_not_exact", "1e999"),
        ("orders", "metadata.a:int", "x", "wrong_type", "whole number"),
        ("skus", "unit_of_weight", "stone", "not_allowed", "gr, oz, lb"),
        ("skus", "unit_of_weight", "OZ", "not_allowed", "gr, oz, lb"),
        ("stripe_payments", "_refresh", "false", "trigger_false", "only be true"),
        ("stripe_payments", "_refresh", "<clear>", "clear_not_allowed", "trigger"),
        ("stripe_payments", "attributes._x", "FALSE", "trigger_false", "only be true"),
        ("authorizations", "_void", "true", "trigger_not_allowed", "--allow-trigger _void"),
        ("stripe_payments", "attributes._x", "true", "trigger_not_allowed", "--allow-trigger _x"),
        ("stripe_payments", "_refresh", "yes", "wrong_type", "true or false"),
        ("orders", "tags.add", "a b", "tag_invalid", "'a b' is no tag"),
        ("orders", "tags.add", "a, b", "tag_invalid", "' b' is no tag"),
        ("orders", "tags.add", "a,,b", "tag_invalid", "'' is no tag"),
        ("orders", "tags.add", "x" * 26, "tag_invalid", "1-25"),
        ("orders", "tags.remove", "a,b,c,d,e,f,g,h,i,j,k", "tag_invalid", "11 tags"),
        ("orders", "tags.add", "<clear>", "clear_not_allowed", "`tags.remove`"),
        ("stripe_payments", "order", "customers/aBc", "relationship_malformed", "links orders, not 'customers'"),
        ("stripe_payments", "order", "a,b", "relationship_malformed", "comma"),
        ("stripe_payments", "order", "..", "relationship_malformed", "path"),
        ("stripe_payments", "order", "orders/", "relationship_malformed", "missing"),
        ("orders", "payment_source", "aBc", "relationship_malformed", "stripe_payments"),
        ("orders", "payment_source", "skus/aBc", "relationship_malformed", "not 'skus'"),
        ("orders", "tags", "a,,b", "relationship_malformed", "missing"),
        ("orders", "tags", "a, b", "relationship_malformed", "white space"),
    ],
)
def test_a_wrong_cell_is_named_with_what_to_write(kind: str, column: str, text: str, reason: str, says: str) -> None:
    wrong = problem({"id": ID, column: text}, rules(kind))
    assert (wrong.reason, wrong.column) == (reason, column)
    assert f"`{column}`: " in wrong.message
    assert says in wrong.message
    assert wrong.cell == (text if len(text) <= 80 else text[:79] + "…")


def test_no_letter_and_no_digit_is_wrong_in_an_id() -> None:
    text = "".join(filter(str.isalnum, map(chr, range(0x110000))))
    assert not id_fault(text)
    assert not id_fault(f"{text}-")  # what is looked at more closely finds nothing either


@pytest.mark.parametrize(
    ("row", "reason", "column", "says"),
    [
        ({"id": "", "reference": "x"}, "id_missing", "id", "which record"),
        ({"id": ".", "reference": "x"}, "id_malformed", "id", "'.' is a path"),
        ({"id": "..", "reference": "x"}, "id_malformed", "id", "'..' is a path"),
        ({"id": "a b", "reference": "x"}, "id_malformed", "id", "character 2 is white space"),
        ({"id": "a\u00a0", "reference": "x"}, "id_malformed", "id", "white space"),  # as copied from a web page
        ({"id": "a,b", "reference": "x"}, "id_malformed", "id", "a comma"),
        ({"id": "\ufeffa", "reference": "x"}, "id_malformed", "id", "character 1 is a byte-order mark"),
        ({"id": "a\u200b", "reference": "x"}, "id_malformed", "id", "character 2 is an invisible character U+200B"),
        ({"id": "\u200ea", "reference": "x"}, "id_malformed", "id", "an invisible character U+200E"),  # right to left
        ({"id": "a\x7f", "reference": "x"}, "id_malformed", "id", "control character U+007F"),
        ({"id": "<clear>", "reference": "x"}, "clear_not_allowed", "id", "cannot be cleared"),
        ({"id": "#a b", "reference": "x"}, "comment", "id", "comment"),
        ({"id": "", "reference": ""}, "empty_row", "", "empty"),
        ({"id": ID, "reference": ""}, "nothing_to_change", "", "nothing to change"),
        ({"id": ID}, "nothing_to_change", "", "nothing to change"),
    ],
)
def test_a_row_without_a_record_or_a_change_is_not_sent(
    row: dict[str, str], reason: str, column: str, says: str
) -> None:
    wrong = problem(row, rules())
    assert (wrong.reason, wrong.column) == (reason, column)
    assert says in wrong.message


@pytest.mark.parametrize("id_", ["xAyBzCwDvE", "1", "a/b", "ä-_~", "a#"])
def test_an_unusual_id_is_taken(id_: str) -> None:
    read_ = read({"id": id_, "reference": "x"}, rules())
    assert isinstance(read_, UpdateJob)
    assert read_.id == id_


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"metadata": '{"a": 1}'}, "`metadata`"),
        ({"metadata": "<clear>"}, "`metadata`"),
        ({"attributes.metadata:json": "{}"}, "`metadata`"),
        ({"metadata.a": "1", "metadata.b": "2"}, "`metadata.a`, `metadata.b`,"),
        ({"metadata.a": "<clear>"}, "`metadata.a`"),
        ({"options.customer": "c"}, "`options.customer`"),
        ({f"metadata.{key}": "x" for key in "abcdefg"}, "`metadata.e` and 2 more"),
    ],
)
def test_a_row_that_would_wipe_keys_needs_the_flag(row: dict[str, str], says: str) -> None:
    wrong = problem({"id": ID, **row}, rules(replace=False))
    assert wrong.reason == "needs_metadata_replace"
    assert says.rstrip(",") in wrong.message
    assert "--metadata replace" in wrong.message
    assert isinstance(read({"id": ID, **row}, rules()), UpdateJob)


def test_a_whole_object_other_than_metadata_needs_no_flag() -> None:
    assert job("stripe_payments", rules(replace=False), options="{}").attributes == {"options": {}}


def test_every_row_can_name_its_type() -> None:
    columns = SheetColumns(["id", "type", "reference", "quantity", "options.a", "tags.add"], rules(""))

    def of(*cells: str) -> UpdateJob | Unsendable:
        return columns.read(SheetRow(REF, list(cells)))

    assert of("a", "line_items", "r", "2", "", "") == UpdateJob(
        REF, "line_items", "a", attributes={"reference": "r", "quantity": 2}
    )
    assert of("a", "stripe_payments", "", "", "x", "") == UpdateJob(
        REF, "stripe_payments", "a", members={"options": {"a": "x"}}
    )
    for cells, column, says in [
        (("a", "orders", "r", "2", "", ""), "quantity", "orders have no attribute"),
        (("a", "orders", "r", "<clear>", "", ""), "quantity", "orders have no attribute"),
        (("a", "orders", "r", "", "x", ""), "options.a", "orders have no attribute or relationship `options`"),
        (("a", "stripe_payments", "r", "", "", "vip"), "tags.add", "stripe_payments have no tags"),
    ]:
        wrong = of(*cells)
        assert isinstance(wrong, Unsendable)
        assert (wrong.reason, wrong.column) == ("column_not_of_type", column)
        assert says in wrong.message


@pytest.mark.parametrize(
    ("kind", "default", "reason", "says"),
    [
        ("", "", "type_missing", "--type"),
        ("order", "", "type_unknown", "did you mean `orders`?"),
        ("<clear>", "orders", "clear_not_allowed", "cannot be cleared"),
    ],
)
def test_a_row_whose_type_is_not_known_is_not_sent(kind: str, default: str, reason: str, says: str) -> None:
    wrong = problem({"id": ID, "type": kind, "reference": "x"}, rules(default))
    assert (wrong.reason, wrong.column) == (reason, "type")
    assert says in wrong.message


@pytest.mark.parametrize(("cell", "kind"), [("", "orders"), ("skus", "skus")])
def test_the_type_column_wins_over_the_flag_where_it_is_filled(cell: str, kind: str) -> None:
    assert job("orders", type=cell, reference="x").type == kind


@pytest.mark.parametrize(
    ("header", "kind", "says"),
    [
        (["metadata.a"], "orders", "no column `id`"),
        (["metadata.a", "attributes.reference"], "orders", "no column `id`"),  # that one sets the reference
        (["metadata.a"], "skus", "A column `reference` will do too"),
        (["ID", "reference"], "orders", "did you mean `id`?"),
        (["id", "refrence"], "orders", "did you mean `reference`?"),
        (["id", " reference"], "orders", "did you mean `reference`?"),
        (["id", "zzzzzz"], "orders", "write `attributes.zzzzzz`"),
        (["id", "zzzzzz"], "orders", "write `metadata.zzzzzz`"),
        (["id", "Batch"], "orders", "`Batch`. For a key of the metadata, write `metadata.batch`"),
        (["id", "Purchase Order "], "orders", "write `metadata.purchase_order`"),
        (["id", "type", "Batch"], "", "write `metadata.batch`"),
        (["id", "???"], "orders", "no attribute or relationship `???`."),
        (["id", "reference"], "payments", "`paypal_payments`, `satispay_payments`, `stripe_payments`"),
        (["id", "reference"], "Promotion", "there are `buy_x_pay_y_promotions`, `external_promotions`"),
        (["id", "reference"], "zzzzzz", "Types are plural, like stripe_payments"),
        (["id", "reference:text"], "orders", "did you mean `reference:str`?"),
        (["id", "quantity"], "orders", "orders have no attribute or relationship `quantity`"),
        (["id", "order:int"], "stripe_payments", "relationship and takes no `:int`"),
        (["id", "metadata:str"], "orders", "`metadata` is an object, so `:str` does not fit"),
        (["id", "reference.a"], "orders", "`reference` is no object"),
        (["id", "optoins.a"], "stripe_payments", "did you mean `options`?"),
        (["id", "tags.add"], "stripe_payments", "stripe_payments have no tags"),
        (["id", "__state"], "orders", "reserved"),
        (["id", "reference", "attributes.reference"], "orders", "mean the same"),
        (["id", "metadata", "metadata.a"], "orders", "sets the whole"),
        (["id", "reference"], "order", "did you mean `orders`?"),
        (["id", "reference"], "", "pass --type TYPE, or add a column `type`"),
        (["id", "type", "refrence"], "", "no resource type has an attribute or relationship `refrence`; did you mean"),
        (["id", "type", "reference.a"], "", "`reference` is no object"),
        (["id", "type", "metadata:int"], "orders", "`:int` does not fit"),
        (["id", "type", "optoins.a"], "", "no resource type has"),
    ],
)
def test_a_header_without_a_meaning_refuses_the_sheet(header: list[str], kind: str, says: str) -> None:
    with pytest.raises(InputRefused) as refused:
        SheetColumns(header, rules(kind))
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["Batch", "Purchase Order", "Größe"])
def test_a_name_that_the_api_would_refuse_is_not_advised(name: str) -> None:
    with pytest.raises(InputRefused) as refused:
        SheetColumns(["id", name], rules())
    assert f"attributes.{name}" not in str(refused.value)


def test_a_refused_column_is_named() -> None:
    with pytest.raises(InputRefused) as refused:
        SheetColumns(["id", "refrence"], rules())
    assert refused.value.column == "refrence"


@pytest.mark.parametrize("name", ["attributes.anything", "tags.add", "metadata.a", "options.a", "order"])
def test_with_a_type_column_a_name_of_any_type_will_do(name: str) -> None:
    SheetColumns(["id", "type", name], rules(""))


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("applied", "", "already_done"),
        ("unchanged", "", "already_done"),
        ("skipped", "already_done", "already_done"),
        ("skipped", "beyond_limit", None),
        ("rejected", "validation", None),
        ("failed", "throttled", None),
        ("pending", "not_reached", None),
        ("unknown", "timed_out", None),  # safe to repeat
        ("", "", None),
        ("fertig", "", None),  # nobody's status
    ],
)
def test_a_results_file_fed_back_runs_what_is_not_done(status: str, reason: str, expected: str | None) -> None:
    row = {"__status": status, "__reason": reason, "__row": "7", "id": ID, "reference": "x"}
    read_ = read(row, rules())
    assert (read_.reason if isinstance(read_, Unsendable) else None) == expected


@pytest.mark.parametrize(("status", "reason"), [("applied", "already_done"), ("failed", "value_hidden")])
def test_what_a_report_shows_in_place_of_a_private_value_is_never_sent(status: str, reason: str) -> None:
    refused = problem({"__status": status, "id": ID, "reference": HIDDEN}, rules())
    assert refused.reason == reason


@pytest.mark.parametrize(
    ("column", "text", "resend", "sent"),
    [
        ("_capture", "true", False, False),
        ("_capture", "true", True, True),
        ("tags.add", "vip", False, False),
        ("_update", "true", False, True),  # safe to repeat
    ],
)
def test_an_unknown_row_is_repeated_only_when_that_is_safe_or_said(
    column: str, text: str, resend: bool, sent: bool
) -> None:
    kind = {"_capture": "authorizations", "_update": "stripe_payments"}.get(column, "orders")
    read_ = read({"__status": "unknown", "id": ID, column: text}, rules(kind, resend=resend))
    assert isinstance(read_, UpdateJob) is sent
    assert sent or (isinstance(read_, Unsendable) and read_.reason == "resend_refused")


def test_reserved_cells_do_not_fill_an_empty_row() -> None:
    assert problem({"__status": "skipped", "__reason": "empty_row", "id": ""}, rules()).reason == "empty_row"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("'=1+1", "=1+1"),
        ("'-7", "-7"),
        ("'\tx", "\tx"),
        ("'\r\n", "\r\n"),
        ("''quoted'", "'quoted'"),  # exactly one
        ("''", "'"),
        ("'plain", "'plain"),  # not one of the report's
        ("'", "'"),
    ],
)
def test_a_fed_back_cell_loses_the_one_apostrophe_that_guarded_it(cell: str, value: str) -> None:
    assert job("orders", __status="", reference=cell).attributes == {"reference": value}
    assert job("orders", reference=cell).attributes == {"reference": cell}


def test_a_fed_back_header_is_unguarded_too() -> None:
    with pytest.raises(InputRefused, match="`-odd`"):
        SheetColumns(["__status", "id", "'-odd"], rules())


@pytest.mark.parametrize(
    ("cells", "reason", "says"),
    [
        (["x"], "cell_count", "1 cell, the header has 2"),  # too few
        (["x", "a", "b"], "cell_count", "3 cells, the header has 2"),  # too many
        ([], "cell_count", "0 cells"),  # not even an id
        (["# a remark", " with a comma", " or two"], "comment", "comment"),  # prose needs no delimiters
        (["# short"], "comment", "comment"),
    ],
)
def test_a_row_needs_as_many_cells_as_the_header_unless_it_is_a_comment(
    cells: list[str], reason: str, says: str
) -> None:
    row = SheetRow(RowRef(1, 2, b""), cells)
    found = SheetColumns(["id", "reference"], rules()).read(row)
    assert isinstance(found, Unsendable)
    assert found.reason == reason
    assert says in found.message


def test_a_results_file_without_its_status_is_one_all_the_same() -> None:
    """Who wants all rows again takes the status out; the guards against formulas are still in the cells."""
    found = SheetColumns(["__row", "id", "metadata.a"], Rules(SCHEMA, "orders")).read(SheetRow(REF, ["7", ID, "'=1+1"]))
    assert found == UpdateJob(REF, "orders", ID, members={"metadata": {"a": "=1+1"}})


@pytest.mark.parametrize("label", ["reference", "reference:str"])
def test_without_ids_a_reference_says_which_record_is_meant(label: str) -> None:
    columns = SheetColumns([label, "metadata.a", "type"], Rules(SCHEMA, "orders"))
    found = columns.read(SheetRow(REF, ["#1,001", "x", ""]))  # an order number, no comment
    assert found == UpdateJob(REF, "orders", "", members={"metadata": {"a": "x"}}, reference="#1,001")
    assert isinstance(found, UpdateJob)
    assert (found.key, found.columns["reference",]) == ("reference #1,001", label)


@pytest.mark.parametrize(
    ("header", "target"),
    [(["metadata.a", "id"], 1), (["metadata.a", "reference"], 1), (["reference", "metadata.a", "id"], 2)],
)
def test_the_record_is_meant_by_the_id_or_by_the_reference_of_a_sheet_without_ids(
    header: list[str], target: int
) -> None:
    assert SheetColumns(header, Rules(SCHEMA, "orders")).target == target


def test_beside_ids_a_reference_is_a_value() -> None:
    columns = SheetColumns(["id", "reference"], Rules(SCHEMA, "orders"))
    assert columns.read(SheetRow(REF, [ID, "R"])) == UpdateJob(REF, "orders", ID, {"reference": "R"})
    missing = columns.read(SheetRow(REF, ["", "R"]))
    assert isinstance(missing, Unsendable)
    assert missing.reason == "id_missing"


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        ("", "id_missing", "which record"),
        ("<clear>", "clear_not_allowed", "cannot be cleared"),
        ("#N/A", "reference_malformed", "a spreadsheet's error"),
        (" \u00a0", "reference_malformed", "nothing but white space"),  # a search for it would find everything
        ("R\n1", "reference_malformed", "character 2 is the control character U+000A"),
        ("R" * 1001, "reference_malformed", "1001 characters"),
    ],
)
def test_a_reference_that_cannot_be_looked_up_is_refused(text: str, reason: str, says: str) -> None:
    found = SheetColumns(["reference", "metadata.a"], Rules(SCHEMA, "orders")).read(SheetRow(REF, [text, "x"]))
    assert isinstance(found, Unsendable)
    assert (found.reason, says in found.message) == (reason, True)


@pytest.mark.parametrize("cells", [["R", "x", "y"], ["#R"]])
def test_a_row_by_reference_with_too_few_or_too_many_cells_is_no_comment(cells: list[str]) -> None:
    found = SheetColumns(["reference", "metadata.a"], Rules(SCHEMA, "orders")).read(SheetRow(REF, cells))
    assert isinstance(found, Unsendable)
    assert found.reason == "cell_count"


def test_a_reference_with_unusual_spaces_is_taken_as_it_is() -> None:
    found = SheetColumns(["reference", "metadata.a"], Rules(SCHEMA, "orders")).read(SheetRow(REF, ["R\u00a01", "x"]))
    assert isinstance(found, UpdateJob)
    assert found.reference == "R\u00a01"


def test_a_record_is_known_by_the_one_column_that_names_it() -> None:
    columns = SheetColumns(["reference", "metadata.a"], rules())
    assert columns.records([["r", "1"], ["", "2"]]) == ["r", ""]
    assert columns.target == 0
    assert SheetColumns(["reference", "id"], rules()).records([["r", "x"]]) == ["x"]
