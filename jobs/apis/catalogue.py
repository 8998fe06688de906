"""The descriptions that come along: the files in `descriptions/`, each by its name."""

from functools import cache
from importlib.resources import files
from typing import Final

from jobs.apis.description.loading import load
from jobs.apis.description.model import Description

_SUFFIX: Final = ".toml"


@cache
def names() -> tuple[str, ...]:
    """Return the names of all descriptions, sorted."""
    found = (each.name for each in files("jobs.apis").joinpath("descriptions").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


@cache
def description(name: str) -> Description:
    """Return the description of that name. It is read once, when first asked for.

    Raises:
        KeyError: there is none.
    """
    return load(source(name), f"{name}{_SUFFIX}")


def about(name: str) -> str:
    """Return a line on what a description is of: the first comment of its file.

    Raises:
        KeyError: there is none.
    """
    return source(name).partition("\n")[0].lstrip("# ")


def source(name: str) -> str:
    """Return the text of its file, with the comments that say where each fact comes from.

    Raises:
        KeyError: there is none.
    """
    if name not in names():
        raise KeyError(name)
    return files("jobs.apis").joinpath("descriptions", f"{name}{_SUFFIX}").read_text(encoding="utf-8")
