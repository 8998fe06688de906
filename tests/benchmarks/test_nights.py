"""The measure behind `make hunt NAME=one-percent`, on a few records."""

from benchmarks.nights import cost, spent
from benchmarks.results import nights
from tests.system.nights.one_percent import happen

MACHINE = {"date": "2026-12-01", "cores": "2", "processor": "any", "kernel": "6", "load": "0"}


def test_the_program_does_for_real_what_it_does_in_virtual_time_and_the_page_shows_it() -> None:
    story = happen(600)
    point = {**spent(story), **cost(story)}  # raises where the two nights differ
    assert (point["second"]["writes"], point["second"]["overwritten"], point["second"]["unknown"]) == (1, 0, 0)
    page = "\n".join(nights({"machine": MACHINE, "points": [point]}))
    assert "| **second night**: run | 27 | 1 | 0 |" in page
    assert "| PATCH what differs from yesterday's sheet: computed | 0 | 6 | 0 | 0.0 min | 5 | 50 |" in page
