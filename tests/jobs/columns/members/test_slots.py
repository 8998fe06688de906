"""Values in the form in which an API writes them, from the cell on: what is compared is what is sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.fields import FieldRules
from jobs.apis.described.schema import schema_of
from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.model import ABSENT, JSON, ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from tests.jobs.apis.described.kit import description

REF = RowRef(1, 2, b"12345678")


def rules(fields: dict[str, Any] | None = None, **described: Any) -> Rules:
    return Rules(schema_of(description(fields=fields or {}, **described), {}), "things")


def cell(text: str, how: Rules, column: str = "f") -> UpdateJob | Unsendable:
    return SheetColumns(["id", column], how).read(SheetRow(REF, ["7", text]))


def member(value: JSON, how: Rules, column: str = "f") -> UpdateJob | Unsendable:
    return ObjectColumns(how).read(ObjectRow(REF, {"id": "7", column: value}))


def attributes(found: UpdateJob | Unsendable) -> dict[str, JSON]:
    assert isinstance(found, UpdateJob), found
    return found.attributes


@pytest.mark.parametrize(
    ("described", "value", "written"),
    [
        ({"type": "int", "encode": "text"}, "7", "7"),
        ({"type": "bool", "encode": "text"}, "TRUE", "true"),
        ({"encode": "text"}, "007", "007"),
        ({"encode": "list"}, "a", ["a"]),
        ({"type": "date", "encode": "epoch"}, "2026-01-31", 1_769_817_600),
        ({"type": "datetime", "encode": "epoch"}, "2026-01-31T01:00:00+01:00", 1_769_817_600),
        ({"type": "datetime", "encode": "epoch"}, "2026-01-31T00:00:00.5", 1_769_817_600.5),
        ({"type": "datetime", "encode": "epoch_ms"}, "2026-01-31T00:00:00.5", 1_769_817_600_500),
    ],
)
def test_a_cell_is_written_as_its_api_writes_it(described: dict[str, Any], value: str, written: JSON) -> None:
    assert attributes(cell(value, rules({"f": described}))) == {"f": written}


@pytest.mark.parametrize(
    ("described", "value", "written"),
    [
        ({"encode": "text"}, 7, "7"),
        ({"encode": "text"}, None, None),
        ({"encode": "list"}, ["a", "b"], ["a", "b"]),
        ({"encode": "epoch"}, "2026-01-31", 1_769_817_600),
    ],
)
def test_so_is_a_member(described: dict[str, Any], value: JSON, written: JSON) -> None:
    assert attributes(member(value, rules({"f": described}))) == {"f": written}


PARTED = {"type": "set", "sep": "; "}


@pytest.mark.parametrize(
    ("described", "column", "value"),
    [
        (PARTED, "f", "a;b"),
        (PARTED, "f.add", "a;b"),
        (PARTED, "f.remove", "x, a;b"),
        (PARTED, "f:json", '["a;b"]'),
        ({**PARTED, "type": "list"}, "f", "a;b"),
        ({**PARTED, "type": "list"}, "f:json", '["a", "b;"]'),
        (PARTED, "f", '["a "]'),
        ({**PARTED, "type": "list"}, "f", '["a", ""]'),
    ],
)
def test_an_element_that_a_text_would_part_or_lose_is_refused(
    described: dict[str, Any], column: str, value: str
) -> None:
    found = cell(value, rules({"f": described}), column)
    assert isinstance(found, Unsendable)
    assert (found.reason, ";" in found.message) == ("wrong_type", True)


def test_it_says_how_a_cell_lists_elements() -> None:
    found = cell("winter;city", rules({"tags": PARTED}), "tags.add")
    assert isinstance(found, Unsendable)
    assert found.message.endswith('has an element with ";" in it, which parts elements: write commas between them')


@given(st.lists(st.text("ab;, \t"), max_size=4), st.sampled_from(["set", "list"]), st.sampled_from([";", ", ", " "]))
def test_a_list_in_one_text_is_refused_or_comes_back_as_it_was(elements: list[str], kind: str, joint: str) -> None:
    said = {"type": kind, "sep": joint}
    found = cell(json.dumps(elements), rules({"f": said}))
    if not isinstance(found, Unsendable):
        rule = FieldRules(description(fields={"f": said}).resources["things"]).rule("f")
        value = found.attributes["f"]
        assert rule.decoded(rule.encoded(value, "")) == value


def test_a_number_of_seconds_is_taken_as_it_is() -> None:
    assert attributes(cell("7", rules({"f": {"encode": "epoch"}}), "f:int")) == {"f": 7}


def test_what_holds_of_all_fields_holds_of_the_keys_of_a_map() -> None:
    how = rules({"m": {"type": "map"}, "m.*": {"encode": "text"}})
    found = member(7, how, "m.k")
    assert isinstance(found, UpdateJob)
    assert found.members == {"m": {"k": "7"}}


@pytest.mark.parametrize("value", [False, 0, 0.0, "", [], None])
def test_what_reads_leave_out_is_as_good_as_cleared(value: JSON) -> None:
    assert attributes(member(value, rules({"f": {"type": "json"}}, omits_empty=True))) == {"f": None}


@pytest.mark.parametrize("value", [True, 1, "x", [0]])
def test_anything_else_is_a_value(value: JSON) -> None:
    assert attributes(member(value, rules({"f": {"type": "json"}}, omits_empty=True))) == {"f": value}


def test_a_member_that_is_cleared_is_taken_away() -> None:
    found = member({"k": 0}, rules(omits_empty=True), "f")
    assert isinstance(found, UpdateJob)
    assert found.members == {"f": {"k": ABSENT}}
