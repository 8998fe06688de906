"""From the text of a file to a recipe, or to all that is wrong with it."""

from typing import Final

from jobs.recipe import checking
from jobs.recipe.model import Recipe
from jobs.toml import loading
from jobs.toml.form import Form
from jobs.toml.loading import Examined
from jobs.toml.problems import Path

_CREDENTIALS: Final = frozenset({"token", "client_id", "client_secret", "username", "password", "api_key"})


def load(text: str, origin: str) -> Recipe:
    """Return the recipe that a text in TOML holds.

    Args:
        text: of the file.
        origin: the name of the file, for messages.

    Raises:
        Refused: with everything that is wrong with it.
    """
    return loading.load(text, origin, FORM)


def examine(text: str) -> Examined[Recipe]:
    """Return what a text in TOML holds, with every problem and its line."""
    return loading.examine(text, FORM)


def _stranger(path: Path) -> str:
    key = path[-1]
    if key in _CREDENTIALS and path[0] in {"credentials", "lanes", key}:
        return f"no credential stands in a recipe: name its file, {key}_file, or its variable, {key}_env"
    if path[0] == "notify" and key == "url":
        return "the address of a webhook is a secret: name its file, url_file, or its variable, url_env"
    return ""


FORM: Final = Form(
    model=Recipe,
    whole="the recipe as a whole",
    bounds={"string_pattern_mismatch": "write letters, digits, _ and -"},
    free=frozenset({"columns", "constants", "filter"}),
    traps=checking.traps,
    stranger=_stranger,
    check=checking.problems,
)
"""Recipes as a kind of file."""
