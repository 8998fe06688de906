"""Some histories of nights for each kind of API: nothing breaks, and everything that matters happens."""

import pytest

from tests.system.nights.__main__ import hunted
from tests.system.nights.worlds import KINDS

MUST_HAPPEN = ("finished", "killed", "tripped", "undone", "drifted", "kept", "conflicts", "overwritten")
"""Without these, the histories would prove nothing."""


@pytest.mark.parametrize("kind", KINDS)
def test_no_history_breaks_the_table_or_an_invariant(kind: str) -> None:
    tally, broken = hunted(range(40), [kind], processes=2)
    assert broken == []
    assert [name for name in MUST_HAPPEN if not tally[name]] == []
