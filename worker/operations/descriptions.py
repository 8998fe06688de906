"""The APIs there are, and their descriptions: to be listed, shown and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.apis import catalogue
from jobs.apis.api import Api
from jobs.apis.description.loading import Examined, examine
from jobs.apis.description.model import Description
from jobs.apis.registry import APIS, constants_of, description_of
from worker.operations.apis import found, names_file, text_of
from worker.settings import ConfigError


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
    about = "written in code, not as a description"
    code = [Listed(name, api.schema.names, "built in", about) for name, api in APIS.items()]
    descriptions = [(catalogue.description(name), catalogue.about(name)) for name in catalogue.names()]
    data = [Listed(api.name, tuple(api.resources), api.verified, about) for api, about in descriptions]
    return sorted([*code, *data], key=lambda each: each.name)


def described(name_or_file: str) -> Description:
    """Return a description by its name, or from a file.

    Raises:
        ConfigError: there is none, or it is refused; then with all that is wrong with it.
    """
    api = found(name_or_file)
    if isinstance(api, Description):
        return api
    raise ConfigError(f"{api.name} is written in code: there is no description of it.")


def behind(api: Api) -> tuple[Description, Mapping[str, str]] | None:
    """Return the description that an API was made from, and the values of its variables; None for one that is code."""
    description = description_of(api)
    return None if description is None else (description, constants_of(api))


def source(name_or_file: str) -> str:
    """Return the text of a description as its author wrote it.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    return text_of(Path(name_or_file)) if names_file(name_or_file) else catalogue.source(described(name_or_file).name)


def checked(path: Path) -> Examined:
    """Return what is in a file, with everything that is wrong with it.

    Raises:
        ConfigError: it cannot be read.
    """
    return examine(text_of(path))
