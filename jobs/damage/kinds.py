"""What a text looks like: one kind a cell, as a spreadsheet or an export writes such things. Nothing is converted."""

import re
from typing import Final, Literal

Kind = Literal[
    "padded", "digits", "long", "point", "comma", "thousands", "percent", "scientific", "exponent", "power", "month",
    "date", "formula", "wrapped", "guarded", "currency", "uuid", "ten", "code", "word", "text", "error", "null",
    "boolean", "foreign",
]  # fmt: skip
"""The kind of a cell that is not empty.

padded: digits with a leading zero · digits: up to 15 of them · long: more than 15 · point, comma: a number with a
fraction · thousands: a number in groups of three (`1,200`) · percent: a number with its sign · scientific: as a
spreadsheet shows a large number · exponent: as programs write one (`1e+05`, `1.5E7`); what is small (`5e-05`) is a
point · power: digits with an E among them (`3e3`), a number or a code · month: a date as a spreadsheet shows one typed
as a code (`1-Mar`) · date: any other date · wrapped: `="00123"`, which makes a spreadsheet keep the zeros · guarded:
an apostrophe before what a spreadsheet would take for a formula or a number · ten: ten letters, as the ids of Commerce
Layer are · code: no spaces, a digit in it · word: no spaces, no digit · foreign: a boolean of a spreadsheet that speaks
another language.
"""

NUMBERS: Final[frozenset[Kind]] = frozenset({"padded", "digits", "long", "point", "comma", "scientific"})

SPREADSHEET_ERRORS: Final = frozenset({
    "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA",
    "#NV", "#BEZUG!", "#WERT!", "#ZAHL!",
})  # fmt: skip
"""What a spreadsheet shows where a formula failed (English and German); in an id column it is no comment."""

BOOLEANS_ELSEWHERE: Final = {
    "WAHR": True, "FALSCH": False, "VRAI": True, "FAUX": False, "VERDADERO": True, "FALSO": False, "VERO": True,
    "WAAR": True, "ONWAAR": False, "VERDADEIRO": True, "PRAWDA": True, "FAŁSZ": False, "SANT": True, "FALSKT": False,
    "ИСТИНА": True, "ЛОЖЬ": False,
}  # fmt: skip
"""How spreadsheets in other languages write TRUE and FALSE."""

_LONGEST: Final = 200
"""Characters beyond which a cell is prose, or data of its own, and is not looked at any closer."""

_MONTH: Final = (
    "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mrz|Mai|Okt|Dez|janv|févr|mars|avr|juin|juil|août|sept|déc"
    "|ene|abr|ago|dic|gen|mag|giu|lug|set|ott"
)

_WORDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(SPREADSHEET_ERRORS, "error"),
    **dict.fromkeys(("NULL", "null", "NaN", "nan", "None", "NaT", "<NA>", "(null)", "\\N", "undefined", "nil"), "null"),
    **dict.fromkeys(("TRUE", "FALSE", "True", "False", "true", "false"), "boolean"),
    **dict.fromkeys(BOOLEANS_ELSEWHERE, "foreign"),
}

_SHAPES: Final = re.compile(
    rf"""
    (?=[-0-9])(?:
        (?P<padded>0[0-9]++)
      | (?P<digits>-?(?:0|[1-9][0-9]{{0,14}}))
      | (?P<long>-?[1-9][0-9]{{15,}}+)
      | (?P<point>-?[0-9]++(?:\.[0-9]++(?:e-[0-9]{{1,3}})?|e-[0-9]{{1,3}}))
      | (?=-?[0-9]++[,.eE%'’\ \u00a0\u202f])(?:
          (?P<thousands>-?[1-9][0-9]{{0,2}}(?:(?:,[0-9]{{3}})++(?:\.[0-9]++)?|(?:\.[0-9]{{3}}){{2,}}+(?:,[0-9]++)?
          |(?:[\ \u00a0\u202f'’][0-9]{{3}})++(?:[.,][0-9]++)?))
        | (?P<percent>-?[0-9]++(?:[.,][0-9]++)?[\ \u00a0\u202f]?%)
        | (?P<comma>-?[0-9]++(?:\.[0-9]{{3}})*+,[0-9]++)
        | (?P<scientific>-?[0-9](?:[.,][0-9]++)?E[+-][0-9]{{2,3}})
        | (?P<point_>-?[0-9]++(?:\.[0-9]++)?E-[0-9]{{1,3}})
        | (?P<exponent>-?[0-9]++(?:[.,][0-9]*+[eE]\+?|[eE]\+)[0-9]{{1,3}})
        | (?P<power>-?[0-9]++[eE][0-9]{{1,3}})
      )
      | (?P<month>[0-9]{{1,2}}(?:-|\.\ ?)(?:{_MONTH})\.?(?:-[0-9]{{2,4}})?)
      | (?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T\ ][0-9:.]++(?:Z|[+-][0-9:]++)?)?
        |[0-9]{{1,2}}(?:\.[0-9]{{1,2}}\.|/[0-9]{{1,2}}/)[0-9]{{2,4}})
      | (?P<currency>-?[0-9][0-9.,']*+[\ \u00a0\u202f]?(?:[€$£¥]|EUR|USD|GBP|CHF))
      | (?P<uuid>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}})
    )
    | (?P<ten>[A-Za-z]{{10}})
    | (?=['=])(?:
        (?P<formula>=(?:[^\W\d_][\w.]*+\(.*+|[-+]?\$?[A-Z]{{0,3}}\$?[0-9]++(?:[-+*/&^].*+)?))
      | (?P<wrapped>="(?:[^"]|"")*+")
      | (?P<guarded>'(?:[=+@\t\r-].*+|[0-9][0-9.,:/\ -]*+'?+))
    )
    | (?P<currency_>[€$£¥][\ \u00a0\u202f]?-?[0-9][0-9.,']*+)
    | (?=[A-Za-zéû])(?:
        (?P<month_>(?:{_MONTH})\.?[-\ ][0-9]{{2}})
      | (?P<uuid_>[A-Fa-f][0-9A-Fa-f]{{7}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}})
    )
    | (?P<code>(?=\D*[0-9])\S++)
    | (?P<word>\S++)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Grouped by what a cell begins with, and without going back: most cells are told by the first few characters."""

_fullmatch: Final = _SHAPES.fullmatch
_KIND_OF_GROUP: Final[dict[int | None, Kind]] = {
    number: name.rstrip("_")  # type: ignore[misc]  # the groups are named after the kinds
    for name, number in _SHAPES.groupindex.items()
}


def kind_of(cell: str) -> Kind:
    """Return the kind of a cell that is not empty; `text` if it is none of the others."""
    if cell in _WORDS:
        return _WORDS[cell]
    if len(cell) > _LONGEST:
        return "text"
    found = _fullmatch(cell)
    return _KIND_OF_GROUP[found.lastindex] if found else "text"
