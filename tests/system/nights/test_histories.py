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


def test_no_history_breaks_the_table_or_an_invariant(hunt: Hunted) -> None:
    tally, broken = hunt
    assert broken == []
    assert [name for name in MUST_HAPPEN if not tally[name]] == []


def test_what_somebody_set_while_a_killed_night_waited_is_no_form_of_what_it_sent() -> None:
    assert happen(1058, "unconditional").broken == []


def test_a_field_that_somebody_set_to_what_the_sheet_says_is_agreed() -> None:
    assert happen(106, "commercelayer").broken == []
