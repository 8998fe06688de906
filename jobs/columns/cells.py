"""One cell: from text, or from a JSON value, to the value that is sent. Exactly, or not at all."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal

from jobs.columns.problems import RowRefused
from jobs.damage.kinds import SPREADSHEET_ERRORS
from jobs.model import JSON
from jobs.strict_json import NotStrictJSON, exact_float, parse
from jobs.texts import shortened

Wanted = Literal["any", "string", "date", "datetime", "integer", "float", "boolean", "object", "array", "json", "list"]
"""What a column needs. `any` is a column whose type nobody said: text stays text, a JSON value is taken as it is.
`array` is JSON, `list` is JSON or has commas between its elements, which are checked where they are put."""

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    _DATE.pattern + r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_NOT_OF_IDS: Final = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f,\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
"""White space, control characters, a comma, and what has no glyph: joiners, marks of direction, byte order marks."""


def as_shown(value: JSON) -> str:
    """Format a cell as a report quotes it: shortened, and always encodable."""
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def id_fault(text: str) -> str:
    """Explain why `text` cannot be a resource id; empty if it can. An unusual shape alone is no fault."""
    if text.isalnum():
        return ""  # as it is for nearly every id: what follows is never a letter or a digit
    if text in {".", ".."}:
        return f"'{text}' is a path, not an id"
    if text in SPREADSHEET_ERRORS:
        return f"'{text}' is a spreadsheet's error: its formula found no id"
    if found := _NOT_OF_IDS.search(text):
        return f"character {found.start() + 1} is {_named(found[0])}, which no id contains"
    return ""


def _named(character: str) -> str:
    if character == ",":
        return "a comma"
    if character == "\ufeff":
        return "a byte-order mark (two files were put together)"
    if character.isspace():
        return "white space"
    kind = "an invisible" if character > "\x9f" else "the control"
    return f"{kind} character U+{ord(character):04X}"


def _as_is(text: str) -> JSON:
    return text


def _integer_of(text: str) -> JSON:
    if not _INTEGER.fullmatch(text):
        raise RowRefused("wrong_type", "needs a whole number such as 42 or -7, without spaces, `+` or leading zeros")
    try:
        return int(text)
    except ValueError:
        raise RowRefused("number_not_exact", "has thousands of digits") from None


def _float_of(text: str) -> JSON:
    if _INTEGER.fullmatch(text):
        return _integer_of(text)
    if not _NUMBER.fullmatch(text):
        raise RowRefused("wrong_type", "needs a number such as 12.5 or -1e3, with a decimal point and without spaces")
    try:
        return exact_float(text)
    except NotStrictJSON as error:
        raise RowRefused(error.reason, error.message) from None


def _boolean_of(text: str) -> JSON:
    lower = text.lower()
    if lower not in {"true", "false"}:
        raise RowRefused("wrong_type", "needs true or false")
    return lower == "true"


def _date_of(text: str) -> JSON:
    if not (_DATE.fullmatch(text) and _is_moment(text)):
        raise RowRefused("wrong_type", "needs a date such as 2026-01-31")
    return text


def _moment_of(text: str) -> JSON:
    if not (_MOMENT.fullmatch(text) and _is_moment(text)):
        raise RowRefused("wrong_type", "needs a date and time such as 2026-01-31T09:00:00Z, or a date")
    return text


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _list_of(text: str) -> JSON:
    """Return a list for JSON, and the trimmed parts between commas for any other text, as a tuple: they are texts."""
    if text.startswith("["):
        return _array_of(text)
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise RowRefused("wrong_type", 'has an empty part: write `red, blue`, or a JSON array such as ["red", "blue"]')
    return parts


def _json_of(text: str) -> JSON:
    try:
        return parse(text)
    except NotStrictJSON as error:
        raise RowRefused(error.reason, error.message) from None


def _object_of(text: str) -> JSON:
    return _an_object(_json_of(text))


def _array_of(text: str) -> JSON:
    return _an_array(_json_of(text))


def _a_string(value: JSON) -> JSON:
    if not isinstance(value, str):
        raise RowRefused("wrong_type", f'needs text: write it in quotes, "{as_shown(value)}"')
    return value


def _a_date(value: JSON) -> JSON:
    return _date_of(value if isinstance(value, str) else "")


def _a_moment(value: JSON) -> JSON:
    return _moment_of(value if isinstance(value, str) else "")


def _an_integer(value: JSON) -> JSON:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RowRefused("wrong_type", "needs a whole number such as 42, without quotes and without a fraction")
    return value


def _a_number(value: JSON) -> JSON:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowRefused("wrong_type", "needs a number such as 12.5, without quotes")
    return value


def _a_boolean(value: JSON) -> JSON:
    if not isinstance(value, bool):
        raise RowRefused("wrong_type", "needs true or false, without quotes")
    return value


def _an_object(value: JSON) -> JSON:
    if not isinstance(value, dict):
        raise RowRefused("wrong_type", 'needs a JSON object such as {"colour": "red"}')
    return value


def _an_array(value: JSON) -> JSON:
    if not isinstance(value, list):
        raise RowRefused("wrong_type", 'needs a JSON array such as ["red", "blue"]')
    return value


def _any(value: JSON) -> JSON:
    return value


FROM_TEXT: Final[Mapping[Wanted, Callable[[str], JSON]]] = {
    "any": _as_is,
    "string": _as_is,
    "date": _date_of,
    "datetime": _moment_of,
    "integer": _integer_of,
    "float": _float_of,
    "boolean": _boolean_of,
    "object": _object_of,
    "array": _array_of,
    "json": _json_of,
    "list": _list_of,
}
"""From the text of a sheet's cell; a text cell is never trimmed or reinterpreted. Each may raise `RowRefused`."""

FROM_JSON: Final[Mapping[Wanted, Callable[[JSON], JSON]]] = {
    "any": _any,
    "string": _a_string,
    "date": _a_date,
    "datetime": _a_moment,
    "integer": _an_integer,
    "float": _a_number,
    "boolean": _a_boolean,
    "object": _an_object,
    "array": _an_array,
    "json": _any,
    "list": _an_array,
}
"""From a member of an NDJSON object, which has a type already; it must be the right one. May raise `RowRefused`."""
