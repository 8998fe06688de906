import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.names import Steps, name_of, pointed, pointer_to, steps_of

STEPS = st.lists(st.text("ab./~ 1", max_size=3), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("/a.b", ("a.b",)),
        ("/a/b~1c/~0d", ("a", "b/c", "~d")),
        ("/", ("",)),
        ("a/b", ("a/b",)),
    ],
)
def test_a_name_is_dotted_or_a_pointer(name: str, steps: Steps) -> None:
    assert steps_of(name) == steps


@given(STEPS)
def test_every_place_has_one_name_that_leads_to_it(steps: Steps) -> None:
    assert steps_of(name_of(steps)) == steps
    assert pointed(pointer_to(steps)) == steps


@given(st.text("ab./~", min_size=1, max_size=6))
def test_a_canonical_name_is_its_own(name: str) -> None:
    canonical = name_of(steps_of(name))
    assert name_of(steps_of(canonical)) == canonical


def test_the_document_itself_has_an_empty_pointer() -> None:
    assert pointed("") == ()
    assert pointer_to(()) == ""
