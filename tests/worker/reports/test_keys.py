"""The parts of a record's key, by the names that its API has for them."""

import pytest

from jobs.apis.described.schema import schema_of
from tests.commerce_layer import COMMERCE_LAYER
from tests.jobs.apis.described.kit import description
from worker.reports.keys import Key, KeyNames, names_of

PATH = "/{owner}/{repo:lower}/things/{number}"
SCHEMA = schema_of(description({"variables": {"owner": "acme"}}, path=PATH), {})
NAMES = KeyNames(SCHEMA, "things")


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (
            {"repo": "Shop/A", "number": "7"},
            Key("acme/shop%2Fa/7", {"owner": "acme", "repo": "shop/a", "number": "7"}),
        ),
        ({"owner": "o", "repo": "r", "number": "7"}, Key("o/r/7", {"owner": "o", "repo": "r", "number": "7"})),
        ({"repo": "r"}, Key("", {"owner": "acme", "repo": "r", "number": ""})),  # nobody can tell the record
    ],
)
def test_a_row_names_the_parts_of_its_key_that_are_not_the_same_for_all(row: dict[str, str], key: Key) -> None:
    assert NAMES.in_row("things", lambda name: row.get(name, "")) == key


def test_a_key_that_was_looked_up_has_the_same_parts() -> None:
    assert NAMES.in_key("things", "o/a%2Fb/7").parts == {"owner": "o", "repo": "a/b", "number": "7"}
    assert NAMES.in_key("things", "") == Key("", {})


def test_a_type_that_there_is_not_has_no_key() -> None:
    assert KeyNames(SCHEMA, "").in_row("boats", lambda _: "x") == Key("", {})


def test_the_columns_are_the_parts_that_reports_do_not_have_anyway() -> None:
    assert NAMES.columns == KeyNames(SCHEMA, "").columns == ("owner", "repo", "number")
    assert KeyNames(schema_of(description(path="/{owner}/{id}"), {}), "things").columns == ("owner",)


def test_where_all_keys_are_ids_nothing_is_named() -> None:
    assert names_of(COMMERCE_LAYER.schema, "skus") is None
    assert names_of(SCHEMA, "things") == NAMES
