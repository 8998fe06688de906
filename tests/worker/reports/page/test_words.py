"""Numbers and times as people say them."""

import pytest

from worker.journal import JournalDamaged
from worker.reports.page.words import clock, moment, period, rate, share, span

AT = 1_796_098_330.5  # 2026-12-01 04:12:10.5 UTC


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"), (0, 9, "0 %"), (9, 9, "100 %"), (1, 3, "33 %"), (1, 30, "3.3 %"), (1, 50, "2 %"),
        (1, 1_000_000, "under 0.1 %"), (999_999, 1_000_000, "over 99.9 %"), (95, 1000, "9.5 %"),
    ],
)  # fmt: skip
def test_a_share_neither_hides_the_few_nor_rounds_them_away(part: int, whole: int, said: str) -> None:
    assert share(part, whole) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 ms"), (0.18, "180 ms"), (0.9996, "1.0 s"), (3.21, "3.2 s"), (45, "45 s"), (60, "1 min"),
        (125, "2 min 5 s"), (11_520, "3 h 12 min"), (86_400, "1 day"), (180_000, "2 days 2 h"),
    ],
)  # fmt: skip
def test_a_span_has_its_two_largest_units(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("per_second", "said"),
    [(0, "0.0 a second"), (0.5, "30 a minute"), (4.84, "4.8 a second"), (1234.4, "1,234 a second")],
)
def test_a_rate_is_told_in_the_unit_that_fits(per_second: float, said: str) -> None:
    assert rate(per_second) == said


def test_times_are_utc_and_say_so() -> None:
    assert moment(AT) == "1 December 2026, 04:12 UTC"
    assert moment(AT, seconds=True) == "1 December 2026, 04:12:10 UTC"
    assert clock(AT) == "04:12:10"
    assert moment(0) == ""


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (AT + 3600, "1 December 2026, 04:12 to 05:12 UTC"),
        (AT + 86_400, "1 December 2026, 04:12 to 2 December 2026, 04:12 UTC"),
        (AT + 1, "1 December 2026, 04:12 UTC"),
        (0, "1 December 2026, 04:12 UTC"),
    ],
)
def test_a_period_names_each_day_once(until: float, said: str) -> None:
    assert period(AT, until) == said


def test_a_time_that_no_clock_shows_is_damage() -> None:
    with pytest.raises(JournalDamaged):
        clock(1e300)
