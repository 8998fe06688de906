"""Values of an agreement as JSON: what goes in comes out, whatever it looks like."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.marks import decode, decode_told, encode, encode_told, marked, unmarked
from jobs.agreement.model import Sealed, Told
from jobs.changes.exact import number
from jobs.model import ABSENT, UNREAD

text = st.text(st.characters(codec="utf-8"), max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["=", "a", "value"]), inner, max_size=2)
    ),
)
values = json_values | st.sampled_from([ABSENT, UNREAD, Sealed("ab"), number("1.00000000000000000001")])


@given(st.lists(values, max_size=4))
def test_a_list_of_values_comes_back_as_it_was(given_: list[Any]) -> None:
    assert decode(encode(given_)) == given_


@given(st.dictionaries(text, values, max_size=4))
def test_an_object_of_values_comes_back_as_it_was(given_: dict[str, Any]) -> None:
    assert decode(encode(given_)) == given_


@given(st.lists(st.builds(Told, st.just(("attributes", "a")), st.just("drifted"), values, values, values), max_size=3))
def test_what_is_told_comes_back_as_it_was(told: list[Told]) -> None:
    assert decode_told(encode_told(told)) == tuple(told)


@pytest.mark.parametrize("value", [{"=": "absent"}, {"=": {"value": 1}}, {"=": None}, {"=": ["sealed", "x"]}])
def test_an_object_of_the_user_that_looks_like_a_mark_is_none(value: Any) -> None:
    assert unmarked(marked(value)) == value


@pytest.mark.parametrize("value", [{"=": "else"}, {"=": ["sealed", 1]}, {"=": None}])
def test_a_mark_of_no_kind_is_damage(value: Any) -> None:
    with pytest.raises(ValueError, match="unknown mark"):
        unmarked(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("7", "neither a list nor an object"),
        ("", "Expecting value"),
        ("[" * 100_000, "nested too deep"),
        ('[{"=": 1}]', "unknown mark"),
    ],
)
def test_text_that_holds_no_values_is_damage(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode(text)


@pytest.mark.parametrize("text", ["7", "", "[[1]]", "[" * 100_000, '[[["a"], "kept"]]'])
def test_text_that_tells_nothing_is_damage(text: str) -> None:
    with pytest.raises(ValueError, match=r"not what is told|Expecting value|not enough values"):
        decode_told(text)
