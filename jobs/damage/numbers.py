"""What spreadsheets do to numbers, and to codes that they take for numbers."""

import re
from typing import Final

from jobs.damage.column import Seen, Sign, Tally, joined
from jobs.damage.kinds import Kind, kind_of
from jobs.damage.traits import SPREADSHEET_DIGITS, ends_in_zero, is_noise, is_rounded

_CODES: Final = frozenset({"id", "link", "text", "untyped"})
_PLAIN: Final[tuple[Kind, ...]] = ("digits", "point", "comma")
_NUMBERS: Final[tuple[Kind, ...]] = (
    "padded", "digits", "long", "point", "comma", "thousands", "scientific", "exponent", "power", "null",
)  # fmt: skip
"""All that may stand beside `3e3` if it is a number and no code."""

_SHOWN_BY_NATURE: Final = re.compile(
    r"zip|post_?(?:al_?)?code|postal|(?:^|[^a-z])plz|(?:^|[^a-z])(?:ean|gtin|upc|isbn|hs_?code)|barcode|routing|sort_?code",
    re.IGNORECASE,
)
"""Names of columns whose values have a fixed number of digits."""

_SHORTER: Final = 2
"""Zeros that a code of fixed width may lose where only the column's name says that the width is fixed."""


def leading_zeros(seen: Seen) -> Sign | None:
    """Report `123` among `00124` and `00125`: some of the codes went through a spreadsheet."""
    if seen.column.role not in _CODES:
        return None
    if not seen.padded:
        return _zeros_by_name(seen)
    known = sum(seen.padded.values())
    width, padded = seen.padded.most_common(1)[0]
    longer = _longer(seen, width) + seen.of("long")
    if known < 2 or padded * 10 < known * 9 or longer * 20 > padded:  # two are a pattern
        return None
    example = next((each.cell for each in seen.kinds["padded"].examples if len(each.cell) == width), "0" * width)
    return _shorter(seen, width, 1, f"{padded:,} cells are padded to {width} digits, such as {example}")


def _zeros_by_name(seen: Seen) -> Sign | None:
    """Report short codes that have no zeros left if the name, and most cells, say that the width is fixed."""
    if not (seen.widths and _SHOWN_BY_NATURE.search(seen.column.label)):
        return None
    width = max(seen.widths, key=lambda each: seen.widths[each].count)
    fixed, digits = seen.widths[width].count, seen.of("digits")
    longer = _longer(seen, width)
    if width <= 4 or longer or fixed < 5 or fixed * 10 < digits * 7 or digits * 20 < seen.total * 19:
        return None
    return _shorter(seen, width, width - _SHORTER, f"{fixed:,} cells have {width} digits")


def _shorter(seen: Seen, width: int, least: int, why: str) -> Sign | None:
    short = [tally for digits, tally in seen.widths.items() if least <= digits < width]
    if not short:
        return None

    def matches(cell: str) -> bool:
        return least <= len(cell) < width and kind_of(cell) == "digits"

    return seen.sign("leading_zeros_lost", joined(short), f"{why}; these are shorter", matches)


def scientific(seen: Seen) -> Sign | None:
    """Report `1.23457E+15`, as a spreadsheet shows it, `1e+05` and `1.5E7`; `3e3` only where no codes are.

    A column that takes numbers may have `1e+05`, which is as good as 100000; what a spreadsheet shows has lost digits.
    """
    found: set[Kind] = {"scientific"}
    if seen.column.role in _CODES:
        found.add("exponent")
        if seen.of("power") < seen.total == seen.of(*_NUMBERS):
            found.add("power")
    elif seen.column.role != "number":
        return None
    tallies = [tally for kind in sorted(found) if (tally := seen.kinds.get(kind))]
    if not tallies:
        return None
    tally = joined(tallies)
    why = f"{tally.count:,} of {seen.total:,} cells are written as spreadsheets and programs show long numbers"
    return seen.sign("scientific_notation", tally, why, lambda cell: kind_of(cell) in found)


