"""How long updates took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.reports.page.delays import EDGES, SAMPLE, delays_of, sampled


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_every_delay_is_in_one_class_and_the_quantiles_are_delays(seconds: list[float]) -> None:
    found = delays_of(seconds, len(seconds))
    assert found is not None
    assert sum(found.classes) == found.rows == len(seconds)
    assert found.median <= found.most_s <= found.longest == max(seconds)
    assert {found.median, found.most_s} <= set(seconds)


@pytest.mark.parametrize("seconds", [0.0, 0.019, 0.02, 4.999, 5.0, 31.0])
def test_a_delay_is_not_below_the_edge_of_its_class(seconds: float) -> None:
    found = delays_of([seconds], 1)
    assert found is not None
    at = found.classes.index(1)
    assert EDGES[at] <= seconds < EDGES[at + 1]


def test_a_clock_that_was_set_back_makes_no_delay() -> None:
    assert delays_of([-5.0], 1) is None


@pytest.mark.parametrize("rows", [0, 1, SAMPLE, SAMPLE + 1, 1_000_000, 9_999_999])
def test_a_sample_is_bounded_and_reaches_over_the_whole_input(rows: int) -> None:
    chosen = sampled(rows)
    assert len(chosen) == min(rows, len(chosen)) <= SAMPLE
    if rows:
        assert chosen[0] == 1
        assert chosen[-1] > rows - chosen.step
