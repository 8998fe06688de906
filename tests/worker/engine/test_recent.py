"""What the run wrote a moment ago counts, whether or not a read shows it yet."""

from jobs.changes.diff import Change, after
from jobs.model import Edit, Fields, Live, RowRef, UpdateJob
from worker.engine.effort import Effort
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


def test_what_a_row_is_remembered_by_is_only_what_its_last_attempt_sent() -> None:
    """An earlier attempt had sent more: its values are in the image, and in no attribute of the change."""
    name, key = ("attributes", "name"), ("attributes", "metadata", "k")
    effort = Effort(UpdateJob(RowRef(1, 2, b""), "orders", "x", {"name": " n "}), "orders", doubt="reply_lost")
    effort.image = (Edit(key, "old", " k "),)
    effort.take(Change({"name": " n "}, edits=(Edit(name, "old", " n "),)))
    effort.remember((Edit(key, "old", " k ", "k"), Edit(name, "old", " n ", "n")))
    assert [edit.path for edit in effort.change.edits] == [name]
    assert [edit.stored for edit in effort.image] == ["k", "n"]
    assert after(Live("orders", {"name": "old"}), effort.change).attributes == {"name": "n"}
