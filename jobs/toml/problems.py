"""What is wrong with a description, as values."""

import re
from typing import Any, Final, TypeAlias

from jobs.printable import printable
from jobs.values import valueclass

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys of tables, and positions in lists from 0."""

_BARE: Final = re.compile(r"[A-Za-z0-9_*-]+")


@valueclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value.

    Attributes:
        path: of the value, or of the key that is missing.
        text: a sentence that says what to do.
        is_warning: the description can be used all the same.
        line: of the file, from 1; 0 where no file is known.
    """

    path: Path
    text: str
    is_warning: bool = False
    line: int = 0

    @property
    def key(self) -> str:
        """The path as people write it: `resources.tickets.fields."/a.b".type`, `error_rules[0].means`."""
        return dotted(self.path)

    def said(self, origin: str) -> str:
        """Return `FILE:LINE: key: sentence` on one line that is safe to print."""
        place = f"{origin}:{self.line}" if self.line else origin
        warning = "warning: " if self.is_warning else ""
        return printable(": ".join(filter(None, (place, self.key, f"{warning}{self.text}"))))


def dotted(path: Path) -> str:
    """Return a path as people write it."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{_key(each)}" for each in path).removeprefix(".")


def value_at(data: object, path: Path) -> Any:
    """Return what stands at a path of the data of a file.

    Raises:
        LookupError: nothing stands there.
    """
    found: Any = data
    for step in path:
        found = found[step]
    return found


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else f'"{name}"'
