"""What the run wrote a moment ago counts, whether or not a read shows it yet."""

from jobs.changes.diff import Change
from jobs.model import Fields, Live
from worker.engine.recent import RecentWrites

OLD = Live("orders", {"reference": "old", "metadata": {"a": 1}}, fields=Fields(frozenset({"reference", "metadata"})))


def test_a_read_that_lags_is_corrected_by_what_was_written_in_the_order_it_was() -> None:
    recent = RecentWrites()
    recent.add("x", Change({"metadata": {"a": 1, "b": 2}}), 10.0)
    recent.add("x", Change({"reference": "new"}), 11.0)
    recent.add("x", Change({"metadata": {"a": 1, "b": 3}}), 12.0)
    assert recent.over("x", OLD, 13.0).attributes == {"reference": "new", "metadata": {"a": 1, "b": 3}}
    assert recent.over("y", OLD, 13.0) is OLD


def test_what_was_written_longer_ago_is_left_to_the_read() -> None:
    recent = RecentWrites()
    recent.add("x", Change({"reference": "first"}), 10.0)
    recent.add("x", Change({"metadata": {"b": 2}}), 14.0)
    assert recent.over("x", OLD, 16.0).attributes == {"reference": "old", "metadata": {"b": 2}}
    assert recent.over("x", OLD, 20.0) is OLD
    assert not recent._changes
