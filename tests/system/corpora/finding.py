"""What one fixture came to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fixture that was read.

    Attributes:
        corpus: which one. `name`: of the fixture.
        deviation: how the outcome differs from what the corpus expects, in one line; empty when it does not.
        crashed: an exception came out that is none of the program's own refusals.
    """

    corpus: str
    name: str
    deviation: str = ""
    crashed: bool = False
