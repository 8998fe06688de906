"""Numbers that no float holds go through as they are spelt."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.commercelayer.confirmations import read_confirmation
from jobs.apis.commercelayer.states import read_record, read_states
from jobs.changes.diff import as_stored, difference
from jobs.changes.edits import decode, encode, encode_shape
from jobs.changes.equality import equal, reads_alike
from jobs.changes.exact import ExactNumber, holds_exact, holds_float, may_be_rounded, number, read, write
from jobs.changes.inverse import Written, restoring
from jobs.model import Edit, Fields, Live, Reply, RowRef, Status, UpdateJob
from tests.commerce_layer import update_request
from tests.schemas import SCHEMA, TERMS
from worker.journal import Planned
from worker.operations.verify import _cell
from worker.policy.decision import moved_on, shown
from worker.reports import formats
from worker.reports.plan_files import members, table_lines

LONG = "0.1234567890123456789012345"
WANTED = Fields(frozenset({"metadata"}))


def reply(attributes: str, *, page: bool = False) -> Reply:
    record = f'{{"type":"skus","id":"x","attributes":{attributes}}}'
    data = f"[{record}]" if page else record
    return Reply(200, {"content-type": "application/json"}, f'{{"data":{data}}}'.encode())


def live(metadata: str) -> Live:
    states = read_states(reply(f'{{"metadata":{metadata}}}', page=True), "skus", WANTED)
    assert states is not None
    return states["x"]


def job(**members: Any) -> UpdateJob:
    return UpdateJob(RowRef(1, 2, b""), "skus", "x", members={"metadata": members})


@pytest.mark.parametrize(
    "spelt", [LONG, "12345678901234567.5", "1e-400", "-3.00000000000000000001e5", "[1.5," + LONG + "]"]
)
def test_a_number_of_a_key_that_the_sheet_does_not_name_goes_back_digit_for_digit(spelt: str) -> None:
    change = difference(job(k="new"), live(f'{{"k":"old","n":{spelt},"t":true}}'), TERMS)
    body = update_request(job(k="new"), change, "skus").body
    assert (
        body
        == b'{"data":{"type":"skus","id":"x","attributes":{"metadata":{"k":"new","n":%s,"t":true}}}}' % spelt.encode()
    )


def test_its_echo_is_compared_digit_for_digit() -> None:
    wanted = job(k="new")
    change = difference(wanted, live(f'{{"k":"old","n":{LONG}}}'), TERMS)
    for digits, differs in (
        (LONG, ()),
        (f"{LONG}0", ()),
        (f"{LONG}1", ("metadata",)),
        ("0.12345678901234568", ("metadata",)),
    ):
        answer = reply(f'{{"metadata":{{"k":"new","n":{digits}}}}}')
        confirmation = read_confirmation(answer, wanted, change, "skus")
        assert confirmation is not None
        assert confirmation.differs == differs
    assert as_stored(change) is change


def test_a_record_is_read_digit_for_digit() -> None:
    record: Any = read_record(reply(f'{{"price":{LONG}}}'), "skus", "x")
    assert record == {"price": ExactNumber(LONG)}
    assert read_record(reply('{"price":1.5}'), "skus", "x") == {"price": 1.5}


@pytest.mark.parametrize("text", ["1e999", "-1e999", "0." + "1" * 2000])
def test_a_number_beyond_all_bounds_is_still_not_taken(text: str) -> None:
    assert live(f'{{"n":{text},"m":1.5}}').attributes == {}


def test_a_page_that_only_the_quick_parser_takes_is_of_no_use_where_it_rounds() -> None:
    digits = "9" * 5000
    assert read_states(reply(f'{{"n":{digits},"metadata":1.5}}', page=True), "skus", WANTED) is None


def test_an_old_value_that_is_named_is_kept_and_told_and_cannot_be_put_back() -> None:
    there = live(f'{{"k":{LONG}}}')
    change = difference(job(k=0.5), there, TERMS)
    (edit,) = change.edits
    assert decode(encode_shape(encode(change.edits)[0]), encode(change.edits)[1]) == change.edits
    assert moved_on(change, change.edits, SCHEMA) == ()
    found = restoring("skus", "x", [Written(1, (edit,))], SCHEMA)
    assert [(lost.column, "more digits" in lost.why) for lost in found.lost] == [("metadata.k", True)]
    assert shown(edit.before) == "0.12345678901234568"


def test_reports_round_one_instead_of_failing() -> None:
    value: Any = ExactNumber(LONG)
    planned = Planned(1, "skus", "x", Status.PENDING, edits=(Edit(("attributes", "metadata", "k"), value, 0.5),))
    assert '"before":0.12345678901234568' in formats.encode(members(RowRef(1, 2, b""), planned, SCHEMA))
    assert next(table_lines(RowRef(1, 2, b""), planned))[5:7] == ["0.12345678901234568", "0.5"]
    assert _cell(value) == "0.12345678901234568"


def test_a_whole_object_with_one_cannot_be_put_back() -> None:
    long: Any = ExactNumber(LONG)
    edit = Edit(("attributes", "metadata"), {"n": [long]}, None)
    found = restoring("skus", "x", [Written(1, (edit,))], SCHEMA)
    assert [lost.column for lost in found.lost] == ["metadata.n"]
    assert found.members == {}


def test_exact_numbers_are_equal_by_value() -> None:
    one: Any = ExactNumber(LONG)
    other: Any = ExactNumber(f"{LONG}00")
    assert one == other
    assert hash(one) == hash(other)
    assert equal({"a": [one]}, {"a": [other]})
    assert one != 0.12345678901234568
    assert not equal(one, 0.12345678901234568)
    assert reads_alike(LONG, one)
    assert (float(one), repr(one)) == (0.12345678901234568, LONG)


@given(st.decimals(allow_nan=False, allow_infinity=False).map(str))
def test_any_number_is_written_as_the_number_that_was_read(spelt: str) -> None:
    text = spelt.lower().replace("e+", "e")
    value: Any = number(text) if any(mark in text for mark in ".e") else int(text)
    if value in (float("inf"), float("-inf")):
        return
    again: Any = read(write([value]).decode())
    assert equal(again, [value])
    assert isinstance(value, ExactNumber) is holds_exact(again)
    assert not isinstance(value, ExactNumber) or may_be_rounded(text.encode())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_other_values_are_written_as_ever(value: Any) -> None:
    assert json.loads(write(value)) == value
    assert not holds_float([value])
    assert holds_float([value, {"a": [{"b": 1.5}, value]}])
    assert json.loads(write([value, ExactNumber("1.5")])) == [value, 1.5]
