"""Clean data gives no warning, whatever it is: a detector that cries wolf is one that nobody reads."""

import string
import uuid
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.damage import Column, Examination, Role
from jobs.damage.traits import is_no_day
from jobs.model import RowRef
from tests.jobs.damage.clean_sheet import signs

ASCII = string.ascii_letters
TEN = st.text(ASCII, min_size=10, max_size=10).filter(lambda text: text.lower() != text != text.upper())
UUIDS = st.integers(0, 2**128 - 1).map(lambda number: str(uuid.UUID(int=number)))
SKUS = st.from_regex(r"[A-Z]{3}-[0-9]{4}-[A-Z]{2}", fullmatch=True)
HEX = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)
PADDED = st.integers(0, 99_999).map(lambda number: f"{number:05}")
COUNTS = st.integers(0, 5_000).map(str)
CARDS = st.integers(10**15, 10**16 - 1).filter(lambda number: number % 10 != 0).map(str)
SNOWFLAKES = st.integers(10**18, 10**19 - 1).filter(lambda number: number % 10 != 0).map(str)
MONEY = st.integers(0, 10**7).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
MONEY_ELSEWHERE = st.integers(0, 10**7).map(lambda cents: f"{cents // 100},{cents % 100:02}")
DATES = st.integers(0, 20_000).map(lambda days: (date(1990, 1, 1) + timedelta(days)).isoformat())
STAMPS = DATES.map(lambda day: f"{day}T12:30:00.000Z")
NAMES = st.sampled_from(
    ["Zoë", "Müller & Söhne", "O’Neill", "D'Arcy", "Ångström", "Đặng", "李雷", "Ана", "Nuñez", "Null"]
)
PROSE = st.lists(
    st.sampled_from(["call", "before", "delivery", "2026-03-01", "12", "€5", "ring", "“twice”", "–", "São", "Ümit"]),
    min_size=3, max_size=9,
).map(" ".join).filter(lambda text: text.strip() == text)  # fmt: skip
MAILS = st.from_regex(r"[a-z]{3,8}\.[a-z]{3,8}@example\.com", fullmatch=True)
PHONES = st.from_regex(r"\+49 [1-9][0-9]{2} [0-9]{6,8}", fullmatch=True)
URLS = st.from_regex(r"https://example\.com/[a-z]{4}/[0-9]{1,5}", fullmatch=True)
QUARTERS = st.integers(0, 40).map(lambda quarter: f"20{quarter % 30 + 10}-Q{quarter % 4 + 1}")
FLAGS = st.sampled_from(["true", "false"])


@pytest.mark.parametrize(
    ("values", "role", "label"),
    [
        (TEN, "id", "id"),
        (TEN, "link", "order"),
        (UUIDS, "text", "reference"),
        (SKUS, "text", "reference"),
        (HEX.filter(lambda text: not text.isdecimal() and not text.startswith("0")), "text", "metadata.hash"),
        (PADDED, "text", "metadata.cost_centre"),
        (COUNTS, "untyped", "metadata.count"),
        (COUNTS, "untyped", "metadata.zip"),
        (CARDS, "untyped", "metadata.card"),
        (SNOWFLAKES, "text", "reference_origin"),
        (MONEY, "untyped", "metadata.price"),
        (MONEY_ELSEWHERE, "untyped", "metadata.price"),
        (DATES, "text", "reference"),
        (STAMPS, "date", "expires_at"),
        (NAMES, "text", "reference"),
        (PROSE, "untyped", "metadata.note"),
        (MAILS, "text", "customer_email"),
        (PHONES, "text", "phone"),
        (URLS, "text", "return_url"),
        (QUARTERS, "untyped", "metadata.batch"),
        (FLAGS, "other", "metadata.reviewed:bool"),
    ],
)
@settings(max_examples=25)
@given(data=st.data())
def test_a_clean_column_gives_no_warning(
    values: st.SearchStrategy[str], role: Role, label: str, data: st.DataObject
) -> None:
    cells = data.draw(st.lists(st.one_of(values, values, values, st.just("")), max_size=40))
    assert warned([cells], [Column(label, role, 0)]) == []


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(TEN, SKUS, QUARTERS, PADDED, PROSE, FLAGS, COUNTS, MONEY), min_size=20, max_size=80))
def test_a_clean_sheet_gives_no_warning_and_has_no_shifted_row(rows: list[tuple[str, ...]]) -> None:
    columns = [
        Column("id", "id", 0), Column("reference", "text", 1), Column("metadata.batch", "untyped", 2),
        Column("metadata.cost_centre", "untyped", 3), Column("metadata.note", "untyped", 4),
        Column("metadata.reviewed:bool", "other", 5), Column("metadata.boxes:int", "number", 6),
        Column("metadata.price:float", "number", 7),
    ]  # fmt: skip
    assert warned(list(zip(*rows, strict=True)), columns) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_sheet_of_forty_clean_columns_gives_no_warning(seed: int) -> None:
    assert signs(seed) == []


@given(cells=st.lists(st.text(), max_size=30))
def test_any_text_at_all_is_looked_at_without_an_error_and_counted_as_it_matches(cells: list[str]) -> None:
    examination = Examination([Column("reference", "text", 0)], ten_letter_ids=True)
    examination.see_rows([RowRef(row, row, b"") for row, _ in enumerate(cells)], [[cell] for cell in cells])
    for sign in examination.signs():
        assert sign.count == sum(1 for cell in cells if cell and sign.matches(cell)), sign.code


@given(cells=st.lists(st.text("0129eE+-.,%'=\" /", min_size=1, max_size=9), max_size=12))
def test_whatever_looks_like_a_number_is_counted_as_it_matches(cells: list[str]) -> None:
    examination = Examination([Column("reference", "text", 0)], ten_letter_ids=True)
    examination.see_rows([RowRef(row, row, b"") for row, _ in enumerate(cells)], [[cell] for cell in cells])
    for sign in examination.signs():
        assert sign.count == sum(1 for cell in cells if sign.matches(cell)), sign.code


@given(year=st.integers(1, 9999), month=st.integers(0, 13), day=st.integers(0, 32))
def test_a_date_is_one_just_as_the_calendar_says(year: int, month: int, day: int) -> None:
    try:
        date(year, month, day)
    except ValueError:
        none = True
    else:
        none = False
    assert is_no_day(f"{year:04}-{month:02}-{day:02}") is none
    assert is_no_day(f"{day:02}.{month:02}.{year:04}") is none
    assert not is_no_day(f"{day:02}/{month:02}/{year:04}") or none
    assert not is_no_day(f"{month}/{day}/{year:04}") or none


def warned(by_column: Sequence[Sequence[str]], columns: list[Column]) -> list[str]:
    rows = [list(row) for row in zip(*by_column, strict=True)]
    examination = Examination(columns, ten_letter_ids=True)
    examination.see_rows([RowRef(row, row + 1, b"") for row, _ in enumerate(rows, 1)], rows)
    return [
        f"{sign.code} {sign.column.label}: {sign.examples}"
        for sign in examination.signs()
        if sign.code != "boolean_as_text"
    ]
