"""Texts for messages."""

import pytest

from jobs.texts import counted, either, listed, shortened


@pytest.mark.parametrize(("words", "joined"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_alternatives_are_joined_as_in_a_sentence(words: list[str], joined: str) -> None:
    assert either(words) == joined


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abc…"


def test_a_long_list_of_names_is_cut() -> None:
    assert listed(["a", "b", "c"], 2) == "a, b, c"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_of_one_there_is_no_plural() -> None:
    assert [counted(count, "row") for count in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
