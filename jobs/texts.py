"""Texts for messages: what the user wrote, made short; and lists."""

from collections.abc import Iterable, Sequence
from typing import Final

SHOWN: Final = 80
"""Characters of a cell that a report quotes."""


def shortened(text: str, most: int = SHOWN) -> str:
    """Shorten `text` to `most` characters; an ellipsis in the last place shows that something is missing."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:most])} and {more} more"


def either(words: Iterable[str]) -> str:
    """Join words as alternatives: `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
