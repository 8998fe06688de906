import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.keys import Reference, key_of, parse_reference, reference_of, values_of

VALUE = st.one_of(st.sampled_from(["a", "a/b", "%2F", "a=b", " ", "é", ""]), st.text(max_size=6))
NAMES = ("owner", "repo", "number")


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (("a/b c",), "a/b c"),
        (("acme", "shop", "7"), "acme/shop/7"),
        (("a/b", "c d", "50%"), "a%2Fb/c%20d/50%25"),
    ],
)
def test_a_key_is_one_text(values: tuple[str, ...], key: str) -> None:
    assert key_of(values) == key


@given(st.lists(VALUE, min_size=1, max_size=3))
def test_a_key_leads_back_to_its_values(values: list[str]) -> None:
    names = NAMES[: len(values)]
    assert values_of(key_of(values), names) == dict(zip(names, values, strict=True))


@given(st.integers(1, 3).flatmap(lambda size: st.tuples(*[st.lists(VALUE, min_size=size, max_size=size)] * 2)))
def test_no_two_records_share_a_key(both: tuple[list[str], list[str]]) -> None:
    one, other = both
    assert (key_of(one) == key_of(other)) is (one == other)


def test_a_key_of_another_path_is_none() -> None:
    with pytest.raises(ValueError, match="argument"):
        values_of("acme/shop", NAMES)


def test_a_record_may_be_named_by_another_field() -> None:
    assert reference_of("sku", "A/1=2") == "sku=A/1=2"
    assert reference_of("sku", "A-1", ("acme", "my shop")) == "acme/my%20shop/sku=A-1"


@given(VALUE, VALUE, st.lists(VALUE, max_size=3))
def test_a_reference_leads_back_to_what_it_names(by: str, value: str, others: list[str]) -> None:
    assert parse_reference(reference_of(by, value, others), len(others)) == Reference(by, value, tuple(others))


@pytest.mark.parametrize(("text", "others"), [("sku", 0), ("sku=1", 1), ("acme/sku", 1), ("", 0)])
def test_another_text_is_no_reference(text: str, others: int) -> None:
    with pytest.raises(ValueError, match="not a reference"):
        parse_reference(text, others)
