"""A cell in the notation of an export means exactly one value, or is refused."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import JSON
from jobs.recipe.notation import Dates, Exact, Mapped, Notation, Numbers, Unfit, date_fault, factor_of, notation_of
from jobs.recipe.view_model import ColumnRecipe

MARKS = {",": ".", ".": ","}


def notation(*, whole: bool = False, **keys: object) -> Notation:
    found = notation_of(ColumnRecipe.model_validate({"column": "C", **keys}), whole=whole)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("keys", "cell", "text"),
    [
        ({"decimal": ","}, "12,50", "12.50"),  # as many decimal places as were written
        ({"decimal": ","}, "12", "12"),
        ({"decimal": ","}, ",5", "0.5"),
        ({"decimal": ","}, "-12,50", "-12.50"),
        ({"decimal": ","}, "12,50-", "-12.50"),  # as SAP writes it
        ({"decimal": ","}, "+1,0", "1.0"),
        ({"decimal": ","}, " 12,50\u00a0", "12.50"),
        ({"decimal": ","}, "007,5", "7.5"),
        ({"decimal": ","}, "1.234,50", "1234.50"),  # a mark before the decimal mark parts groups
        ({"decimal": ","}, "1.234.567", "1234567"),  # and so does one that is there twice
        ({"decimal": ","}, "1 234,5", "1234.5"),
        ({"decimal": ","}, "1\u202f234\u00a0567", "1234567"),
        ({"decimal": "."}, "1'234.5", "1234.5"),
        ({"thousands": "."}, "1.234", "1234"),  # the decimal point is not needed
        ({"decimal": ",", "thousands": "."}, "1.234", "1234"),
        ({"decimal": ",", "thousands": " "}, "1\u202f234", "1234"),
        ({"decimal": ",", "times": 100}, "12,50", "1250"),
        ({"decimal": ",", "times": 100}, "12,505", "1250.5"),
        ({"decimal": ",", "times": 100}, "0,00", "0"),
        ({"decimal": ",", "times": 100}, "-0,07", "-7"),
        ({"times": 100}, "19.99", "1999"),  # as floats: 1998.9999999999998
        ({"times": "0.01"}, "1999", "19.99"),
        ({"decimal": ",", "times": 100, "whole": True}, "12,500", "1250"),
        ({"decimal": ",", "whole": True}, "12,00", "12"),
        ({"date": "%d.%m.%Y"}, "31.01.2026", "2026-01-31"),
        ({"date": "%d.%m.%y"}, " 1.2.26 ", "2026-02-01"),
        ({"date": "%d.%m.%Y %H:%M"}, "31.01.2026 09:30", "2026-01-31T09:30:00"),
        ({"date": "%Y%m%d%H%M%S%z"}, "20260131093000+0100", "2026-01-31T09:30:00+01:00"),
        ({"map": {"Ja": True, "Nein": False}}, "Ja", "true"),
        ({"map": {"Ja": True, "Nein": False}}, "Nein", "false"),
        ({"map": {"A": 1, "B": 2.5, "C": "x"}}, "A", "1"),
        ({"map": {"A": 1, "B": 2.5, "C": "x"}}, "B", "2.5"),
        ({"map": {"A": 1, "B": 2.5, "C": "x"}}, "C", "x"),
    ],
)
def test_a_cell_in_its_notation_has_one_meaning(keys: dict[str, Any], cell: str, text: str) -> None:
    assert notation(**keys).text(cell) == text


@pytest.mark.parametrize(
    ("keys", "cell", "said"),
    [
        ({"decimal": ","}, "1.234", 'two ways: if `.` parts thousands, say thousands = "."'),
        ({"decimal": "."}, "1,234", 'thousands = ","'),
        ({"decimal": ","}, "1\u00a0234", 'thousands = " "'),
        ({"decimal": ","}, "12.50", "needs a number such as 1234,50"),
        ({"decimal": ",", "thousands": "."}, "12.50", "needs a number such as 1.234,50"),
        ({"decimal": ",", "thousands": "."}, "1'234,50", "such as 1.234,50"),
        ({"decimal": ",", "thousands": ","}, "1,234,50", "such as"),
        ({"decimal": ","}, "1,234,567", "such as"),
        ({"decimal": ","}, "1.234,567,8", "such as"),
        ({"decimal": ","}, "1.23,5", "such as"),
        ({"decimal": ","}, "1234.567,5", "such as"),
        ({"decimal": ","}, "1.234'567,5", "such as"),
        ({"decimal": ","}, ".234,5", "such as"),
        ({"decimal": ","}, "12,", "such as"),
        ({"decimal": ","}, ",", "such as"),
        ({"decimal": ","}, "-", "such as"),
        ({"decimal": ","}, "--1", "such as"),
        ({"decimal": ","}, "-1-", "such as"),
        ({"decimal": ","}, "12,50 €", "such as"),
        ({"decimal": ","}, "1e3", "such as"),
        ({"decimal": ","}, "٣", "such as"),
        ({"decimal": ","}, "1" * 101, "such as"),
        ({"decimal": ",", "times": 100, "whole": True}, "12,505", "whole number: 12,505 times 100 has a fraction"),
        ({"decimal": ",", "whole": True}, "12,5", "whole number: 12,5 has a fraction"),
        ({"date": "%d.%m.%Y"}, "31.02.2026", "needs a date such as 31.01.2026, which exists"),
        ({"date": "%d.%m.%Y"}, "2026-01-31", "such as 31.01.2026"),
        ({"map": {"Ja": True, "Nein": False}}, "ja", "needs Ja or Nein, as the map in the recipe says"),
    ],
)
def test_any_other_cell_is_refused_with_what_it_needs(keys: dict[str, Any], cell: str, said: str) -> None:
    with pytest.raises(Unfit) as refused:
        notation(**keys).text(cell)
    assert said in str(refused.value)


@given(
    number=st.decimals(-(10**12), 10**12, places=3),
    decimal=st.sampled_from([",", "."]),
    times=st.integers(0, 10**6),
)
def test_numbers_are_computed_exactly(number: Decimal, decimal: str, times: int) -> None:
    written = f"{number:,f}".translate(str.maketrans(",.", MARKS[decimal] + decimal))  # 1.234.567,890
    found = notation(decimal=decimal, times=times)
    assert Decimal(found.text(written)) == number * times
    whole = notation(decimal=decimal, times=times, whole=True)
    if (number * times) % 1:
        with pytest.raises(Unfit):
            whole.text(written)
    else:
        assert whole.text(written) == str(int(number * times))


@given(cell=st.text(alphabet="0123456789.,' -+\u00a0e", max_size=12), decimal=st.sampled_from([",", "."]))
def test_a_number_is_accepted_only_with_the_digits_that_it_shows(cell: str, decimal: str) -> None:
    try:
        text = notation(decimal=decimal).text(cell)
    except Unfit:
        return
    digits = "".join(filter(str.isdigit, cell))
    assert text.replace(".", "").lstrip("-0") == digits.lstrip("0")
    shown = cell.split(decimal)
    assert len(text.partition(".")[2]) == (len(shown[1].rstrip("- \u00a0")) if len(shown) == 2 else 0)


@given(st.dates())
def test_a_date_comes_back_as_the_day_that_was_written(day: object) -> None:
    text = str(day)
    assert notation(date="%d.%m.%Y").text(f"{text[8:]}.{text[5:7]}.{text[:4]}") == text


@pytest.mark.parametrize(
    ("keys", "value", "found"),
    [
        ({"decimal": ",", "times": 100}, "12,50", 1250),
        ({"times": 100}, 12.5, 1250),
        ({"times": 100}, 7, 700),
        ({"times": 100}, 1e20, 10**22),
        ({"decimal": ","}, "12,50", 12.5),
        ({"times": "0.1"}, 1e-7, 1e-8),
        ({"date": "%d.%m.%Y"}, "31.01.2026", "2026-01-31"),
        ({"map": {"1": True, "Ja": False}}, 1, True),
        ({"map": {"1": True, "Ja": False}}, "Ja", False),
        ({"map": {"true": "on"}}, True, "on"),
    ],
)
def test_a_member_of_an_object_becomes_a_value(keys: dict[str, Any], value: JSON, found: JSON) -> None:
    assert notation(**keys).value(value) == found
    assert type(notation(**keys).value(value)) is type(found)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        ({"times": 100}, True, "needs a number"),
        ({"times": 100}, [1], "needs a number"),
        ({"decimal": ","}, "0,12345678901234567890123", "cannot be carried exactly"),
        ({"date": "%d.%m.%Y"}, 31, "in quotes"),
        ({"map": {"a": 1}}, None, "needs a"),
        ({"map": {"a": 1}}, "b", "needs a"),
    ],
)
def test_another_member_is_refused(keys: dict[str, Any], value: JSON, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        notation(**keys).value(value)


@pytest.mark.parametrize(
    ("found", "text", "plain"),
    [
        (Numbers(factor=Exact(100, 0)), "12.5", "1250"),
        (Numbers(decimal=","), "1.234", "1.234"),  # a workbook's number has a decimal point in every country
        (Numbers(decimal=","), "1E+3", "1000"),
        (Numbers(decimal=","), "-2.5e-3", "-0.0025"),
        (Dates("%d.%m.%Y"), "2026-01-31", "2026-01-31"),
        (Mapped({"true": "on"}), "true", "on"),
    ],
)
def test_cells_that_a_workbook_stores_as_what_they_are_have_one_form(found: Notation, text: str, plain: str) -> None:
    assert found.stored(text) == plain


@pytest.mark.parametrize("text", ["1,5", "", "1e9999", "1" * 101])
def test_what_a_workbook_calls_a_number_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        Numbers().stored(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_stored_number_is_itself(number: float) -> None:
    assert Decimal(Numbers().stored(repr(number))) == Decimal(repr(number))


def test_a_column_that_says_nothing_of_its_notation_has_none() -> None:
    assert notation_of(ColumnRecipe(column="C")) is None


@pytest.mark.parametrize(("times", "found"), [(100, Exact(100, 0)), ("0.01", Exact(1, 2)), ("1,5", None), (-1, None)])
def test_a_factor_is_a_plain_number(times: str | int, found: Exact | None) -> None:
    assert factor_of(times) == found


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%d.%m.%Y", ""),
        ("%Y%m%d %H:%M:%S.%f%z %%", ""),
        ("%d %b %Y", "`%b` has no meaning here; there are %d (day)"),
        ("%d.%m.%Y %", "`%` has no meaning"),
        ("%d.%d.%m.%Y", "twice"),
        ("%m/%Y", "needs its day, month and year"),
        ("DD.MM.YYYY", "needs its day, month and year"),
    ],
)
def test_a_form_of_dates_is_checked(form: str, said: str) -> None:
    assert said in date_fault(form)
    assert bool(date_fault(form)) is bool(said)
