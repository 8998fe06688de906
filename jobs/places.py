"""Values at places in JSON documents: look there, put something there, and what has to be said to change it."""

from copy import deepcopy
from typing import Any

from jobs.model import ABSENT, JSON, Absent
from jobs.names import Steps


def at(document: object, steps: Steps) -> Any:
    """Return the value at a place, ABSENT where there is none; a number is the position in a list."""
    value = document
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def put(document: dict[str, Any], steps: Steps, value: object) -> None:
    """Put a value at a place, with the objects on the way to it; what is there and no object gives way to one."""
    *way, last = steps
    inner = document
    for step in way:
        found = inner.get(step)
        if not isinstance(found, dict):
            found = inner[step] = {}
        inner = found
    inner[last] = value


def take_away(document: dict[str, Any], steps: Steps) -> None:
    """Remove what is at a place, if anything is."""
    *way, last = steps
    inner = at(document, tuple(way))
    if isinstance(inner, dict):
        inner.pop(last, None)


def copied(value: Any) -> dict[str, Any]:
    """Return a copy of an object that may be changed; an empty one for anything else."""
    return deepcopy(value) if isinstance(value, dict) else {}


def replacing(old: object, new: JSON | Absent, depth: int) -> Any:
    """Return what makes `new` of `old` at a server that merges objects so many levels deep: members gone are null."""
    if depth <= 0 or not isinstance(new, dict) or not isinstance(old, dict):
        return None if isinstance(new, Absent) else new
    gone = {name: None for name in old if name not in new}
    kept = {name: replacing(old.get(name), value, depth - 1) for name, value in new.items()}
    return {**kept, **gone}
