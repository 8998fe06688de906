"""Pace and concurrency over virtual minutes and hours, on servers of numbers: one test per scenario file."""

import pytest

from tests.pace.scenario import names, play, read


@pytest.mark.parametrize("name", names())
def test_what_comes_of_a_scenario_is_within_its_ranges(name: str) -> None:
    scenario = read(name)
    _, figures = play(scenario)
    outside = {
        figure: (figures[figure], (least, most))
        for figure, (least, most) in scenario.accept.items()
        if not least <= figures[figure] <= most
    }
    assert not outside
    assert (
        figures["max_in_flight"] <= scenario.work.concurrency or scenario.work.kill_every
    )  # a killed one's are on top
