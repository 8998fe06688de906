"""Lines of TOML with comments, as somebody would write them by hand."""

import re
import textwrap
from collections.abc import Iterator
from typing import Final

from jobs.apis.openapi.refused import DocumentRefused
from jobs.printable import printable
from jobs.texts import shortened
from jobs.toml.writing import inline, key_of

_WIDTH: Final = 116
_HALF: Final = re.compile(r"(?<!\\)(?:\\\\)*\\ud[89a-f]")
"""The escape of half of a pair of surrogates: behind a backslash that is no escaped one itself."""


def pair(name: str, value: object, remark: str = "") -> str:
    """Return a line `name = value`, with a remark behind it.

    Raises:
        DocumentRefused: a text in it holds half of a character, which TOML cannot.
    """
    said = f"{key_of(name)} = {inline(value)}"
    if _HALF.search(said):
        raise DocumentRefused(f"half of a character stands in {quoted(said, 60)}: repair the document")
    return f"{said}  # {printable(remark)}" if remark else said


def comment(text: str) -> Iterator[str]:
    """Yield a text as lines of comments."""
    yield from (f"# {line}" for line in textwrap.wrap(printable(text), _WIDTH, break_on_hyphens=False))


def quoted(text: str, most: int = 160) -> str:
    """Return a text that others wrote as it may stand in a comment: on one line, short, and harmless."""
    return shortened(" ".join(printable(text).split()), most)
