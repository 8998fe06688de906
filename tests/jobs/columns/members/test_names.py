import pytest

from jobs.columns import Rules
from jobs.columns.grammar import RESERVED, Heading
from jobs.columns.members.names import parse_heading
from jobs.columns.problems import NotAColumn
from tests.schemas import DESK

TICKETS, ANY = Rules(DESK, "tickets"), Rules(DESK)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("id", Heading("id", "key", "id")),
        ("owner", Heading("owner", "field", "owner")),  # a variable of another resource
        ("type", Heading("type", "field", "type")),
        ("type:str", Heading("type:str", "field", "type", "", "str")),
        ("title:int", Heading("title:int", "field", "title", "", "int")),
        ("a.b", Heading("a.b", "field", "a.b")),
        ("/a/b", Heading("/a/b", "field", "a.b")),
        ("/a.b:json", Heading("/a.b:json", "field", "/a.b", "", "json")),
        ("/id", Heading("/id", "field", "id")),
        ("/subdomain", Heading("/subdomain", "field", "subdomain")),
        ("dc:title", Heading("dc:title", "field", "dc:title")),
        *((name, Heading(name, "reserved", name)) for name in RESERVED),
    ],
)
def test_a_column_name_is_taken_apart(label: str, expected: Heading) -> None:
    assert parse_heading(label, TICKETS) == expected


def test_a_field_and_a_key_of_one_name_are_about_different_things() -> None:
    assert parse_heading("id", TICKETS).path == ("", "id")
    assert parse_heading("/id", TICKETS).path == ("id",)


@pytest.mark.parametrize("name", ["id", "owner", "repo", "number", "email"])
def test_where_rows_name_their_resources_variables_of_all_are_keys(name: str) -> None:
    assert parse_heading(name, ANY).form == "key"
    assert parse_heading("type", ANY).form == "type"


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("__v", "reserved"),
        ("id:str", "`id` takes no `:str`"),
        ("a..b", "write a dot that belongs to a name as in `/a..b`"),
        (".a", "is not complete"),
        ("a.", "is not complete"),
        ("/a~2b", "write ~ in a name as ~0"),
        ("/a~", "is no JSON pointer"),
        ("subdomain", "pass --set subdomain=VALUE; a field of that name is written `/subdomain`"),
        ("title:integer", "did you mean `title:int`?"),
    ],
)
def test_a_name_that_follows_no_rule_is_refused(label: str, says: str) -> None:
    with pytest.raises(NotAColumn) as refused:
        parse_heading(label, TICKETS)
    assert says in refused.value.message


def test_the_resource_is_named_without_a_suffix() -> None:
    with pytest.raises(NotAColumn, match="`type` takes no `:str`"):
        parse_heading("type:str", ANY)
