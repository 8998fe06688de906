"""Where a value stands, however its path is written.

Of a described API, the members of an object that stands in another one have that object's name in their path:
`("attributes", "address.geo", "lat")`. Elsewhere no name of an attribute has a dot.
"""

from collections.abc import Collection

from jobs.model import Path
from jobs.names import steps_of


def place_of(path: Path) -> Path:
    """Return a path step by step: the objects that the value is in, one after the other."""
    if path[0] != "attributes":
        return path
    kind, name, *key = path
    return (kind, *steps_of(name), *key)


def is_within(place: Path, wholes: Collection[Path]) -> bool:
    """Return whether a place is among others, or a part of one of them."""
    return any(place[:length] in wholes for length in range(2, len(place) + 1))
