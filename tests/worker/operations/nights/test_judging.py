"""What the journal of a night says of it as a whole."""

from types import SimpleNamespace
from typing import cast

import pytest

from worker.journal import History, PaceMark
from worker.operations.nights.judging import quota_share

OLD = PaceMark(0.0, "limits", "PATCH", ((10, 10.0),))
BURST = PaceMark(1.0, "limits", "PATCH", ((50, 10.0), (200, 60.0)))
READS = PaceMark(2.0, "limits", "GET", ((1, 60.0),))
NONE = PaceMark(3.0, "limits", "ALL")


@pytest.mark.parametrize(
    ("sent", "seconds", "marks", "share"),
    [
        (100, 60.0, (OLD, BURST, READS), 0.5),  # of the 200 a minute; of the bursts a third
        (25, 4.0, (BURST,), 0.5),  # a window allows all of it at once
        (400, 60.0, (BURST,), 1.0),
        (0, 0.0, (BURST,), None),
        (3, 1.0, (READS,), None),
        (3, 1.0, (BURST, NONE), None),
        (3, 1.0, (), None),
    ],
)
def test_a_night_has_used_a_part_of_its_busiest_window(
    sent: int, seconds: float, marks: tuple[PaceMark, ...], share: float | None
) -> None:
    history = cast("History", SimpleNamespace(sending=lambda: (sent, seconds), pace=lambda: iter(marks)))
    assert quota_share(history) == (None if share is None else pytest.approx(share))
