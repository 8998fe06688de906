"""The fields of a recipe: by which paths edits know them, and whose values nobody is shown."""

from dataclasses import replace

import pytest

from jobs.columns import HIDDEN, Rules
from jobs.model import ABSENT, UNREAD, Edit, Path
from jobs.recipe.fields import NOTHING_PRIVATE, Private, field_paths, private_of
from jobs.recipe.view_model import ColumnRecipe, ViewRecipe
from tests.schemas import DESK, SCHEMA

ORDERS = Rules(SCHEMA, type="orders")
NOTE: Path = ("attributes", "metadata", "note")


def recipe(**columns: str) -> ViewRecipe:
    return ViewRecipe(columns={"id": "ID", **columns}, filter={"ST": ("A",)})


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("reference", ("attributes", "reference")),
        ("metadata.note", NOTE),
        ("metadata.n:int", ("attributes", "metadata", "n")),
        ("tags.add", ("tags",)),
        ("market", ("relationships", "market")),
    ],
)
def test_a_field_has_the_path_of_its_edits(column: str, path: Path) -> None:
    assert field_paths(recipe(**{column: "C"}), ORDERS) == {column: path}


def test_the_columns_of_a_set_are_about_all_of_it() -> None:
    paths = field_paths(recipe(**{"watchers.add": "C", "metadata.rank": "D"}), Rules(DESK, type="tickets"))
    assert paths["watchers.add"] == ("attributes", "watchers")
    assert paths["metadata.rank"] == ("attributes", "metadata", "rank")


def test_only_columns_that_say_so_are_private() -> None:
    assert private_of(recipe(reference="REF"), ORDERS) is NOTHING_PRIVATE
    secret = ColumnRecipe(column="NOTE", private=True)
    found = private_of(ViewRecipe(columns={"id": "ID", "metadata.note": secret, "reference": "REF"}), ORDERS)
    assert found == Private(frozenset({"NOTE"}), frozenset({NOTE}))


@pytest.mark.parametrize(
    ("edit", "shown"),
    [
        (Edit(NOTE, "a", "b", "B"), Edit(NOTE, HIDDEN, HIDDEN, HIDDEN)),
        (Edit(NOTE, None, "b"), Edit(NOTE, None, HIDDEN)),
        (Edit(NOTE, UNREAD, ABSENT), Edit(NOTE, UNREAD, ABSENT)),
        (Edit(("attributes", "metadata"), {}, {"note": "b"}), Edit(("attributes", "metadata"), HIDDEN, HIDDEN)),
        (Edit(("tags", "vip"), ABSENT, True), Edit(("tags", HIDDEN), ABSENT, HIDDEN)),
        (Edit(("attributes", "metadata", "no"), "a", "b"), Edit(("attributes", "metadata", "no"), "a", "b")),
    ],
)
def test_an_edit_that_is_about_a_private_field_shows_whether_there_is_a_value_and_no_more(
    edit: Edit, shown: Edit
) -> None:
    private = Private(frozenset(), frozenset({NOTE}))
    assert replace(private, paths=private.paths | {("tags",)}).concealed(edit) == shown


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("metadata.note", True),
        ("/metadata/note", True),
        ("metadata.note:json", True),
        ("attributes.metadata.note", True),
        ("metadata.note.part", True),
        ("metadata", True),
        ("attributes", True),
        ("NOTE", True),
        ("tags", True),
        ("tags.add", True),
        ("market", True),
        ("relationships.market", True),
        ("metadata.other", False),
        ("note", False),
        ("reference", False),
        ("id", False),
    ],
)
def test_a_column_is_about_a_private_field_however_it_is_called(name: str, covered: bool) -> None:
    paths: frozenset[Path] = frozenset({NOTE, ("tags",), ("relationships", "market")})
    assert Private(frozenset({"NOTE"}), paths).covers(name) == covered
    assert not NOTHING_PRIVATE.covers(name)
    assert not NOTHING_PRIVATE
