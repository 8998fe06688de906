"""The APIs there are, and their descriptions: to be listed, shown and checked."""

from collections.abc import Mapping
from pathlib import Path

from jobs.apis import catalogue
from jobs.apis.api import Api
from jobs.apis.description.loading import examine
from jobs.apis.description.model import Description
from jobs.apis.limits import OTHERS
from jobs.apis.registry import build, constants_of, description_of, names
from jobs.toml.loading import Examined
from jobs.values import valueclass
from worker.operations.apis import found, names_file, text_of


@valueclass(frozen=True, slots=True)
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
    """Return the APIs there are, the default one first, the others by name."""
    descriptions = map(catalogue.description, names())
    return [Listed(each.name, _types(each), each.verified, catalogue.about(each.name)) for each in descriptions]


def _types(description: Description) -> tuple[str, ...]:
    """Return the names of the types of records: those that the code of an API knows, or those that are described."""
    schema = build(description, {}).schema
    return (*schema.names, OTHERS) if schema.others else schema.names


def behind(api: Api) -> tuple[Description, Mapping[str, str]] | None:
    """Return the description that an API was made from, and the values of its variables; None where there is none."""
    description = description_of(api)
    return None if description is None else (description, constants_of(api))


def source(name_or_file: str) -> str:
    """Return the text of a description as its author wrote it.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    return text_of(Path(name_or_file)) if names_file(name_or_file) else catalogue.source(found(name_or_file).name)


def checked(path: Path) -> Examined[Description]:
    """Return what is in a file, with everything that is wrong with it.

    Raises:
        ConfigError: it cannot be read.
    """
    return examine(text_of(path))
