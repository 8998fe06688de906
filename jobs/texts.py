"""Text of the user's, made fit for a message."""

from typing import Final

SHOWN: Final = 80
"""Characters of a cell that a report quotes."""


def shortened(text: str) -> str:
    """At most `SHOWN` characters of `text`; the last is an ellipsis when something was left out."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
