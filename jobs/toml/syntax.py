"""Text that is no TOML, in plain words: the place, and the trap that people usually fall into."""

import re
from collections.abc import Callable
from typing import Final

from jobs.toml.lines import layout_of
from jobs.toml.problems import Problem

_PLACE: Final = re.compile(r" \(at line (?P<line>\d+), column (?P<column>\d+)\)$")
_TWICE: Final = re.compile(r"Cannot (?:declare|overwrite|mutate|redefine)|Duplicate inline table key")
_DIGITS: Final = re.compile(r"\d{4000,}")
_OPEN_BRACE: Final = re.compile(r"=\s*\{[^{}=]*")
_CURLY: Final = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_IN_QUOTES: Final = 'a text needs quotes, key = "text", and each key a line of its own'
_ESCAPED: Final = (
    "in double quotes a backslash begins an escape: write it twice, or put the text into single quotes: '…'"
)


def explained(text: str, message: str) -> Problem:
    """Return what is wrong with a text.

    Args:
        text: that is no TOML; it ends with a line break.
        message: of `tomllib`, or of the interpreter about a number.
    """
    place = _PLACE.search(message)
    if place is None:
        return _unended(text, message)
    line, column = int(place["line"]), int(place["column"])
    if _TWICE.match(message):
        return _repeated(text, line)
    shown = text.split("\n")[line - 1]
    explain = next((explain for begins, explain in _TRAPS if message.startswith(begins)), None)
    said = explain(shown[: column - 1], shown[column - 1 :]) if explain else f"no TOML: {message[: place.start()]}"
    return Problem((), f"column {column}: {said}", line=line)


def _unended(text: str, message: str) -> Problem:
    """Explain what only the end of the text has shown, or a number that no computer takes."""
    if digits := _DIGITS.search(text):
        return Problem((), "a number has thousands of digits", line=_line_of(text, digits.start()))
    if "'''" in message or "Unterminated" in message:
        begins = max(text.rfind('"""'), text.rfind("'''"))
        return Problem((), "a text that begins with three quotes never ends", line=_line_of(text, begins))
    return Problem((), "a list is not closed: `]` is missing", line=_line_of(text, len(text.rstrip())))


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _repeated(text: str, line: int) -> Problem:
    found = layout_of("\n".join(text.split("\n")[:line])).repeated
    if found is None:
        return Problem((), "a key or table stands here for a second time, in another form", line=line)
    return Problem(found.path, f"it stands here a second time (first in line {found.first}): keep one", line=found.line)


def _value(_: str, after: str) -> str:
    if not after.strip() or after.startswith("#"):
        return "a value is missing after `=`"
    if after[:4].lower() == "true" or after[:5].lower() == "false":
        return "true and false are written in small letters"
    if after[0] in _CURLY:
        return 'write straight quotes ("), not those of a word processor'
    return _IN_QUOTES


def _after_value(before: str, after: str) -> str:
    if after.startswith("="):
        return "there is a second `=`; a text that holds one needs quotes"
    if not before.rstrip().endswith(('"', "'")):
        return _IN_QUOTES
    return "each key has a line of its own; a text that holds quotes stands in the other kind: '…\"…'"


def _key(before: str, after: str) -> str:
    if _OPEN_BRACE.search(before):
        return 'a text with braces needs quotes: "{id}"; a table in braces is { key = value }'
    if after.startswith(":"):
        return "write `=` between key and value, not `:`"
    return 'write key = value; a key with other characters than letters, digits, _ and - needs quotes: "a b" = …'


def _statement(_: str, after: str) -> str:
    if after.startswith("="):
        return "the key before `=` is missing"
    return 'a key with other characters than letters, digits, _ and - needs quotes: "/a/b" = …'


def _in_braces(_: str, __: str) -> str:
    return (
        "a table in braces stands on one line, with commas between its keys and none behind the last;"
        " give a longer one a header of its own, […]"
    )


def _character(_: str, after: str) -> str:
    return "the quotes are not closed on this line" if not after else "a control character: remove it, or escape it"


def _list(_: str, __: str) -> str:
    return "a list needs a comma between its elements, and `]` at its end"


def _header(_: str, __: str) -> str:
    return "a header is [name] or [[name]], alone on its line; a name with other characters needs quotes"


def _escape(_: str, __: str) -> str:
    return _ESCAPED


_TRAPS: Final[tuple[tuple[str, Callable[[str, str], str]], ...]] = (
    ("Invalid value", _value),
    ("Expected newline or end of document", _after_value),
    ("Expected '='", _key),
    ("Invalid statement", _statement),
    ("Invalid initial character for a key part", _in_braces),
    ("Unclosed inline table", _in_braces),
    ("Illegal character", _character),
    ("Unclosed array", _list),
    ("Expected ']", _header),
    ("Unescaped", _escape),
    ("Escaped character", _escape),
    ("Invalid hex value", _escape),
)
"""By the beginning of what `tomllib` says; each explains by what stands before and behind the place."""
