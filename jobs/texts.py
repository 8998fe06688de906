"""Text of the user's, made fit for a message."""

from typing import Final

SHOWN: Final = 80
"""Characters of a cell that a report quotes."""


def shortened(text: str, most: int = SHOWN) -> str:
    """At most `most` characters of `text`; the last is an ellipsis when something was left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
