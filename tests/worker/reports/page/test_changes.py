"""What changed, column by column."""

from jobs.model import ABSENT, Edit
from jobs.recipe.fields import NOTHING_PRIVATE, Private
from tests.schemas import SCHEMA
from worker.journal import Image
from worker.reports.page.changes import LOOKED_AT, MAX_COLUMNS, OTHERS, SAMPLES, Changes, spread

NAME = ("attributes", "name")
CAMPAIGN = ("attributes", "metadata", "campaign")


def image(row: int, *edits: Edit) -> Image:
    return Image(row, "skus", f"id{row}", edits)


def test_a_column_counts_its_rows_and_shows_old_and_new_values() -> None:
    changes = Changes(SCHEMA, NOTHING_PRIVATE)
    changes.count(
        [(image(1, Edit(NAME, "a", "b"), Edit(CAMPAIGN, ABSENT, "x")), 7), (image(5, Edit(NAME, "c", None)), 2)]
    )
    first, second = changes.columns()
    assert (first.name, first.rows, first.samples) == ("name", 9, (('"a"', '"b"'), ('"c"', "cleared")))
    assert (second.name, second.rows, second.samples) == ("metadata.campaign", 7, (("(none)", '"x"'),))
    assert changes.first == [1, 5]


def test_a_row_with_two_tags_changed_one_column() -> None:
    changes = Changes(SCHEMA, NOTHING_PRIVATE)
    changes.count([(image(1, Edit(("tags", "a"), ABSENT, "a"), Edit(("tags", "b"), ABSENT, "b")), 3)])
    assert [(each.name, each.rows) for each in changes.columns()] == [("tags", 3)]


def test_samples_are_few_and_differ() -> None:
    changes = Changes(SCHEMA, NOTHING_PRIVATE)
    changes.count([(image(1, Edit(NAME, "a", "b")), 100)])
    changes.look(image(row, Edit(NAME, "a", f"{row // 2}")) for row in range(2, 100))
    (column,) = changes.columns()
    assert len(set(column.samples)) == len(column.samples) == SAMPLES


def test_a_private_value_is_not_shown() -> None:
    changes = Changes(SCHEMA, Private(frozenset({"NAME"}), frozenset({NAME})))
    changes.count([(image(1, Edit(NAME, "secret", "secret too")), 1)])
    (column,) = changes.columns()
    assert "secret" not in str(column)
    assert column.name == "name"


def test_what_is_kept_does_not_grow_with_the_number_of_columns_and_shapes() -> None:
    changes = Changes(SCHEMA, NOTHING_PRIVATE)
    changes.count((image(n, Edit(("attributes", "metadata", f"k{n}"), ABSENT, 1)), 1) for n in range(5_000))
    columns = changes.columns()
    assert len(columns) == MAX_COLUMNS + 1
    assert (columns[0].name, columns[0].rows) == (OTHERS, 5_000 - MAX_COLUMNS)
    assert len(changes.first) <= LOOKED_AT


def test_the_rows_that_are_looked_at_reach_over_the_whole_input() -> None:
    for rows in (0, 1, 199, 1_000_000):
        chosen = spread(rows)
        assert len(chosen) <= LOOKED_AT
        assert not rows or chosen[-1] > rows - max(2, chosen.step)
