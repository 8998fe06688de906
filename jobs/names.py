"""Names of fields: dotted, or a JSON Pointer (RFC 6901) where a step has a dot. One canonical name per place."""

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

Steps: TypeAlias = tuple[str, ...]
"""A place in a document: the names on the way to it; none for the document itself."""


@lru_cache(maxsize=4096)
def steps_of(name: str) -> Steps:
    """Return the place that a name stands for: `a.b` and `/a/b` are one."""
    return pointed(name) if name.startswith("/") else tuple(name.split("."))


def pointed(pointer: str) -> Steps:
    """Return the place of a JSON Pointer, in which `~1` is a slash and `~0` a tilde; an empty one is the document."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def pointer_to(steps: Iterable[str]) -> str:
    """Return the JSON Pointer of a place."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def name_of(steps: Steps) -> str:
    """Return the canonical name of a place: dotted where that is unambiguous, else its pointer."""
    dotted = ".".join(steps)
    plain = bool(dotted) and all(step and "." not in step for step in steps) and not dotted.startswith("/")
    return dotted if plain else pointer_to(steps)
