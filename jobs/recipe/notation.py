"""Cells in the notation of an export: `1.234,50`, `31.01.2026`, `Ja`. Exactly, or not at all.

Numbers are computed as whole numbers with a count of decimal places; nothing is rounded. A mark that could be read in
two ways is refused, never guessed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final, TypeAlias

from jobs.formats.stored import Kind
from jobs.model import JSON
from jobs.recipe.view_model import ColumnRecipe, Scalar
from jobs.strict_json import NotStrictJSON, exact_float
from jobs.texts import either, shortened
from jobs.values import valueclass

_LONGEST: Final = 100
"""Characters of a number beyond which nobody means one."""

_SPACES: Final = " \u00a0\u2009\u202f"
_BLANK: Final = " \t\u00a0\u202f"
_MARKS: Final = (",", ".", "'", " ")
_DIGITS: Final = re.compile(r"[0-9]*")
_CANONICAL: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_FACTOR: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_DIRECTIVE: Final = re.compile(r"%(.?)", re.DOTALL)

DIRECTIVES: Final[Mapping[str, str]] = {
    "d": "day", "m": "month", "Y": "year", "y": "year without its century (69 is 1969, 68 is 2068)", "H": "hour",
    "M": "minute", "S": "second", "f": "fraction of a second", "z": "offset from UTC", "%": "a per cent sign",
}  # fmt: skip
"""What a form of dates may hold behind `%`: nothing that depends on the language of a machine."""

_TIMES: Final = frozenset("HMSfz")


class Unfit(Exception):
    """A cell is not in the notation of its column; the message says what it needs."""


@valueclass(frozen=True, slots=True)
class Exact:
    """A number: `digits` divided by ten as often as it has decimal `places`."""

    digits: int
    places: int

    def times(self, other: "Exact") -> "Exact":
        """Return the product."""
        return Exact(self.digits * other.digits, self.places + other.places)

    def short(self) -> "Exact":
        """Return the same number without zeros at the end of its decimal places."""
        digits, places = self.digits, self.places
        while places and digits % 10 == 0:
            digits, places = digits // 10, places - 1
        return Exact(digits, places)

    def text(self) -> str:
        """Return the number with a decimal point, as JSON has it."""
        if not self.places:
            return str(self.digits)
        sign, digits = "-" if self.digits < 0 else "", str(abs(self.digits)).rjust(self.places + 1, "0")
        return f"{sign}{digits[: -self.places]}.{digits[-self.places :]}"


@valueclass(frozen=True, slots=True)
class Numbers:
    """Numbers as an export writes them.

    Attributes:
        decimal: their decimal mark.
        thousands: the mark between groups of three digits; empty if nobody said one.
        factor: what they are multiplied by; None to keep them as they are written.
        whole: what becomes of them must be whole.
        native: kinds of a workbook's cells of which `stored` knows the text: it has one form in every country.
    """

    native: ClassVar[frozenset[Kind]] = frozenset({Kind.NUMBER})
    decimal: str = "."
    thousands: str = ""
    factor: Exact | None = None
    whole: bool = False

    def text(self, cell: str) -> str:
        """Return the number that a cell says, as JSON has it. Raise `Unfit`."""
        return self._result(self._read(cell), cell)

    def stored(self, text: str) -> str:
        """Return the same for a number that a workbook holds, which has a decimal point. Raise `Unfit`."""
        if not _CANONICAL.fullmatch(text) or len(text) > _LONGEST:
            raise Unfit("needs a number")
        sign, digits, exponent = Decimal(text).as_tuple()
        whole = int("".join(map(str, digits))) * (-1 if sign else 1)
        places = -int(exponent)
        return self._result(Exact(whole, places) if places >= 0 else Exact(whole * 10**-places, 0), text)

    def value(self, value: JSON) -> JSON:
        """Return the number that a member of an object says, as text or as a number. Raise `Unfit`."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Unfit(self._wanted())
        text = self.text(value) if isinstance(value, str) else self.stored(repr(value))
        try:
            return exact_float(text) if "." in text else int(text)
        except NotStrictJSON as error:
            raise Unfit(error.message) from None

    def _result(self, number: Exact, cell: str) -> str:
        if self.factor is not None:
            number = number.times(self.factor).short()
        if self.whole:
            number = number.short()
            if number.places:
                said = "" if self.factor is None else f" times {self.factor.text()}"
                raise Unfit(f"needs a whole number: {shortened(cell, 40)}{said} has a fraction")
        return number.text()

    def _read(self, cell: str) -> Exact:
        """Return the number that a cell says. Raise `Unfit`."""
        body = cell.strip(_BLANK)
        negative = body[:1] == "-" or body[-1:] == "-"
        body = body[1:] if body[:1] in {"-", "+"} else body.removesuffix("-")
        whole, mark, fraction = body.partition(self.decimal)
        digits = self._ungrouped(whole, has_fraction=bool(mark), cell=cell) + fraction
        if len(body) > _LONGEST or not digits or not _DIGITS.fullmatch(digits) or (mark and not fraction):
            raise Unfit(self._wanted())
        return Exact(-int(digits) if negative else int(digits), len(fraction))

    def _ungrouped(self, whole: str, *, has_fraction: bool, cell: str) -> str:
        """Return the digits before the decimal mark without the marks between groups of three. Raise `Unfit`."""
        if not whole or _DIGITS.fullmatch(whole):
            return whole
        first, *groups = re.split(self._marks_in(whole), whole)
        if not (groups and 1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)):
            raise Unfit(self._wanted())
        if not self.thousands and not has_fraction and len(groups) == 1:
            mark = whole[len(first)]
            raise Unfit(
                f"`{shortened(cell, 40)}` can be read in two ways: if `{mark}` parts thousands, say"
                f' thousands = "{" " if mark in _SPACES else mark}" in the recipe'
            )
        return "".join((first, *groups))

    def _marks_in(self, whole: str) -> str:
        """Return the pattern of the mark that parts groups: the one that was said, or the first one there is."""
        found = next((each for each in whole if each in "".join(_MARKS) + _SPACES), "")
        mark = self.thousands or (" " if found and found in _SPACES else found)
        if not mark:
            raise Unfit(self._wanted())
        return f"[{_SPACES}]" if mark == " " else re.escape(mark)

    def _wanted(self) -> str:
        grouped = f"1{self.thousands}234" if self.thousands else "1234"
        return f"needs a number such as {grouped}{self.decimal}50"


