"""Inputs on which a reader once took time that grew with the square of their size; bounds are far from tight."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest

from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.formats import InputRefused, read_sheet
from jobs.model import ObjectRow, RowRef, SheetRow, Unsendable
from jobs.strict_json import NotStrictJSON, parse
from tests.schemas import SCHEMA

REF = RowRef(1, 1, b"")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if the block takes longer, as this process's own time counts it."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def test_a_name_that_stands_twice_among_many_is_found_in_one_pass() -> None:
    names = [f"name{number}" for number in range(40_000)]
    text = "{" + ",".join(f"{json.dumps(name)}:1" for name in [*names, names[-1]]) + "}"
    with within(3), pytest.raises(NotStrictJSON, match='"name39999" stands twice'):
        parse(text)


def test_a_long_word_before_a_byte_that_is_not_utf_8_is_looked_at_once() -> None:
    with within(3), pytest.raises(InputRefused, match="--encoding cp1252"):
        list(read_sheet(BytesIO(b"id,a\n" + b"x" * 60_000 + b",\xe9\n")))


@pytest.mark.parametrize("name", ["stripe_paymnts", "stripe_paymnts{}"])
def test_a_column_of_misspelt_types_costs_little_a_row(name: str) -> None:
    sheet, objects = SheetColumns(["id", "type", "reference"], Rules(SCHEMA)), ObjectColumns(Rules(SCHEMA))
    with within(3):
        for number in range(2_000):
            type_ = name.format(number)
            for judged in (
                sheet.read(SheetRow(REF, ["a", type_, "r"])),
                objects.read(ObjectRow(REF, {"id": "a", "type": type_, "reference": "r"})),
            ):
                assert isinstance(judged, Unsendable)
                assert "did you mean `stripe_payments`?" in judged.message


def test_a_member_that_no_type_has_costs_little_a_row() -> None:
    objects = ObjectColumns(Rules(SCHEMA, type="stripe_payments"))
    with within(3):
        for _ in range(2_000):
            judged = objects.read(ObjectRow(REF, {"id": "a", "refrence": "r"}))
            assert isinstance(judged, Unsendable)
            assert "did you mean `reference`?" in judged.message


def test_a_wrong_name_of_many_characters_is_not_compared() -> None:
    judged = SheetColumns(["id", "type", "reference"], Rules(SCHEMA)).read(SheetRow(REF, ["a", "x" * 100_000, "r"]))
    assert isinstance(judged, Unsendable)
    assert "did you mean" not in judged.message
