"""The damages in short: the same code as `make hunt NAME=damage`, at fewer places."""

from tests.system.crash.damage import Verdict, hunt
from tests.system.crash.sheet import Style


def test_a_damaged_journal_is_resumed_with_the_truth_or_refused_by_name() -> None:
    tally = hunt(flips=30, step=911, seed=4, rows=60, styles=(Style.BLIND,), say=lambda _: None)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.verdicts["log cut"][Verdict.TRUE] > 5, "no cut lost anything"
    assert tally.verdicts["closed file flipped"] == {Verdict.REFUSED: 30}
