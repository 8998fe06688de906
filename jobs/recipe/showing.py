"""A recipe as TOML that shows every default. Loaded again, it is the same recipe."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from jobs.recipe.model import Recipe
from jobs.toml.problems import Path
from jobs.toml.showing import lines
from jobs.toml.writing import inline, key_of


def shown(recipe: Recipe) -> str:
    """Return a recipe as TOML with every key, set or not."""
    return "\n".join(lines(recipe, _columns)) + "\n"


def _columns(path: Path, columns: Mapping[str, BaseModel]) -> Iterator[str] | None:
    """Return a line for each column, with what is said of it."""
    return _lines_of(columns) if path == ("columns",) else None


def _lines_of(columns: Mapping[str, BaseModel | str]) -> Iterator[str]:
    for name, column in columns.items():
        said = column if isinstance(column, str) else column.model_dump(exclude_defaults=True)
        yield f"{key_of(name)} = {inline(said)}"
