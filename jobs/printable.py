"""Text that others wrote, made safe to print on a terminal."""

from typing import Final

_SPACED: Final = str.maketrans("\t\r\n\v\f", " " * 5)
_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero width (non-)joiner: Persian, Indic scripts and emoji need them, and they can neither move nor hide text."""


def printable(text: str) -> str:
    r"""Return `text` on one line, with whatever could steer or mislead a terminal made visible.

    Line breaks and tabs become spaces. Escape sequences, bidirectional controls and everything else that has no glyph
    of its own is shown as a backslash escape, such as `\x1b` and `\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _JOINERS else _escaped(each) for each in text.translate(_SPACED)
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
