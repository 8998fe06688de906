"""A cell of a workbook that has no text makes its row invalid, and only where it matters."""

import pytest

from jobs.columns import Rules, SheetColumns
from jobs.formats.stored import NOTHING, Fault, WorkbookRow
from jobs.model import RowRef, SheetRow, Unsendable, UpdateJob
from tests.schemas import SCHEMA

REF = RowRef(1, 2, b"")
RULES = Rules(SCHEMA, type="orders")


def read(header: list[str], cells: list[str], *faults: int) -> UpdateJob | Unsendable:
    found = [Fault(column, "cell_error", f"S!X{column} holds an error") for column in faults]
    return SheetColumns(header, RULES).read(WorkbookRow(REF, cells, [NOTHING] * len(cells), found))


@pytest.mark.parametrize(
    ("header", "cells", "faults", "reason", "column"),
    [
        (["id", "reference"], ["a", "#N/A"], (1,), "cell_error", "reference"),
        (["id", "reference"], ["#N/A", "x"], (0,), "cell_error", "id"),  # no comment
        (["id", "reference"], ["# note", "#N/A"], (1,), "comment", "id"),
        (["id", "reference"], ["a", "x", "#N/A"], (2,), "cell_count", ""),
        (["__status", "id", "reference"], ["applied", "a", "#N/A"], (2,), "already_done", ""),
    ],
)
def test_a_fault_is_the_rows(
    header: list[str], cells: list[str], faults: tuple[int, ...], reason: str, column: str
) -> None:
    found = read(header, cells, *faults)
    assert isinstance(found, Unsendable)
    assert (found.reason, found.column) == (reason, column)


def test_a_fault_in_a_column_that_is_not_looked_at_does_not_matter() -> None:
    found = read(["__status", "__message", "id", "reference"], ["failed", "#NAME?", "a", "x"], 1)
    assert isinstance(found, UpdateJob)


@pytest.mark.parametrize(
    ("reason", "cell", "again"),
    [
        ("cell_error", "#N/A", True),
        ("formula_not_calculated", "'=A1+1", True),
        ("date_impossible", "#####", True),
        ("cell_error", "mended", False),
        ("cell_error", "", False),
        ("wrong_type", "#1", False),  # text that was text
    ],
)
def test_what_stood_for_such_a_cell_is_not_sent_from_results_that_are_fed_back(
    reason: str, cell: str, again: bool
) -> None:
    columns = SheetColumns(["__status", "__reason", "id", "reference", "metadata.a"], RULES)
    found = columns.read(SheetRow(REF, ["invalid", reason, "a", cell, "x"]))
    assert isinstance(found, Unsendable) is again
    if isinstance(found, Unsendable):
        assert found.reason == reason
