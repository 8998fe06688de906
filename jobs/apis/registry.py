"""The APIs there are. One more is a module, or a folder, beside this one, and a line here; or a description as data."""

from collections.abc import Mapping
from typing import Final

from jobs.apis import catalogue
from jobs.apis.api import Api
from jobs.apis.commercelayer.api import COMMERCE_LAYER
from jobs.apis.described.api import DescribedApi, described
from jobs.apis.description.model import Description
from jobs.apis.description.variables import constants
from jobs.apis.schema import closest

APIS: Final[Mapping[str, Api]] = {
    "commercelayer": COMMERCE_LAYER,
}
"""Those that are code, by name."""

DEFAULT: Final = APIS["commercelayer"]
"""That of a run that names none."""


class UnknownApi(Exception):
    """There is no API of a name. The text says so, and names the nearest."""


def names() -> tuple[str, ...]:
    """Return the names of all APIs, those that are code first."""
    return (*APIS, *catalogue.names())


def api_named(name: str) -> Api:
    """Return an API; a described one has the defaults of its variables, and no base URL.

    Raises:
        UnknownApi: there is none of this name.
    """
    found = found_named(name)
    return build(found, {}) if isinstance(found, Description) else found


def found_named(name: str) -> Api | Description:
    """Return an API that is code, or the description of one that is data.

    Raises:
        UnknownApi: there is none of this name.
    """
    if name in APIS:
        return APIS[name]
    if name in catalogue.names():
        return catalogue.description(name)
    near = closest(name, names())
    hint = f"did you mean {near}?" if near else f"there are {', '.join(names())}, or the file of a description."
    raise UnknownApi(f"There is no API {name!r}; {hint}")


def build(description: Description, variables: Mapping[str, str], base_url: str = "") -> Api:
    """Return the API that a description makes.

    Args:
        description: of the API.
        variables: values that go before the defaults of the description.
        base_url: where it is; empty where nothing is to be sent.
    """
    return described(description, constants(description, variables), base_url)


def description_of(api: Api) -> Description | None:
    """Return the description that an API was made from; None for one that is code."""
    return api.description if isinstance(api, DescribedApi) else None


def constants_of(api: Api) -> Mapping[str, str]:
    """Return the values that a described API has for its variables; none for one that is code."""
    return api.constants if isinstance(api, DescribedApi) else {}
