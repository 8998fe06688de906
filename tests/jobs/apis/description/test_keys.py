import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description import keys
from jobs.apis.description.model import ResourceDescription

VALUES = st.lists(st.text("ab/%= ü", min_size=1), min_size=1, max_size=3)


@given(VALUES)
def test_a_key_says_its_values_again(values: list[str]) -> None:
    names = [f"v{index}" for index in range(len(values))]
    assert keys.values_of(keys.key_of(values), names) == dict(zip(names, values, strict=True))


@given(VALUES, VALUES)
def test_no_two_records_share_a_key(one: list[str], other: list[str]) -> None:
    if len(one) == len(other) and one != other:
        assert keys.key_of(one) != keys.key_of(other)


@given(st.lists(st.text("ab/%= ü"), max_size=2), st.sampled_from(["sku", "e_mail", "/a.b", "a=b"]), st.text("ab/%= ü"))
def test_a_reference_says_its_parts_again(others: list[str], by: str, value: str) -> None:
    assert keys.parse_reference(keys.reference_of(others, by, value)) == (tuple(others), by, value)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/x/{id}", ("id",)),
        ("/repos/{owner}/{repo}/issues/{number}", ("owner", "repo", "number")),
        ("/lists/{list}/members/{email:lower:md5}", ("list", "email")),
    ],
)
def test_the_variables_of_a_path_are_the_key(path: str, names: tuple[str, ...]) -> None:
    assert keys.variables_of(ResourceDescription(path=path)) == names
