"""The list of what a document says can be updated, for a person who has to choose."""

from collections.abc import Iterator, Sequence
from typing import Final

from jobs.apis.openapi.candidates import Candidate
from jobs.apis.openapi.toml import quoted

MOST: Final = 8
"""Types of records in one draft: more would be a file that nobody reads."""

_WIDEST: Final = 40


def index(found: Sequence[Candidate]) -> str:
    """Return a line for each candidate: its name, the method, the path and what the vendor calls it."""
    return "\n".join(_lines(found))


def _lines(found: Sequence[Candidate]) -> Iterator[str]:
    width = min(_WIDEST, max((len(each.name) for each in found), default=0))
    for each in found:
        summary = f"  {quoted(each.summary, 60)}" if each.summary else ""
        yield f"{each.name:<{width}}  {each.method:<5}  {quoted(each.path, 200)}{summary}"
