"""The leading apostrophe that keeps a spreadsheet from taking a cell for a formula.

See OWASP, "CSV Injection". An apostrophe is itself among the characters, so that taking one off again is exact.
"""

from collections.abc import Iterable
from typing import Final

RISKY: Final = frozenset("=+-@\t\r\n'")
"""A cell that begins with one of these gets an apostrophe before it."""


def quoted(cell: str) -> str:
    """`cell` as a results file holds it."""
    return "'" + cell if cell[:1] in RISKY else cell


def all_quoted(cells: Iterable[str]) -> list[str]:
    """The same for many cells, which a million rows have: without a call for each."""
    return ["'" + cell if cell[:1] in RISKY else cell for cell in cells]


def unquoted(cell: str) -> str:
    """The inverse of `quoted`, for a results file that is fed back; takes off one apostrophe at most."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in RISKY else cell
