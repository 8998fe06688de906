"""JSON as RFC 8259 has it, and nothing that would be sent as something other than what was written.

The standard parser takes NaN, keeps the last of two equal names, rounds numbers and overflows on deep nesting. Each of
these would change a value silently or end the run, so each is an error here.
"""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Final, NoReturn

from jobs.model import JSON

MAX_DEPTH: Final = 100
"""Objects and arrays that may be nested in each other."""

MAX_VALUES: Final = 500_000
"""Values in one text, by its commas and opening brackets: each costs up to 200 bytes of memory, however short it is."""

_MAX_FLOAT: Final = 1000
"""Characters of a number with a fraction; far more than any exact one needs, and parsing time is quadratic in them."""

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

_STRUCTURE: Final = re.compile(r'(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+"?)|[,\[{]', re.DOTALL)
"""A string, also one that never ends; or what another value comes with."""


class NotStrictJSON(Exception):
    """The text is not strict JSON, or holds a number that cannot be carried exactly.

    Attributes:
        reason: `bad_json` or `number_not_exact`, codes of `jobs.reasons`.
        message: where (1-based character of the text) and what, without quoting values.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def parse(text: str) -> JSON:
    """Parse `text` into the value it denotes, exactly; members of objects keep their order.

    Raises:
        NotStrictJSON: see the module.
    """
    if "\\u" in text:
        _refuse_half_characters(text)
    brackets = text.count("[") + text.count("{")
    if brackets + text.count(",") > MAX_VALUES and _has_too_many_values(text):
        raise NotStrictJSON("bad_json", f"it has more than {MAX_VALUES:,} values: no update has")
    try:
        value: JSON = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotStrictJSON("bad_json", f"character {error.pos + 1}: {error.msg.lower()}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise NotStrictJSON("number_not_exact", "an integer has thousands of digits") from None
    if brackets > MAX_DEPTH and _nested_too_deep(value):
        raise _too_deep()
    return value


def exact_float(text: str) -> float:
    """Convert `text`, a JSON number, to the number it denotes.

    Raises:
        NotStrictJSON: `number_not_exact` when sending the float would send another number (too many digits, too large).
    """
    number = float(text) if len(text) <= _MAX_FLOAT else math.inf
    if not (math.isfinite(number) and _same(number, text)):
        shown = text if len(text) <= 40 else f"{text[:40]}…"  # what fits into a sentence
        raise NotStrictJSON("number_not_exact", f"{shown} cannot be carried exactly")
    return number


def _same(number: float, text: str) -> bool:
    try:
        return Decimal(repr(number)) == Decimal(text)
    except InvalidOperation:  # an exponent beyond 10^18
        return False


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotStrictJSON("bad_json", f"the name {json.dumps(twice[:80])} stands twice in one object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise NotStrictJSON("bad_json", f"{name} is not a JSON number")


def _refuse_half_characters(text: str) -> None:
    half = next((found for found in _ESCAPE.finditer(text) if found["half"]), None)
    if half:
        raise NotStrictJSON("bad_json", f"character {half.start() + 1}: {half[0]} is half of a character")


def _has_too_many_values(text: str) -> bool:
    values = (found for found in _STRUCTURE.finditer(text) if not found["string"])
    return next(islice(values, MAX_VALUES, None), None) is not None


def _nested_too_deep(value: JSON) -> bool:
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = [child for item in layer for child in _children(item) if isinstance(child, dict | list)]
        if not layer:
            return False
    return True


def _children(value: JSON) -> list[JSON]:
    return list(value.values() if isinstance(value, dict) else value)  # type: ignore[arg-type]  # a list


def _too_deep() -> NotStrictJSON:
    return NotStrictJSON("bad_json", f"objects and arrays are nested more than {MAX_DEPTH} deep")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=exact_float, parse_constant=_refuse_constant, strict=True
)
