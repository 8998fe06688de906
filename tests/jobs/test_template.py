import pytest

from jobs.columns import Rules, SheetColumns, header_faults
from jobs.formats import InputRefused
from jobs.model import RowRef, SheetRow, Unsendable, UpdateJob
from jobs.template import CLEAR, template
from tests.schemas import SCHEMA, TOY

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
