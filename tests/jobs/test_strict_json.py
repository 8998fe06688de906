import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import JSON
from jobs.strict_json import NotStrictJSON, exact_float, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_any_value_that_is_written_is_read_exactly(value: JSON, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only)) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "character 1: expecting value"),
        ("{'a': 1}", "character 2: expecting property name"),
        ("[1, 2", "character 6: expecting ',' delimiter"),
        ("1 2", "character 3: extra data"),
        ("[01]", "character 3: expecting ',' delimiter"),
        ("[1,]", "character"),  # a trailing comma
        ('"a\nb"', "invalid control character"),
        ('"\\x"', "invalid \\escape"),
        ("\ufeff1", "character 1"),  # a byte order mark is no white space
        ("NaN", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', 'the name "c" stands twice'),
        ('"\\ud83d"', "character 2: \\ud83d is half of a character"),
        ('"x\\\\\\uDE00"', "character 5: \\uDE00 is half"),
        ('{"\\ud83d\\u0041": 1}', "half of a character"),
        ("[" * 101 + "]" * 101, "more than 100 deep"),
        ('{"a":' * 101 + "1" + "}" * 101, "more than 100 deep"),
        ("[" * 100_000, "more than 100 deep"),  # deeper than the parser can go
    ],
)
def test_what_is_not_strict_json_is_refused_where_it_breaks(text: str, says: str) -> None:
    with pytest.raises(NotStrictJSON) as refused:
        parse(text)
    assert refused.value.reason == "bad_json"
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud83d\\ude00"', "😀"),  # a pair of halves is a character
        ('"\\\\ud83d"', "\\ud83d"),  # an escaped backslash, no escape of a half
        ("[" * 100 + "]" * 100, None),
        ("[" + ",".join(["[]"] * 200) + "]", None),  # many brackets, not deep
        (' {"a": 1}\r\n', {"a": 1}),
    ],
)
def test_what_only_looks_odd_is_read(text: str, value: JSON) -> None:
    assert value is None or parse(text) == value
    assert parse(text) is not None


@pytest.mark.parametrize("text", ["0.1", "-0.0", "1E5", "1e-7", "1.50", "5e-324", "1.7976931348623157e308", "0e-30"])
def test_a_number_that_a_float_carries_is_read(text: str) -> None:
    assert exact_float(text) == float(text)
    assert parse(text) == float(text)


@pytest.mark.parametrize(
    "text",
    [
        "0.1000000000000000055",  # more digits than a float has
        "12345678901234567.5",
        "1e400",  # overflows
        "1e-400",  # vanishes
        "1e-99999999999999999999999",  # not even a Decimal
        "1." + "0" * 2000,
        "9" * 5000,  # more digits than Python reads
        "[" + "9" * 5000 + "]",
    ],
)
def test_a_number_that_would_be_sent_as_another_is_refused(text: str) -> None:
    with pytest.raises(NotStrictJSON) as refused:
        parse(text)
    assert refused.value.reason == "number_not_exact"
    assert len(refused.value.message) < 100


def test_an_integer_of_any_common_size_is_exact() -> None:
    assert parse("123456789012345678901234567890") == 123456789012345678901234567890


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_back(number: float) -> None:
    assert math.copysign(1, exact_float(repr(number))) == math.copysign(1, number)
    assert exact_float(repr(number)) == number


@pytest.mark.parametrize(
    "text", ["[" + "[]," * 300_000 + "1]", "[" + "1," * 500_000 + "1]", '{"a":[' + '{"b":1},' * 260_000 + "1]}"]
)
def test_more_values_than_memory_is_for_are_refused(text: str) -> None:
    with pytest.raises(NotStrictJSON, match="more than 500,000 values"):
        parse(text)


@pytest.mark.parametrize("value", [",[{" * 400_000, '",[\\"{' * 400_000, [7] * 499_999])
def test_commas_and_brackets_of_a_text_are_no_values(value: JSON) -> None:
    assert parse(json.dumps(value)) == value


def test_a_text_that_never_ends_is_seen_at_once() -> None:
    with pytest.raises(NotStrictJSON, match="unterminated string"):
        parse('"' + '\\",[' * 1_000_000)
