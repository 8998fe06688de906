"""From the text of a file to a description that can be used, or to all that is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jobs.apis.description import checking
from jobs.apis.description.model import Description
from jobs.toml import loading
from jobs.toml.form import Form
from jobs.toml.loading import Refused
from jobs.toml.problems import Path, Problem

_CREDENTIALS: Final = frozenset(
    {"token", "username", "user", "password", "client_id", "client_secret", "api_key", "key"}
)


class DescriptionRefused(Refused):
    """A description that cannot be used; `problems` holds everything that is wrong with it, warnings left out."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a text.

    Attributes:
        description: None where its keys or types are wrong.
        problems: in the order of the lines, warnings included.
    """

    description: Description | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that make the description unusable."""
        return tuple(each for each in self.problems if not each.is_warning)


def load(text: str, origin: str) -> Description:
    """Return the description that a text in TOML holds.

    Args:
        text: of the file.
        origin: the name of the file, for messages.

    Raises:
        DescriptionRefused: with everything that is wrong with it.
    """
    found = examine(text)
    if found.description is None or found.errors:
        raise DescriptionRefused(origin, found.errors)
    return found.description


def examine(text: str) -> Examined:
    """Return what a text in TOML holds, with every problem and its line."""
    found = loading.examine(text, FORM)
    return Examined(found.value, found.problems)


def _stranger(path: Path) -> str:
    if path[:-1] == ("auth",) and path[-1] in _CREDENTIALS:
        return "no credential stands in a description: `apis check` says which environment variables hold it"
    return ""


_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("int", "float"),
    "integer": ("int",),
    "decimal": ("float",),
    "double": ("float",),
    "boolean": ("bool",),
    "string": ("text",),
    "str": ("text",),
    "array": ("list", "set"),
    "dict": ("object", "map"),
    "timestamp": ("datetime",),
}
"""What types are called elsewhere."""

FORM: Final = Form(
    model=Description,
    whole="the API as a whole",
    bounds={"string_pattern_mismatch": "write small letters, digits, _ and -, with a letter or digit first"},
    aliases=_ALIASES,
    stranger=_stranger,
    check=checking.problems,
)
"""Descriptions as a kind of file."""
