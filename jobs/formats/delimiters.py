"""Which character separates the cells of a sheet whose user did not say: the header decides, or nobody does."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from jobs.formats.errors import InputRefused

DELIMITERS: Final[Mapping[str, str]] = {
    ",": "--delimiter ','",
    ";": "--delimiter ';'",
    "\t": "--format tsv (or --delimiter with a tab)",
    "|": "--delimiter '|'",
}
"""Those that sheets are written with, each with the flag that says it."""

_DECLARATION: Final = re.compile(r'"?sep *= *(\\t|[^" \r\n\0])"?[,;|\t ]*[\r\n]*', re.IGNORECASE)
"""Excel's line, also as a program wrote it that took it for a cell: in quotes, and filled up with delimiters."""


def declared(line: str) -> str:
    """Return the delimiter that a first line like `sep=;` declares to Excel; empty for any other line."""
    found = _DECLARATION.fullmatch(line)
    return found[1].replace("\\t", "\t") if found else ""


def decided(headers: Mapping[str, Sequence[str]], keys: Sequence[str], said: str = "") -> str:
    """Return the delimiter of a sheet.

    Every sheet has a column that says which record is meant: the delimiter is the one by which the header has it.
    Without one, it is the only one that parts the header at all, and a comma where none does. What a line like `sep=;`
    says counts, unless only another one finds such a column: programs copy that line as they copy cells.

    Args:
        headers: the names of the columns by each delimiter that can read the header.
        keys: names of such columns, the likeliest first.
        said: what a line like `sep=;` says, or empty.

    Raises:
        InputRefused: several delimiters could be meant.
    """
    parting = [delimiter for delimiter, names in headers.items() if len(names) > 1]
    named = ([delimiter for delimiter in parting if name in headers[delimiter]] for name in keys)
    likely = next(filter(None, named), [] if said else parting)
    if said and (said in likely or not likely):
        return said
    if len(likely) > 1:
        flags = " or ".join(DELIMITERS[delimiter] for delimiter in likely)
        raise InputRefused(f"the header can be read in more than one way: say {flags}", line=1)
    return likely[0] if likely else ","
