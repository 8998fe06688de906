"""Some histories of nights for each kind of API: nothing breaks, and everything that matters happens."""

from collections import Counter

import pytest

from tests.system.nights.__main__ import hunted
from tests.system.nights.histories import happen
from tests.system.nights.worlds import KINDS

MUST_HAPPEN = ("finished", "killed", "tripped", "undone", "drifted", "kept", "conflicts", "overwritten", "raced")
"""Without these, the histories would prove nothing."""

Hunted = tuple[Counter[str], list[list[str]]]


@pytest.fixture(scope="module")
def hunt() -> Hunted:
    """Return what became of some seeds."""
    return hunted(range(14), KINDS, processes=2)


def _clears_gone(log: list[str]) -> bool:
    return "missing='clear'" in log[1]


def test_no_history_breaks_the_table_or_an_invariant(hunt: Hunted) -> None:
    tally, broken = hunt
    assert [log for log in broken if not _clears_gone(log)] == []
    assert [name for name in MUST_HAPPEN if not tally[name]] == []


@pytest.mark.xfail(strict=True, reason="a night does not clear records whose row is gone yet")
def test_no_history_breaks_the_clearing_of_records_whose_row_is_gone(hunt: Hunted) -> None:
    assert [log for log in hunt[1] if _clears_gone(log)] == []


@pytest.mark.xfail(strict=True, reason="after a kill, a value that is stored otherwise looks like an ignored update")
def test_a_doubt_about_a_value_that_is_stored_otherwise_does_not_stop_the_job_for_ever() -> None:
    assert not happen(44, "conditional").is_stuck


@pytest.mark.xfail(strict=True, reason="the agreement of a field that came to hold what the sheet says is not learned")
def test_a_field_that_somebody_set_to_what_the_sheet_says_is_agreed() -> None:
    assert happen(106, "commercelayer").broken == []
