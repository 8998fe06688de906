from hashlib import md5, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.placeholders import TRANSFORMS, Part, Placeholder, found_in, is_variable, parts, variables


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("/a", ("/a",)),
        ("/a/{id}", ("/a/", Placeholder("id"))),
        ("{email:lower:md5}", (Placeholder("email", ("lower", "md5")),)),
        ("{@ETag}", (Placeholder("@ETag"),)),
        ("{/a/b:c}", (Placeholder("/a/b:c"),)),  # a colon of a pointer is its own
        ("{{a}}", ("{a}",)),
        ("{{{by}}}='{value}'", ("{", Placeholder("by"), "}='", Placeholder("value"), "'")),
    ],
)
def test_a_text_is_what_stands_there_and_what_is_filled_in(text: str, found: tuple[Part, ...]) -> None:
    assert parts(text) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{id", "no partner"),
        ("id}", "no partner"),
        ("{a{b}", "no partner"),
        ("{}", "name of a variable"),
        ("{a b}", "name of a variable"),
        ("{1a}", "name of a variable"),
        ("{ä}", "name of a variable"),
        ("{id:rot13}", "no transform `rot13`; there are lower, upper, md5, sha256"),
    ],
)
def test_a_malformed_text_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parts(text)


@given(st.text())
def test_a_text_whose_braces_are_doubled_means_itself(text: str) -> None:
    assert "".join(map(str, parts(text.replace("{", "{{").replace("}", "}}")))) == text


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("lower", "Ab", "ab"),
        ("upper", "Ab", "AB"),
        ("md5", "ä", md5("ä".encode()).hexdigest()),
        ("sha256", "ä", sha256("ä".encode()).hexdigest()),
    ],
)
def test_a_transform_changes_a_value_before_it_is_filled_in(name: str, value: str, made: str) -> None:
    assert TRANSFORMS[name](value) == made


def test_placeholders_are_found_in_every_text_of_a_value_but_not_in_a_malformed_one() -> None:
    value = {"a": "{x}", "b": ("{/y}", ["{z:lower}", "{broken", 3]), "{key}": True}
    assert [each.name for each in found_in(value)] == ["x", "/y", "z"]


def test_variables_are_named_once_in_their_order_without_what_was_read() -> None:
    assert variables(("{b}{a}", "{b}{@ETag}{/c}")) == ("b", "a")


@pytest.mark.parametrize(
    ("name", "can_be"), [("a", True), ("_a1", True), ("A_b", True), ("1a", False), ("a-b", False), ("", False)]
)
def test_a_variable_has_a_plain_name(name: str, can_be: bool) -> None:
    assert is_variable(name) is can_be
