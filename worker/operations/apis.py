"""The APIs there are, by name, and descriptions of further ones in files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.apis import catalogue
from jobs.apis.described.description import Description
from jobs.apis.described.loading import Examined, examine, load
from jobs.apis.described.problems import DescriptionRefused
from jobs.apis.registry import APIS
from jobs.apis.schema import closest
from worker.settings import ConfigError

_MOST: Final = 4 * 1024 * 1024
"""Bytes of a file beyond which it is no description."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An API in the list.

    Attributes:
        resources: names of its types of records.
        verified: what stands behind the description.
        about: one line.
    """

    name: str
    resources: tuple[str, ...]
    verified: str
    about: str


def listed() -> list[Listed]:
    """Return the APIs there are, by name."""
    code = [
        Listed(name, api.schema.names, "built in", "written in code, not as a description")
        for name, api in APIS.items()
    ]
    data = [(catalogue.description(name), catalogue.about(name)) for name in catalogue.names()]
    described = [Listed(api.name, tuple(api.resources), api.verified, about) for api, about in data]
    return sorted([*code, *described], key=lambda each: each.name)


def described(which: str) -> Description:
    """Return a description by its name, or from a file whose name ends in `.toml`.

    Raises:
        ConfigError: there is none, or it is refused; then with all that is wrong with it.
    """
    if not _is_file(which):
        return catalogue.description(_known(which))
    try:
        return load(_read(Path(which)), which)
    except DescriptionRefused as error:
        raise ConfigError(f"{which} is refused:\n{error}") from None


def source(which: str) -> str:
    """Return the text of a description as its author wrote it.

    Raises:
        ConfigError: there is none.
    """
    return _read(Path(which)) if _is_file(which) else catalogue.source(_known(which))


def checked(path: Path) -> Examined:
    """Return what is in a file, with everything that is wrong with it.

    Raises:
        ConfigError: it cannot be read.
    """
    return examine(_read(path))


def _is_file(which: str) -> bool:
    return which.endswith(".toml") or "/" in which


def _known(name: str) -> str:
    if name in catalogue.names():
        return name
    if name in APIS:
        raise ConfigError(f"{name} is built in as code; there is no description of it.")
    near = closest(name, [*catalogue.names(), *APIS])
    hint = f"did you mean {near}?" if near else "`rowpatch apis` lists those there are."
    raise ConfigError(f"There is no API {name!r}; {hint} The name of a file ends in .toml")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from None
    if len(content) > _MOST:
        raise ConfigError(f"{path} is too large for the description of an API.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8: save the file in that encoding.") from None