@valueclass(frozen=True, slots=True)
class Dates:
    """Dates, or dates with a time of day, in a form of `strptime`."""

    native: ClassVar[frozenset[Kind]] = frozenset({Kind.DATE, Kind.TIME})
    form: str

    def text(self, cell: str) -> str:
        """Return the date as ISO 8601 has it, with a time if the form has one. Raise `Unfit`."""
        try:
            found = datetime.strptime(cell.strip(_BLANK), self.form)  # noqa: DTZ007  # a zone only where the form has one
        except ValueError:
            raise Unfit(f"needs a date such as {self._example()}, which exists") from None
        return found.isoformat() if self._has_time else found.date().isoformat()

    def stored(self, text: str) -> str:
        """Return a date of a workbook as it is: it has the form of ISO 8601 already."""
        return text

    def value(self, value: JSON) -> JSON:
        """Return the date that a member of an object says. Raise `Unfit`."""
        if not isinstance(value, str):
            raise Unfit(f"needs a date such as {self._example()}, in quotes")
        return self.text(value)

    @property
    def _has_time(self) -> bool:
        return not _TIMES.isdisjoint(_DIRECTIVE.findall(self.form))

    def _example(self) -> str:
        return datetime.fromisoformat("2026-01-31T09:30:00+00:00").strftime(self.form)


@valueclass(frozen=True, slots=True)
class Mapped:
    """Texts that stand for values."""

    native: ClassVar[frozenset[Kind]] = frozenset()
    values: Mapping[str, Scalar]

    def text(self, cell: str) -> str:
        """Return the text of the value that a cell stands for. Raise `Unfit`."""
        return text_of(self._of(cell))

    def stored(self, text: str) -> str:
        """Return the same for a cell of a workbook. Raise `Unfit`."""
        return self.text(text)

    def value(self, value: JSON) -> JSON:
        """Return the value that a member of an object stands for. Raise `Unfit`."""
        if not isinstance(value, str | int | float):
            raise Unfit(self._wanted())
        return self._of(text_of(value))

    def _of(self, cell: str) -> Scalar:
        try:
            return self.values[cell]
        except KeyError:
            raise Unfit(self._wanted()) from None

    def _wanted(self) -> str:
        return f"needs {shortened(either(self.values), 120)}, as the map in the recipe says"


Notation: TypeAlias = Numbers | Dates | Mapped


def notation_of(column: ColumnRecipe, *, whole: bool = False) -> Notation | None:
    """Return the notation of a column whose recipe has been checked; None for cells that are taken as they are.

    Args:
        column: as the recipe has it.
        whole: its field takes whole numbers only.
    """
    if column.map:
        return Mapped(column.map)
    if column.date:
        return Dates(column.date)
    if column.decimal is None and column.thousands is None and column.times is None:
        return None
    factor = None if column.times is None else factor_of(column.times)
    decimal = column.decimal or ("," if column.thousands == "." else ".")
    return Numbers(decimal, column.thousands or "", factor, whole)


def factor_of(times: str | int) -> Exact | None:
    """Return the factor that a recipe says; None for a text that is none."""
    text = str(times)
    if not _FACTOR.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    return Exact(int(whole + fraction), len(fraction))


def date_fault(form: str) -> str:
    """Explain what is wrong with a form of dates; empty if nothing is."""
    found = _DIRECTIVE.findall(form)
    if unknown := [each for each in found if each not in DIRECTIVES]:
        known = ", ".join(f"%{each} ({meaning})" for each, meaning in DIRECTIVES.items())
        return f"`%{unknown[0]}` has no meaning here; there are {known}"
    if len(set(found) - {"%"}) < len(found) - found.count("%"):
        return "it has one part twice"
    if not ({"d", "m"} <= set(found) and {"Y", "y"} & set(found)):
        return "a date needs its day, month and year: `%d.%m.%Y`"
    return ""


def text_of(value: Scalar) -> str:
    """Return a value of a recipe as a cell of a sheet has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
