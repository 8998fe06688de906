"""Pace and concurrency over virtual minutes and hours, on servers of numbers: one test per scenario file."""

from dataclasses import replace

import pytest

from tests.system.pace.clients import Ours, Terms
from tests.system.pace.drive import Work, drive
from tests.system.pace.scenario import names, play, read
from tests.system.pace.server import Latency, Server


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


@pytest.mark.parametrize("name", ["untold_approximate", "untold_two_seconds_approximate", "untold_fixed"])
@pytest.mark.parametrize("phase", [0.4, 0.8, 1.2, 1.6])
def test_a_limiter_with_periods_is_met_at_any_moment_of_them(name: str, phase: float) -> None:
    scenario = read(name)
    _, figures = play(replace(scenario, server=replace(scenario.server, phase=phase), seed=int(10 * phase)))
    assert figures["refusals"] <= scenario.accept["refusals"][1]
    assert figures["of_least"] >= scenario.accept["of_least"][0]


def test_however_many_ask_no_more_are_in_flight_than_allowed() -> None:
    server, many = Server(Latency(0.1, jitter=0.5)), Work(requests=2_000, concurrency=40)
    figures = drive(lambda: Ours(Terms(server.limits, 8, 1)), server, many)
    assert figures.max_in_flight == 8
