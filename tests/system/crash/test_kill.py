"""The hunt in short: the same code as `make hunt NAME=crash`, with a few kills."""

from tests.system.crash.hunt import hunt
from tests.system.crash.sheet import Style, Variant

STRANGE = (Variant(strange=True), 2)
VARIANTS = ((Variant(), 1), (Variant(Style.BLIND), 2), (Variant(Style.MERGE, faulty=True), 2), STRANGE)


def test_rows_are_neither_lost_nor_doubled_when_the_process_is_killed() -> None:
    said: list[str] = []
    tally = hunt(7, seed=3, rows=200, say=said.append, variants=VARIANTS)
    assert tally.kills >= 7
    assert tally.most_open > 0, "no kill struck while requests were under way"
    assert not tally.violations, "\n".join(said)
