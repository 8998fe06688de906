"""What goes on for long says how far it is."""

from worker.events import Advanced, Event, advancing


def test_rows_pass_and_are_counted_every_so_often_and_at_the_end() -> None:
    heard: list[Event] = []
    assert list(advancing(range(1200), heard.append, "reports", 1200)) == list(range(1200))
    assert heard == [Advanced("reports", count, count, 1200) for count in (500, 1000, 1200)]


def test_no_rows_are_told_as_none() -> None:
    heard: list[Event] = []
    assert list(advancing([], heard.append, "undo", 0)) == []
    assert heard == [Advanced("undo", 0, 0, 0)]
