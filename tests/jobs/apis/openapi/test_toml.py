"""Lines of TOML hold what they should, and nothing that a vendor wrote can leave its comment."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.openapi.refused import DocumentRefused
from jobs.apis.openapi.toml import comment, pair, quoted


@given(st.text(), st.text())
def test_a_pair_is_read_as_it_was_written_or_refused(name: str, value: str) -> None:
    halves = any("\ud800" <= each <= "\udfff" for each in name + value)
    if halves:
        with pytest.raises(DocumentRefused, match="half of a character"):
            pair(name, value)
    else:
        assert tomllib.loads(pair(name, value, "a\nremark\x00")) == {name: value}


@pytest.mark.parametrize("text", ["\ud800", "\\\ud800", "a\udfff", "\\\\\udabc"])
def test_half_of_a_character_is_refused_behind_any_number_of_backslashes(text: str) -> None:
    with pytest.raises(DocumentRefused):
        pair("a", text)


@pytest.mark.parametrize("text", ["\\ud800", "\\\\ud800", "\\\\\\ud8"])
def test_a_text_that_only_looks_like_it_is_none(text: str) -> None:
    assert tomllib.loads(pair("a", text)) == {"a": text}


@given(st.text(max_size=400))
def test_a_comment_is_nothing_but_comments(text: str) -> None:
    lines = list(comment(text))
    assert tomllib.loads("\n".join(lines)) == {}
    assert all(each.startswith("# ") for each in lines)


def test_what_others_wrote_is_short_and_on_one_line() -> None:
    assert quoted("  a\n\tb  c", 10) == "a b c"
    assert quoted("abcdef", 4) == "abc…"
