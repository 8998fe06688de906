"""Number formats: whether a number is shown as a number, a day or a time. ECMA-376 part 1, 18.8.30 and 18.8.31."""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from jobs.formats.errors import InputRefused
from jobs.formats.stored import Kind
from jobs.formats.xlsx.markup import elements
from jobs.formats.xlsx.numbers import date_text, duration_text, moment_text, time_text
from jobs.formats.xlsx.package import DAMAGED, Package

MAX_STYLES: Final = 100_000
"""Most cell formats, and most number formats; Excel has room for 65,490."""

_MAX_PART: Final = 64 << 20
_LONGEST_CODE: Final = 1024

GENERAL: Final = "General"

BUILT_IN: Final[Mapping[int, str]] = {
    0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm", 37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;[Red](#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mmss.0",
    48: "##0.0E+0", 49: "@",
    # Dates and times of Chinese, Japanese and Korean (27-36, 50-58) and Thai (71-81) Excel, in one form each.
    **dict.fromkeys((27, 28, 29, 30, 31, 36, *range(50, 59), *range(71, 75), 81), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 75, 76, 78, 80), "h:mm:ss"), 77: "yyyy-mm-dd h:mm", 79: "[h]:mm:ss",
}  # fmt: skip
"""Formats that a workbook names by number alone."""

_ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_LITERAL: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]?|general|am/pm|a/p', re.IGNORECASE | re.DOTALL)
"""What is shown as it stands, or says colour, condition or language."""


class Shown(NamedTuple):
    """How a number format shows a number.

    Attributes:
        text: the text of a day or a time; None for a number that is shown as one.
    """

    kind: Kind
    text: Callable[..., str] | None = None


def shown_as(code: str) -> Shown:
    """Return how a number format shows a number."""
    if _ELAPSED.search(re.sub(r'"[^"]*"?|\\.', "", code)):
        return Shown(Kind.TIME, duration_text)
    letters = set(_LITERAL.sub("", code).lower())
    if letters & set("dy"):
        return Shown(Kind.DATE, moment_text if letters & set("hs") else date_text)
    if letters & set("hs"):
        return Shown(Kind.TIME, time_text)
    return Shown(Kind.DATE, date_text) if "m" in letters else Shown(Kind.NUMBER)


def read_formats(package: Package, name: str) -> list[str]:
    """Read the number format of each cell format of the workbook; `[General]` where there are no styles.

    Raises:
        InputRefused: the part breaks the rules of the format, or has more than 100,000 formats.
    """
    if not name:
        return [GENERAL]
    codes = dict(BUILT_IN)
    cells: list[str] = []
    with package.part(name, _MAX_PART) as part:
        for element in elements(part):
            if element.parent == "numFmts" and element.name == "numFmt":
                codes[_number(element.attributes.get("numFmtId"))] = element.attributes.get("formatCode", GENERAL)
            elif element.parent == "cellXfs" and element.name == "xf":
                code = codes.get(_number(element.attributes.get("numFmtId", "0")), GENERAL)
                cells.append(code[:_LONGEST_CODE])
            if max(len(cells), len(codes)) > MAX_STYLES:
                raise InputRefused(f"the workbook has more than {MAX_STYLES:,} cell formats: no spreadsheet has.")
    return cells or [GENERAL]


def _number(raw: str | None) -> int:
    if raw is None or not raw.isdecimal() or len(raw) > 9:  # digits of a 32-bit number
        raise InputRefused(f"{DAMAGED}: a number format has no number.")
    return int(raw)