def digits_lost(seen: Seen) -> Sign | None:
    """Report numbers of over 15 digits if all end in zeros; by chance, one digit in ten is a zero."""
    tally = seen.traits.get("rounded", Tally())
    others = seen.of("long") - tally.count
    if seen.zeros < 4 or others * 20 > tally.count:  # less than once in ten thousand
        return None
    why = f"{tally.count:,} of {tally.count + others:,} long numbers are zeros behind the {SPREADSHEET_DIGITS}th digit"
    return seen.sign("digits_lost", tally, why, lambda cell: kind_of(cell) == "long" and is_rounded(cell))


def decimal_comma(seen: Seen) -> Sign | None:
    """Report `12,50` among `12.50`: both would be stored as they stand."""
    tally = seen.kinds.get("comma")
    points = seen.of("point")
    if tally is None or not points or seen.column.role not in {"text", "untyped"} or not _mostly_numbers(seen):
        return None
    why = f"{points:,} numbers of the column have a decimal point"
    return seen.sign("decimal_comma", tally, why, lambda cell: kind_of(cell) == "comma")


def currency(seen: Seen) -> Sign | None:
    """Report `€12.50` among `12.50`."""
    tally = seen.kinds.get("currency")
    plain = seen.of(*_PLAIN)
    if tally is None or plain < tally.count or seen.column.role not in {"text", "untyped"} or not _mostly_numbers(seen):
        return None
    why = f"{plain:,} numbers of the column have no currency sign"
    return seen.sign("currency_sign", tally, why, lambda cell: kind_of(cell) == "currency")


def percent(seen: Seen) -> Sign | None:
    """Report `12%` among `0.5`."""
    tally = seen.kinds.get("percent")
    plain = seen.of(*_PLAIN)
    if tally is None or not plain or seen.column.role not in {"text", "untyped"} or not _mostly_numbers(seen):
        return None
    why = f"{plain:,} numbers of the column have no such sign"
    return seen.sign("percent_sign", tally, why, lambda cell: kind_of(cell) == "percent")


def thousands(seen: Seen) -> Sign | None:
    """Report `1,200` among `950`; among `12,50` it is a fraction."""
    tally = seen.kinds.get("thousands")
    plain = seen.of("digits", "point")
    if tally is None or not plain or seen.of("comma") or seen.column.role not in {"text", "untyped"}:
        return None
    if not _mostly_numbers(seen):
        return None
    why = f"{plain:,} numbers of the column have no separator"
    return seen.sign("thousands_separator", tally, why, lambda cell: kind_of(cell) == "thousands")


def whole_as_decimal(seen: Seen) -> Sign | None:
    """Report a column of nothing but `10045.0`: whole numbers that went through a column of decimals."""
    tally = seen.traits.get("whole")
    if tally is None or seen.column.role not in _CODES or tally.count + seen.of("null") != seen.total:
        return None
    why = f"all {tally.count:,} numbers of the column end in .0"
    return seen.sign("whole_number_as_decimal", tally, why, ends_in_zero)


def noise(seen: Seen) -> Sign | None:
    """Report `0.30000000000000004`: the 17 digits of a rounded sum."""
    tally = seen.traits.get("noise")
    if tally is None or seen.column.role not in {"text", "untyped", "number"}:
        return None
    why = f"{tally.count:,} of {seen.total:,} cells have a run of 0 or 9 before their last digits"
    return seen.sign("rounding_noise", tally, why, is_noise)


def mixed(seen: Seen) -> Sign | None:
    """Report a few words (`12 kg`, `tbd`) in a column of numbers; codes of letters and digits are no words."""
    words = [tally for kind in ("word", "text") if (tally := seen.kinds.get(kind))]
    strange = sum(tally.count for tally in words)
    numbers = seen.of("digits", "point", "comma", "thousands", "padded", "long")
    if seen.column.role not in {"text", "untyped"} or not strange or seen.of("code", "power", "ten", "uuid"):
        return None
    if seen.total < 20 or numbers * 20 < seen.total * 19:  # too few to tell, or no column of numbers
        return None
    why = f"{numbers:,} of {seen.total:,} cells are numbers"
    return seen.sign("mixed_types", joined(words), why, lambda cell: kind_of(cell) in {"word", "text"})


def _longer(seen: Seen, width: int) -> int:
    return sum(tally.count for digits, tally in seen.widths.items() if digits > width)


def _mostly_numbers(seen: Seen) -> bool:
    return seen.of("digits", "point", "comma", "currency", "thousands", "percent") * 5 >= seen.total * 4
