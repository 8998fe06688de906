"""What a recipe says in texts, the program has as values."""

from datetime import time

import pytest

from jobs.recipe.loading import load
from jobs.recipe.terms import (
    Count,
    Quarantine,
    Rules,
    Run,
    Share,
    Threshold,
    guards_of,
    max_age_of,
    quarantine_of,
    rules_of,
    run_of,
    threshold_of,
    time_of,
    windows_of,
)
from tests.jobs.recipe.test_loading import WHOLE

LEAST = load("", "r.toml")
RECIPE = load(WHOLE, "r.toml")


def test_guards_are_shares_counts_or_off() -> None:
    found = guards_of(load('[guards]\nchanged = "off"\ngone = 5\n', "r.toml").guards)
    assert (found.changed, found.gone, found.rows_shrink) == (None, Count(5), Share(20.0))
    assert guards_of(RECIPE.guards).moved == {"amount_cents": Share(50.0)}
    assert guards_of(RECIPE.guards).changed_rows == Count(1000)


def test_rules_are_those_of_the_job_and_of_its_columns() -> None:
    assert rules_of(LEAST) == Rules()
    found = rules_of(RECIPE)
    assert (found.drift_of, found.empty_of) == ({"metadata.note": "keep"}, {"metadata.note": "clear"})
    assert found.private == {"metadata.note"}


def test_a_run_has_a_deadline_and_windows() -> None:
    assert run_of(LEAST) == Run()
    assert run_of(RECIPE) == Run(time(6), 30, ((50, 10.0),), 16, Share(5.0), "prices.state")


def test_quarantine_and_age_have_numbers() -> None:
    assert quarantine_of(LEAST) == Quarantine(3, 7, Share(1.0))
    assert (max_age_of(RECIPE), max_age_of(LEAST)) == (26 * 3600.0, None)


@pytest.mark.parametrize(
    ("said", "meant", "shown"),
    [("5%", Share(5.0), "5%"), ("0.5 %", Share(0.5), "0.5%"), (1000, Count(1000), "1,000"), ("off", None, "None")],
)
def test_a_threshold_is_shown_as_people_write_it(said: str | int, meant: Threshold, shown: str) -> None:
    assert threshold_of(said) == meant
    assert str(meant) == shown


@pytest.mark.parametrize("said", ["5", "x%", "-5%", "", "1e3%", -1])
def test_anything_else_is_none(said: str | int) -> None:
    with pytest.raises(ValueError, match=r"write a share|must be"):
        threshold_of(said)


@pytest.mark.parametrize(("said", "meant"), [("06:00", time(6)), ("6:05", time(6, 5)), ("23:59", time(23, 59))])
def test_a_time_of_day_is_read(said: str, meant: time) -> None:
    assert time_of(said) == meant


@pytest.mark.parametrize("said", ["24:00", "6", "06:60", "06:00:00"])
def test_what_is_no_time_of_day_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        time_of(said)


def test_windows_are_requests_in_seconds() -> None:
    assert windows_of("50/10s,200/1m") == ((50, 10.0), (200, 60.0))
    assert windows_of("") == ()
