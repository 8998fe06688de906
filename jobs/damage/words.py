"""Words that a program or a spreadsheet left behind where a value should be."""

from dataclasses import replace
from typing import Final

from jobs.damage.column import Seen, Sign
from jobs.damage.kinds import Kind, kind_of

_TEXTS: Final = frozenset({"text", "untyped"})

_UNWRAP: Final = (
    'Export without =" and ", or take them off in a text editor. A spreadsheet does it, too: open the file there, and '
    "save it as CSV under another name."
)


def spreadsheet_error(seen: Seen) -> Sign | None:
    """Report `#N/A` and `#REF!`: in an id or a link they refuse the row, in a text they would be stored."""
    return _each(seen, "error", "spreadsheet_error", "this is what a spreadsheet shows where a formula failed")


def formula(seen: Seen) -> Sign | None:
    """Report `=VLOOKUP(A2,B:C,2)`: the file was written without its values."""
    return _each(seen, "formula", "formula_text", "these begin with = like a formula")


def wrapped(seen: Seen) -> Sign | None:
    """Report `="00123"`, which exports write so that a spreadsheet keeps the zeros: here it would be stored."""
    sign = _each(seen, "wrapped", "formula_text", 'these are texts in =" and ", as exports write them for spreadsheets')
    return sign and replace(sign, action=_UNWRAP)


def guarded(seen: Seen) -> Sign | None:
    """Report `'007` and `'=1+1`: the apostrophe was for a spreadsheet, which hides it."""
    return _each(seen, "guarded", "guarded_cell", "an apostrophe stands before digits, or a sign that begins a formula")


def null_word(seen: Seen) -> Sign | None:
    """Report `NULL` and `nan`, which exports write for a missing value."""
    return _each(seen, "null", "null_word", "an export writes this for a missing value")


def foreign_boolean(seen: Seen) -> Sign | None:
    """Report `WAHR` in a column of booleans, where it means TRUE."""
    booleans = seen.of("foreign", "boolean")
    if booleans * 2 < seen.total:
        return None
    why = f"{booleans:,} of {seen.total:,} cells are true or false in some language"
    return _each(seen, "foreign", "foreign_boolean", why)


def boolean_as_text(seen: Seen) -> Sign | None:
    """Report a `metadata` key of nothing but TRUE and FALSE: without `:bool` in the header they are texts."""
    if seen.column.role != "untyped" or seen.of("boolean") != seen.total:
        return None
    return _each(seen, "boolean", "boolean_as_text", f"all {seen.total:,} cells are true or false")


def _each(seen: Seen, kind: Kind, code: str, why: str) -> Sign | None:
    tally = seen.kinds.get(kind)
    if tally is None or seen.column.role not in _TEXTS:
        return None
    return seen.sign(code, tally, why, lambda cell: kind_of(cell) == kind)
