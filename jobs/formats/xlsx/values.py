"""What a cell stores -> its text, and how it was stored. ECMA-376 part 1, 18.3.1.4 and 18.18.11."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from jobs.formats.stored import Kind, Stored
from jobs.formats.xlsx.formats import shown_as
from jobs.formats.xlsx.numbers import NotADate, NotANumber, number_text
from jobs.formats.xlsx.texts import SharedStrings, unescaped
from jobs.texts import shortened

Convert = Callable[[str], str]

_ISO_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?|\d\d:\d\d(?::\d\d(?:\.\d+)?)?", re.ASCII
)
_NO_DATE: Final = "#####"
"""What a spreadsheet shows for a date that is none."""


_MAX_WAYS: Final = 10_000
"""Ways to read a cell that are remembered: a damaged workbook can write one style in very many ways."""


class CellFault(Exception):
    """A cell has no text that could be sent.

    Attributes:
        reason: code of `jobs.reasons`. `message`: what is wrong. `shown`: what reports have in its place.
    """

    def __init__(self, reason: str, message: str, shown: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message
        self.shown = shown


class CellDamaged(Exception):
    """A cell breaks the rules of the format, so that nothing in the file can be trusted. `str()` says how."""


class Values:
    """What the cells of one workbook mean.

    Args:
        strings: the table of shared strings.
        formats: number format of each cell format.
        since_1904: which of the two calendars the workbook counts days by.
        stale: the workbook says itself that the results of its formulas are none until they are calculated anew.
    """

    def __init__(self, strings: SharedStrings, formats: Sequence[str], *, since_1904: bool, stale: bool) -> None:
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._stale = stale
        self._ways: dict[tuple[str, str, bool], tuple[Convert, Stored]] = {}

    def text_of(self, kind: str, style: str, raw: str, formula: str | None) -> tuple[str, Stored]:
        """Return the text of a cell that stores something, and how it was stored.

        Args:
            kind: its attribute `t`.
            style: its attribute `s`.
            raw: its value, as text.
            formula: what makes the value, or None.

        Raises:
            CellFault: it has no text that could be sent.
            CellDamaged: it breaks the rules of the format.
        """
        key = kind, style, formula is not None
        way = self._ways.get(key)
        if way is None:
            if len(self._ways) >= _MAX_WAYS:
                self._ways.clear()
            way = self._ways[key] = self._way(*key)
        convert, stored = way
        if formula is not None and (self._stale or not (raw or kind == "str")):
            raise CellFault("formula_not_calculated", "has a formula whose result is not stored", f"={formula}"[:1000])
        try:
            return convert(raw), stored
        except NotADate as error:
            raise CellFault("date_impossible", str(error), _NO_DATE) from None
        except NotANumber:
            raise CellDamaged(f"`{shortened(raw)}` is no number") from None

    def stored(self, kind: str, style: str, formula: str | None) -> Stored:
        """Return how a cell was stored whose text is of no use."""
        return self._ways[kind, style, formula is not None][1]

    def _way(self, kind: str, style: str, formula: bool) -> tuple[Convert, Stored]:
        if not (style.isdecimal() and len(style) < 7 and int(style) < len(self._formats)):  # longer is no index
            raise CellDamaged(f"it has a style, {shortened(style)}, that the workbook does not have")
        code = self._formats[int(style)]
        if kind == "n":
            shown = shown_as(code)
            text = number_text if shown.text is None else partial(shown.text, since_1904=self._since_1904)
            return text, Stored(shown.kind, code, formula)
        if kind == "s":
            return self._shared, Stored(Kind.TEXT, code, formula)
        if kind not in _OF_KIND:
            raise CellDamaged(f"it is of a type, `{shortened(kind)}`, that no cell has")
        stored, convert = _OF_KIND[kind]
        return convert, Stored(stored, code, formula)

    def _shared(self, raw: str) -> str:
        try:
            return self._strings[int(raw)]
        except (ValueError, IndexError):
            raise CellDamaged(f"there is no shared text of number {shortened(raw)}") from None


def _boolean(raw: str) -> str:
    try:
        return {"1": "true", "0": "false", "true": "true", "false": "false"}[raw.strip()]
    except KeyError:
        raise CellDamaged(f"`{shortened(raw)}` is neither true nor false") from None


def _error(raw: str) -> str:
    raise CellFault("cell_error", f"holds an error, {shortened(raw)}", raw)


def _iso_date(raw: str) -> str:
    if not _ISO_DATE.fullmatch(raw):
        raise CellDamaged(f"`{shortened(raw)}` is no date")
    return raw


_OF_KIND: Final[dict[str, tuple[Kind, Convert]]] = {
    "str": (Kind.TEXT, unescaped),  # the result of a formula
    "inlineStr": (Kind.TEXT, unescaped),
    "b": (Kind.BOOLEAN, _boolean),
    "e": (Kind.ERROR, _error),
    "d": (Kind.DATE, _iso_date),
}
"""By the attribute `t` of a cell. Apart: shared texts, and numbers, which are what their format makes of them."""
