"""The hunt in short: the same code as `make crash`, with a few kills."""

from tests.crash.hunt import hunt


def test_rows_are_neither_lost_nor_doubled_when_the_process_is_killed() -> None:
    said: list[str] = []
    tally = hunt(4, seed=3, rows=300, say=said.append)
    assert tally.kills == 4
    assert tally.most_open > 0, "no kill struck while requests were under way"
    assert not tally.violations, "\n".join(said)
