"""The names of a sheet's columns, and which of its rows holds them."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from jobs.formats.errors import InputRefused
from jobs.formats.stored import Fault
from jobs.texts import shortened
from jobs.values import valueclass

MAX_COLUMNS: Final = 16_384
"""Most columns a sheet has: those of the largest spreadsheets (A to XFD)."""

LOOKED_AT: Final = 50
"""Rows among which a header is looked for."""

_MARKUP: Final = re.compile(r"\s*<(?:!doctype|!--|\?xml|html|head|body|table|meta|style)\b", re.IGNORECASE)

_JSON: Final = re.compile(r"\s*(?:\[\s*)?\{\s*\"|\s*\[\s*$")


@valueclass(frozen=True, slots=True)
class Keys:
    """Names of the columns that say what a row is about.

    Attributes:
        parts: of the record's key, the one that tells most records apart first.
        finders: fields by which a record is looked up in a sheet without that part.
        type: the column with the type of the record; empty where it would be a field.
    """

    parts: tuple[str, ...] = ("id",)
    finders: tuple[str, ...] = ("reference",)
    type: str = "type"

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that say which record is meant, the likeliest first."""
        return (*self.parts, *self.finders)

    def among(self, header: Sequence[str]) -> frozenset[str]:
        """Return the names in a header that say what a row is about, and are no values."""
        is_named = not self.parts or self.parts[0] in header
        finders = () if is_named else (*self.finders, *(f"{name}:str" for name in self.finders))
        return frozenset({*self.parts, *finders, self.type}).intersection(header)


COMMON_KEYS: Final = Keys()
"""Those of most sheets."""


def checked_names(header: list[str], line: int, label: Callable[[int], str]) -> list[str]:
    """Return the names of columns, if each has one of its own.

    Args:
        header: the names.
        line: on which they stand.
        label: what a column without a name is called, by its 0-based position.

    Raises:
        InputRefused: there are too many, or one is empty or there twice.
    """
    if len(header) > MAX_COLUMNS:
        raise InputRefused(f"the header has {len(header):,} columns; a sheet has {MAX_COLUMNS:,} at most", line=line)
    seen: dict[str, int] = {}
    for index, name in enumerate(header):
        if not name:
            raise InputRefused(f"column {label(index)} has no name: name it, or delete it", line=line)
        if name in seen:
            both = f"columns {label(seen[name])} and {label(index)}"
            raise InputRefused(
                f"{both} are both `{name}`", line=line, column=name, outline=f"{both} have the same name"
            )
        seen[name] = index
    return header


def key_of(header: Sequence[str], keys: Keys) -> int:
    """Return the position of the column that says which record is meant; the first one where no name says so."""
    return next((header.index(name) for name in keys.names if name in header), 0)


def unnamed(cells: Sequence[str], place: str) -> Fault:
    """Return the fault of a row whose last cell, which is not empty, stands beyond the columns that have names.

    Args:
        cells: of the row.
        place: of the last cell.
    """
    said = f"{place} has `{shortened(cells[-1])}`, and its column has no name in the header"
    two = "" if cells[0] else "; if the header has two rows, write it as one"
    return Fault(len(cells) - 1, "column_unnamed", f"{said}{two}")


def later_header(rows: Iterable[tuple[int, Sequence[str]]], keys: Keys = COMMON_KEYS) -> tuple[int, list[str]] | None:
    """Return the first row that looks like a header if it is not the first row at all: its line and its names.

    Args:
        rows: from the first on, with their lines; one line may come several times, as different delimiters part it.
        keys: columns that say which record is meant.
    """
    first = None
    for line, cells in rows:
        first = line if first is None else first
        names = [name for name in cells if name]
        if is_header(names, keys):
            return None if line == first else (line, names)
    return None


def is_header(names: Sequence[str], keys: Keys) -> bool:
    """Return whether texts look like the names of columns: one of them says which record is meant, none comes twice."""
    return any(key in names for key in keys.names) and len(set(names)) == len(names) > 1


def refuse_other_format(start: str, line: int = 1) -> None:
    """Check that a sheet does not begin as another format does.

    Args:
        start: of its text.
        line: on which that stands.

    Raises:
        InputRefused: it is a web page, or JSON.
    """
    if _MARKUP.match(start):
        raise InputRefused(
            "this is HTML or XML, not a sheet: perhaps the page of a login, or an export that is only named like one."
            " Open it in a spreadsheet program, and save it as CSV (UTF-8)",
            line=line,
        )
    if _JSON.match(start):
        raise InputRefused(
            f"this is no sheet, but looks like JSON ({start[:40].strip()}): say --format ndjson", line=line,
            outline="this is no sheet, but looks like JSON: say --format ndjson",
        )  # fmt: skip
