"""From the text of a file to a description that can be used, or to all that is wrong with it."""

from collections.abc import Mapping
from typing import Final

from jobs.apis.description import checking
from jobs.apis.description.model import Description
from jobs.toml import loading
from jobs.toml.form import Form
from jobs.toml.loading import Examined
from jobs.toml.problems import Path

_CREDENTIALS: Final = frozenset(
    {"token", "username", "user", "password", "client_id", "client_secret", "api_key", "key"}
)


def load(text: str, origin: str) -> Description:
    """Return the description that a text in TOML holds.

    Args:
        text: of the file.
        origin: the name of the file, for messages.

    Raises:
        Refused: with everything that is wrong with it.
    """
    return loading.load(text, origin, FORM)


def examine(text: str) -> Examined[Description]:
    """Return what a text in TOML holds, with every problem and its line."""
    return loading.examine(text, FORM)


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
