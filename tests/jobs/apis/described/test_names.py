import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.names import name_of, pointer_of, steps_of

STEP = st.one_of(st.sampled_from(["", "a", "b.c", "/", "~", "~1", ".", "a/b", "é"]), st.text(max_size=5))
STEPS = st.lists(STEP, min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("name", "steps", "canonical"),
    [
        ("a", ("a",), "a"),
        ("a.b", ("a", "b"), "a.b"),
        ("/a", ("a",), "a"),
        ("/a/b", ("a", "b"), "a.b"),
        ("/a.b", ("a.b",), "/a.b"),
        ("/a/b~1c", ("a", "b/c"), "a.b/c"),
        ("/~01", ("~1",), "~1"),
        ("/", ("",), "/"),
        ("/a/", ("a", ""), "/a/"),
        ("/~1a", ("/a",), "/~1a"),
        ("a b", ("a b",), "a b"),
    ],
)
def test_a_name_is_dotted_or_a_pointer(name: str, steps: tuple[str, ...], canonical: str) -> None:
    assert steps_of(name) == steps
    assert name_of(steps) == canonical


@given(STEPS)
def test_every_field_has_a_name_that_leads_back_to_it(steps: tuple[str, ...]) -> None:
    assert steps_of(name_of(steps)) == steps
    assert steps_of(pointer_of(steps)) == steps


@given(STEPS, STEPS)
def test_no_two_fields_have_one_name(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (name_of(one) == name_of(other)) is (one == other)
