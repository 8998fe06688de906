"""What pictures say by the size of things."""

import re

import pytest

from worker.journal import Activity, PaceMark, Process
from worker.reports.page.charts import HEIGHT, course, has_strips, level, shares
from worker.reports.page.elements import Markup
from worker.reports.page.timeline import Timeline, timeline_of


def timeline(*marks: PaceMark) -> Timeline:
    process = Process(1, "apply", 100.0, 104.0, "finished", 0, "", 0, 0, 0)
    return timeline_of([process], [Activity(1, 0, 8, 2), Activity(1, 2, 4, 0)], marks, (), 1.0)


def boxes(drawn: Markup, kind: str) -> list[dict[str, float]]:
    found = re.findall(r"<rect([^>]*)>", drawn.html)
    sizes = [dict(re.findall(r'(\w+)="([^"]*)"', each)) for each in found]
    return [
        {name: float(value) for name, value in each.items() if name != "class"}
        for each in sizes
        if each["class"] == kind
    ]


def test_a_part_is_as_wide_as_its_share_and_one_row_of_a_million_is_seen() -> None:
    drawn = shares([("applied", 999_999, "updated"), ("failed", 1, "failed")])
    assert boxes(drawn, "applied")[0]["width"] == pytest.approx(100, rel=0.01)
    assert boxes(drawn, "failed")[0]["width"] >= 0.4
    assert boxes(shares([("applied", 0, ""), ("failed", 5, "")]), "applied") == []


def test_a_level_is_as_wide_as_its_part() -> None:
    assert boxes(level(1, 4), "level")[0]["width"] == 25
    assert boxes(level(0, 0), "level")[0]["width"] == 0


def test_a_bar_is_as_high_as_its_rate_and_stands_on_the_ground() -> None:
    first, second = boxes(course(timeline()), "sent")
    assert first["height"] == pytest.approx(2 * second["height"], rel=0.01)
    assert first["y"] + first["height"] == pytest.approx(HEIGHT, rel=0.01)
    assert boxes(course(timeline()), "again")[0]["height"] == pytest.approx(first["height"] / 4, rel=0.01)


def test_refusals_and_pauses_have_strips_of_their_own_if_there_are_any() -> None:
    slowed = timeline(PaceMark(101.0, "pause", "PATCH", pause_s=1.5, http=429))
    assert (has_strips(timeline()), has_strips(slowed)) == (False, True)
    assert len(boxes(course(slowed), "refused")) == 1
    assert len(boxes(course(slowed), "paused")) == 2
    assert min(each["y"] for each in boxes(course(slowed), "paused")) > HEIGHT
