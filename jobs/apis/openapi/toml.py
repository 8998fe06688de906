"""Lines of TOML with comments, as somebody would write them by hand."""

import textwrap
from collections.abc import Iterator
from typing import Final

from jobs.apis.described.writing import inline, key_of
from jobs.printable import printable
from jobs.texts import shortened

_WIDTH: Final = 116


def pair(name: str, value: object, remark: str = "") -> str:
    """Return a line `name = value`, with a remark behind it."""
    return f"{key_of(name)} = {inline(value)}{f'  # {printable(remark)}' if remark else ''}"


def comment(text: str) -> Iterator[str]:
    """Yield a text as lines of comments."""
    yield from (f"# {line}" for line in textwrap.wrap(printable(text), _WIDTH, break_on_hyphens=False))


def quoted(text: str, most: int = 160) -> str:
    """Return a text that others wrote as it may stand in a comment: on one line, short, and harmless."""
    return shortened(" ".join(printable(text).split()), most)
