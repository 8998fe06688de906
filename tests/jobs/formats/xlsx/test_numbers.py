import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import to_excel

from jobs.formats.stored import Kind
from jobs.formats.xlsx.formats import BUILT_IN, shown_as
from jobs.formats.xlsx.numbers import NotADate, NotANumber, date_text, duration_text, number_text, time_text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("7", "7"),
        ("7.0", "7"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("+7", "7"),
        ("007", "7"),  # a number has no leading zeros
        (" 7 ", "7"),
        (".5", "0.5"),
        ("0.10000000000000001", "0.1"),  # as Excel writes 0.1
        ("0.30000000000000004", "0.30000000000000004"),  # as Excel stores 0.1 + 0.2
        ("1E-2", "0.01"),
        ("1E-05", "0.00001"),
        ("1E-7", "1e-7"),
        ("1.25E-7", "1.25e-7"),
        ("1.2345678901234568E+16", "12345678901234568"),
        ("1.5E+3", "1500"),
        ("1E+20", "100000000000000000000"),
        ("1E+21", "1" + "0" * 21),
        ("9.4001118992231E+21", "9400111899223100000000"),  # as Excel stores a code of 22 digits
        ("9.4001118992231002E+21", "9400111899223100000000"),
        ("9400111899223100000000", "9400111899223100000000"),
        ("9.400111899223197428490E+21", "9400111899223197428490"),
        ("-1.7976931348623157E+308", "-17976931348623157" + "0" * 292),
        ("12345678901234567890", "12345678901234567890"),  # more than 64 bits hold: kept digit by digit
        ("0.1234567890123456789012", "0.1234567890123456789012"),
        ("1234.5678901234567890123", "1234.5678901234567890123"),
        ("1e-999", "0"),
    ],
)
def test_a_number_is_written_exactly_and_as_short_as_can_be(raw: str, expected: str) -> None:
    assert number_text(raw) == expected


@pytest.mark.parametrize("raw", ["", "NaN", "inf", "1e999", "1_0", "0x1", "1,5", "1" * 401, "²"])
def test_what_is_no_number_is_refused(raw: str) -> None:
    with pytest.raises(NotANumber):
        number_text(raw)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_of_64_bits_survives_in_every_way_to_write_it(value: float) -> None:
    for raw in (repr(value), f"{value:.17g}", f"{value:.16E}"):
        assert float(number_text(raw)) == value
    assert math.copysign(1, float(number_text(repr(value)))) == 1 or value < 0


@given(st.floats(2.0**53, allow_nan=False, allow_infinity=False), st.booleans())
def test_a_whole_number_never_has_an_exponent(value: float, negative: bool) -> None:
    for raw in (repr(value), f"{value:.16E}"):
        text = number_text("-" + raw if negative else raw)
        assert text.removeprefix("-").isdecimal()
        assert float(text) == (-value if negative else value)


@given(st.integers(-(10**30), 10**30))
def test_any_whole_number_survives(value: int) -> None:
    assert number_text(str(value)) == str(value)


@pytest.mark.parametrize(
    ("raw", "since_1904", "expected"),
    [
        ("1", False, "1900-01-01"),
        ("59", False, "1900-02-28"),
        ("61", False, "1900-03-01"),
        ("45322", False, "2024-01-31"),
        ("45322.43090277778", False, "2024-01-31T10:20:30"),
        ("45322.5000057870", False, "2024-01-31T12:00:00.500"),
        ("45321.999999999", False, "2024-01-31"),  # rounds to the next day
        ("2958465", False, "9999-12-31"),
        ("0", True, "1904-01-01"),
        ("43860", True, "2024-01-31"),
    ],
)
def test_a_date_is_written_as_iso_8601(raw: str, since_1904: bool, expected: str) -> None:
    assert date_text(raw, since_1904=since_1904) == expected


@pytest.mark.parametrize(
    ("raw", "since_1904"),
    [
        ("60", False),  # 29 February 1900
        ("60.5", False),
        ("0", False),  # shown as 0 January 1900
        ("0.5", False),
        ("-1", False),
        ("-1", True),
        ("2958466", False),
        ("1e300", False),
    ],
)
def test_a_day_that_no_calendar_has_is_none(raw: str, since_1904: bool) -> None:
    with pytest.raises(NotADate):
        date_text(raw, since_1904=since_1904)


@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)))  # noqa: DTZ001  # workbooks know no zones
def test_a_date_is_the_one_that_openpyxl_stores(moment: datetime) -> None:
    moment -= timedelta(microseconds=moment.microsecond)
    shown = date_text(repr(to_excel(moment)), since_1904=False)  # type: ignore[no-untyped-call]  # openpyxl's
    assert datetime.fromisoformat(shown) == moment


def test_times_and_durations() -> None:
    assert time_text("0.43090277777778", since_1904=False) == "10:20:30"
    assert time_text("45322.5", since_1904=False) == "2024-01-31T12:00:00"
    assert time_text("45322", since_1904=False) == "2024-01-31T00:00:00"
    assert duration_text("1.5", since_1904=False) == "36:00:00"
    assert duration_text("-0.5", since_1904=False) == "-12:00:00"
    with pytest.raises(NotANumber):
        duration_text("1" * 500, since_1904=False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", Kind.NUMBER),
        ("00000", Kind.NUMBER),
        ("0.00E+00", Kind.NUMBER),
        ('#,##0.00 "days"', Kind.NUMBER),  # letters in quotes
        (r"0\d", Kind.NUMBER),  # an escaped letter
        ("[Red]0.00", Kind.NUMBER),  # a colour
        ("[$-409]0", Kind.NUMBER),  # a language
        ('_-* #,##0.00 "DM"_-', Kind.NUMBER),
        ("@", Kind.NUMBER),
        ("yyyy-mm-dd", Kind.DATE),
        ("[$-F800]dddd, mmmm dd, yyyy", Kind.DATE),
        ("dd/mm/yyyy;@", Kind.DATE),
        ("mmm", Kind.DATE),
        ("m/d/yy h:mm", Kind.DATE),
        ("h:mm AM/PM", Kind.TIME),
        ("mm:ss.0", Kind.TIME),
        ("[h]:mm:ss", Kind.TIME),
        ("[mm]:ss", Kind.TIME),
        (BUILT_IN[14], Kind.DATE),
        (BUILT_IN[46], Kind.TIME),
    ],
)
def test_a_format_code_says_how_a_number_is_shown(code: str, kind: Kind) -> None:
    assert shown_as(code).kind is kind
