"""What a description may hold at a place is read from the declarations, and told in words."""

from typing import Any

import pytest

from jobs.apis.description.model import AuthDescription, Description, ReadDescription, UpdateDescription
from jobs.toml.problems import Path
from jobs.toml.shape import Shape, element_of, is_list, is_table, words

SHAPE = Shape(Description)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("name",), "a text"),
        (("notes",), "a list of texts"),
        (("notes", 0), "a text"),
        (("settle_s",), "a number"),
        (("limits",), "a list of tables"),
        (("limits", 0), "a table"),
        (("limits", 0, "concurrency"), "a whole number"),
        (("limits", 0, "on"), '"all", "read", "update" or "token"'),
        (("headers",), "a table of texts"),
        (("auth",), "a table"),
        (("error_rules", 0, "status"), "a list of whole numbers"),
        (("error_rules", 0, "body"), "a table of texts, numbers, true or false"),
        (("error_rules", 0, "body", "/x"), "a text, a whole number, a number or true or false"),
        (("resources",), "a table of tables"),
        (("resources", "t", "read"), "a table or false"),
        (("resources", "t", "omits_empty"), "true or false"),
        (("resources", "t", "settle_s"), "a number"),
        (("resources", "t", "update", "constants"), "a table"),
        (("resources", "t", "update", "constants", "/x"), "any value"),
        (("resources", "t", "read_many", "query"), "a table of texts or lists of texts"),
        (("resources", "t", "read_many", "query", "x"), "a text or a list of texts"),
        (("resources", "t", "fields", "f", "enum"), "a list of texts, numbers, true or false"),
    ],
)
def test_what_a_key_takes_is_told_in_words(path: Path, said: str) -> None:
    assert words(SHAPE.expected(path)) == said


@pytest.mark.parametrize("path", [("nothing",), ("name", "below"), ("auth", "type", 0), ("limits", 0, "x")])
def test_nothing_is_expected_where_nothing_may_stand(path: Path) -> None:
    assert SHAPE.expected(path) is None


def test_a_table_has_its_keys_unless_they_are_free() -> None:
    assert SHAPE.keys_at(("auth",)) is AuthDescription.model_fields
    assert SHAPE.keys_at(("resources", "t", "read")) is ReadDescription.model_fields
    assert SHAPE.keys_at(("resources", "t", "update")) is UpdateDescription.model_fields
    assert SHAPE.keys_at(("headers",)) is None
    assert SHAPE.keys_at(("name",)) is None


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("limits", 0, "rate"), ("limits", 0, "rate")),
        (("resources", "t", "read", "ReadDescription", "pth"), ("resources", "t", "read", "pth")),
        (("resources", "t", "read", "literal[False]"), ("resources", "t", "read")),
        (("error_rules", 0, "body", "/x", "str"), ("error_rules", 0, "body", "/x")),
        (
            ("resources", "t", "read_many", "query", "a", "tuple[str, ...]", 0),
            ("resources", "t", "read_many", "query", "a", 0),
        ),
        (("resources", "t", "settle_s"), ("resources", "t", "settle_s")),  # what may be missing is no union
    ],
)
def test_the_location_of_an_error_is_a_path_of_the_file(location: Path, path: Path) -> None:
    assert SHAPE.reached(location) == path


@pytest.mark.parametrize(
    ("path", "a_list", "a_table", "has_elements"),
    [
        (("name",), False, False, False),
        (("notes",), True, False, True),
        (("headers",), False, True, True),
        (("auth",), False, True, False),
        (("resources", "t", "read"), False, False, False),  # or false
        (("resources", "t", "find"), False, True, False),
    ],
)
def test_lists_and_tables_are_told_apart(path: Path, a_list: bool, a_table: bool, has_elements: bool) -> None:
    found: Any = SHAPE.expected(path)
    assert (is_list(found), is_table(found), element_of(found) is not None) == (a_list, a_table, has_elements)
