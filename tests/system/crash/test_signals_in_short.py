"""The signals in short: the same code as `make hunt NAME=signals`, a few times."""

import pytest

from tests.system.crash.signals import KINDS, hunt

pytestmark = pytest.mark.alone


def test_a_signal_ends_a_run_soon_and_truthfully_and_it_can_be_resumed() -> None:
    said: list[str] = []
    tallies = hunt(2, seed=11, rows=200, say=said.append)
    assert not said, "\n".join(said)
    assert all(tallies[kind].moments.total() >= 1 for kind in KINDS)  # one may have ended before its signal
    assert any(tally.open for kind, tally in tallies.items() if kind.twice), "no signal struck requests in flight"
