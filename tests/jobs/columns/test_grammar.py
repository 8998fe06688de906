import pytest

from jobs.columns.grammar import RESERVED, Heading, base_of, parse_heading, refuse_overlaps
from jobs.columns.problems import NotAColumn


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("id", Heading("id", "id", "id")),
        ("type", Heading("type", "type", "type")),
        ("reference", Heading("reference", "bare", "reference")),
        ("order", Heading("order", "bare", "order")),  # attribute or relationship: the catalogue knows
        ("_capture", Heading("_capture", "bare", "_capture")),
        ("quantity:int", Heading("quantity:int", "bare", "quantity", "", "int")),
        ("attributes.colour", Heading("attributes.colour", "attribute", "colour")),
        ("attributes.size:float", Heading("attributes.size:float", "attribute", "size", "", "float")),
        ("metadata.a", Heading("metadata.a", "member", "metadata", "a")),
        ("metadata.a.b", Heading("metadata.a.b", "member", "metadata", "a.b")),  # the key contains a dot
        ("metadata.a b", Heading("metadata.a b", "member", "metadata", "a b")),
        ("metadata.a:int", Heading("metadata.a:int", "member", "metadata", "a", "int")),
        ("metadata.a:int:str", Heading("metadata.a:int:str", "member", "metadata", "a:int", "str")),  # the last one
        ("metadata.a:b", Heading("metadata.a:b", "member", "metadata", "a:b")),  # no type of that name
        ("metadata.:", Heading("metadata.:", "member", "metadata", ":")),
        ("metadata.:json", Heading("metadata.:json", "member", "metadata", "", "json")),  # the key is the empty text
        ("options.customer", Heading("options.customer", "member", "options", "customer")),
        ("tags.add", Heading("tags.add", "tags", "tags", "add")),
        ("tags.remove", Heading("tags.remove", "tags", "tags", "remove")),
        (":int", Heading(":int", "bare", ":int")),  # a suffix of nothing
        *((name, Heading(name, "reserved", name)) for name in RESERVED),
    ],
)
def test_a_column_name_is_taken_apart(label: str, expected: Heading) -> None:
    assert parse_heading(label) == expected


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("__state", "`__` are reserved"),
        ("id:str", "`id` takes no `:str`"),
        ("type:json", "`type` takes no"),
        ("tags.add:str", "`tags.add` takes no"),
        ("attributes.", "names no attribute"),
        ("attributes.id", "names no attribute"),
        ("attributes.type", "names no attribute"),
        ("attributes.metadata.a", "`metadata.a`"),  # says how it is written
        ("metadata.", "not complete"),
        ("options.:int", "not complete"),
        (".a", "not complete"),
        ("options.a.b", "too deep"),
    ],
)
def test_a_name_that_follows_no_rule_is_refused(label: str, says: str) -> None:
    with pytest.raises(NotAColumn) as refused:
        parse_heading(label)
    assert says in refused.value.message


@pytest.mark.parametrize(
    "labels",
    [
        ("reference", "attributes.reference"),
        ("reference", "reference:str"),
        ("metadata.a", "metadata.a:int"),
        ("metadata", "metadata.a"),
        ("metadata.a", "metadata"),  # in either order
        ("attributes.metadata", "metadata.a"),
        ("options.a", "options:json"),
        ("tags", "tags.add"),
        ("tags.add", "_add_tags"),
        ("attributes._remove_tags", "tags.remove"),
        ("tags", "_remove_tags"),
    ],
)
def test_two_columns_about_the_same_are_refused_by_name(labels: tuple[str, str]) -> None:
    with pytest.raises(NotAColumn) as refused:
        refuse_overlaps([parse_heading(label) for label in ("id", *labels)])
    assert all(f"`{label}`" in refused.value.message for label in labels)


def test_different_columns_go_together() -> None:
    labels = [
        "id",
        "type",
        "metadata.a",
        "metadata.a.b",
        "metadata.:json",
        "options.a",
        "tags.add",
        "tags.remove",
        "order",
        "__status",
    ]
    refuse_overlaps([parse_heading(label) for label in labels])


@pytest.mark.parametrize(
    ("name", "base"), [("a:int", "a"), ("a", "a"), ("a:b", "a:b"), (":str", ":str"), ("metadata.x:bool", "metadata.x")]
)
def test_a_suffix_says_the_type_and_is_no_part_of_the_name(name: str, base: str) -> None:
    assert base_of(name) == base
