"""Rows as reports show them: whether a private cell holds something, and no more."""

import pytest

from jobs.columns import HIDDEN
from jobs.model import JSON, ObjectRow, RowRef, SheetRow, Status, Unsendable
from jobs.recipe.fields import Private
from worker.journal import RowOutcome
from worker.reports.concealing import concealing
from worker.reports.merge import Record

REF = RowRef(1, 2, b"")
PRIVATE = Private(frozenset({"NOTE"}), frozenset({("attributes", "metadata", "note"), ("tags",)}))


def shown(record: Record, reason: str = "") -> Record:
    fate = RowOutcome(Status.APPLIED, reason)
    found, *rest = concealing(PRIVATE, ["ID", "NOTE", "metadata.note"]).row((record, fate, "r", 1.0))
    assert rest == [fate, "r", 1.0]
    return found


@pytest.mark.parametrize(
    ("cells", "reason", "seen"),
    [
        (["a", "x", "y"], "", ["a", HIDDEN, HIDDEN]),
        (["a", "", "y"], "", ["a", "", HIDDEN]),
        (["a", "x"], "cell_count", [HIDDEN, HIDDEN]),  # nobody knows which cell is which
        (["a", "b", "x", ""], "cell_count", [HIDDEN, HIDDEN, HIDDEN, ""]),
        (["a\nb,secret", "x", ""], "rows_in_cell", [HIDDEN, HIDDEN, ""]),
    ],
)
def test_cells_of_private_columns_are_concealed(cells: list[str], reason: str, seen: list[str]) -> None:
    assert shown(SheetRow(REF, cells), reason) == SheetRow(REF, seen)


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("id", "a", "a"),
        ("metadata.note:json", {"a": 1}, HIDDEN),
        ("metadata.note", None, None),
        ("metadata", {"note": "x"}, HIDDEN),
        ("attributes", {"metadata": {"note": "x"}}, HIDDEN),
        ("tags.remove", ["x"], HIDDEN),
        ("NOTE", "", ""),
        ("NOTE", 0, HIDDEN),
    ],
)
def test_members_about_private_fields_are_concealed(name: str, value: JSON, seen: JSON) -> None:
    assert shown(ObjectRow(REF, {name: value})) == ObjectRow(REF, {name: seen})


def test_a_line_that_is_no_row_has_nothing_to_conceal() -> None:
    broken = Unsendable(REF, "bad_json", "x")
    assert shown(broken) is broken
