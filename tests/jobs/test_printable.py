"""Text that others wrote can neither move the cursor nor hide what follows."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.printable import printable


@given(st.text())
def test_nothing_printable_can_steer_a_terminal(text: str) -> None:
    assert all(
        unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        for each in printable(text)
        if each not in "\u200c\u200d"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 👍", "plain é 漢 👍"),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\ud800", "\\ud800"),  # half a pair would end the program while printing
        ("👩\u200d🚀", "👩\u200d🚀"),  # joiners belong to text
    ],
)
def test_what_has_no_glyph_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
