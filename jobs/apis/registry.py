"""The APIs there are, each a description. Some are completed by code, for what data cannot say."""

from collections.abc import Mapping
from typing import Final

from jobs.apis import catalogue
from jobs.apis.api import Api
from jobs.apis.commercelayer.api import CommerceLayer
from jobs.apis.described.api import DescribedApi
from jobs.apis.description.model import Description
from jobs.apis.description.variables import constants
from jobs.apis.schema import closest

CODE: Final[Mapping[str, type[DescribedApi]]] = {
    "": DescribedApi,
    "commercelayer": CommerceLayer,
}
"""What makes an API of a description, by the key `code` of that."""

DEFAULT: Final = "commercelayer"
"""Name of the API of a run that names none."""


class UnknownApi(Exception):
    """There is no API of a name. The text says so, and names the nearest."""


def names() -> tuple[str, ...]:
    """Return the names of all APIs, the default one first."""
    return (DEFAULT, *(name for name in catalogue.names() if name != DEFAULT))


def api_named(name: str) -> Api:
    """Return an API with the defaults of its variables, and no base URL.

    Raises:
        UnknownApi: there is none of this name.
    """
    return build(description_named(name), {})


def description_named(name: str) -> Description:
    """Return the description of an API.

    Raises:
        UnknownApi: there is none of this name.
    """
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
    return CODE[description.code](description, constants(description, variables), base_url)


def is_default(description: Description) -> bool:
    """Return whether a description says what that of the default API says, wherever it was read."""
    return description == catalogue.description(DEFAULT)


def description_of(api: Api) -> Description | None:
    """Return the description that an API was made from; None for one that the caller has made without any."""
    return api.description if isinstance(api, DescribedApi) else None


def constants_of(api: Api) -> Mapping[str, str]:
    """Return the values that an API has for the variables of its description."""
    return api.constants if isinstance(api, DescribedApi) else {}
