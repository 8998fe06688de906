"""Which of the rows that need somebody are kept."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jobs.formats import Keys
from jobs.model import RowRef, SheetRow, Status
from worker.journal import RowOutcome
from worker.reports.page.problems import CELL, Problem, Problems
from worker.reports.views import SheetView

VIEW = SheetView(["id", "name"], "skus")


def gather(causes: list[str], most: int) -> tuple[Problems, list[Problem]]:
    problems = Problems(VIEW, Keys(), most)
    for row, reason in enumerate(causes, 1):
        fate = RowOutcome(Status.REJECTED, reason, fields=("name",))
        if problems.wants((reason, ("name",))):
            record = SheetRow(RowRef(row, row + 1, b""), [f"id{row}", "x" * 10_000])
            problems.add((reason, ("name",)), (record, fate, "", 0.0))
    return problems, [*problems.rows()]


@given(st.lists(st.sampled_from("abcdefg"), max_size=300), st.integers(7, 60))
def test_rows_are_shared_out_evenly_among_the_causes_and_the_first_of_each_are_kept(
    causes: list[str], most: int
) -> None:
    problems, kept = gather(causes, most)
    counts, taken = Counter(causes), Counter(each.cause[0] for each in kept)
    assert problems.total == len(causes)
    assert len(kept) == min(most, len(causes))
    full = max(taken.values(), default=0)
    assert all(taken[cause] == counts[cause] or taken[cause] >= full - 1 for cause in counts)
    for cause in taken:
        rows = [row for row, each in enumerate(causes, 1) if each == cause]
        assert sorted(each.row for each in kept if each.cause[0] == cause) == rows[: taken[cause]]


def test_whoever_stops_early_has_seen_every_cause() -> None:
    _, kept = gather(["a"] * 50 + ["b", "c"], 20)
    assert [each.cause[0] for each in kept[:3]] == ["a", "b", "c"]


def test_a_cause_that_has_its_share_costs_no_more_than_a_look() -> None:
    problems, _ = gather(["a"] * 30, 20)
    assert not problems.wants(("a", ("name",)))
    assert problems.wants(("b", ("name",)))


def test_a_row_is_kept_by_what_can_be_shown_of_it() -> None:
    _, (problem,) = gather(["validation"], 5)
    assert (problem.row, problem.record, problem.place) == (1, "id1", "line 2, column 2 (B)")
    assert (problem.field, len(problem.cell), problem.said) == ("name", CELL, "The API refused these values.")


def test_a_record_is_named_by_all_parts_of_its_key_or_else_by_what_finds_it() -> None:
    view = SheetView(["project", "number", "sku"], "issues")
    row = (SheetRow(RowRef(1, 2, b""), ["web", "7", "A-1"]), RowOutcome(Status.FAILED, "busy"), "", 0.0)
    found = []
    for keys in (Keys(("project", "number"), ("sku",)), Keys(("id",), ("sku",)), Keys(("id",), ("code",))):
        problems = Problems(view, keys)
        problems.add(("busy", ()), row)
        found.append(problems.rows()[0].record)
    assert found == ["web / 7", "A-1", ""]
