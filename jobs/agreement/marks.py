"""Values of an agreement as JSON, with a mark where there is no JSON value: absent, unread, sealed.

A mark is an object whose only member is called `=`; an object that looks like one is wrapped into a mark itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jobs.agreement.model import Sealed, Told, Value
from jobs.changes import exact
from jobs.model import ABSENT, UNREAD, Absent, Unread

_SIGN: Final = "="
_HINT: Final = f'"{_SIGN}"'
"""What a text has that holds a mark."""

_PLAIN: Final = frozenset({str, int, bool, float, type(None)})
_ABSENT: Final = {_SIGN: "absent"}
_UNREAD: Final = {_SIGN: "unread"}
_NAMED: Final[Mapping[str, Absent | Unread]] = {"absent": ABSENT, "unread": UNREAD}


def marked(value: Value | Sealed | Unread) -> Any:
    """Return what stands for a value in JSON."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Absent):
        return _ABSENT
    if isinstance(value, Unread):
        return _UNREAD
    if isinstance(value, Sealed):
        return {_SIGN: ["sealed", value.digest]}
    return {_SIGN: {"value": value}} if _looks_marked(value) else value


def unmarked(value: Any) -> Any:
    """Return the value that `marked` took.

    Raises:
        ValueError: it is a mark of no kind.
    """
    if not _looks_marked(value):
        return value
    match value[_SIGN]:
        case "absent" | "unread" as name:
            return _NAMED[name]
        case ["sealed", str(digest)]:
            return Sealed(digest)
        case {"value": inner}:
            return inner
    raise ValueError("a value with an unknown mark")


def encode(values: Any) -> str:
    """Return the JSON text of a list or an object of values."""
    if isinstance(values, Mapping):
        return exact.write({name: marked(value) for name, value in values.items()}).decode()
    return exact.write([marked(value) for value in values]).decode()


def decode(text: str) -> Any:
    """Return the list or the object of values that `encode` took.

    Raises:
        ValueError: it is something else.
    """
    try:
        values = exact.read(text)
    except RecursionError as error:
        raise ValueError("values that are nested too deep") from error
    if isinstance(values, list):
        return [unmarked(value) for value in values] if _HINT in text else values
    if isinstance(values, dict):
        return {name: unmarked(value) for name, value in values.items()}
    raise ValueError("neither a list nor an object of values")


def encode_told(told: Iterable[Told]) -> str:
    """Return the JSON text of what is told of the fields of a row."""
    parts = [[list(each.path), each.kind, *map(marked, (each.sheet, each.live, each.agreed))] for each in told]
    return exact.write(parts).decode()


def decode_told(text: str) -> tuple[Told, ...]:
    """Return what `encode_told` took.

    Raises:
        ValueError: it is something else.
    """
    try:
        return tuple(
            Told(tuple(map(str, path)), kind, *map(unmarked, values)) for path, kind, *values in exact.read(text)
        )
    except (TypeError, RecursionError) as error:
        raise ValueError("not what is told of a row") from error


def _looks_marked(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and _SIGN in value
