"""Numbers that no float holds, as an API may store them: kept by their digits, and written again digit for digit.

Such a number only passes through: it stands in a key that a row does not name, of an object that goes back as a whole.
A sheet cannot say one (`number_not_exact`).
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from jobs.strict_json import NotStrictJSON, exact_float

_LONGEST: Final = 1000
"""Characters of a number that is kept; comparing takes time quadratic in them."""

_PERHAPS: Final = re.compile(rb"[0-9.]{17}|[eE][+-]?[0-9]{3}")
"""What every number has that no float holds: digits beyond the 16th, or an exponent beyond 99."""


class ExactNumber:
    """A number with more digits than a float has. `text` is how its JSON spells it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactNumber) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __float__(self) -> float:
        return float(self.text)

    def __repr__(self) -> str:
        return self.text

    @cached_property
    def _value(self) -> Decimal:
        return Decimal(self.text)


def number(text: str) -> float | ExactNumber:
    """Return what `text`, a JSON number with a fraction or an exponent, denotes; infinity where it is beyond all."""
    try:
        return exact_float(text)
    except NotStrictJSON:
        rounded = float(text)
        return ExactNumber(text) if len(text) <= _LONGEST and math.isfinite(rounded) else math.inf


read: Final = json.JSONDecoder(parse_float=number).decode
"""Return the value of a JSON text. Raises ValueError, RecursionError."""


def may_be_rounded(body: bytes) -> bool:
    """Return whether a JSON text may hold a number that a parser into floats has rounded."""
    return _PERHAPS.search(body) is not None


def write(value: object) -> bytes:
    """Return the JSON text of a value."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return _text(value).encode()


def holds_exact(value: object) -> bool:
    """Return whether there is an exact number in a value."""
    if isinstance(value, Mapping):
        return any(map(holds_exact, value.values()))
    return any(map(holds_exact, value)) if isinstance(value, list) else isinstance(value, ExactNumber)


def holds_float(values: Iterable[object]) -> bool:
    """Return whether there is a float among values and what they hold, which a parser may have rounded."""
    for value in values:
        kind = type(value)
        if kind is str:
            continue
        if kind is float:
            return True
        if kind is dict:
            if holds_float(value.values()):  # type: ignore[attr-defined]  # a dictionary
                return True
        elif kind is list and holds_float(value):  # type: ignore[arg-type]  # a list
            return True
    return False


def _text(value: Any) -> str:
    if isinstance(value, ExactNumber):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(str(key))}:{_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    return to_json(value).decode()
