"""Places in JSON documents, by JSON Pointer (RFC 6901) or by dotted name.

Written anew, as all of this folder: a fake that used the program's own way there would share its mistakes.
"""

from enum import Enum
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

Steps: TypeAlias = tuple[str, ...]
"""A place: the names on the way to it."""


class _Missing(Enum):
    MISSING = "missing"


MISSING: Final = _Missing.MISSING
"""What stands at a place where there is nothing; null is something."""

Missing: TypeAlias = Literal[_Missing.MISSING]


def steps_to(pointer: str) -> Steps:
    """Return the place of a JSON Pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def steps_of(name: str) -> Steps:
    """Return the place of a field, whose name is dotted or a pointer."""
    return steps_to(name) if name.startswith("/") else tuple(name.split("."))


def look(document: object, steps: Steps) -> Any:
    """Return what stands at a place, or MISSING."""
    for step in steps:
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def store(document: dict[str, Any], steps: Steps, value: object) -> None:
    """Put a value at a place, with the objects on the way; a number on it makes a list."""
    inside: Any = document
    for step, following in pairwise(steps):
        found = look(inside, (step,))
        if not isinstance(found, dict | list):
            found = [] if following == "0" else {}
            _set(inside, step, found)
        inside = found
    _set(inside, steps[-1], value)


def drop(document: object, steps: Steps) -> None:
    """Remove what stands at a place, if anything does."""
    inside = look(document, steps[:-1])
    if isinstance(inside, dict):
        inside.pop(steps[-1], None)


def leaves(document: object, steps: Steps = ()) -> list[Steps]:
    """Return the places of all that is no object, and of all objects that are empty but the whole."""
    if isinstance(document, dict) and (document or not steps):
        return [place for name, each in document.items() for place in leaves(each, (*steps, name))]
    return [steps]


def _set(inside: Any, step: str, value: object) -> None:
    if isinstance(inside, list):
        position = int(step) if step.isdecimal() else len(inside)
        inside[position : position + 1] = [value]
    else:
        inside[step] = value
