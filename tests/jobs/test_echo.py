"""What passes for an echo of the value that was sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.echo import same
from jobs.model import JSON


@pytest.mark.parametrize(
    ("sent", "echo", "is_same"),
    [
        ("67", 67, True),  # recorded: numbers in text become numbers
        ("AdyenPayment", "adyen_payments", True),  # recorded: a type in its own form
        ("2018-01-01", "2018-01-01T00:00:00.000Z", True),  # a date becomes a time stamp
        ("2018-01-01T12:00:00Z", "2018-01-01T12:00:00.000Z", True),
        ("2018-01-01T14:00:00+02:00", "2018-01-01T12:00:00.000Z", True),
        ("2018-01-01T12:00:00", "2018-01-01T12:00:00.000Z", True),  # no zone: UTC
        ("2018-01-02", "2018-01-01T00:00:00.000Z", False),
        ("20180101", "201801011", False),  # a number that only looks like a date
        ("2018-01-01", "soon", False),
        ("as-is", "asis-2", False),
        (1, 1.0, True),
        (1, True, False),
        (True, "true", True),
        (7, "8", False),
        ("-5", 5, False),
        ("007", "7", False),
        ("é", "É", False),
        ("12,50", "1250", False),  # a decimal comma that was swallowed
        ("abc", "abcs", False),  # a plural is only tolerated in the API's own snake_case names
        ("1.50", 1.5, True),
        ("EUR", "eur", True),
        ("a", None, False),
        (None, None, True),
        (None, "", False),
        ({"a": "1"}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),  # the object was not replaced
        ({}, "{}", False),
        ([1, "2"], [1, 2], True),
        ([1], [1, 2], False),
        ((1, 2), [1, 2], True),
        ([1], "1", False),
        ("1", [1], False),
    ],
)
def test_canonical_forms_are_the_same_value(sent: JSON, echo: JSON, is_same: bool) -> None:
    assert same(sent, echo) is is_same


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(VALUES)
def test_every_value_is_the_same_as_its_own_echo(value: JSON) -> None:
    assert same(value, json.loads(json.dumps(value)))
