"""Names of fields: dotted, `address.city`, or JSON pointers, `/a.b/c~1d`, where a dot cannot part the steps.

A field has one canonical name: its steps joined by dots if that can be taken apart again, else its pointer (RFC 6901).
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

Steps: TypeAlias = tuple[str, ...]
"""Member names from the body, or the record's values, down to a field."""

_POINTER: Final = "/"


def steps_of(name: str) -> Steps:
    """Take a name apart: a pointer if it begins with `/`, else dotted."""
    if name.startswith(_POINTER):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in name[1:].split("/"))
    return tuple(name.split("."))


def name_of(steps: Sequence[str]) -> str:
    """Return the canonical name of a field; `steps` are not empty."""
    if all(step and "." not in step and not step.startswith(_POINTER) for step in steps):
        return ".".join(steps)
    return pointer_of(steps)


def pointer_of(steps: Sequence[str]) -> str:
    """Return the JSON pointer of a field."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
