"""Rows of a sheet that are judged together: only those need to be read one by one that may be refused."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.columns import Rules, SheetColumns
from jobs.formats.stored import NOTHING, Fault, WorkbookRow
from jobs.model import RowRef, SheetRow, UpdateJob
from tests.schemas import SCHEMA

RULES = Rules(SCHEMA, "stripe_payments", allow_triggers=frozenset({"_refresh"}))
NAMES = [
    "type", "reference", "metadata.a", "metadata.n:int", "metadata.b:bool", "metadata.j:json", "options", "order",
    "_refresh", "_cancel", "tags.add", "tags.remove", "expires_at", "coupon_codes", "__status", "__reason",
]  # fmt: skip
CELLS = st.sampled_from([
    "", "1", "x", "true", "false", "<clear>", "{}", '{"a": 1}', "a,b", "orders", "stripe_payments", "#N/A", "unknown",
    "applied", "'=A1", "1.5", "12345678901234567890",
])  # fmt: skip
IDS = st.sampled_from(["xAyBzCwDvE", "id-1", "", "#c", "a b", ".", "<clear>", "#N/A"])
SAID = st.builds(
    Rules,
    type=st.sampled_from(["stripe_payments", "orders", "coupons", ""]),
    clear_token=st.sampled_from(["<clear>", "x", "id-1"]),
    refuse_members=st.booleans(),
    allow_triggers=st.sampled_from([frozenset(), frozenset({"_refresh"})]),
)


def ref(row: int) -> RowRef:
    return RowRef(row, row + 1, bytes(8))


def doubted(header: Sequence[str], *rows: Sequence[str], said: Rules = RULES) -> list[int]:
    return list(
        SheetColumns(header, said).doubtful([SheetRow(ref(row), list(cells)) for row, cells in enumerate(rows)])
    )


@given(data=st.data(), target=st.sampled_from(["id", "reference"]), said=SAID)
def test_a_row_that_is_not_doubtful_is_read_as_a_job(data: st.DataObject, target: str, said: Rules) -> None:
    names = data.draw(st.lists(st.sampled_from([each for each in NAMES if each != target]), unique=True, max_size=5))
    try:
        columns = SheetColumns([target, *names], said)
    except Exception:  # noqa: BLE001  # a header that is refused has no rows
        return
    row = st.tuples(IDS, st.lists(CELLS, min_size=len(names), max_size=len(names) + 1)).map(
        lambda each: [each[0], *each[1]]
    )
    rows = [SheetRow(ref(number), cells) for number, cells in enumerate(data.draw(st.lists(row, max_size=8)))]
    doubtful = columns.doubtful(rows)
    assert list(doubtful) == sorted(doubtful)
    for index, each in enumerate(rows):
        assert index in doubtful or isinstance(columns.read(each), UpdateJob)


def test_only_rows_that_are_refused_are_doubtful() -> None:
    header = ["id", "reference", "metadata.n:int", "market", "tags.add"]
    rows = [
        ("a", "x", "1", "oRdEr", "one"),
        ("a", "<clear>", "", "", ""),
        ("", "x", "1", "", ""),
        ("#c", "x", "1", "", ""),
        ("a", "", "", "", ""),
        ("a", "x", "one", "", ""),
        ("a", "x", "<clear>", "#N/A", ""),
        ("a", "x", "1", "", "<clear>"),
        ("a", "x"),
        ("a", "x", "1", "", "", "more"),
    ]
    assert doubted(header, *rows, said=Rules(SCHEMA, "orders")) == list(range(2, 10))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["id", "tags.add", "tags.remove"], Rules(SCHEMA, "orders")),  # a tag may be in both
        (["id", "metadata.a", "__status"], RULES),  # an earlier run may have done it
        (["id", "metadata.a", "__row"], RULES),  # its cells are guarded by apostrophes
        (["id", "metadata.a", "reference"], Rules(SCHEMA, "stripe_payments", refuse_members=True)),
        (["id", "metadata.a", "type"], Rules(SCHEMA)),  # no row says its type
        (["id", "type", "reference"], RULES),  # no such type
    ],
)
def test_rows_are_doubtful_where_cells_alone_do_not_decide(header: list[str], said: Rules) -> None:
    assert doubted(header, ("a", "b", ""), ("b", "c", ""), said=said) == [0, 1]


def test_rows_of_one_type_are_judged_together_and_others_one_by_one() -> None:
    header = ["id", "type", "metadata.a"]
    assert doubted(header, ("a", "orders", "x"), ("b", "orders", "y")) == []
    assert doubted(header, ("a", "orders", "x"), ("b", "", "y")) == [0, 1]


def test_rows_without_any_value_are_all_doubtful() -> None:
    assert doubted(["id"], ("a",), ("b",)) == [0, 1]
    assert doubted(["id", "reference"]) == []


def test_a_row_of_a_workbook_with_a_cell_that_cannot_be_read_is_doubtful() -> None:
    stored = [NOTHING] * 2
    broken = [Fault(1, "cell_error", "it shows #REF!")]
    rows = [WorkbookRow(ref(1), ["a", "x"], stored), WorkbookRow(ref(2), ["b", "#REF!"], stored, broken)]
    assert list(SheetColumns(["id", "metadata.a"], RULES).doubtful(rows)) == [1]


def test_a_row_of_very_many_cells_costs_the_others_nothing() -> None:
    rows = [SheetRow(ref(row), ["a", "x"]) for row in range(1000)]
    tracemalloc.start()
    try:
        rows.append(SheetRow(ref(1000), [""] * 100_000))
        assert list(SheetColumns(["id", "reference"], RULES).doubtful(rows)) == [1000]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
