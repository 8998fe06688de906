"""The deadline of a night: the next time that a clock on the wall shows it, in zones that change their clocks."""

import time as clocks
from collections.abc import Iterator
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.policy.deadline import deadline_after

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "UTC")


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("start", "at", "end"),
    [
        ("2026-01-10 01:30", time(6), "2026-01-10 05:00"),  # 02:30 in Berlin
        ("2026-01-10 21:00", time(6), "2026-01-11 05:00"),  # 22:00: tomorrow
        ("2026-01-10 05:00", time(6), "2026-01-11 05:00"),  # at 06:00 sharp
        ("2026-03-29 00:30", time(6), "2026-03-29 04:00"),  # the night has an hour less
        ("2026-03-29 00:30", time(2, 30), "2026-03-29 01:30"),  # skipped: 03:30 by the new time
        ("2026-03-29 00:15", time(2, 30), "2026-03-29 01:30"),  # and not before: 01:30 by the old time
        ("2026-10-24 23:30", time(6), "2026-10-25 05:00"),  # an hour more
        ("2026-10-24 23:30", time(2, 30), "2026-10-25 00:30"),  # shown twice: the first
        ("2026-10-25 00:45", time(2, 30), "2026-10-25 01:30"),  # between the two: the second
        ("2026-10-25 01:45", time(2, 30), "2026-10-26 01:30"),  # after both
    ],
)
def test_the_deadline_is_the_next_time_that_the_clock_shows_it(start: str, at: time, end: str) -> None:
    assert deadline_after(utc(start), at, BERLIN) == utc(end)


def test_a_day_that_a_zone_skips_has_no_deadline_of_its_own() -> None:
    apia = ZoneInfo("Pacific/Apia")  # which went from the 29th to the 31st of December 2011
    start = datetime(2011, 12, 29, 22, tzinfo=apia).timestamp()
    assert deadline_after(start, time(6), apia) == datetime(2011, 12, 31, 6, tzinfo=apia).timestamp()


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        clocks.tzset()
        yield
    clocks.tzset()


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize("start", ["2026-03-08 05:00", "2026-07-01 12:00", "2026-11-01 05:10", "2026-11-01 05:45"])
@pytest.mark.parametrize("at", [time(1, 30), time(2, 30), time(6)])
def test_without_a_zone_it_is_that_of_the_machine(start: str, at: time) -> None:
    assert deadline_after(utc(start), at) == deadline_after(utc(start), at, ZoneInfo("America/New_York"))


@given(
    st.floats(0, 2e9).map(int),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_it_is_after_the_start_within_a_day_and_shows_the_time(start: int, at: time, zone: tzinfo) -> None:
    end = deadline_after(start, at, zone)
    assert 0 < end - start <= 26 * 3600
    shown = datetime.fromtimestamp(end, zone)
    exists = datetime.combine(shown.date(), at, zone).astimezone(UTC).astimezone(zone).time() == at
    assert shown.time() == at or not exists
