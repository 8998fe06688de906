"""What a spreadsheet makes of a text is told apart from what somebody mended."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.damage.turned import turned


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # LibreOffice 24.2, a CSV opened and saved
        ("007", "7"),
        ("12345678901234567890", "1.23456789012346E+019"),
        ("94001118992231974284", "9.4001118992232E+019"),
        ("1E5", "1.00E+05"),
        ("3/4", "03/04/26"),
        ("1/2", "01/02/26"),
        ("0.10", "0.1"),
        ("true", "TRUE"),
        # Excel
        ("12345678901234567890", "12345678901234500000"),
        ("1234567890123456", "1.23457E+15"),
        ("+491711234567", "491711234567"),
        ("+491711234567", "4.91711E+11"),
        ("MAR1", "1-Mar"),
        ("1-2", "2-Jan"),
        ("2026-03-01", "3/1/2026"),
        ("01.03.2026", "2026-03-01"),
        ("2026-11-30T10:20:30Z", "2026-11-30 10:20:30"),
        ("12%", "0.12"),
        ("12%", "12.00%"),
        (".5", "0.5"),
        ("5.", "5"),
        ("false", "FALSCH"),
        ("-x", "#NAME?"),
        ("a\r\nb", "a\nb"),
        ("-0", "0"),
    ],
)
def test_what_a_spreadsheet_changes_is_found(old: str, new: str) -> None:
    assert turned(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("007", "007"),
        ("007", "008"),
        ("125", "130"),
        ("1.5", "1.6"),
        ("", "7"),
        ("7", ""),
        ("true", "FALSE"),
        ("2026-02-31", "2026-02-28"),
        ("31.02.2026", "2026-02-28"),
        ("tbd", "2026-03-01"),
        ("2026-03-01", "tbd"),
        ("A-17", "A-18"),
        ("x", "7"),
        ("7", "x"),
        ("e5", "5"),
        (".", "0"),
        ("-", "0"),
        ("1E999", "1"),
        ("12345678901234567890", "12345678901234567891"),
        ("2026-03", "2026-03-01T"),
        ("1/2/3/4", "01/02/26"),
        ("01.03.2026", "1-Mar"),  # the month alone is no day: somebody typed it, perhaps
    ],
)
def test_what_somebody_mended_is_left_alone(old: str, new: str) -> None:
    assert not turned(old, new)


@given(st.text(), st.text())
def test_any_two_texts_are_compared_without_an_error_and_none_differs_from_itself(old: str, new: str) -> None:
    turned(old, new)
    assert not turned(old, old)


@given(st.integers(0, 10**25), st.integers(0, 5))
def test_whatever_loses_zeros_or_digits_is_found(number: int, zeros: int) -> None:
    old = "0" * zeros + str(number)
    kept = f"{Decimal(number):.14E}"
    assert turned(old, kept)
    assert turned(old, str(int(Decimal(kept)))) or old == str(int(Decimal(kept)))
    assert not turned(old, str(number + 1)) or len(str(number)) > 15
