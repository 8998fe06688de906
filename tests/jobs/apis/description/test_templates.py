import hashlib
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description.templates import Unfilled, filled, into_url, template


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("/tickets/{id}.json", "/tickets/A b/ü.json"),
        ("/x", "/x"),
        ("{email:lower:md5}", hashlib.md5(b"me@x.y", usedforsecurity=False).hexdigest()),
        ("{email:sha256}", hashlib.sha256(b"Me@X.y").hexdigest()),
        ("{id:upper}", "A B/Ü"),
        ('"{@ETag}"', '"7"'),
        ("{/a:b}", "colon"),
    ],
)
def test_a_text_is_filled(text: str, filled: str) -> None:
    assert template(text).fill({"id": "A b/ü", "email": "Me@X.y", "@ETag": "7", "/a:b": "colon"}) == filled


def test_names_are_told_each_once() -> None:
    assert template("/{a}/{b:lower}?x={a}").names == ("a", "b")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(Unfilled, match="owner"):
        template("/{owner}").fill({})


def test_a_text_of_which_a_value_is_missing_is_left_out() -> None:
    texts = {"a": "{x}", "b": "{x}-{y}", "c": "plain"}
    assert filled(texts, {"x": "1"}) == {"a": "1", "c": "plain"}


@given(st.text())
def test_a_value_never_leaves_its_segment(value: str) -> None:
    path = template("/things/{id}/x").fill({"id": value}, into_url)
    _, things, segment, x = path.split("/")
    assert (things, unquote(segment), x) == ("things", value, "x")
    assert not set("?#") & set(path)
