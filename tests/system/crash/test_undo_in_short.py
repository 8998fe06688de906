"""Undo after kills in short: the same code as `make hunt NAME=undo-crash`, two rounds of it."""

from tests.system.crash.undo import hunt


def test_an_undo_that_is_killed_and_resumed_takes_back_a_run_that_was_killed_and_resumed() -> None:
    said: list[str] = []
    rounds = hunt(2, seed=6, rows=60, say=said.append)
    assert not any(each.violations for each in rounds), "\n".join(said)
    assert all(each.kills for each in rounds)
    assert any(each.undo_killed for each in rounds)
