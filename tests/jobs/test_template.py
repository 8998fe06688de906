import pytest

from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import FieldDescription
from jobs.columns import Rules, SheetColumns, header_faults
from jobs.formats import InputRefused
from jobs.model import RowRef, SheetRow, Unsendable, UpdateJob
from jobs.template import CLEAR, template
from tests.schemas import DESCRIBED, DESK, SCHEMA, TOY

REF = RowRef(1, 2, b"")


@pytest.mark.parametrize("name", SCHEMA.names)
def test_the_template_of_every_type_is_a_sheet_of_that_type(name: str) -> None:
    made = template(name, SCHEMA)
    assert not list(header_faults(made.header, Rules(SCHEMA, name)))
    comment = SheetColumns(made.header, Rules(SCHEMA, name)).read(SheetRow(REF, made.comment))
    assert isinstance(comment, Unsendable)
    assert comment.reason == "comment"


@pytest.mark.parametrize("name", SCHEMA.names)
def test_a_template_has_every_column_but_the_triggers(name: str) -> None:
    made, kind = template(name, SCHEMA), SCHEMA.resource_type(name)
    assert kind is not None
    plain = {attribute for attribute in kind.attributes if not attribute.startswith("_")} - {"metadata"}
    links = set(kind.relationships) - {"tags"}
    tags = {"tags.add", "tags.remove"} if kind.taggable else set()
    assert set(made.header) == {"id", *plain, *links, "metadata.example", *tags}
    assert made.header[:2] == ["id", "reference"]
    assert {*made.triggers, "_add_tags", "_remove_tags"} >= kind.attributes.keys() - plain - {"metadata"}


@pytest.mark.parametrize("name", SCHEMA.names)
def test_every_choice_that_a_template_offers_is_taken(name: str) -> None:
    made = template(name, SCHEMA)
    columns = SheetColumns(made.header, Rules(SCHEMA, name))
    for index, column in enumerate(made.columns):
        for choice in (*column.choices, CLEAR) if column.choices else ():
            cells = ["xAyBzCwDvE", *[""] * (len(made.header) - 1)]
            cells[index] = choice
            assert isinstance(columns.read(SheetRow(REF, cells)), UpdateJob), (column, choice)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("order", "did you mean `orders`?"),
        (" Orders", "did you mean `orders`?"),
        ("zzzzzzz", "Types are plural"),
        ("", "no resource type ``"),
    ],
)
def test_a_type_that_there_is_not_is_refused(name: str, says: str) -> None:
    with pytest.raises(InputRefused) as refused:
        template(name, SCHEMA)
    assert says in str(refused.value)


def test_the_comment_says_what_goes_into_each_column() -> None:
    says = {column.name: column for column in template("skus", SCHEMA).columns}
    assert says["unit_of_weight"].choices == ("gr", "oz", "lb")
    assert says["unit_of_weight"].says == "one of gr, oz, lb"
    assert says["do_not_ship"].choices == ("true", "false")
    assert says["pieces_per_pack"].numeric
    assert says["shipping_category"].says == "id of one of the shipping_categories"
    others = {
        column.name: column.says for name in ("orders", "stripe_payments") for column in template(name, SCHEMA).columns
    }
    assert others["options"].endswith("a single key has a column of its own: options.KEY")
    assert others["payment_source"].startswith("TYPE/ID with a TYPE out of adyen_payments, ")
    many = [
        column.says
        for name in SCHEMA.names
        for column in template(name, SCHEMA).columns
        if (kind := SCHEMA.resource_type(name))
        and column.name in kind.relationships
        and kind.relationships[column.name].many
    ]
    assert many
    assert all("commas" in text for text in many)


def test_only_what_a_schema_merges_into_has_a_column_for_one_key() -> None:
    assert "extras.example" in template("boats", TOY).header
    assert template("harbours", TOY).header == ["id", "name", "boats"]


def test_a_template_of_a_described_resource_has_the_fields_that_it_declares() -> None:
    made = template("tickets", DESK)
    assert not list(header_faults(made.header, Rules(DESK, "tickets")))
    assert made.header == [
        "id", "priority", "level", "count", "solved", "due", "starts_at", "tags.add", "tags.remove", "watchers.add",
        "watchers.remove", "sizes", "colours", "custom_fields.1", "metadata.rank", "address.zip", "address.moved_at",
        "address.lines", "address.marks.add", "address.marks.remove", "address.pin", "address.kind", "blob", "secret",
        "/type",
    ]  # fmt: skip
    assert made.triggers == ("close",)
    columns = {column.name: column for column in made.columns}
    assert columns["priority"].choices == ("low", "high")
    assert columns["level"].says == "one of 1, 2"
    assert columns["solved"].choices == ("true", "false")
    assert columns["count"].numeric
    comment = SheetColumns(made.header, Rules(DESK, "tickets")).read(SheetRow(REF, made.comment))
    assert isinstance(comment, Unsendable)
    assert comment.reason == "comment"


def test_a_template_has_a_column_for_each_part_of_a_key_that_rows_must_say() -> None:
    assert template("issues", DESK).header == ["repo", "number"]
    assert template("issues", schema_of(DESCRIBED, {"owner": "a", "repo": "b", "number": "1"})).header == ["number"]


def test_keys_of_a_map_stand_in_for_those_that_are_meant() -> None:
    fields = {"extra": FieldDescription(type="map", of="int"), "list": FieldDescription(type="keyed")}
    resource = DESCRIBED.resources["issues"].model_copy(update={"fields": fields})
    made = template("issues", schema_of(DESCRIBED.model_copy(update={"resources": {"issues": resource}}), {}))
    assert made.header[-2:] == ["extra.example", "list.example"]
    assert made.comment[-2].endswith("whole number, like 42")
