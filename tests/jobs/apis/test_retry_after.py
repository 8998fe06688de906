"""How long a reply asks to wait; what is malformed is as good as absent."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.retry_after import read_retry_after

WALL = 1_000_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),  # what Commerce Layer says
        ("7", 7.0),
        ("1.5", 1.5),  # not in the RFC, but sent by some
        ("+3", 3.0),
        ("-3", 0.0),  # over already
        (" 12 ", 12.0),
        ("999999999", 999_999_999.0),
        ("1000000000", 0.0),  # can only be a moment: now
        ("1000000030", 30.0),
        ("1000000030.5", 30.5),
        ("1000000030000", 30.0),  # in milliseconds
        ("999999990000", None),  # neither
        ("123456789012345", None),
        ("2001-09-09T01:46:50Z", 10.0),  # ISO 8601
        (" 2001-09-09T01:46:50.500+00:00", 10.5),
        ("2001-09-09T01:46:50", 10.0),
        ("2001-19-09T01:46:50Z", None),
        ("Sun, 09 Sep 2001 01:46:50 GMT", 10.0),  # IMF-fixdate
        ("Sunday, 09-Sep-01 01:46:50 GMT", 10.0),  # RFC 850
        ("Sun Sep  9 01:46:50 2001", 10.0),  # asctime
        ("Sun, 09 Sep 2001 01:46:30 GMT", 0.0),  # in the past
        ("Sun, 09 Sep 2001 01:46:50 -0100", 3610.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("1e9", None),
        ("9" * 400, None),
        ("Sun, 99 Sep 2001 01:46:50 GMT", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),  # beyond the calendar
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert read_retry_after({"retry-after": value}, WALL) == seconds


@pytest.mark.parametrize("value", ["Sun Sep  9 01:46:50 2001", "Sun, 09 Sep 2001 01:46:50 -0000"])
def test_a_date_without_a_zone_is_utc_wherever_the_run_is(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert read_retry_after({"retry-after": value}, WALL) == 10.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_the_header_there_is_nothing_to_wait_for() -> None:
    assert read_retry_after({}, WALL) is None


@pytest.mark.parametrize("sent", ["Thu, 01 Jan 1970 00:00:00 GMT", "Sun, 09 Sep 2001 01:46:40 GMT"])
def test_a_date_is_relative_to_the_replys_own_date(sent: str) -> None:
    later = sent.replace("00:00:00", "00:02:00").replace("01:46:40", "01:48:40")
    assert read_retry_after({"retry-after": later, "date": sent}, WALL) == 120.0


def test_a_date_that_cannot_be_read_leaves_the_own_clock() -> None:
    later = "Sun, 09 Sep 2001 01:46:50 GMT"
    assert read_retry_after({"retry-after": later, "date": "yesterday"}, WALL) == 10.0


@given(st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1)), st.integers(0, 10**8))  # noqa: DTZ001  # made UTC below
def test_every_date_is_as_far_as_it_says(then: datetime, offset: int) -> None:
    stamp = then.replace(tzinfo=UTC, microsecond=0)
    told = {"retry-after": format_datetime(stamp, usegmt=True)}
    assert read_retry_after(told, stamp.timestamp() - offset) == offset


@given(st.integers(10**9, 10**10), st.integers(0, 10**8), st.sampled_from([1, 1000]))
def test_every_moment_since_the_epoch_is_as_far_as_it_says(then: int, offset: int, unit: int) -> None:
    assert read_retry_after({"retry-after": str(then * unit)}, then - offset) == offset


@given(st.text())
def test_no_retry_after_can_make_it_fail(value: str) -> None:
    seconds = read_retry_after({"retry-after": value, "date": value}, WALL)
    assert seconds is None or seconds >= 0
