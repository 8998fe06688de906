"""Attribute values: which are refused, and the form in which the others are stored."""

import math
import re
from datetime import datetime
from typing import Final

from jobs.apis.schema import Attribute
from worker.sandbox.jsonapi import JSON

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_CAMEL_EDGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class BadValue(ValueError):
    """The value is refused. The message reads after the attribute's name: `is not a number`."""


def canonical(attribute: Attribute, value: JSON) -> JSON:
    """Return the value as the API stores it: `"67"` of a number as 67, `AdyenPayment` as `adyen_payments`.

    Raises:
        BadValue: the value is not of the attribute's type, or not in its list.
    """
    if value is None:
        return None
    stored = _CANONICAL[attribute.kind](value)
    return _listed(attribute.enum, str(stored)) if attribute.enum else stored


def _string(value: JSON) -> JSON:
    if not isinstance(value, str):
        raise BadValue("is not a string")
    return value


def _datetime(value: JSON) -> JSON:
    try:
        datetime.fromisoformat(str(_string(value)))
    except ValueError:
        raise BadValue("is not a valid datetime") from None
    return value


def _integer(value: JSON) -> JSON:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadValue("is not a number")
    return value


def _float(value: JSON) -> JSON:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise BadValue("is not a number")
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise BadValue("is not a number")
    return _finite(value)


def _finite(value: float | str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadValue("is out of range")
    return number


def _boolean(value: JSON) -> JSON:
    if not isinstance(value, bool):
        raise BadValue("is not a boolean")
    return value


def _object(value: JSON) -> JSON:
    if not isinstance(value, dict):
        raise BadValue("is not an object")
    return value


def _array(value: JSON) -> JSON:
    if not isinstance(value, list):
        raise BadValue("is not an array")
    return value


_CANONICAL: Final = {
    "string": _string,
    "datetime": _datetime,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "object": _object,
    "array": _array,
}


def _listed(allowed: tuple[str, ...], value: str) -> str:
    snake = _CAMEL_EDGE.sub("_", value).lower()
    for candidate in (value, snake, f"{snake}s"):
        if candidate in allowed:
            return candidate
    raise BadValue("is not included in the list")
